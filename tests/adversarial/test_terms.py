"""Rows of the game's table: terms, penalties and a noise level that are only added, not written."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from numeric_cases import case
from toy import context, networks, tensor

import alad
from alad import storage
from alad.adversarial import native_structures
from alad.adversarial.architectures import ImageArchitecture, architecture_for
from alad.adversarial.game import (
    DENOISING_GAME,
    FAMILY,
    SIDES,
    XX,
    XZ,
    ZZ,
    Game,
    Noise,
    Penalty,
    Term,
)
from alad.adversarial.native_step import NativeGameStep
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.play import Drawn, discriminator_loss, loss, play, squared_distance
from alad.adversarial.step import GameStep
from alad.adversarial.torch_cycle import Cycle
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.layers import Conditioned
from alad.networks.weights import scoring_weights
from alad.training.optimizer import Optimiser

# the joint pair the other way round: the code first
ZX = Term("zx", real=("E(x)", "x"), fake=("z", "G(z)"), asks="does the row belong to the code?")
CYCLE = Penalty("cycle", of=("x", "G(E(x))"), value=squared_distance, weight=2.0)
DENOISED = Penalty("denoised", of=("x", "G(E(x~))"), value=squared_distance)

WITH_TERM = Game((XZ, ZX))
WITH_PENALTY = Game((XZ, ZZ), penalties=(CYCLE,))
WITH_NOISE = replace(FAMILY["alad"], penalties=(DENOISED,), noise=Noise(0.45, 0.8))
ADDED = {"term": WITH_TERM, "penalty": WITH_PENALTY, "noise": WITH_NOISE}

CASE = case("game")
SMALL = ImageArchitecture(latent=6, width=16, xz_code=(16,), xz_joint=16, xx=(16,), zz=(8,))


def rows(*shape: int) -> torch.Tensor:
    drawn = np.random.default_rng(0).standard_normal((60, 2)) @ np.ones((2, int(np.prod(shape))))
    return torch.from_numpy(np.tanh(0.5 * drawn).astype(np.float32).reshape(60, *shape))


def made(game: Game, shape: tuple[int, ...]) -> GameNetworks:
    return game_networks(shape, architecture_for(shape[0]) if len(shape) == 1 else SMALL, game)


def step(game: Game, shape: tuple[int, ...], rate: float = 1e-3) -> GameStep:
    return GameStep(
        rows(*shape), made(game, shape), game, Optimiser(rate, 16), seed=0, members=[0, 1]
    )


# --- the table ------------------------------------------------------------------------------------


def test_everything_is_made_once_and_e_sees_rows_of_both_kinds_together():
    assert FAMILY["alad"].passes == (("G", ("z",)), ("E", ("x", "G(z)")), ("G", ("E(x)",)))
    assert FAMILY["bigan"].passes == FAMILY["alad"].passes[:2]
    assert WITH_NOISE.passes == (
        ("G", ("z",)),
        ("E", ("x", "G(z)", "x~")),
        ("G", ("E(x)", "E(x~)")),
    )
    deep = Game((Term("far", ("x",), ("G(E(G(E(x))))",)),))
    asked = [f"{network}({one})" for network, inputs in deep.passes for one in inputs]
    assert len(set(asked)) == len(asked) and "G(E(G(E(x))))" in asked


@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (("x", "E(x)"), ("z", "G(z)"), "sees"),
        (("x",), ("x", "x"), "sees"),
        (("y",), ("x",), "'y' is no symbol"),
        (("x",), ("G(x)",), "G takes a code"),
        (("x", "x", "x"), ("x", "x", "x"), "sees"),
    ],
)
def test_a_term_that_makes_no_sense_is_refused(real, fake, message):
    with pytest.raises(ValueError, match=message):
        Term("wrong", real, fake)


def test_a_game_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="no noise"):
        Game((XZ,), penalties=(DENOISED,))
    with pytest.raises(ValueError, match="one name"):
        Game((XZ, Term("xz", ("x",), ("G(z)",))))


def test_a_term_is_switched():
    assert FAMILY["alice"].switched(ZZ, True).terms == FAMILY["alad"].terms
    assert FAMILY["alad"].switched(ZZ, False).terms == FAMILY["alice"].terms
    assert FAMILY["alad"].switched(XX, True) == FAMILY["alad"]


# --- the formulas ---------------------------------------------------------------------------------


def toy(game: Game, *, constants: bool = True):
    given = {name: tensor(array) for name, array in CASE["given"].items() if name in "xz"}
    used = context(CASE["given"])
    return play(networks(game), used, game, Drawn(given), constants=constants)


def test_real_inputs_that_do_not_depend_on_e_and_g_are_left_out_for_them():
    _, logits = toy(FAMILY["alad"], constants=False)
    assert {name: pair.real is None for name, pair in logits.items()} == {
        "xz": False,
        "xx": True,
        "zz": True,
    }


def test_a_penalty_is_added_to_the_loss_of_its_side():
    drift = Penalty("drift", ("xz.fake",), lambda logits: logits.square().mean(dim=1))
    game = Game((XZ, XX), penalties=(CYCLE, replace(drift, sides=("discriminator",))))
    everything, logits = toy(game)
    x, again = everything["x"], everything["G(E(x))"]
    by_hand = (x - again).square().sum(dim=2).mean(dim=1)
    plain = {side: loss(replace(game, penalties=()), side, everything, logits) for side in SIDES}
    ours = {side: loss(game, side, everything, logits) for side in SIDES}
    torch.testing.assert_close(ours["generator"], plain["generator"] + 2 * by_hand)
    expected = plain["discriminator"] + logits["xz"].fake.square().mean(dim=1)
    torch.testing.assert_close(ours["discriminator"], expected)
    assert torch.equal(plain["discriminator"], discriminator_loss(logits))


# --- training, with one more row ------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5,), (9, 8, 1)], ids=str)
@pytest.mark.parametrize("share_batch", [False, True])
@pytest.mark.parametrize("name", ADDED)
def test_the_reference_trains_a_game_with_one_more_row(name, share_batch, shape):
    trained = step(ADDED[name], shape)
    trained.share_batch = share_batch
    before = {side: part.weights.clone() for side, part in trained.by_group.items()}
    for number in range(3):
        assert torch.isfinite(trained(number)).all()
    for side, part in trained.by_group.items():
        for weight, moved in part.layout.views((part.weights - before[side]).abs()).items():
            assert moved.max() > 0, weight


@pytest.mark.parametrize("shape", [(5,), (9, 8, 1)], ids=str)
def test_a_denoising_penalty_learns_to_take_noise_away(shape):
    trained, x = step(WITH_NOISE, shape, rate=5e-3), rows(*shape).expand(2, 60, *shape)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    level = torch.full((2, 60), 0.6).log()

    def error() -> float:
        networks = trained.networks
        used = Context(*scoring_weights(networks, trained.scoring_arrays()))
        with torch.no_grad():
            code = networks.encoder(used, x + 0.6 * noise, level)
            again = networks.generator(used, code, level)
        return float((x - again).square().mean())

    untrained = error()
    for number in range(150):
        trained(number)
    assert error() < 0.7 * untrained


@pytest.mark.parametrize("shape", [(5,), (9, 8, 1)], ids=str)
def test_a_row_is_scored_as_if_it_had_noise_of_the_scored_level(shape):
    trained, x = step(WITH_NOISE, shape), rows(*shape)
    networks = trained.networks
    assert isinstance(networks.encoder, Conditioned) and isinstance(networks.generator, Conditioned)
    used = Context(*scoring_weights(networks, trained.scoring_arrays()))
    with torch.no_grad():
        _, code, again = Cycle(networks, used).reconstruct(x)
        level = torch.full((2, 60), np.log(0.1))
        expected = networks.encoder(used, x.expand(2, *x.shape), level)
        assert torch.equal(code, expected)
        assert torch.equal(again, networks.generator(used, code, level))
        told = networks.encoder(used, x.expand(2, *x.shape), level + 0.5)
    assert not torch.equal(code, told)


def test_a_noise_level_need_not_be_told_to_the_networks():
    untold = replace(WITH_NOISE, noise=Noise(conditions=False))
    assert made(untold, (5,)) == made(FAMILY["alad"], (5,))
    assert torch.isfinite(step(untold, (5,))(0)).all()


# --- engines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "what"), [("term", "D_zx"), ("penalty", "penalty 'cycle'"), ("noise", "noise")]
)
def test_an_engine_says_in_one_line_what_it_cannot_play(name, what):
    game = ADDED[name]
    problem = native_structures.refusal(game)
    assert problem is not None and what in problem and "\n" not in problem
    with pytest.raises(InputError, match=what):
        NativeGameStep(rows(5), made(game, (5,)), game, Optimiser(1e-3, 8), seed=0, members=[0])


def test_the_published_games_are_played_in_c():
    assert {method: native_structures.refusal(game) for method, game in FAMILY.items()} == {
        "bigan": None,
        "alice": None,
        "alad": None,
    }
    assert native_structures.refusal(DENOISING_GAME) is None
    assert native_structures.refusal(Game((XX, XZ))) is not None
    assert native_structures.refusal(Game((XX,))) is not None


class Denoising(alad.ALAD):
    """ALAD with a penalty and a noise level: a row of the table more, no line of code."""

    name: ClassVar[str] = "denoising"


@pytest.mark.parametrize("shape", [(5,), (9, 8)], ids=str)
def test_a_detector_plays_what_the_table_says(shape, monkeypatch):
    monkeypatch.setitem(FAMILY, "denoising", WITH_NOISE)
    X = np.random.default_rng(0).integers(0, 256, (50, *shape)).astype(np.uint8)
    X = X.astype(float) if len(shape) == 1 else X
    detector = Denoising(max_steps=3, batch_size=8, random_state=0).fit(X)
    assert detector.model_.own == "features"  # not the denoising form's: it plays a game of its own
    scores = detector.anomaly_score(X)
    assert detector.anomaly_score(X[7:8])[0] == scores[7] and len(set(scores)) == 50
    if len(shape) == 1:
        assert detector.training_["engine"] == "torch"
        assert "noise" in detector.training_["engine_note"]
        with pytest.raises(InputError, match="does not know the penalty 'denoised', noise"):
            Denoising(engine="native", max_steps=3).fit(X)


def test_a_checkpoint_of_another_version_is_refused_in_one_line(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4))
    how = {"checkpoint": tmp_path / "c", "checkpoint_seconds": 0.0, "random_state": 0}
    alad.ALAD(max_steps=4, check_every=2, **how).fit(X)
    summary, arrays = storage.read(tmp_path / "c", "checkpoint")
    old = {name.replace("generator", "players"): array for name, array in arrays.items()}
    storage.write(tmp_path / "c", "checkpoint", summary, old)
    with pytest.raises(InputError, match="written by another version of alad") as refusal:
        alad.ALAD(max_steps=4, check_every=2, resume=True, **how).fit(X)
    assert "\n" not in str(refusal.value)
