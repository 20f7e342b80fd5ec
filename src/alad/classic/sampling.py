"""Which training rows a detector learns from, and what `training_` says of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from alad.detector.contract import Detector
from alad.errors import InputError


def seed_for(detector: Detector) -> int:
    """The seed of this fit, noted in `training_`."""
    from alad.randomness import seed_of  # it loads torch, which scoring here does without

    detector.training_["seed"] = seed_of(detector.random_state)
    return detector.training_["seed"]


def draw(X: np.ndarray, rows: int, seed: int) -> np.ndarray:
    """X, or so many of its rows in their order, if it has more."""
    if rows >= len(X):
        return X
    chosen = np.random.default_rng(seed).choice(len(X), rows, replace=False)
    return X[np.sort(chosen)]


def sample(detector: Any, X: np.ndarray) -> np.ndarray:
    """At most `max_rows` rows of X, drawn with the fit's seed; `training_` says how many."""
    drawn = draw(X, detector.max_rows, seed_for(detector))
    detector.training_["rows_used"] = len(drawn)
    return drawn


@contextmanager
def global_generator_kept() -> Iterator[None]:
    """Put NumPy's global generator back to where it was, after code that draws from it."""
    state = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(state)


def need(detector: Detector, X: np.ndarray, least: int, remedy: str = "") -> None:
    """InputError if X has fewer than `least` rows."""
    if len(X) < least:
        what = f"{detector.encoder_.unit}s"
        raise InputError(
            f"{detector.name} learns from at least {least} {what}, X has n_samples={len(X)}; "
            f"{remedy}give more {what}"
        )


def check_arrays(arrays: Mapping[str, np.ndarray], kinds: Mapping[str, str]) -> None:
    """Is there an array of each name, with numbers of that kind ("i" whole, "f" real)?"""
    found = {name: array.dtype.kind for name, array in arrays.items()}
    if found != dict(kinds):
        raise InputError(f"the model holds the arrays {sorted(found)}, not {sorted(kinds)}")


def within(numbers: np.ndarray, bound: int) -> bool:
    """Are all numbers at least 0 and below `bound`?"""
    return bool(((numbers >= 0) & (numbers < bound)).all())


def check_rows(rows: np.ndarray, width: int, least: int = 1) -> None:
    """Are they at least `least` rows of that width?"""
    if rows.ndim != 2 or rows.shape[1] != width or len(rows) < least:
        raise InputError(f"the stored rows have the shape {rows.shape}; save them anew")
