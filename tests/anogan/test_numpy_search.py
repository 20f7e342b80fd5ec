"""The search in latent space in NumPy and in C against PyTorch and independent numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numeric_cases import case, close
from numpy_rows import agree, random_arrays, random_rows, same_in_any_company

from alad.anogan import native_search, numpy_search, search
from alad.anogan.architectures import GAN_ARCHITECTURES, GanArchitecture
from alad.anogan.networks import START, gan_networks
from alad.anogan.numpy_search import NAMES, MemberSearch, prepare
from alad.anogan.settings import SearchSettings
from alad.native import build

CASE = case("anogan")
GIVEN, EXPECTED, TOLERANCE = CASE["given"], CASE["expected"], CASE["tolerance"]
PATH = EXPECTED["before_step_1_2_3_then_final"]
TOY = gan_networks((3,), GanArchitecture(2, (4,), (4,), (0.0,)))
SHAPES = [
    (121, GAN_ARCHITECTURES["kdd99"]),
    (1, GanArchitecture(1, (), (5,), (0.0,))),
    (33, GanArchitecture(17, (20,), (16, 3), (0.0, 0.0))),
]
every_shape = pytest.mark.parametrize(("width", "shape"), SHAPES)


HIDDEN = TOY.discriminator.joint.layers[0].name


def settings(steps: int) -> SearchSettings:
    return SearchSettings(steps, GIVEN["lr"], GIVEN["lambda"])


def toy_arrays(z: list[float]) -> dict[str, np.ndarray]:
    layers = {"G": {"1": "G.0", "2": "G.1"}, "D": {"1": HIDDEN, "2": "D.logit"}}
    arrays = {START: np.array([[z]])}
    for network, names in layers.items():
        for short, layer in names.items():
            arrays[f"{layer}.weight"] = np.array([GIVEN["weights"][network][f"W{short}"]])
            arrays[f"{layer}.bias"] = np.array([[GIVEN["weights"][network][f"b{short}"]]])
    return arrays


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("steps", range(4))
def test_the_way_and_the_losses_of_the_case(steps: int, row: int):
    engine = prepare(TOY, toy_arrays(GIVEN["z_start"][row]), settings(steps))
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


def engine_of(engine: str, width: int, shape: GanArchitecture, steps: int, *, double=False) -> Any:
    """The same search, by any engine."""
    if engine == "c" and (reason := build.problem()) is not None:
        pytest.skip(reason)
    networks = gan_networks((width,), shape)
    arrays = random_arrays(networks, double=double)
    modules = {"c": native_search, "numpy": numpy_search, "torch": search}
    return modules[engine].prepare(networks, arrays, SearchSettings(steps, 0.01, 0.1))


@every_shape
@pytest.mark.parametrize(
    ("engine", "double", "steps", "tolerance"),
    [
        ("c", False, 30, 1e-4),
        ("numpy", False, 30, 1e-4),
        ("numpy", True, 100, 1e-10),
        ("numpy", True, 500, 1e-8),
    ],
)
def test_the_search_is_that_of_torch(
    width: int, shape: GanArchitecture, engine: str, double: bool, steps: int, tolerance: float
):
    x = random_rows(20, width).astype(np.float64 if double else np.float32)
    got, expected = (
        engine_of(name, width, shape, steps, double=double)(x, NAMES) for name in (engine, "torch")
    )
    assert set(got) == set(expected) == set(NAMES)
    for name in NAMES:
        agree(got[name], expected[name], 5e-6 if name == "logit" else tolerance)


@pytest.mark.parametrize("engine", ["c", "numpy"])
def test_scores_of_a_whole_search_in_float32_agree(engine: str):
    """After 500 steps: each engine's rounding goes its own way, to losses that are close."""
    x = random_rows(20, 121)
    got, expected = (
        engine_of(name, *SHAPES[0], 500)(x, ["loss"])["loss"] for name in (engine, "torch")
    )
    np.testing.assert_allclose(got, expected, rtol=0.03)
    assert abs(np.mean(got / expected) - 1.0) < 3e-3


def test_more_steps_come_nearer():
    x = random_rows(50, 33)
    losses = [engine_of("numpy", *SHAPES[2], steps)(x, ["loss"])["loss"] for steps in (0, 30, 300)]
    assert losses[0].mean() > losses[1].mean() > losses[2].mean()


@every_shape
@pytest.mark.parametrize("engine", ["c", "numpy", "torch"])
def test_a_row_is_the_same_in_any_company(width: int, shape: GanArchitecture, engine: str):
    same_in_any_company(engine_of(engine, width, shape, 4), NAMES, random_rows(130, width))


def test_logits_ask_for_no_search(monkeypatch: pytest.MonkeyPatch):
    engine = engine_of("numpy", *SHAPES[1], 10)
    x = random_rows(5, 1)
    expected = engine(x)["logit"]
    monkeypatch.setattr(MemberSearch, "gradient", None)
    np.testing.assert_array_equal(engine(x, ["logit"])["logit"], expected)
