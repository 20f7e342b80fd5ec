"""The way of a row in NumPy against that of torch, for ALAD, ALICE and BiGAN."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_context, random_rows, same_in_any_company

from alad.adversarial.architectures import ARCHITECTURES, Architecture
from alad.adversarial.networks import DenseNetworks
from alad.adversarial.numpy_cycle import NAMES, prepare_cycle
from alad.adversarial.scores import Cycle
from alad.networks.context import Context
from alad.networks.weights import Layout, buffer_layout, scoring_weights, weight_layout
from alad.neural.score import minus_log_sigmoid

SHAPES = [
    (121, ARCHITECTURES["kdd99"]),
    (274, ARCHITECTURES["arrhythmia"]),
    (33, Architecture(17, (20, 5), (), 3, (9, 7), (18, 33, 21), (3,))),
    (1, Architecture(1, (), (3,), 1, (1,), (1,), (1,))),
]
GAMES = {"alad": {"spectral": True}, "alice": {"zz": False}, "bigan": {"xx": False, "zz": False}}
every_model = pytest.mark.parametrize(
    ("width", "shape", "game"), [(*sizes, game) for sizes in SHAPES for game in GAMES]
)


def model(width: int, shape: Architecture, game: str) -> tuple[DenseNetworks, Context]:
    """Random networks, ready to score: spectral norms divided out."""
    networks = DenseNetworks(width, shape, **GAMES[game])
    context = random_context(networks.layers)

    def flat(layout: Layout, named: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([named[name].flatten(1) for name in layout.shapes], dim=1)

    arrays = {
        group: flat(weight_layout(layers), dict(context.weights))
        for group, layers in networks.groups.items()
    }
    arrays["buffers"] = flat(buffer_layout(networks.layers), dict(context.buffers))
    return networks, Context(*scoring_weights(networks, arrays))


def engine_of(networks: DenseNetworks, context: Context):
    return prepare_cycle(networks, arrays_of(context.weights, context.buffers))


@every_model
def test_results_are_those_of_torch(width: int, shape: Architecture, game: str):
    networks, context = model(width, shape, game)
    x = random_rows(301, width)
    got, reference = engine_of(networks, context)(x), Cycle(networks, context)
    _, code, reconstruction = reference.reconstruct(torch.from_numpy(x))
    real, fake = reference.features(torch.from_numpy(x))
    expected = {"code": code, "reconstruction": reconstruction, "real": real, "fake": fake}
    expected |= {"logit": reference.logit(torch.from_numpy(x))}
    assert set(got) == set(expected) == set(NAMES)
    for name, result in got.items():
        assert result.dtype == np.float32
        agree(result, expected[name], 5e-6)


@every_model
def test_a_row_is_the_same_in_any_company(width: int, shape: Architecture, game: str):
    same_in_any_company(engine_of(*model(width, shape, game)), random_rows(301, width))


def test_scores_of_the_case():
    scores = case("scores")
    given, expected = scores["given"], scores["expected"]
    arrays = arrays_of(toy.weights(given["weights"]))
    x = np.array(given["x"])
    got = prepare_cycle(toy.networks(zz=False), arrays)(x)
    gap, missed = (got["real"] - got["fake"])[0], x - got["reconstruction"][0]
    tolerance = scores["tolerance"]["values"]
    close(got["real"][0], expected["features(x,x)"], tolerance)
    close(got["fake"][0], expected["features(x,G(E(x)))"], tolerance)
    close(np.abs(gap).sum(1), expected["score_features"], tolerance)
    close(np.abs(missed).sum(1), expected["score_l1"], tolerance)
    close(np.sqrt(np.square(missed).sum(1)), expected["score_l2"], tolerance)
    logit = torch.from_numpy(got["logit"])
    close(minus_log_sigmoid(logit)[0], expected["score_logits"], tolerance)


@pytest.mark.parametrize("game", GAMES)
def test_nothing_is_missed_where_the_reconstruction_is_the_row(game: str):
    """G and E pass every number on: then both pairs are one, to the last bit."""
    width = 21
    networks, context = model(width, Architecture(width, (), (), 5, (18,), (33,), (3,)), game)
    arrays = arrays_of(context.weights, context.buffers)
    for name in ("E.0", "G.0"):
        arrays[f"{name}.weight"] = np.tile(np.eye(width, dtype=np.float32), (2, 1, 1))
        arrays[f"{name}.bias"] = np.zeros((2, 1, width), np.float32)
    x = np.round(random_rows(50, width) * 1024) / 1024  # of few bits, so that none is rounded off
    got = prepare_cycle(networks, arrays)(x)
    np.testing.assert_array_equal(got["reconstruction"], np.stack([x, x]))
    np.testing.assert_array_equal(got["real"], got["fake"])
    arrays["G.0.bias"][:, :, 3] = 0.5
    got = prepare_cycle(networks, arrays)(x)
    assert np.abs(got["real"] - got["fake"]).max() > 0.01


@pytest.mark.parametrize("wanted", NAMES)
def test_one_result_alone_is_the_one_among_all(wanted: str):
    networks, context = model(*SHAPES[2], "alad")
    engine, x = engine_of(networks, context), random_rows(20, 33)
    np.testing.assert_array_equal(engine(x, [wanted])[wanted], engine(x)[wanted])
