"""Time programs in turns with the machine's matrix product.

So a ratio or a share is of one moment, whatever else the machine does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from alad.native import build
from alad.networks.native_forward import NativeChain
from alad.networks.numpy_forward import Affine

Action = Callable[[], object]

LEAST_SECONDS = 0.02  # of a turn: shorter actions are repeated in it
PEAK_SIDE = 768  # of the square matrices whose product is the peak


@dataclass(frozen=True)
class Subject:
    """What is timed: an action on so many rows, and the multiplications of its matrix products.

    products: None = not counted.
    """

    name: str
    action: Action
    rows: int
    products: int | None = None


@dataclass(frozen=True)
class Timed:
    """What came out for a subject, over the rounds.

    share: of the peak of the same round, median; None where products are not counted. ratios: how
    many times as long the first subject of the group takes for a row: median, lowest, highest.
    """

    name: str
    rows_per_second: float
    seconds: float  # of an action, median
    share: float | None
    ratios: tuple[float, float, float]


def peak_actions() -> list[Action]:
    """List products of square matrices: NumPy's, PyTorch's, and our C's where it is compiled."""
    side = PEAK_SIDE
    a, out = (np.ones((side, side), np.float32) for _ in range(2))
    t, into = torch.from_numpy(a), torch.empty(side, side)
    found: list[Action] = [
        lambda: np.matmul(a, a, out=out),
        lambda: torch.mm(t, t, out=into),
    ]
    if build.problem() is None:
        layer = Affine(a, np.zeros(side, np.float32), "linear", True)
        own = NativeChain([layer])
        found.append(lambda: own(a))
    return found


def fastest(actions: Sequence[Action], tries: int = 5) -> Action:
    """Choose the action that took least in its best try."""
    return min(actions, key=lambda action: min(_seconds(action, 1) for _ in range(tries)))


def in_turns(subjects: Sequence[Subject], rounds: int) -> tuple[list[Timed], float]:
    """Time subjects, once a round each; give what came out, and the peak in GFLOP/s.

    One round before does not count; rounds: at least 1. The peak is that of the fastest product of
    `peak_actions`.
    """
    actions: dict[str, Action] = {
        "": fastest(peak_actions()),
        **{at.name: at.action for at in subjects},
    }
    repeats = {name: _repeats(action) for name, action in actions.items()}
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            seconds = _seconds(action, repeats[name])
            if number:
                taken[name].append(seconds)
    peaks = [2e-9 * PEAK_SIDE**3 / seconds for seconds in taken.pop("")]
    return timed(subjects, taken, peaks), median(peaks)


def timed(
    subjects: Sequence[Subject], taken: Mapping[str, Sequence[float]], peaks: Sequence[float]
) -> list[Timed]:
    """Sum up seconds of an action, and GFLOP/s of the peak, a number for each round."""
    first = [seconds / subjects[0].rows for seconds in taken[subjects[0].name]]
    found = []
    for subject in subjects:
        seconds, share = taken[subject.name], None
        if subject.products is not None:
            rates = [2e-9 * subject.products / second for second in seconds]
            share = median(rate / most for rate, most in zip(rates, peaks, strict=True))
        ratios = [
            of_first * subject.rows / own for of_first, own in zip(first, seconds, strict=True)
        ]
        middle = median(seconds)
        ends = median(ratios), min(ratios), max(ratios)
        found.append(Timed(subject.name, subject.rows / middle, middle, share, ends))
    return found


def _repeats(action: Action) -> int:
    """Count how often an action fits into a turn; the first call, which may compile, is not one."""
    action()
    return max(1, round(LEAST_SECONDS / max(_seconds(action, 1), 1e-9)))


def _seconds(action: Action, repeats: int) -> float:
    """Time one of several calls."""
    begun = time.perf_counter()
    for _ in range(repeats):
        action()
    return (time.perf_counter() - begun) / repeats
