"""A training that sets odd rows aside: which rows, and what it does for spoilt tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

import alad
from alad import storage
from alad.adversarial.trimming import TrimmedOrder, trim
from alad.errors import InputError
from alad.training import loop
from alad.training.noise import Batches, Order


class Step:
    """What trimming asks of a step: ten rows, two members."""

    def __init__(self):
        self.X, self.members, self.seed = torch.zeros(10, 2), [0, 3], 0
        self.order: Batches = Order(0, self.members, 10, 5)
        self.also_changes: dict = {}


ERRORS = np.array([[*range(10)], [9, 8, *range(8)]], float)


def test_the_rows_that_come_back_worst_are_drawn_no_more():
    step = Step()
    check = trim(step, 0.2, 100, lambda: ERRORS)  # pyright: ignore[reportArgumentType]
    check(50)  # too early
    assert step.also_changes["instead"].tolist() == [[*range(10)]] * 2
    check(100)
    plain = Order(0, step.members, 10, 5)
    for number in range(8):
        batch, before = step.order.batch(number, 0), plain.batch(number, 0)
        for member, aside in enumerate(({8, 9}, {0, 1})):  # each member's own
            assert not aside & set(batch[member])
            stays = ~np.isin(before[member], [*aside])
            np.testing.assert_array_equal(batch[member][stays], before[member][stays])


def test_a_member_sets_aside_what_it_would_alone():
    both, alone = Step(), Step()
    alone.members = [3]
    alone.order = Order(0, [3], 10, 5)
    for step, errors in ((both, ERRORS), (alone, ERRORS[1:])):
        trim(step, 0.2, 0, lambda errors=errors: errors)(100)  # pyright: ignore
    assert both.also_changes["instead"][1].tolist() == alone.also_changes["instead"][0].tolist()


def test_what_stands_for_rows_is_state_of_the_step():
    step = Step()
    trim(step, 0.2, 0, lambda: ERRORS)(100)  # pyright: ignore[reportArgumentType]
    assert isinstance(step.order, TrimmedOrder)
    step.also_changes["instead"].copy_(torch.arange(10).repeat(2, 1))  # as a checkpoint does
    np.testing.assert_array_equal(step.order.batch(3, 1), Order(0, step.members, 10, 5).batch(3, 1))


def spoilt() -> np.ndarray:
    """Draw 270 rows of a line in four columns, and 30 that lie anywhere."""
    rng = np.random.default_rng(0)
    line = rng.normal(size=(270, 1)) @ np.ones((1, 4)) + 0.1 * rng.normal(size=(270, 4))
    return np.concatenate([line, 1.5 * rng.normal(size=(30, 4))])


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_spoilt_rows_are_not_learnt_by_heart(engine: str):
    how = {"random_state": 0, "max_steps": 600, "calibration_fraction": 0.0, "engine": engine}
    X = spoilt()
    plain, trimmed = (alad.ALAD(trim=share, **how).fit(X) for share in (0.0, 0.1))
    errors = [detector.score_as(X, "l2") for detector in (plain, trimmed)]
    assert errors[1][270:].mean() > 3 * errors[0][270:].mean()
    assert np.median(errors[1][:270]) < 1.3 * np.median(errors[0][:270])


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_a_stopped_training_goes_on_with_the_rows_that_it_had_set_aside(
    engine: str, tmp_path: Path, monkeypatch
):
    """To the very scores of an undisturbed one; stopped half-way between two checks."""
    X, how = spoilt(), {"random_state": 0, "max_steps": 200, "check_every": 40, "trim": 0.1}
    how |= {"calibration_fraction": 0.0, "engine": engine}
    whole = alad.ALAD(**how).fit(X)

    advance, done = loop._advance, [0]

    def noted(step, schedule, monitor, training, progress) -> bool:
        checked = advance(step, schedule, monitor, training, progress)
        done.append(training.steps_done)
        return checked

    @contextmanager
    def stopping() -> Iterator[Callable[[], bool]]:
        yield lambda: 130 < done[-1] < 160

    monkeypatch.setattr(loop, "_advance", noted)
    monkeypatch.setattr(loop, "_interrupts", stopping)
    how |= {"checkpoint": tmp_path / "c"}
    with pytest.raises(KeyboardInterrupt):
        alad.ALAD(**how).fit(X)
    summary, arrays = storage.read(tmp_path / "c", "checkpoint")
    assert 130 < summary["steps_done"] < 160
    assert (arrays["step.instead"] != np.arange(len(X))).sum() == 30  # a tenth of 300 rows
    monkeypatch.undo()
    resumed = alad.ALAD(**how, resume=True).fit(X)
    np.testing.assert_array_equal(resumed.anomaly_score(X), whole.anomaly_score(X))


def test_a_share_of_the_wrong_size_and_images_are_refused():
    with pytest.raises(InputError, match="trim is 1"):
        alad.ALAD(trim=1.0).fit(spoilt())
    with pytest.raises(InputError, match="trim is for tables"):
        alad.ALAD(trim=0.1, max_steps=1).fit(np.zeros((8, 8, 8), np.uint8))


@pytest.mark.parametrize("how", [{"max_steps": 100}, {"trim": 0.001, "max_steps": 400}])
def test_a_trim_that_sets_no_row_aside_is_refused(how):
    rows = np.random.default_rng(0).normal(size=(80, 3))
    with pytest.raises(InputError, match="sets no row aside: "):
        alad.ALAD(**{"trim": 0.1, "random_state": 0} | how).fit(rows)
