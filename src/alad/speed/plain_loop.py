"""ALAD as one would first write it in PyTorch: `nn.Sequential`, two Adams, one step at a time.

The same networks, dropout, batch norm, spectral norm, batches and moving averages as ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrizations import spectral_norm

from alad.adversarial.networks import GameNetworks
from alad.training.optimizer import Optimiser, ema_decay_at

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "leaky": nn.LeakyReLU, "tanh": nn.Tanh}
SLOPE = 0.2  # of LeakyReLU


def sequential(layers: Sequence[Any]) -> nn.Sequential:
    """Write dense layers as modules."""
    modules: list[nn.Module] = []
    for layer in layers:
        dense = nn.Linear(layer.inputs, layer.outputs)
        modules.append(spectral_norm(dense) if layer.spectral else dense)
        if layer.batch_norm:
            modules.append(nn.BatchNorm1d(layer.outputs, 1e-3, 0.01))
        if layer.activation != "linear":
            slope = (SLOPE,) if layer.activation == "leaky" else ()
            modules.append(ACTIVATIONS[layer.activation](*slope))
        if layer.dropout:
            modules.append(nn.Dropout(layer.dropout))
    return nn.Sequential(*modules)


class PlainNetworks(nn.Module):
    """E, G, D_xz, D_xx and D_zz of a table."""

    def __init__(self, networks: GameNetworks):
        super().__init__()
        xz, xx, zz = (networks.discriminators[name] for name in ("xz", "xx", "zz"))
        self.encoder = sequential(networks.encoder.layers)
        self.generator = sequential(networks.generator.layers)
        self.of_x, self.of_z = (sequential(branch.layers) for branch in xz.branches)
        self.xz = sequential((*xz.joint.layers, xz.logit))
        self.xx = sequential((*xx.joint.layers, xx.logit))
        self.zz = sequential((*zz.joint.layers, zz.logit))

    def sides(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """List the discriminators' parameters, and those of E and G."""
        judges = (self.of_x, self.of_z, self.xz, self.xx, self.zz)
        players = (self.encoder, self.generator)
        return (
            [parameter for network in judges for parameter in network.parameters()],
            [parameter for network in players for parameter in network.parameters()],
        )

    def pairs(self, x: Tensor, z: Tensor) -> Tensor:
        """Give D_xz's logits [n, 1]."""
        return self.xz(torch.cat([self.of_x(x), self.of_z(z)], 1))

    @torch.no_grad()
    def score(self, x: Tensor) -> Tensor:
        """Score rows by the L1 length of f(x, x) - f(x, G(E(x))), f before D_xx's logit: [n]."""
        made = self.generator(self.encoder(x))
        features = self.xx[:-1]
        real, fake = features(torch.cat([x, x], 1)), features(torch.cat([x, made], 1))
        return (real - fake).abs().sum(1)


class PlainLoop:
    """Training of one member on rows X [n, width], float32; a call is a step of both sides."""

    def __init__(self, X: Tensor, networks: GameNetworks, optimiser: Optimiser):
        self.X, self.batch, self.latent = X, optimiser.batch_size, networks.latent
        self.networks = PlainNetworks(networks)
        self.sides = self.networks.sides()
        settings = {"lr": optimiser.learning_rate, "betas": (optimiser.beta1, optimiser.beta2)}
        self.optimisers = [torch.optim.Adam(side, **settings) for side in self.sides]
        self.averages = [[p.detach().clone() for p in side] for side in self.sides]

    def __call__(self, number: int) -> None:
        """Update the discriminators, then E and G."""
        nets = self.networks
        for turn, (side, optimiser) in enumerate(zip(self.sides, self.optimisers, strict=True)):
            x = self.X[torch.randint(len(self.X), (self.batch,))]
            z = torch.randn(self.batch, self.latent)
            code, made = nets.encoder(x), nets.generator(z)
            recode, remade = nets.encoder(made), nets.generator(code)
            sign = 1.0 - 2.0 * turn
            loss = softplus(-sign * nets.pairs(x, code)).mean()
            loss = loss + softplus(sign * nets.pairs(made, z)).mean()
            loss = loss + softplus(sign * nets.xx(torch.cat([x, remade], 1))).mean()
            loss = loss + softplus(sign * nets.zz(torch.cat([z, recode], 1))).mean()
            if turn == 0:
                loss = loss + softplus(-nets.xx(torch.cat([x, x], 1))).mean()
                loss = loss + softplus(-nets.zz(torch.cat([z, z], 1))).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            with torch.no_grad():
                for average, parameter in zip(self.averages[turn], side, strict=True):
                    average.lerp_(parameter, 1.0 - ema_decay_at(number, 0.999))


def scored_in_blocks(networks: PlainNetworks, x: np.ndarray, rows: int = 512) -> np.ndarray:
    """Score encoded rows [n, width] by blocks: float32 [n]."""
    blocks = torch.from_numpy(x).split(rows)
    return torch.cat([networks.score(block) for block in blocks]).numpy()
