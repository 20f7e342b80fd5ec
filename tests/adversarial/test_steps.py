"""The update of both sides: members, optimiser, moving averages, spectral norms."""

from __future__ import annotations

import pytest
import torch
from numeric_cases import case, close

from alad.adversarial.architectures import architecture_for
from alad.adversarial.game import FAMILY, Game
from alad.adversarial.networks import game_networks
from alad.adversarial.step import GameStep
from alad.networks.layers import Dense
from alad.networks.weights import scoring_weights
from alad.randomness import Purpose, stream
from alad.training.optimizer import Optimiser, WeightGroup, ema_decay_at

OPTIMISER = Optimiser(1e-3, 8)


def rows(n: int = 60, width: int = 5) -> torch.Tensor:
    return torch.from_numpy(
        stream(1, 0, Purpose.SPLIT).standard_normal((n, width)).astype("float32")
    )


def make(
    game: Game = FAMILY["alad"], members: list[int] | None = None, X: torch.Tensor | None = None
) -> GameStep:
    X = rows() if X is None else X
    networks = game_networks(tuple(X.shape[1:]), architecture_for(X.shape[1]), game)
    return GameStep(X, networks, game, OPTIMISER, seed=3, members=members or [0])


def after(steps: int, step: GameStep) -> GameStep:
    for number in range(steps):
        step(number)
    return step


@pytest.mark.parametrize("method", list(FAMILY))
def test_a_member_among_others_is_the_member_alone(method: str):
    # in float64: Adam turns the rounding of a gradient that is 0 (a bias before batch norm) into a
    # step of full length
    X = rows().double()
    together = after(25, make(FAMILY[method], [0, 1, 2], X)).arrays()
    alone = after(25, make(FAMILY[method], [2], X)).arrays()
    for name, array in alone.items():
        torch.testing.assert_close(together[name][2:], array, rtol=1e-5, atol=1e-6, msg=name)


def test_members_differ():
    step = after(3, make(members=[0, 1]))
    assert not torch.allclose(step.generator.weights[0], step.generator.weights[1])


def test_the_same_seed_gives_the_same_bytes_and_leaves_the_global_generators_alone():
    before = torch.get_rng_state()
    first, second = after(5, make()), after(5, make())
    for name, array in first.arrays().items():
        assert torch.equal(array, second.arrays()[name]), name
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("method", list(FAMILY))
def test_a_gradient_reaches_every_weight(method: str):
    step = make(FAMILY[method])
    before = {side: side.weights.clone() for side in (step.generator, step.discriminator)}
    after(3, step)
    for side, weights in before.items():
        for name, moved in side.layout.views((side.weights - weights).abs()).items():
            assert moved.max() > 0, name


def test_each_side_moves_only_its_own_weights_and_statistics_move_with_the_discriminators():
    step = make()
    generator, discriminator = step.generator.weights.clone(), step.discriminator.weights.clone()
    step.discriminator.descend = lambda loss, update: None  # type: ignore[method-assign]
    step(0)
    assert torch.equal(step.discriminator.weights, discriminator)
    assert not torch.equal(step.generator.weights, generator)


def test_spectral_norm_is_one_after_training():
    step = after(150, make())
    spectral = [layer for layer in step.networks.layers if layer.spectral]
    weights = step.generator.views | step.discriminator.views
    baked, _ = scoring_weights(step.networks, step.scoring_arrays())
    assert len(spectral) >= 5
    for layer in spectral:
        matrix, u = weights[f"{layer.name}.weight"], step.buffer_views[f"{layer.name}.u"]
        # what training divides by: a lower bound
        followed = torch.linalg.vector_norm(matrix @ u.transpose(1, 2))
        ratio = (torch.linalg.matrix_norm(matrix, ord=2) / followed).item()
        assert ratio == pytest.approx(1.0, abs=0.1), layer.name
        exact = torch.linalg.matrix_norm(baked[f"{layer.name}.weight"], ord=2).item()
        assert exact == pytest.approx(1.0, abs=0.02), layer.name


def test_without_spectral_norm_no_layer_is_bound():
    step = make(Game(FAMILY["alad"].terms))
    assert not any(layer.spectral for layer in step.networks.layers)


def test_moving_average_warms_up():
    given, expected = case("batchnorm_ema")["given"], case("batchnorm_ema")["expected"]
    path = torch.tensor(given["ema_weights_start_then_after_each_step"], dtype=torch.float64)
    shadow = path[0].clone()
    for update, weights in enumerate(path[1:]):
        shadow.lerp_(weights, 1 - ema_decay_at(update, given["ema_decay"]))
        close(shadow, expected["ema_warm_t_from_0"][update], 1e-10)
    for update, decay in expected["warm_decay_at"]:
        assert ema_decay_at(update, 0.999) == pytest.approx(decay)


def test_adam_has_the_paper_s_betas():
    """One weight, gradient g at every step: hand-computed first two updates."""
    layer = Dense("a", 1, 1)
    group = WeightGroup([layer], torch.zeros(1, 2), Optimiser(0.1, 1))
    for update, gradient in enumerate([2.0, -1.0]):
        loss = group.leaves["a.weight"].sum() * gradient + 0.0 * group.leaves["a.bias"].sum()
        group.descend(loss, update)
    # m1 = 1, mhat 2; v1 = 0.004, vhat 4: -0.1 * 2/2 = -0.1
    # m2 = 0, so the second step moves nothing
    assert group.views["a.weight"].item() == pytest.approx(-0.1, rel=1e-5)
    assert group.views["a.bias"].item() == 0.0


def test_batches_of_the_two_sides_are_drawn_apart_and_cover_an_epoch():
    step = make(X=rows(24))
    first = [step.order.batch(number, 0)[0] for number in range(3)]
    second = [step.order.batch(number, 1)[0] for number in range(3)]
    assert sorted(row for batch in first for row in batch) == list(range(24))
    assert [list(batch) for batch in first] != [list(batch) for batch in second]


def test_fewer_rows_than_a_batch():
    step = after(2, make(X=rows(3)))
    assert step.batch == 3 and torch.isfinite(step.generator.weights).all()
