"""The nearest of some stored rows, exactly: a rounded product rules out, true distances decide.

|x - y|² / 2 = |x|² / 2 + (|y|² / 2 - x·y), and what is in brackets is one matrix product for many x
and y. A product is rounded, in an order that depends on its shape, so from each entry more is taken
off than rounding can have added. Rows whose lower bound lies above a distance within which enough
rows are certain to lie are out; the few that remain are measured one by one. What is found is
therefore a pure function of x and the stored rows, however the product was computed.
"""

from typing import NamedTuple, Self

import numpy as np

TILE = 128  # rows at a time: their bounds to all stored rows should stay near the processor
PAIRS = 8192  # measured at a time
PADDING = 32  # the number of bounds per row is a multiple, so that they can be halved some times
SINGLE = (1e-10, 1e10)  # lengths of rows whose squares float32 can hold, with room


class Found(NamedTuple):
    """Neighbours in ascending distance, of equally near ones the one stored first."""

    distance: np.ndarray  # float64 [n, count]
    row: np.ndarray  # int [n, count], into `Nearest.rows`: equal stored rows share one number


class Bounds(NamedTuple):
    """[x, 1, |x|] @ matrix is at most |y|² / 2 - x·y, for every stored y."""

    matrix: np.ndarray  # [width + 2, padded rows]; the padding's bounds are infinite
    rounding: float  # relative error of a product in its type, at most

    @classmethod
    def of(cls, rows: np.ndarray, dtype: type[np.floating]) -> Self:
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
        """[n, padded rows] for x [n, width] of those squared lengths."""
        augmented = np.column_stack([x, np.ones(len(x)), np.sqrt(squares)])
        return augmented.astype(self.matrix.dtype) @ self.matrix


class Nearest:
    """Search among stored rows, float32 [m, width]; equal ones are compared with only once.

    rows [distinct, width] float64, in the order in which they are stored first; first [distinct]:
    where that is; copies [distinct]: how many stored rows each stands for.
    """

    def __init__(self, stored: np.ndarray):
        self.first, self.copies = _distinct(stored)
        self.rows = stored[self.first].astype(np.float64, order="C")
        self._double = Bounds.of(self.rows, np.float64)
        single = _fits_single(_squares(self.rows))
        self._single = Bounds.of(self.rows, np.float32) if single else self._double

    def search(self, X: np.ndarray, count: int) -> Found:
        """The `count` nearest of each row of X, float32 [n, width]; at most as many as stored."""
        tiles = [self._search_tile(X[at : at + TILE], count) for at in range(0, len(X), TILE)]
        return Found(*(np.concatenate(part) for part in zip(*tiles, strict=True)))

    def _search_tile(self, X: np.ndarray, count: int) -> Found:
        x, distinct = X.astype(np.float64, order="C"), min(count, len(self.rows))
        at, row = self._candidates(x, distinct)
        distance = np.sqrt(self._squared(x, at, row))
        order = np.lexsort((row, distance, at))
        begin = np.searchsorted(at, np.arange(len(x)))  # `at` ascends, before and after
        nearest = order[begin[:, np.newaxis] + np.arange(distinct)]
        return self._repeated(Found(distance[nearest], row[nearest]), count)

    def _candidates(self, x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (place in x, row), ascending: all that may be among the `count` nearest of x."""
        squares = _squares(x)
        bounds = self._single if _fits_single(squares) else self._double
        below = bounds.below(x, squares)
        limit = self._certain(x, below, count) - squares / 2 + bounds.rounding * squares
        return _pairs(below, np.nextafter(limit.astype(below.dtype), np.inf, dtype=below.dtype))

    def _certain(self, x: np.ndarray, below: np.ndarray, count: int) -> np.ndarray:
        """Half a squared distance [n] within which `count` rows lie: those of least bound."""
        least = below
        while least.shape[1] % 2 == 0 and least.shape[1] >= 8 * count:
            least = np.minimum(*np.hsplit(least, 2))  # of two rows the one of less bound
        at, row = _pairs(below, np.partition(least, count - 1, axis=1)[:, count - 1])
        some = np.searchsorted(at, np.arange(len(x)))[:, np.newaxis] + np.arange(count)
        return self._squared(x, at[some].ravel(), row[some].ravel()).reshape(some.shape).max(1) / 2

    def _squared(self, x: np.ndarray, at: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Squared distance of each pair (place in x, row)."""
        starts = range(0, len(at), PAIRS)
        parts = [x[at[i : i + PAIRS]] - self.rows[row[i : i + PAIRS]] for i in starts]
        return np.concatenate([_squares(gap) for gap in parts])

    def _repeated(self, found: Found, count: int) -> Found:
        """Each row as often as it is stored, `count` in all."""
        upto = np.cumsum(self.copies[found.row], axis=1)[:, np.newaxis]  # [n, 1, distinct]
        place = (upto <= np.arange(count)[:, np.newaxis]).sum(axis=2)
        return Found(*(np.take_along_axis(part, place, axis=1) for part in found))


def _squares(rows: np.ndarray) -> np.ndarray:
    return (rows**2).sum(axis=1)


def _fits_single(squares: np.ndarray) -> bool:
    lengths = np.sqrt(squares)
    return bool(((lengths == 0) | ((lengths > SINGLE[0]) & (lengths < SINGLE[1]))).all())


def _pairs(below: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row, column) of all entries that are at most their row's limit, in ascending order."""
    row, column = np.divmod(np.flatnonzero(below <= limit[:, np.newaxis]), below.shape[1])
    return row, column


def _distinct(stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct row stands first, ascending, and how often it is stored."""
    plain = np.ascontiguousarray(stored) + np.float32(0)  # -0 and 0 are one number in two patterns
    patterns = plain.view(f"V{plain.itemsize * plain.shape[1]}")[:, 0]
    _, first, copies = np.unique(patterns, return_index=True, return_counts=True)
    order = np.argsort(first)
    return first[order], copies[order]
