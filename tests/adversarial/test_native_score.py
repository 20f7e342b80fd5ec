"""The scores in C against those of PyTorch, bit by bit in any company, and without a compiler."""

from __future__ import annotations

import copy
import functools
import pickle
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

import alad
from alad.adversarial import native_step
from alad.adversarial.architectures import ARCHITECTURES, Architecture
from alad.adversarial.game import FAMILY, Game
from alad.adversarial.native_score import NativeCycle, cycle
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.scores import SCORES, Cycle
from alad.native import build
from alad.networks.context import Context
from alad.networks.weights import buffer_layout, initial_weights, weight_layout
from alad.neural.score import Fitted

AWKWARD = Architecture(17, (20, 5), (), 3, (9, 7), (18, 33, 21), (3,))
SHAPES = [
    (121, ARCHITECTURES["kdd99"]),
    (33, AWKWARD),
    (1, Architecture(1, (), (3,), 1, (1,), (1,), (1,))),
]
GAMES = {"alad": Game(FAMILY["alad"].terms), "bigan": FAMILY["bigan"]}
MEMBERS = 2


def model(width: int, shape: Architecture, game: str) -> tuple[GameNetworks, Context]:
    """Random weights, biases and statistics of batch norm."""
    networks = game_networks((width,), shape, GAMES[game])
    generators = [np.random.default_rng(seed) for seed in range(MEMBERS)]
    layout, statistics = weight_layout(networks.layers), buffer_layout(networks.layers)
    drawn = torch.Generator().manual_seed(1)
    weights = initial_weights(layout, generators)
    weights += 0.1 * torch.randn(weights.shape, generator=drawn)
    buffers = 0.5 + torch.rand(MEMBERS, statistics.size, generator=drawn)
    return networks, Context(layout.views(weights), statistics.views(buffers))


def rows(n: int, width: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(7).normal(size=(n, width)).astype("float32"))


def fitted_on(used: Cycle, width: int) -> dict[str, Fitted]:
    x = rows(80, width)
    return {name: score.fit(used, x) if score.fit else {} for name, score in SCORES.items()}


@pytest.fixture
def compiled() -> None:
    """Without a compiler there is nothing to test; with one, what fails to build is a bug."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    assert native_step.available(), native_step.reason()


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


every_model = pytest.mark.parametrize(
    ("width", "shape", "game"), [(*sizes, game) for sizes in SHAPES for game in GAMES]
)


@pytest.mark.usefixtures("compiled")
@every_model
def test_the_way_in_c_is_the_plain_one(width: int, shape: Architecture, game: str):
    networks, context = model(width, shape, game)
    x, plain, fast = rows(101, width), Cycle(networks, context), NativeCycle(networks, context)
    for name in ("reconstruct", "features", "logit"):
        expected, got = (getattr(used, name)(x) for used in (plain, fast))
        pairs = [(got, expected)] if name == "logit" else zip(got, expected, strict=True)
        for one, other in pairs:
            assert one.shape == other.shape
            size = other.abs().max().item()
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * size)


@pytest.mark.usefixtures("compiled")
@every_model
@pytest.mark.parametrize("name", SCORES)
def test_scores_agree(width: int, shape: Architecture, game: str, name: str):
    networks, context = model(width, shape, game)
    x, plain = rows(101, width), Cycle(networks, context)
    fitted = fitted_on(plain, width)[name]
    expected = SCORES[name].value(plain, x, fitted)
    got = SCORES[name].value(NativeCycle(networks, context), x, fitted)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5 * expected.max().item())


@pytest.mark.usefixtures("compiled")
@every_model
@pytest.mark.parametrize("name", SCORES)
def test_a_row_alone_is_the_row_in_any_batch(
    width: int, shape: Architecture, game: str, name: str, threads: None
):
    used = NativeCycle(*model(width, shape, game))
    fitted, x = fitted_on(used, width)[name], rows(1_201, width)

    def score(block: Tensor) -> Tensor:
        return SCORES[name].value(used, block, fitted)

    torch.set_num_threads(1)
    together = score(x)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(x)))
    torch.testing.assert_close(score(x[order]), together[:, order], rtol=0, atol=0)
    parts = [(0, 1), (5, 6), (95, 97), (191, 192), (1_200, 1_201), (40, 51), (0, 97), (300, 811)]
    for start, end in parts:
        torch.testing.assert_close(score(x[start:end]), together[:, start:end], rtol=0, atol=0)
    if (
        name == "whitened"
    ):  # its product in float64 is the BLAS's, with its own ways on more threads
        return
    torch.set_num_threads(3)
    torch.testing.assert_close(score(x), together, rtol=0, atol=0)


@pytest.mark.usefixtures("compiled")
def test_no_row_has_no_score():
    used = NativeCycle(*model(*SHAPES[0], "alad"))
    assert SCORES["features"].value(used, rows(0, 121), {}).shape == (MEMBERS, 0)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("game", GAMES)
def test_nothing_is_missed_where_the_reconstruction_is_the_row(game: str):
    """G and E pass every number on: then both pairs are one, to the last bit."""
    width = 21
    networks, context = model(width, Architecture(width, (), (), 5, (18,), (33,), (3,)), game)
    for name in ("E.0", "G.0"):
        context.weights[f"{name}.weight"][:] = torch.eye(width)
        context.weights[f"{name}.bias"][:] = 0.0
    gap = NativeCycle(networks, context).gap(rows(50, width))
    assert torch.equal(gap, torch.zeros_like(gap))
    context.weights["G.0.bias"][:, :, 3] = 0.5
    assert NativeCycle(networks, context).gap(rows(50, width)).abs().max() > 0.01


@pytest.mark.usefixtures("compiled")
def test_copies_and_pickles_score_the_same():
    used, x = NativeCycle(*model(*SHAPES[1], "alad")), rows(5, 33)
    for other in (copy.deepcopy(used), pickle.loads(pickle.dumps(used))):
        assert torch.equal(other.gap(x), used.gap(x))


@pytest.mark.usefixtures("compiled")
def test_who_asks_for_pytorch_gets_it():
    X = rows(60, 5).numpy()
    made = {
        engine: alad.ALAD(max_steps=1, random_state=0, engine=engine).fit(X)
        for engine in ("torch", "auto")
    }
    assert made["torch"].training_["scoring_engine"] == "torch"
    assert made["auto"].training_["scoring_engine"] == "native"
    assert type(made["torch"]._model) is Cycle and type(made["auto"]._model) is NativeCycle


@pytest.mark.usefixtures("compiled")
def test_double_precision_is_left_to_pytorch():
    networks, context = model(*SHAPES[1], "alad")
    double = {name: weight.double() for name, weight in context.weights.items()}
    assert type(cycle(networks, Context(double, context.buffers))) is Cycle


@pytest.mark.usefixtures("compiled")
def test_a_model_trained_in_c_scores_without_a_compiler(tmp_path, monkeypatch: pytest.MonkeyPatch):
    X = rows(60, 5).numpy()
    trained = alad.ALAD(max_steps=20, random_state=0, engine="native").fit(X)
    trained.save(tmp_path / "model")

    def refuse() -> None:
        raise build.BuildError("no C compiler")

    monkeypatch.setattr(build, "library", refuse)
    monkeypatch.setattr(build, "tell", functools.cache(build.tell.__wrapped__))
    with pytest.warns(UserWarning, match="PyTorch does their work: no C compiler"):
        loaded = alad.load(tmp_path / "model")
    assert type(loaded._model) is Cycle
    np.testing.assert_allclose(loaded.anomaly_score(X), trained.anomaly_score(X), rtol=1e-4)
