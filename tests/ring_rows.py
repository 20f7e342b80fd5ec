"""Rows on a curved sheet, and the same with every column shuffled on its own."""

from __future__ import annotations

import numpy as np


def ring(n: int, seed: int = 0, width: int = 8) -> np.ndarray:
    """Rows on a curved two-dimensional sheet in `width` dimensions, with a little noise."""
    generator = np.random.default_rng(seed)
    angle = generator.uniform(0, 2 * np.pi, (n, 2))
    mixing = np.random.default_rng(7).normal(size=(4, width))
    sheet = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) @ mixing
    return sheet + 0.05 * generator.normal(size=(n, width))


def broken(X: np.ndarray) -> np.ndarray:
    """Each column shuffled on its own: every value plausible, no row."""
    return np.random.default_rng(3).permuted(X, axis=0)
