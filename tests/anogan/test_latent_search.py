"""The search in latent space against independently computed numbers, and row by row."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from torch import Tensor

from alad.adversarial import native_step
from alad.anogan.architectures import GanArchitecture
from alad.anogan.native_search import NativeSearch
from alad.anogan.networks import GanNetworks, gan_networks
from alad.anogan.search import Descent, Found, LatentSearch, SearchSettings
from alad.errors import InputError
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


# --- the search in C ------------------------------------------------------------------------------

SHAPES = [
    (121, GanArchitecture(32, (64, 128), (256, 128, 128), (0.2,) * 3)),
    (1, GanArchitecture(1, (), (5,), (0.0,))),
    (33, GanArchitecture(17, (20,), (16, 3), (0.0, 0.0))),
]


def random_model(
    width: int, shape: GanArchitecture, members: int, kind: type[LatentSearch], steps: int = 30
) -> LatentSearch:
    networks = gan_networks((width,), shape)
    generators = [np.random.default_rng(seed) for seed in range(members)]
    layout = weight_layout(networks.layers)
    flat = initial_weights(layout, generators)
    flat += 0.01 * torch.from_numpy(np.random.default_rng(9).normal(size=flat.shape)).float()
    start = np.random.default_rng(8).normal(size=(members, 1, shape.latent)).astype("float32")
    chosen = SearchSettings(steps, 0.01, 0.1)
    return kind(networks, layout.views(flat), torch.from_numpy(start), chosen)


def rows(n: int, width: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(7).normal(size=(n, width)).astype("float32"))


@pytest.fixture
def compiled() -> None:
    """Without a compiler there is nothing to test; with one, what fails to build is a bug."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    assert native_step.available(), native_step.reason()


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(("width", "shape"), SHAPES)
def test_the_search_in_c_is_the_plain_one(width: int, shape: GanArchitecture):
    x = rows(61, width)
    plain, fast = (random_model(width, shape, 2, kind)(x) for kind in (LatentSearch, NativeSearch))
    for name in Found._fields:
        got, expected = getattr(fast, name), getattr(plain, name)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4, check_dtype=False, msg=name)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("kind", [LatentSearch, NativeSearch])
@pytest.mark.parametrize(("width", "shape"), SHAPES)
def test_a_row_alone_is_the_row_in_any_batch(
    width: int, shape: GanArchitecture, kind: type[LatentSearch], threads: int
):
    x, search = rows(150, width), random_model(width, shape, 2, kind, steps=4)
    together = search(x)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))
    for name, value in search(x[order])._asdict().items():
        assert torch.equal(value, getattr(together, name)[:, order])
    for part in (slice(0, 1), slice(127, 128), slice(149, 150), slice(40, 51), slice(0, 97)):
        for name, value in search(x[part])._asdict().items():
            assert torch.equal(value, getattr(together, name)[:, part]), (name, part)


@pytest.mark.usefixtures("compiled")
def test_the_number_of_threads_changes_no_bit_in_c():
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(random_model(*SHAPES[0], 2, NativeSearch)(rows(100, 121)))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(*pair) for pair in zip(found[0], other, strict=True))


@pytest.mark.usefixtures("compiled")
def test_what_c_cannot_do_is_refused():
    search = random_model(*SHAPES[0], 1, NativeSearch)
    with pytest.raises(InputError, match=r"float32 on the CPU, not torch\.float64"):
        search(rows(3, 121).double())
