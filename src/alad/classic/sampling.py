"""The sample of training rows that a detector learns from, and checks of stored rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from alad.detector.contract import Detector, Fit
from alad.encoding import Encoded
from alad.errors import InputError
from alad.randomness import seed_of


def seed_for(detector: Detector, fit: Fit) -> int:
    """Draw the seed of this fit, and note it in the fit's facts."""
    fit.facts["seed"] = seed_of(detector.random_state)
    return fit.facts["seed"]


def draw(X: Encoded, rows: int, seed: int) -> np.ndarray:
    """Draw `rows` rows of X in their order; all of X if it has no more."""
    if rows >= len(X):
        return np.asarray(X)
    chosen = np.random.default_rng(seed).choice(len(X), rows, replace=False)
    return np.asarray(X[np.sort(chosen)])


def sample(detector: Any, X: Encoded, fit: Fit) -> np.ndarray:
    """Draw at most `max_rows` rows of X with the fit's seed, and note their number."""
    drawn = draw(X, detector.max_rows, seed_for(detector, fit))
    fit.facts["rows_used"] = len(drawn)
    return drawn


@contextmanager
def global_generator_kept() -> Iterator[None]:
    """Restore NumPy's global generator after code that draws from it."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)


def need(detector: Detector, X: Encoded, fit: Fit, least: int, remedy: str = "") -> None:
    """Raise InputError if X has fewer than `least` rows."""
    if len(X) < least:
        what = f"{fit.encoder.unit}s"
        raise InputError(
            f"{detector.name} learns from at least {least} {what}, X has n_samples={len(X)}; "
            f"{remedy}give more {what}"
        )
