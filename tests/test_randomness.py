"""Streams of random numbers: replayable, independent of neighbours; seeds, masks and batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from alad.errors import InputError
from alad.randomness import Purpose, seed_of, stream
from alad.training.noise import Order, StepNoise


def drawn(seed: int = 1, member: int = 2, purpose: Purpose = Purpose.STEP, number: int = 3):
    return stream(seed, member, purpose, number).standard_normal(50)


def test_a_stream_can_be_replayed():
    np.testing.assert_array_equal(drawn(), drawn())


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"member": 3}, {"purpose": Purpose.ORDER}, {"number": 4}]
)
def test_every_part_of_its_name_makes_another_stream(other: dict):
    changed = drawn(**other)
    assert not np.isin(changed, drawn()).any()
    assert abs(np.corrcoef(changed, drawn())[0, 1]) < 0.5


def test_noise_of_a_member_does_not_depend_on_its_neighbours():
    together, alone = StepNoise(5, [0, 3, 1], 7), StepNoise(5, [3], 7)
    for draw in (
        lambda noise: noise.normal(2, 4, 3),
        lambda noise: noise.mask(5, 3, 0.5),
        lambda noise: noise.normal(2),
    ):
        first, second, third = draw(together)
        assert torch.equal(second, draw(alone)[0])
        assert not torch.equal(first, second) or not torch.equal(second, third)


def test_noise_of_a_step_can_be_replayed_without_those_before_it():
    noise = [StepNoise(5, [0], step).normal(20) for step in range(3)]
    assert torch.equal(StepNoise(5, [0], 2).normal(20), noise[2])
    assert not torch.equal(noise[1], noise[2])


def test_noise_is_standard_normal_and_of_the_wanted_type():
    z = StepNoise(0, [0, 1], 0, torch.empty(0, dtype=torch.float64)).normal(100, 100)
    assert z.shape == (2, 100, 100) and z.dtype == torch.float64
    assert abs(z.mean().item()) < 0.03 and z.std().item() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_a_mask_drops_at_the_rate_and_keeps_the_mean(rate: float):
    mask = StepNoise(0, [0, 1], 0).mask(199, 101, rate)  # no multiple of four
    assert mask.shape == (2, 199, 101) and mask.dtype == torch.float32
    values = mask.unique().tolist()
    assert values == pytest.approx([0.0, 1 / (1 - rate)])
    # 40198 draws: five standard deviations are below 0.0125
    assert (mask == 0).float().mean().item() == pytest.approx(rate, abs=0.0125)
    assert mask.mean().item() == pytest.approx(1.0, abs=0.03)


def test_one_mask_follows_the_other():
    noise = StepNoise(0, [0], 0)
    assert not torch.equal(noise.mask(8, 8, 0.5), noise.mask(8, 8, 0.5))


def epoch(order: Order, number: int, group: int) -> np.ndarray:
    """Row numbers [members, rows used] of one epoch."""
    first = number * order.steps_per_epoch
    steps = range(first, first + order.steps_per_epoch)
    return np.concatenate([order.batch(step, group) for step in steps], axis=1)


def test_an_epoch_uses_every_row_once_but_for_the_odd_rest():
    order = Order(0, [0, 1], 26, 8)
    assert order.steps_per_epoch == 3
    for member in epoch(order, 0, 0):
        assert len(set(member)) == 24 and set(member) <= set(range(26))
    for member in epoch(Order(0, [0, 1], 24, 8), 4, 1):
        assert sorted(member) == list(range(24))


def test_groups_members_and_epochs_have_orders_of_their_own():
    order = Order(0, [0, 1], 24, 8)
    orders = [
        tuple(member)
        for number in (0, 1)
        for group in (0, 1)
        for member in epoch(order, number, group)
    ]
    assert len(set(orders)) == 8


def test_the_order_of_a_member_depends_neither_on_neighbours_nor_on_what_was_asked_before():
    together, alone = Order(9, [0, 4], 20, 5), Order(9, [4], 20, 5)
    asked = [(0, 0), (11, 1), (3, 1), (11, 0)]
    batches = {at: together.batch(*at)[1].tolist() for at in asked}
    assert {at: alone.batch(*at)[0].tolist() for at in reversed(asked)} == batches


def test_seed_of_an_integer_is_the_integer():
    assert seed_of(7) == seed_of(np.int64(7)) == 7 and seed_of(0) == 0


def test_seed_of_none_is_fresh():
    assert len({seed_of(None) for _ in range(5)}) == 5


@pytest.mark.parametrize("made", [np.random.RandomState, np.random.default_rng])
def test_seed_of_a_generator_is_drawn_from_it(made):
    generator = made(3)
    seeds = [seed_of(generator), seed_of(generator)]
    assert seeds[0] != seeds[1] and seeds[0] == seed_of(made(3))
    assert all(isinstance(seed, int) and 0 <= seed < 2**31 for seed in seeds)


def test_seed_of_none_and_streams_leave_the_global_generators_alone():
    numpy_state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[index]
    seed_of(None)
    StepNoise(seed_of(1), [0], 0).mask(3, 3, 0.5)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # type: ignore[index]
    assert torch.equal(torch.get_rng_state(), torch_state)


@pytest.mark.parametrize("wrong", ["7", 1.5, -1, [1], np.array([1, 2])])
def test_seed_of_anything_else_is_refused_with_its_value(wrong: object):
    with pytest.raises(InputError, match=r"random_state is .*; give None, a whole number"):
        seed_of(wrong)
