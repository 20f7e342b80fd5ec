"""The search in latent space in NumPy against torch and independent numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_context, random_rows, same_in_any_company

from alad.anogan import numpy_search, search
from alad.anogan.architectures import GAN_ARCHITECTURES, GanArchitecture
from alad.anogan.networks import GanNetworks
from alad.anogan.numpy_search import MemberSearch, prepare_search
from alad.anogan.search import LatentSearch, SearchSettings
from alad.networks.context import Context

CASE = case("anogan")
GIVEN, EXPECTED, TOLERANCE = CASE["given"], CASE["expected"], CASE["tolerance"]
PATH = EXPECTED["before_step_1_2_3_then_final"]
TOY = GanNetworks(3, GanArchitecture(2, (4,), (4,), (0.0,)))
SHAPES = [
    (121, GAN_ARCHITECTURES["kdd99"]),
    (1, GanArchitecture(1, (), (5,), (0.0,))),
    (33, GanArchitecture(17, (20,), (16, 3), (0.0, 0.0))),
]
every_shape = pytest.mark.parametrize(("width", "shape"), SHAPES)


def settings(steps: int) -> SearchSettings:
    return SearchSettings(steps, GIVEN["lr"], GIVEN["lambda"])


def toy_arrays(z: list[float]) -> dict[str, np.ndarray]:
    layers = {"G": {"1": "G.0", "2": "G.1"}, "D": {"1": "D.hidden.0", "2": "D.logit"}}
    arrays = {"search.start": np.array([[z]])}
    for network, names in layers.items():
        for short, layer in names.items():
            arrays[f"{layer}.weight"] = np.array([GIVEN["weights"][network][f"W{short}"]])
            arrays[f"{layer}.bias"] = np.array([[GIVEN["weights"][network][f"b{short}"]]])
    return arrays


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("steps", range(4))
def test_the_way_and_the_losses_of_the_case(steps: int, row: int):
    engine = prepare_search(TOY, toy_arrays(GIVEN["z_start"][row]), settings(steps))
    got = engine(np.array([GIVEN["x"][row]]))
    close(got["z"][0, 0], PATH[steps]["z"][row], TOLERANCE["z"])
    for name in ("residual", "discrimination", "loss"):
        # z is given to 1e-6 only: its gradient by z is at most 3.2
        tolerance = TOLERANCE["values"] if steps == 0 else 4 * TOLERANCE["z"]
        close(got[name][0, 0], PATH[steps][name][row], tolerance)


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("steps", range(4))
def test_gradient_of_the_case(steps: int, row: int):
    arrays, x = toy_arrays(GIVEN["z_start"][row]), np.array([GIVEN["x"][row]])
    one = MemberSearch(TOY, arrays, settings(0), 0)
    z = np.array([PATH[steps]["z"][row]])
    got = one.gradient(z, x, one.features(x))
    close(got[0], PATH[steps]["gradient"][row], TOLERANCE["values"])


def model(width: int, shape: GanArchitecture, steps: int, *, double: bool = False):
    """The same search in torch and in NumPy; D's logits in torch."""
    networks = GanNetworks(width, shape)
    context = random_context(networks.layers, double=double)
    weights, start = dict(context.weights), context.buffers["search.start"]
    chosen = SearchSettings(steps, 0.01, 0.1)
    engine = prepare_search(networks, arrays_of(context.weights, context.buffers), chosen)
    reference = LatentSearch(networks, weights, start, chosen)
    return reference, engine, Context(weights), networks


@every_shape
@pytest.mark.parametrize(
    ("double", "steps", "tolerance"), [(False, 30, 1e-4), (True, 100, 1e-10), (True, 500, 1e-8)]
)
def test_the_search_is_that_of_torch(
    width: int, shape: GanArchitecture, double: bool, steps: int, tolerance: float
):
    reference, engine, context, networks = model(width, shape, steps, double=double)
    x = random_rows(20, width).astype(np.float64 if double else np.float32)
    expected, got = reference(torch.from_numpy(x)), engine(x)
    for name, value in expected._asdict().items():
        agree(got[name], value, tolerance)
    logits = networks.judge(context, torch.from_numpy(x).expand(2, *x.shape))
    agree(got["logit"], logits, 5e-6)


def test_scores_of_a_whole_search_in_float32_agree():
    """After 500 steps: each engine's rounding goes its own way, to losses that are close."""
    reference, engine, *_ = model(*SHAPES[0], 500)
    x = random_rows(20, 121)
    expected, got = reference(torch.from_numpy(x)).loss.numpy(), engine(x, ["loss"])["loss"]
    np.testing.assert_allclose(got, expected, rtol=0.03)
    assert abs(np.mean(got / expected) - 1.0) < 3e-3


def test_more_steps_come_nearer():
    losses = [model(*SHAPES[2], steps)[1](random_rows(50, 33))["loss"] for steps in (0, 30, 300)]
    assert losses[0].mean() > losses[1].mean() > losses[2].mean()


@every_shape
def test_a_row_is_the_same_in_any_company(width: int, shape: GanArchitecture):
    _, engine, *_ = model(width, shape, 4)
    same_in_any_company(engine, random_rows(130, width))


def test_logits_ask_for_no_search(monkeypatch: pytest.MonkeyPatch):
    _, engine, *_ = model(*SHAPES[1], 10)
    x = random_rows(5, 1)
    expected = engine(x)["logit"]
    monkeypatch.setattr(MemberSearch, "gradient", None)
    np.testing.assert_array_equal(engine(x, ["logit"])["logit"], expected)


def test_adam_is_that_of_the_reference():
    for name in ("BETA1", "BETA2", "EPSILON"):
        assert getattr(numpy_search, name) == getattr(search, name)
