"""The way of a row in NumPy and in C against that of PyTorch, for ALAD, ALICE and BiGAN."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import toy
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_arrays, random_rows, same_in_any_company

from alad.adversarial import native_score, numpy_cycle, torch_cycle
from alad.adversarial.architectures import ARCHITECTURES, Architecture
from alad.adversarial.game import FAMILY, Game, Noise
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.numpy_cycle import NAMES
from alad.adversarial.scores import SCORES
from alad.errors import InputError
from alad.native import build
from alad.neural.score import minus_log_sigmoid

SHAPES = [
    (121, ARCHITECTURES["kdd99"]),
    (274, ARCHITECTURES["arrhythmia"]),
    (33, Architecture(17, (20, 5), (), 3, (9, 7), (18, 33, 21), (3,))),
    (1, Architecture(1, (), (3,), 1, (1,), (1,), (1,))),
    (19, Architecture(9, (20,), (18,), 3, (9,), (33,), (3,), periods=3, period_deviation=2.0)),
]
LEVEL = Game(FAMILY["alad"].terms, noise=Noise())  # E and G read a level, the same for all scored
GAMES = {**FAMILY, "noise": LEVEL}
every_model = pytest.mark.parametrize(
    ("width", "shape", "game"), [(*sizes, game) for sizes in SHAPES for game in GAMES]
)
every_engine = pytest.mark.parametrize("engine", ["numpy", "c"])


def model(width: int, shape: Architecture, game: str) -> tuple[GameNetworks, dict[str, Any]]:
    """Random networks, ready to score."""
    networks = game_networks((width,), shape, GAMES[game])
    return networks, random_arrays(networks)


def prepare(engine: str, *made_of: Any) -> Any:
    if engine == "c" and (reason := build.problem()) is not None:
        pytest.skip(reason)
    modules = {"c": native_score, "numpy": numpy_cycle, "torch": torch_cycle}
    return modules[engine].prepare(*made_of)


@every_engine
@every_model
def test_results_are_those_of_torch(width: int, shape: Architecture, game: str, engine: str):
    networks, arrays = model(width, shape, game)
    x = random_rows(301, width)
    got = prepare(engine, networks, arrays)(x, NAMES)
    expected = prepare("torch", networks, arrays)(x, NAMES)
    assert set(got) == set(expected) == set(NAMES)
    for name, result in got.items():
        assert result.dtype == np.float32
        agree(result, expected[name], 5e-6)


@every_engine
@every_model
def test_a_row_is_the_same_in_any_company(width: int, shape: Architecture, game: str, engine: str):
    made = prepare(engine, *model(width, shape, game))
    same_in_any_company(made, NAMES, random_rows(1_201 if engine == "c" else 301, width))


# --- the length that C measures beside the pass ---------------------------------------------------


def with_joint(width: int, shape: Architecture, game: str) -> tuple[GameNetworks, Any, Any]:
    """Random networks, and what score "joint" learns of random rows."""
    networks, arrays = model(width, shape, game)
    known = prepare("numpy", networks, arrays)(random_rows(400, width, seed=8), NAMES)
    return networks, arrays, SCORES["joint"].learn(known)  # pyright: ignore


def in_model(learnt: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What score "joint" has learnt, as a model holds what all scores have."""
    return {f"joint/{part}": array for part, array in learnt.items()}


@every_model
def test_c_measures_the_joint_length_of_its_formula(width: int, shape: Architecture, game: str):
    networks, arrays, learnt = with_joint(width, shape, game)
    x = random_rows(301, width) * np.logspace(0, 2, 301)[:, np.newaxis].astype(np.float32)
    engine = prepare("c", networks, arrays, in_model(learnt))
    assert engine.scores == {"joint"}
    got = engine(x, ["joint"])["joint"]
    formula = SCORES["joint"].value
    exact = formula(prepare("numpy", networks, arrays)(x, NAMES), learnt)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, exact, rtol=2e-5)
    # of the same parts: what is left is the product's rounding
    np.testing.assert_allclose(got, formula(engine(x, NAMES), learnt), rtol=3e-6)


@pytest.mark.parametrize(("width", "shape"), SHAPES)
def test_a_joint_length_is_the_same_in_any_company(width: int, shape: Architecture):
    networks, arrays, learnt = with_joint(width, shape, "alad")
    made = prepare("c", networks, arrays, in_model(learnt))
    same_in_any_company(made, ("joint", "fake"), random_rows(1_201, width))
    assert prepare("c", *model(width, shape, "alad")).scores == frozenset()


