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
LEAST_SHARE = 0.005  # of the reasons for a row: less is shown as 0 %
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
    """The `top` rows of the table with the highest scores; with reasons.

    truth: what each row is by its label, if known.
    """
    order = np.argsort(-scores, kind="stable")[:top]
    reasons = reasons_for(detector, table, order)
    told = COMPARED + limits(sum(map(bool, reasons)), len(order), detector)
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
    columns.append(("decision", False, [mark(bool(flagged[at])) for at in order]))
    if truth is not None:
        columns.append(("label", False, [truth[int(at)] for at in order]))
    columns.append(("columns that raise the score", False, [_listed(each) for each in reasons]))
    return Section(f"Most anomalous rows ({len(order)})", [Text(told), _table(columns)])


def _table(columns: Sequence[tuple[str, bool, Sequence[str | Cell]]]) -> Rows:
    heads, numbers, cells = zip(*columns, strict=True)
    numeric = frozenset(at for at, yes in enumerate(numbers) if yes)
    caption = "Row numbers count the table's rows from 1. Click a head to sort."
    return Rows(heads, list(zip(*cells, strict=True)), caption, numeric, live=True)


def mark(flagged: bool) -> Cell:
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

# An explanation takes some eight scores a row and column: as many as take seconds, no more
MOST_SCORES = 60_000
SCORES_A_COLUMN = 8
COMPARED = (
    "Each row is compared with what the model takes for normal in its place. A column's "
    "percentage is its part of what raises the score above that of the row expected."
)


def reasons_for(detector: Any, table: pa.Table, order: np.ndarray) -> list[list[Reason]]:
    """For each of the rows `order` of the table the columns that raise its score most.

    Empty for the rows beyond those that can be explained in seconds. Raises InputError if the
    model was saved before there were explanations.
    """
    columns = len(detector.encoder_.state()["codes"])
    few = max(1, MOST_SCORES // (SCORES_A_COLUMN * (columns + 1)))
    found = detector.explain(table.take(order[:few]))
    explained = [_raising(found, at) for at in range(min(few, len(order)))]
    return explained + [[] for _ in order[few:]]


def limits(explained: int, shown: int, detector: Any) -> str:
    """What a reader should know of reasons that are not shown."""
    words = ""
    if len(detector.encoder_.state()["codes"]) > MOST_REASONS:
        words = f" Of each row at most {MOST_REASONS} columns are named."
    if explained < shown:
        words += (
            f" Reasons are given for {explained} of the {shown} rows, to keep the page quick; "
            "alad explain gives them for as many as asked for."
        )
    return words


def _raising(found: Any, at: int) -> list[Reason]:
    """Of one row the columns with a share that can be seen, the largest first."""
    part = found.raising(at)
    return [
        Reason(
            found.columns[column],
            cell_text(found.values[at][column]),
            float(part[column]),
            f"expected {cell_text(found.expected[at][column])}",
        )
        for column in found.worst(at, MOST_REASONS)
        if part[column] >= LEAST_SHARE
    ]
