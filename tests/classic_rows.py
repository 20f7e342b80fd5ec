"""Rows for the tests of the classic detectors."""

from __future__ import annotations

from typing import Any

import numpy as np

# numbers passed on as they are, and all rows learnt from: scikit-learn sees the same
RAW: dict[str, Any] = {"scaling": "none", "calibration_fraction": 0, "novelty": False}


def rows(n: int, columns: int = 5, seed: int = 0) -> np.ndarray:
    """Standard normal; float32 holds each number exactly."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, columns)).astype(np.float32).astype(np.float64)


def far() -> np.ndarray:
    """Normal rows, and ten that lie off in some direction."""
    return np.vstack([rows(90, seed=1), rows(10, seed=2) * 8])


def line(n: int, seed: int = 0) -> np.ndarray:
    """Rows near one line through five dimensions, which vary a lot along it and little beside."""
    along = rows(n, 1, seed) @ np.array([[3.0, -2.0, 1.0, 0.5, 2.0]])
    return (along + 0.1 * rows(n, seed=seed + 100)).astype(np.float32).astype(np.float64)
