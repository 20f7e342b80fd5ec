"""Splits of a data set into rows to learn from and rows to score."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.errors import InputError

AUTHORS_SEED = 42


@dataclass(frozen=True)
class Split:
    """Rows to learn from, rows to score, and their labels, which only metrics may read."""

    train: np.ndarray  # float32 [n, columns], or uint8 [n, height, width, channels]
    test: np.ndarray  # the same of m rows
    test_anomalous: np.ndarray  # bool [m]
    percentile: float  # test scores at or above this percentile are flagged


def half_of_normal(anomalous: np.ndarray, seed: int | None = None) -> np.ndarray:
    """Draw the rows, ascending, of a random half of the normal ones; without seed the first."""
    normal = np.flatnonzero(~anomalous)
    if seed is not None:
        normal = np.random.default_rng(seed).permutation(normal)
    return np.sort(normal[: len(normal) // 2])


def fewer(split: Split, train: int | None, test: int | None = None) -> Split:
    """Draw at most so many training and test rows (None = all), kept in their order."""
    first, second = (
        _drawn(len(rows), count) for rows, count in ((split.train, train), (split.test, test))
    )
    return Split(
        split.train[first], split.test[second], split.test_anomalous[second], split.percentile
    )


def _drawn(count: int, wanted: int | None) -> np.ndarray:
    if wanted is None or wanted >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(AUTHORS_SEED).choice(count, wanted, replace=False))


def check_choice(
    name: Any, choices: Collection[Any], benchmark: str, kind: str = "protocol"
) -> None:
    """Raise InputError, with the benchmark's choices of that kind, unless `name` is among them."""
    if name not in choices:
        names = ", ".join(map(str, choices))
        raise InputError(f"{benchmark} has no {kind} {name!r}; choose one of: {names}")