@pytest.mark.parametrize(
    ("part", "spoil", "message"),
    [
        ("unmix", lambda a: a[:, :-1], r"joint/unmix has shape \(2, 74, 75\), not \(2, 75, 75\)"),
        ("mean", lambda a: a[..., :-1], r"joint/mean has shape .*; save the model anew"),
        ("units", lambda a: a[:1], r"joint/units has shape \(1, 3\), not \(2, 3\)"),
        ("unmix", lambda a: a + 1, "joint/unmix is not lower triangular"),
    ],
)
def test_c_refuses_what_it_would_read_beyond(part: str, spoil: Any, message: str):
    networks, arrays, learnt = with_joint(19, SHAPES[4][1], "alad")
    with pytest.raises(InputError, match=message):
        prepare("c", networks, arrays, in_model({**learnt, part: spoil(learnt[part])}))


def test_scores_of_the_case():
    scores = case("scores")
    given, expected = scores["given"], scores["expected"]
    arrays = arrays_of(toy.weights(given["weights"]))
    x = np.array(given["x"])
    got = numpy_cycle.prepare(toy.networks(FAMILY["alice"]), arrays)(x)
    np.testing.assert_array_equal(got["gap"], got["real"] - got["fake"])
    gap, missed = got["gap"][0], x - got["reconstruction"][0]
    tolerance = scores["tolerance"]["values"]
    close(got["real"][0], expected["features(x,x)"], tolerance)
    close(got["fake"][0], expected["features(x,G(E(x)))"], tolerance)
    close(np.abs(gap).sum(1), expected["score_features"], tolerance)
    close(np.abs(missed).sum(1), expected["score_l1"], tolerance)
    close(np.sqrt(np.square(missed).sum(1)), expected["score_l2"], tolerance)
    close(minus_log_sigmoid(got["logit"])[0], expected["score_logits"], tolerance)


@every_engine
@pytest.mark.parametrize("game", FAMILY)
def test_nothing_is_missed_where_the_reconstruction_is_the_row(game: str, engine: str):
    """G and E pass every number on: then both pairs are one, to the last bit."""
    width = 21
    networks, arrays = model(width, Architecture(width, (), (), 5, (18,), (33,), (3,)), game)
    for name in ("E.0", "G.0"):
        arrays[f"{name}.weight"] = np.tile(np.eye(width, dtype=np.float32), (2, 1, 1))
        arrays[f"{name}.bias"] = np.zeros((2, 1, width), np.float32)
    x = np.round(random_rows(50, width) * 1024) / 1024  # of few bits, so that none is rounded off
    got = prepare(engine, networks, arrays)(x, NAMES)
    np.testing.assert_array_equal(got["reconstruction"], np.stack([x, x]))
    np.testing.assert_array_equal(got["real"], got["fake"])
    assert not got["gap"].any()
    arrays["G.0.bias"][:, :, 3] = 0.5
    got = prepare(engine, networks, arrays)(x, NAMES)
    assert np.abs(got["gap"]).max() > 0.01
    # NumPy takes the difference before it rounds to float32
    np.testing.assert_allclose(
        got["gap"], got["real"] - got["fake"], rtol=0, atol=1e-6 * (engine == "numpy")
    )


@pytest.mark.parametrize("engine", ["numpy", "c", "torch"])
@pytest.mark.parametrize("wanted", NAMES)
def test_one_result_alone_is_the_one_among_all(wanted: str, engine: str):
    made, x = prepare(engine, *model(*SHAPES[2], "alad")), random_rows(20, 33)
    np.testing.assert_array_equal(made(x, [wanted])[wanted], made(x, NAMES)[wanted])


def test_double_precision_stays():
    networks = game_networks((33,), SHAPES[2][1], FAMILY["alad"])
    arrays = random_arrays(networks, double=True)
    x = random_rows(20, 33).astype(np.float64)
    got = numpy_cycle.prepare(networks, arrays)(x, NAMES)
    with torch.no_grad():
        expected = torch_cycle.prepare(networks, arrays)(x, NAMES)
    for name in NAMES:
        agree(got[name], expected[name], 1e-11)
