"""Why a row scores as it does: its score shared out among the columns of the table.

A row is changed into a reference row column by column, and each column is given what the score
changes by when it is swapped; the mean over several orders of the columns (Shapley 1953; sampled as
by Štrumbelj, Kononenko 2010, every order with its reverse). The contributions of a row add up to
its score minus that of the reference, whatever the detector: no gradient is needed, and the one-hot
columns of a category are swapped together, so that no row is half of one category.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

ORDERS = 8  # of the columns, half of them the reverse of the others
NAMED = 3  # columns named for a row


@dataclass(frozen=True, eq=False)
class Explanation:
    """The scores of n rows, column by column.

    contributions add up to score - reference_score, up to rounding; large ones made the row odd,
    negative ones made it more normal.
    """

    columns: tuple[str, ...]
    values: list[list[Any]]  # [n][columns], as in the table
    expected: list[list[Any]]  # [n][columns], of the reference: what the model takes for normal
    contributions: np.ndarray  # float64 [n, columns]
    score: np.ndarray  # float64 [n], large = anomalous
    reference_score: np.ndarray  # float64 [n]

    def worst(self, row: int, count: int = NAMED) -> list[int]:
        """Numbers of the columns that raised the score of one row most, the first one foremost."""
        order = np.argsort(-self.contributions[row], kind="stable")
        return [int(at) for at in order[:count]]


def contributions(
    score: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    references: np.ndarray,
    source: np.ndarray,
    orders: int = ORDERS,
) -> np.ndarray:
    """Float64 [n, columns] for rows and references [n, width], each row having its own.

    source [width]: which column of the table a column of the rows comes from; the result has a
    column for each of its distinct values, ascending. The same row has the same result always.
    """
    places = [np.flatnonzero(source == column) for column in np.unique(source)]
    sequences = _sequences(len(places), orders)
    pairs = zip(rows, references, strict=True)
    shares = [_shared_out(score, row, reference, places, sequences) for row, reference in pairs]
    return np.array(shares).reshape(len(rows), len(places))


def _sequences(columns: int, orders: int) -> np.ndarray:
    """Int [orders, columns]: half of them drawn, always the same ones, and their reverses."""
    generator = np.random.default_rng(0)
    drawn = [generator.permutation(columns) for _ in range(max(1, orders // 2))]
    return np.array([*drawn, *(order[::-1] for order in drawn)])


def _shared_out(
    score: Callable[[np.ndarray], np.ndarray],
    row: np.ndarray,
    reference: np.ndarray,
    places: list[np.ndarray],
    sequences: np.ndarray,
) -> np.ndarray:
    """Float64 [columns]; columns that are equal in both rows have no share."""
    paths = np.stack([_path(row, reference, places, order) for order in sequences])
    scores = score(paths.reshape(-1, len(row))).reshape(len(sequences), -1)
    given = np.empty(sequences.shape)
    np.put_along_axis(given, sequences, scores[:, :-1] - scores[:, 1:], axis=1)
    return given.mean(axis=0)


def _path(
    row: np.ndarray, reference: np.ndarray, places: list[np.ndarray], order: np.ndarray
) -> np.ndarray:
    """[columns + 1, width]: the row, then one more column swapped each time, to the reference."""
    steps = np.repeat(row[np.newaxis], len(places) + 1, axis=0)
    for done, column in enumerate(order, 1):
        steps[done:, places[column]] = reference[places[column]]
    return steps


def nearest(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """For each of the rows [n, width] the known row [m, width] that it shares most with.

    Each column counts at most 1: a row that is far off in one column has the others decide.
    """
    chosen = [np.minimum(np.abs(known - row), 1).sum(axis=1).argmin() for row in rows]
    return known[np.array(chosen, dtype=int)]
