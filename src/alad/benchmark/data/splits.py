"""Rows to learn from, rows to score; halves, and fewer of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alad.errors import InputError

AUTHORS_SEED = 42


@dataclass(frozen=True)
class Split:
    """Rows to learn from, rows to score, and the answers, which only the metrics may read."""

    train: np.ndarray  # float32 [n, columns], or uint8 [n, height, width, channels]
    test: np.ndarray  # the same of m rows
    test_anomalous: np.ndarray  # bool [m]
    percentile: float  # test scores at or above this percentile are flagged


def half_of_normal(anomalous: np.ndarray, seed: int | None = None) -> np.ndarray:
    """Row numbers, ascending, of half of the normal rows: a random one, or the first (None)."""
    normal = np.flatnonzero(~anomalous)
    if seed is not None:
        normal = np.random.default_rng(seed).permutation(normal)
    return np.sort(normal[: len(normal) // 2])


def fewer(split: Split, train: int | None, test: int | None = None) -> Split:
    """At most so many training rows and test rows (None = all), drawn at random, in their order."""
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


def check_protocol(protocol: str, benchmark: str, known: Sequence[str]) -> None:
    """InputError unless it is one of the benchmark's protocols."""
    if protocol not in known:
        names = ", ".join(known)
        raise InputError(f"{benchmark} has no protocol {protocol!r}; choose one of: {names}")
