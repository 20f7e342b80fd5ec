"""Which training rows a detector learns from, and what `training_` says of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from alad.detector.contract import Detector, Fit
from alad.errors import InputError
from alad.randomness import seed_of


def seed_for(detector: Detector, fit: Fit) -> int:
    """Draw the seed of this fit, and note it."""
    fit.facts["seed"] = seed_of(detector.random_state)
    return fit.facts["seed"]


def draw(X: np.ndarray, rows: int, seed: int) -> np.ndarray:
    """X, or so many of its rows in their order, if it has more."""
    if rows >= len(X):
        return X
    chosen = np.random.default_rng(seed).choice(len(X), rows, replace=False)
    return X[np.sort(chosen)]


def sample(detector: Any, X: np.ndarray, fit: Fit) -> np.ndarray:
    """At most `max_rows` rows of X, drawn with the fit's seed; it notes how many."""
    drawn = draw(X, detector.max_rows, seed_for(detector, fit))
    fit.facts["rows_used"] = len(drawn)
    return drawn


@contextmanager
def global_generator_kept() -> Iterator[None]:
    """Put NumPy's global generator back to where it was, after code that draws from it."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)


def need(detector: Detector, X: np.ndarray, fit: Fit, least: int, remedy: str = "") -> None:
    """Raise InputError if X has fewer than `least` rows."""
    if len(X) < least:
        what = f"{fit.encoder.unit}s"
        raise InputError(
            f"{detector.name} learns from at least {least} {what}, X has n_samples={len(X)}; "
            f"{remedy}give more {what}"
        )


def within(numbers: np.ndarray, bound: int) -> bool:
    """Are all numbers at least 0 and below `bound`?"""
    return bool(((numbers >= 0) & (numbers < bound)).all())


def check_rows(rows: np.ndarray, least: int = 1) -> None:
    """Raise InputError unless they are at least `least` rows."""
    if rows.ndim != 2 or len(rows) < least:
        raise InputError(f"the stored rows have the shape {rows.shape}; save them anew")
