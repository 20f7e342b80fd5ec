"""Why a row scores as it does: its score shared out among the columns of the table.

A row is changed into a reference row column by column, and each column is given what the score
changes by when it is swapped; the mean over several orders of the columns (Shapley 1953; sampled as
by Štrumbelj, Kononenko 2010, every order with its reverse) and over several references. The
contributions of a row add up to its score minus the mean score of its references, whatever the
detector: no gradient is needed, and the one-hot columns of a category are swapped together, so that
no row is half of one category.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

ORDERS = 8  # of the columns, half of them the reverse of the others
REFERENCES = 4  # rows that one is compared with; orders are dealt out to them evenly
NAMED = 3  # columns named for a row
SHOWN = 10  # rows in a notebook
NUMBERS_AT_ONCE = 1 << 22  # of changed rows, scored together


@dataclass(frozen=True, eq=False)
class Explanation:
    """The scores of n rows, column by column.

    contributions add up to score - reference_score, up to rounding; large ones made the row odd,
    negative ones made it more normal.
    """

    columns: tuple[str, ...]
    values: list[list[Any]]  # [n][columns], as in the table
    expected: list[list[Any]]  # [n][columns], of the references: the middle one of their values
    contributions: np.ndarray  # float64 [n, columns]
    score: np.ndarray  # float64 [n], large = anomalous
    reference_score: np.ndarray  # float64 [n], mean over references
    as_expected: np.ndarray  # bool [n, columns]: is the value the expected one?

    def worst(self, row: int, count: int = NAMED) -> list[int]:
        """List the numbers of the columns that raised one row's score most, foremost first."""
        order = np.argsort(-self.contributions[row], kind="stable")
        return [int(at) for at in order[:count]]

    def reasons(self, row: int, count: int = NAMED) -> list[int]:
        """List the same without columns whose value is the expected one, which explain nothing.

        Their part is that of the other references, of which the middle one is shown.
        """
        order = self.worst(row, len(self.columns))
        return [at for at in order if not self.as_expected[row, at]][:count]

    def _repr_html_(self) -> str:
        """Show the first rows, with score and reasons, in a notebook."""
        lines = []
        for row in range(min(len(self.score), SHOWN)):
            parts, reasons = self.raising(row), []
            for at in self.reasons(row):
                value, due = (self._told(cells[row][at]) for cells in (self.values, self.expected))
                name = escape(self.columns[at])
                reasons.append(f"<b>{name}</b> = {value} (expected {due}) {parts[at]:.0%}")
            lines.append(f"<tr><td>{row}<td>{self.score[row]:.4g}<td>{'<br>'.join(reasons)}")
        left = len(self.score) - SHOWN
        more = f"<caption>and {left:,} rows more</caption>" if left > 0 else ""
        head = "<tr><th>row<th>anomaly_score<th>columns that raise it"
        return f"<table>{more}<thead>{head}</thead><tbody>{''.join(lines)}</tbody></table>"

    @staticmethod
    def _told(value: Any) -> str:
        """Write a cell, with six digits at most."""
        return escape(f"{value:.6g}" if isinstance(value, float) else str(value))

    def raising(self, row: int) -> np.ndarray:
        """Give each column's part, 0 to 1, in what raised one row's score: float64 [columns]."""
        raised = np.maximum(self.contributions[row], 0)
        total = float(raised.sum())
        return raised / total if total > 0 else raised


def contributions(
    score: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    references: np.ndarray,
    source: np.ndarray,
    orders: int = ORDERS,
) -> np.ndarray:
    """Attribute scores of rows [n, width] to columns: float64 [n, columns].

    references: [k, n, width], k for each row; k divides `orders`, or adding up would fail. source
    [width]: which column of the table a column of the rows comes from; the result has a column for
    each of its distinct values, ascending. The same row has the same result always.
    """
    if orders % len(references):
        raise ValueError(f"{orders} orders cannot be dealt out to {len(references)} references")
    found, place = np.unique(source, return_inverse=True)
    given = np.zeros((len(rows), len(found)))
    for at, order in enumerate(_sequences(len(found), orders)):
        # step j of the way to the reference has the first j columns of the order swapped
        swapped = np.argsort(order)[place] < np.arange(len(found) + 1)[:, np.newaxis]
        reference = references[at % len(references)]
        given[:, order] += _falls(score, rows, reference, swapped)
    return given / orders


def _sequences(columns: int, orders: int) -> np.ndarray:
    """Draw orders of the columns, always the same, and their reverses: int [orders, columns]."""
    generator = np.random.default_rng(0)
    drawn = [generator.permutation(columns) for _ in range(orders // 2)]
    return np.array([*drawn, *(order[::-1] for order in drawn)])


def _falls(
    score: Callable[[np.ndarray], np.ndarray],
    rows: np.ndarray,
    reference: np.ndarray,
    swapped: np.ndarray,
) -> np.ndarray:
    """Tell what each step [steps, width] from row to reference lowers: float64 [n, steps - 1]."""
    at_once = max(1, NUMBERS_AT_ONCE // swapped.size)
    parts = []
    for start in range(0, len(rows), at_once):
        some, other = rows[start : start + at_once], reference[start : start + at_once]
        ways = np.where(swapped, other[:, np.newaxis], some[:, np.newaxis])
        scores = score(ways.reshape(-1, rows.shape[1])).reshape(len(some), -1)
        parts.append(scores[:, :-1] - scores[:, 1:])
    return np.concatenate(parts) if parts else np.zeros((0, len(swapped) - 1))


# --- what rows are compared with ------------------------------------------------------------------


def nearest(rows: np.ndarray, known: np.ndarray, count: int = 1) -> np.ndarray:
    """Find for each row the known rows that it shares most with: [count, n, width].

    known [m, width]; where m < count, they are taken again. Each column counts at most 1: a row
    that is far off in one column has the others decide.
    """
    chosen = np.empty((len(rows), count), dtype=int)
    for at, row in enumerate(rows):
        distance = np.minimum(np.abs(known - row), 1).sum(axis=1)
        chosen[at] = np.resize(np.argsort(distance, kind="stable")[:count], count)
    return known[chosen.T]


def middle(cells: Sequence[Sequence[Sequence[Any]]]) -> list[list[Any]]:
    """Choose of cells [k][n][columns] of k references the one that stands for all: [n][columns]."""
    return [[_middle(column) for column in _columns(row)] for row in zip(*cells, strict=True)]


def _columns(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    return zip(*rows, strict=True)


def _middle(values: Sequence[Any]) -> Any:
    """Choose of numbers the middle one (the lower of two), else the commonest, the first met."""
    known = [value for value in values if value is not None]
    if 2 * len(known) < len(values):
        return None
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return sorted(known)[(len(known) - 1) // 2]
    return Counter(known).most_common(1)[0][0]
