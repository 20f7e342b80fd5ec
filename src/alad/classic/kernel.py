"""The Gaussian kernel between new rows and stored rows, and means weighted by it."""

from typing import Annotated, Any

import numpy as np

from alad.errors import InputError
from alad.parameters import is_number


def bandwidth(gamma: float | None, X: np.ndarray) -> float:
    """Choose gamma; None = 1 / (width · variance of all entries of X), scikit-learn's "scale"."""
    spread = float(X.var(dtype=np.float64))
    by_rule = 1 / (X.shape[1] * spread) if spread else 1.0
    return by_rule if gamma is None else float(gamma)


def check_gamma(name: str, gamma: Any) -> None:
    """Raise InputError unless gamma is None or a finite number above 0."""
    if gamma is not None and not (is_number(gamma) and 0 < gamma < np.inf):
        raise InputError(f"{name} is {gamma!r}; give a number above 0, or None for the rule")


Gamma = Annotated[float | None, check_gamma]


class Gaussian:
    """The kernel k(x, y) = exp(-gamma |x - y|²) with each of `rows`, float32 [m, width], as y."""

    def __init__(self, rows: np.ndarray, gamma: float):
        self.rows, self.gamma = rows, gamma
        self._columns = np.ascontiguousarray(rows.astype(np.float64).T)
        self._squares = (self._columns**2).sum(axis=0)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Compute the kernels of X [n, width] with all stored rows, float64 [n, m]."""
        distance = self.squared_distances(X)  # turned into the kernel in place
        distance *= -self.gamma
        return np.exp(distance, out=distance)

    def squared_distances(self, X: np.ndarray) -> np.ndarray:
        """Compute |x - y|² of X [n, width] and all stored rows, float64 [n, m]."""
        x = X.astype(np.float64)
        squares = (x**2).sum(axis=1, keepdims=True)
        distance = x @ self._columns
        distance *= -2
        distance += squares
        distance += self._squares
        return np.maximum(distance, 0, out=distance)  # rounding may have made it negative


def weights(squared_distances: np.ndarray, gamma: float) -> np.ndarray:
    """Compute exp(-gamma d²) over their sum along each row, from d² [n, m]: [n, m].

    Far from all rows, where every kernel is too small for a float, the nearest row has all the
    weight: the limit of the formula.
    """
    kernel = squared_distances - squared_distances.min(axis=1, keepdims=True)
    kernel *= -gamma
    np.exp(kernel, out=kernel)
    kernel /= kernel.sum(axis=1, keepdims=True)
    return kernel
