"""Exact search for the nearest stored rows: a matrix product rules rows out, distances decide.

|x - y|² / 2 = |x|² / 2 + (|y|² / 2 - x·y), and the bracket is one matrix product for many x and y.
A product is rounded, in an order that depends on its shape, so each entry is lowered by more than
rounding can have added, which makes it a lower bound. Stored rows whose bound lies above a distance
within which enough rows certainly lie are ruled out; the few that remain are measured one by one.
The result is therefore a pure function of x and the stored rows, however the product was computed.
"""

from typing import NamedTuple, Self

import numpy as np

TILE = 128  # rows searched at once: their bounds to all stored rows should stay in the cache
PAIRS = 8192  # distances measured at once
PADDING = 32  # the number of bounds per row is a multiple, so that it can be halved several times
SINGLE = (1e-10, 1e10)  # lengths of rows whose squares float32 can hold, with a margin


class Neighbours(NamedTuple):
    """Neighbours in ascending distance; of equally distant ones the one stored first."""

    distance: np.ndarray  # float64 [n, count]
    row: np.ndarray  # int [n, count], into `Nearest.rows`: equal stored rows share one number


class Bounds(NamedTuple):
    """A matrix such that [x, 1, |x|] @ matrix is at most |y|² / 2 - x·y, for every stored y."""

    matrix: np.ndarray  # [width + 2, padded rows]; the padding's bounds are infinite
    rounding: float  # largest relative error of a product in its type

    @classmethod
    def of(cls, rows: np.ndarray, dtype: type[np.floating]) -> Self:
        """Build the bounds of stored rows float64 [m, width]."""
        count, width = rows.shape
        rounding = (width + 8) * float(np.finfo(dtype).eps)
        matrix = np.zeros((width + 2, -(-count // PADDING) * PADDING), dtype)
        squares = _squares(rows)
        matrix[:width, :count] = -rows.T
        matrix[width] = np.inf
        matrix[width, :count] = squares / 2 * (1 - rounding)
        matrix[width + 1, :count] = -rounding * np.sqrt(squares)
        return cls(matrix, rounding)

    def below(self, x: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Compute lower bounds [n, padded rows] for x [n, width] of squared lengths [n]."""
        augmented = np.column_stack([x, np.ones(len(x)), np.sqrt(squares)])
        return augmented.astype(self.matrix.dtype) @ self.matrix


class Nearest:
    """Search among stored rows, float32 [m, width]; equal rows are compared only once.

    rows [distinct, width] float64, in the order in which they are stored first; first [distinct]:
    their places there; copies [distinct]: how often each is stored.
    """

    def __init__(self, stored: np.ndarray):
        self.first, self.copies = _distinct(stored)
        self.rows = stored[self.first].astype(np.float64, order="C")
        self._double = Bounds.of(self.rows, np.float64)
        single = _fits_single(_squares(self.rows))
        self._single = Bounds.of(self.rows, np.float32) if single else self._double

    def search(self, X: np.ndarray, count: int) -> Neighbours:
        """Find the `count` nearest stored rows of each row of X, float32 [n, width]."""
        tiles = [self._search_tile(X[at : at + TILE], count) for at in range(0, len(X), TILE)]
        return Neighbours(*(np.concatenate(part) for part in zip(*tiles, strict=True)))

    def _search_tile(self, X: np.ndarray, count: int) -> Neighbours:
        x, distinct = X.astype(np.float64, order="C"), min(count, len(self.rows))
        # measure all candidates, and keep the nearest of each x
        at, row = self._candidates(x, distinct)
        distance = np.sqrt(self._squared(x, at, row))
        order = np.lexsort((row, distance, at))
        begin = np.searchsorted(at, np.arange(len(x)))  # `at` ascends, before and after
        nearest = order[begin[:, np.newaxis] + np.arange(distinct)]
        distance, row = distance[nearest], row[nearest]
        # repeat each row as often as it is stored, up to `count` in all
        upto = np.cumsum(self.copies[row], axis=1)[:, np.newaxis]  # [n, 1, distinct]
        place = (upto <= np.arange(count)[:, np.newaxis]).sum(axis=2)
        return Neighbours(*(np.take_along_axis(part, place, axis=1) for part in (distance, row)))

    def _candidates(self, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """List pairs (place in x, row), ascending, that may be among the `count` nearest of x."""
        squares = _squares(x)
        bounds = self._single if _fits_single(squares) else self._double
        below = bounds.below(x, squares)
        limit = self._certain(x, below, count) - squares / 2 + bounds.rounding * squares
        return _pairs(below, np.nextafter(limit.astype(below.dtype), np.inf, dtype=below.dtype))

    def _certain(self, x: np.ndarray, below: np.ndarray, count: int) -> np.ndarray:
        """Measure half the squared distance [n] to the farthest of the `count` of least bound."""
        least = below
        while least.shape[1] % 2 == 0 and least.shape[1] >= 8 * count:
            least = np.minimum(*np.hsplit(least, 2))  # of two rows, that of the lower bound
        at, row = _pairs(below, np.partition(least, count - 1, axis=1)[:, count - 1])
        pairs = np.searchsorted(at, np.arange(len(x)))[:, np.newaxis] + np.arange(count)
        squared = self._squared(x, at[pairs].ravel(), row[pairs].ravel())
        return squared.reshape(pairs.shape).max(1) / 2

    def _squared(self, x: np.ndarray, at: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Compute the squared distance of each pair (place in x, row)."""
        starts = range(0, len(at), PAIRS)
        parts = [x[at[i : i + PAIRS]] - self.rows[row[i : i + PAIRS]] for i in starts]
        return np.concatenate([_squares(gap) for gap in parts])


def _squares(rows: np.ndarray) -> np.ndarray:
    return (rows**2).sum(axis=1)


def _fits_single(squares: np.ndarray) -> bool:
    lengths = np.sqrt(squares)
    return bool(((lengths == 0) | ((lengths > SINGLE[0]) & (lengths < SINGLE[1]))).all())


def _pairs(below: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List (row, column) of the entries that are at most their row's limit, in ascending order."""
    row, column = np.divmod(np.flatnonzero(below <= limit[:, np.newaxis]), below.shape[1])
    return row, column


def _distinct(stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the first place of each distinct row, ascending, and the number of its copies."""
    plain = np.ascontiguousarray(stored) + np.float32(0)  # -0 and 0 are one number in two patterns
    patterns = plain.view(f"V{plain.itemsize * plain.shape[1]}")[:, 0]
    _, first, copies = np.unique(patterns, return_index=True, return_counts=True)
    order = np.argsort(first)
    return first[order], copies[order]
