"""Which training rows a detector learns from, and what `training_` says of it."""

from typing import Any

import numpy as np

from alad.detector import Detector
from alad.errors import InputError


def seed_for(detector: Detector) -> int:
    """The seed of this fit, noted in `training_`."""
    from alad.randomness import seed_of  # it loads torch, which scoring here does without

    detector.training_["seed"] = seed_of(detector.random_state)
    return detector.training_["seed"]


def sample(detector: Any, X: np.ndarray) -> np.ndarray:
    """X, or `max_rows` of its rows in their order, if it has more; `training_` says how many."""
    seed, rows = seed_for(detector), min(detector.max_rows, len(X))
    detector.training_["rows_used"] = rows
    if rows == len(X):
        return X
    chosen = np.random.default_rng(seed).choice(len(X), rows, replace=False)
    return X[np.sort(chosen)]


def need(detector: Detector, X: np.ndarray, least: int, remedy: str = "") -> None:
    """InputError if X has fewer than `least` rows."""
    if len(X) < least:
        raise InputError(
            f"{detector.name} learns from at least {least} rows, X has n_samples={len(X)}; "
            f"{remedy}give more rows"
        )
