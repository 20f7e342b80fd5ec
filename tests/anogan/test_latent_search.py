"""The search in latent space against independently computed numbers, and row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from torch import Tensor

from alad.anogan.architectures import GanArchitecture
from alad.anogan.networks import GanNetworks, gan_networks
from alad.anogan.search import Descent, Found, LatentSearch
from alad.anogan.settings import SearchSettings
from alad.networks.context import Context
from alad.networks.weights import initial_weights, weight_layout

CASE = case("anogan")
GIVEN, EXPECTED, TOLERANCE = CASE["given"], CASE["expected"], CASE["tolerance"]
PATH = EXPECTED["before_step_1_2_3_then_final"]
TOY = gan_networks((3,), GanArchitecture(2, (4,), (4,), (0.0,)))
LAYERS = {"G": {"1": "G.0", "2": "G.1"}, "D": {"1": "D.hidden.0", "2": "D.logit"}}


def tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def toy_weights() -> dict[str, Tensor]:
    named = {}
    for network, layers in LAYERS.items():
        arrays = GIVEN["weights"][network]
        for short, layer in layers.items():
            named[f"{layer}.weight"] = tensor(arrays[f"W{short}"])[None]
            named[f"{layer}.bias"] = tensor(arrays[f"b{short}"])[None, None]
    return named


def settings(steps: int) -> SearchSettings:
    return SearchSettings(steps, GIVEN["lr"], GIVEN["lambda"])


def found(steps: int, row: int) -> Found:
    """The case has another start for every row, a model has one for all: so, row by row."""
    start = tensor(GIVEN["z_start"][row])[None, None]
    return LatentSearch(TOY, toy_weights(), start, settings(steps))(tensor(GIVEN["x"][row])[None])


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("steps", range(4))
def test_the_way_and_the_losses_on_it(steps: int, row: int):
    got, expected = found(steps, row), PATH[steps]
    close(got.z[0, 0], expected["z"][row], TOLERANCE["z"])
    for name in ("residual", "discrimination", "loss"):
        # z is given to 1e-6 only: its gradient by z is at most 3.2
        tolerance = TOLERANCE["values"] if steps == 0 else 4 * TOLERANCE["z"]
        close(getattr(got, name)[0, 0], expected[name][row], tolerance)


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("steps", range(4))
def test_gradient(steps: int, row: int):
    start = tensor(PATH[steps]["z"][row])[None, None]
    search = LatentSearch(TOY, toy_weights(), start, settings(0))
    descent = Descent(search, tensor(GIVEN["x"][row])[None])
    descent.gradient()
    close(descent.gradient()[0, 0, :2], PATH[steps]["gradient"][row], TOLERANCE["values"])


def test_lambda_stands_on_the_discrimination_term():
    for row in range(3):
        got = found(3, row)
        close(got.loss, [[EXPECTED["score"][row]]], 4 * TOLERANCE["z"])
        wrong = EXPECTED["wrong_score_at_final_z_with_weights_swapped"][row]
        assert abs(got.loss.item() - wrong) > 0.2
    moved = [
        np.abs(found(3, row).z[0, 0].numpy() - wrong).max()
        for row, wrong in enumerate(EXPECTED["wrong_final_z_with_weights_swapped"])
    ]
    assert max(moved) > 0.5  # only the second row goes another way


def test_members_start_apart_and_search_apart():
    networks = gan_networks((5,), GanArchitecture(3, (6,), (7, 4), (0.0, 0.0)))
    generators = [np.random.default_rng(seed) for seed in (1, 2)]
    layout = weight_layout(networks.layers)
    weights = layout.views(initial_weights(layout, generators).double())
    x = torch.from_numpy(np.random.default_rng(3).normal(size=(6, 5)))
    start = torch.from_numpy(np.random.default_rng(4).normal(size=(2, 1, 3)))
    together = LatentSearch(networks, weights, start, settings(20))(x)
    for member in range(2):
        own = {name: value[member : member + 1] for name, value in weights.items()}
        alone = LatentSearch(networks, own, start[member : member + 1], settings(20))(x)
        torch.testing.assert_close(together.loss[member], alone.loss[0])
        torch.testing.assert_close(alone.loss[0], by_autograd(networks, own, start[member], x))


def by_autograd(
    networks: GanNetworks, weights: dict[str, Tensor], start: Tensor, x: Tensor
) -> Tensor:
    """The same search as PyTorch would write it: losses [n] of one member after 20 steps."""
    context = Context(weights)
    z = start.repeat(len(x), 1)[None].clone().requires_grad_()
    adam = torch.optim.Adam([z], lr=GIVEN["lr"])
    real = networks.discriminator.features(context, x[None]).detach()

    def losses() -> Tensor:
        generated = networks.generator(context, z)
        residual = (x - generated).abs().sum(2)
        features = networks.discriminator.features(context, generated)
        return 0.9 * residual + 0.1 * (real - features).abs().sum(2)

    for _ in range(20):
        adam.zero_grad()
        losses().sum().backward()
        adam.step()
    return losses()[0].detach()


def test_more_steps_come_nearer():
    networks = gan_networks((5,), GanArchitecture(3, (6,), (7,), (0.0,)))
    layout = weight_layout(networks.layers)
    weights = layout.views(initial_weights(layout, [np.random.default_rng(1)]))
    x = torch.from_numpy(np.random.default_rng(3).normal(size=(50, 5)).astype("float32"))
    start = torch.full((1, 1, 3), 0.5)
    losses = [
        LatentSearch(networks, weights, start, replace(settings(steps), learning_rate=0.02))(x).loss
        for steps in (0, 30, 300)
    ]
    assert losses[0].mean() > losses[1].mean() + 0.3 > losses[2].mean() + 0.3
