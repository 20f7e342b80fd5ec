"""The part of a model's page about the most anomalous rows, with the reasons for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from alad.report.axes import number
from alad.report.blocks import Cell, Rows, Section, Text
from alad.report.markup import Markup, tag

MOST_REASONS = 4  # columns named for a row
MOST_IDENTIFIERS = 3  # dropped columns shown beside a row, to know it again
MOST_LETTERS = 80  # of a cell's text


@dataclass(frozen=True)
class Reason:
    """One column that makes a row anomalous."""

    column: str
    value: str  # the row's own
    share: float  # of the reasons for this row, 0 to 1
    detail: str  # the value expected, or how far off it is

    def html(self, largest: float) -> Markup:
        """largest: the share of this row's first reason, whose bar is the longest."""
        name, detail = tag("b", self.column), tag("small", self.detail)
        named = tag("span", name, " = ", self.value, " ", detail)
        bar = tag("i", style=f"--share:{self.share / largest:.2f}", aria_hidden="true")
        percent = f"{100 * self.share:.0f} %"
        return tag("li", named, tag("span", bar, percent, class_="weight"))


def anomalies_section(
    detector: Any,
    table: pa.Table,
    scores: np.ndarray,
    flagged: np.ndarray,
    truth: Sequence[str] | None = None,
    *,
    top: int,
) -> Section:
    """The `top` rows of the table with the highest scores; reasons where the detector has them.

    truth: what each row is by its label, if known.
    """
    order = np.argsort(-scores, kind="stable")[:top]
    reasons = reasons_for(detector, table, order, flagged)
    p = None if detector.calibration_ is None else detector.calibration_.p_values(scores[order])
    columns: list[tuple[str, bool, Sequence[str | Cell]]] = [  # head, is it a number, cells
        ("rank", True, [Cell(f"{at}", at) for at in range(1, len(order) + 1)]),
        ("row", True, [Cell(f"{at + 1:,}", int(at) + 1) for at in order]),
    ]
    for name in identifiers(detector, table):
        columns.append((name, False, [cell_text(table[name][int(at)]) for at in order]))
    columns.append(("score", True, [Cell(number(one), one) for one in scores[order].tolist()]))
    if p is not None:
        columns.append(("p-value", True, [Cell(number(one), one) for one in p.tolist()]))
    columns.append(("decision", False, [_mark(bool(flagged[at])) for at in order]))
    if truth is not None:
        columns.append(("label", False, [truth[int(at)] for at in order]))
    words = f"{detector.name} gives no reasons for a score."
    if reasons is not None:
        columns.append(("columns that make it so", False, [_listed(each) for each in reasons]))
        words = MISSED
    return Section(f"Most anomalous rows ({len(order)})", [Text(words), _table(columns)])


def _table(columns: Sequence[tuple[str, bool, Sequence[str | Cell]]]) -> Rows:
    heads, numbers, cells = zip(*columns, strict=True)
    numeric = frozenset(at for at, yes in enumerate(numbers) if yes)
    caption = "Row numbers count the table's rows from 1. Click a head to sort."
    return Rows(heads, list(zip(*cells, strict=True)), caption, numeric, live=True)


def _mark(flagged: bool) -> Cell:
    words = "flagged" if flagged else "passed"
    return Cell(tag("span", words, class_="flag alarm" if flagged else "flag"), float(flagged))


def _listed(reasons: Sequence[Reason]) -> Cell:
    largest = max((one.share for one in reasons), default=0.0) or 1.0
    return Cell(tag("ul", *(one.html(largest) for one in reasons), class_="reasons"))


def identifiers(detector: Any, table: pa.Table) -> list[str]:
    """Columns that the model was told to drop: an identifier, a date. They tell rows apart."""
    read = {code["name"] for code in detector.encoder_.state()["codes"]}
    known = detector.encoder_.state()["names"]
    dropped = [name for name in known if name not in read and name in table.column_names]
    return dropped[:MOST_IDENTIFIERS]


def cell_text(cell: Any) -> str:
    """A cell as it is shown: at most so many letters."""
    value = cell.as_py() if isinstance(cell, pa.Scalar) else cell
    if value is None:
        return "missing"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


# --- reasons --------------------------------------------------------------------------------------

USUAL_ROWS = 2_000  # rows not flagged from which the usual error of a column is known
MISSED = (
    "Columns that the model reconstructs worst, measured by its usual error on rows not flagged; "
    "percentages are their part of all such errors of the row."
)


def reasons_for(
    detector: Any, table: pa.Table, order: np.ndarray, flagged: np.ndarray
) -> list[list[Reason]] | None:
    """For each of the rows `order` of the table the columns that count most; None without any."""
    if not hasattr(detector, "reconstruct"):
        return None
    from alad.explanation import misses

    usual = np.flatnonzero(~flagged)[:USUAL_ROWS]
    normal = table.take(usual) if len(usual) else table
    chosen = table.take(order)
    found = misses(detector, chosen, normal)
    return [_missed(found, chosen, at) for at in range(len(order))]


def _missed(found: Any, rows: pa.Table, at: int) -> list[Reason]:
    total = float(found.times[at].sum()) or 1.0
    return [
        Reason(
            column,
            cell_text(rows[column][at]) if column in rows.column_names else "",
            times / total,
            f"missed {number(times)} times as far as usual",
        )
        for column, times in found.worst(at, MOST_REASONS)
    ]
