"""The small networks of tests/cases/game.json, in float64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from alad.adversarial.architectures import Architecture
from alad.adversarial.game import FAMILY, Game
from alad.adversarial.networks import GameNetworks, game_networks
from alad.networks.context import Context

SHAPE = Architecture(
    latent=2,
    encoder=(4,),
    generator=(4,),
    xz_branch=3,
    xz_joint=(4,),
    xx=(4,),
    zz=(3,),
    xz_dropout=0.0,
    cycle_dropout=0.0,
    xz_batch_norm=False,
)

# name in the case -> name of the layer
LAYERS = {
    "E": {"1": "E.0", "2": "E.1"},
    "G": {"1": "G.0", "2": "G.1"},
    "Dxz": {"x": "Dxz.x", "z": "Dxz.z", "1": "Dxz.joint.0", "2": "Dxz.logit"},
    "Dxx": {"1": "Dxx.joint.0", "2": "Dxx.logit"},
    "Dzz": {"1": "Dzz.joint.0", "2": "Dzz.logit"},
}


def tensor(values: Any) -> Tensor:
    """One member: [1, n, width]."""
    return torch.tensor(values, dtype=torch.float64)[None]


def weights(networks: dict[str, dict[str, Any]]) -> dict[str, Tensor]:
    """The case's matrices and biases under the names of our layers, as leaves."""
    named: dict[str, Tensor] = {}
    for network, arrays in networks.items():
        for short, layer in LAYERS[network].items():
            named[f"{layer}.weight"] = tensor(arrays[f"W{short}"]).requires_grad_()
            named[f"{layer}.bias"] = tensor([arrays[f"b{short}"]]).requires_grad_()
    return named


def networks(game: Game = FAMILY["alad"]) -> GameNetworks:
    """Of the game, without spectral normalisation."""
    return game_networks((3,), SHAPE, replace(game, spectral=False))


def context(given: dict[str, Any]) -> Context:
    return Context(weights(given["weights"]), training=True)
