"""The most anomalous rows, with the columns that raise their scores: a section of the page."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from alad.data.cells import python_values
from alad.detector.attribution import Explanation
from alad.report.charts.axes import number
from alad.report.markup import Markup, tag
from alad.report.page_parts import Section, Text
from alad.report.tables import Cell, Table

MOST_REASONS = 4  # columns named for a row
LEAST_SHARE = 0.005  # of what raises a score: less would be shown as 0 %
MOST_IDENTIFIERS = 3  # columns that the model does not read, shown to tell rows apart
MOST_LETTERS = 80  # of a cell's text
HEADS = {"rank", "row", "score", "p-value", "decision", "columns that raise the score"}
SCORES_A_COLUMN = 8  # that explaining a row takes, about
MOST_SCORES = 60_000  # for all explanations: those take seconds
COMPARED = (
    "Each row is compared with what the model takes for normal in its place. A column's "
    "percentage is its part of what raises the score above that of the row expected."
)


def anomalous_rows_section(
    detector: Any,
    table: pa.Table,
    scores: np.ndarray,
    flagged: np.ndarray,
    truth: Sequence[str] | None = None,
    *,
    top: int,
) -> Section:
    """Show the `top` rows of the table by score, with reasons.

    scores [n], flagged bool [n]; truth: each row's label, if there are labels.
    """
    order = np.argsort(-scores, kind="stable")[:top]
    reasons = reasons_for(detector, table, order)
    columns: list[tuple[str, Sequence[str | Cell]]] = [
        ("rank", [Cell(f"{at}", at) for at in range(1, len(order) + 1)]),
        ("row", [Cell(f"{at + 1:,}", int(at) + 1) for at in order]),
    ]
    # columns that the model does not read tell rows apart
    names = detector.encoder_.unread(table.column_names)[:MOST_IDENTIFIERS]
    ours = HEADS | ({"label"} if truth is not None else set())
    for name in names:
        head = f"{name} (of the table)" if name in ours else name
        cells = [python_values(table[name].slice(int(at), 1))[0] for at in order]
        columns.append((head, [cell_text(cell) for cell in cells]))
    columns.append(("score", [Cell(number(score), score) for score in scores[order].tolist()]))
    textual = {2 + at for at in range(len(names))}  # places of columns that hold no numbers
    if detector.calibration_ is not None:
        p_values = detector.calibration_.p_values(scores[order]).tolist()
        columns.append(("p-value", [Cell(number(p), p) for p in p_values]))
    textual |= set(range(len(columns), len(columns) + 3))
    columns.append(("decision", [decision(bool(flagged[at])) for at in order]))
    if truth is not None:
        columns.append(("label", [truth[int(at)] for at in order]))
    columns.append(("columns that raise the score", reasons))
    heads, cells = zip(*columns, strict=True)
    caption = "Row numbers count the table's rows from 1. Click a head to sort."
    shown = Table(caption, heads, list(zip(*cells, strict=True)), left=textual)
    explained = sum(reason.content != NO_REASONS for reason in reasons)
    text = COMPARED + _limits(explained, len(order), detector)
    return Section(f"Most anomalous rows ({len(order)})", [Text(text), shown])


def decision(flagged: bool) -> Cell:
    """Make the cell that says whether a row is flagged."""
    return Cell("flagged" if flagged else "passed", float(flagged), "alarm" if flagged else "calm")


def cell_text(value: Any) -> str:
    """Write a value of the table, a missing one as such, a long one cut."""
    if value is None:
        return "missing"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


# --- reasons --------------------------------------------------------------------------------------

NO_REASONS = tag("ul", class_="reasons")


def reasons_for(detector: Any, table: pa.Table, order: np.ndarray) -> list[Cell]:
    """List for each row numbered in `order` [n] the columns that raise its score most.

    Rows beyond those that can be explained in seconds have an empty list. Raises InputError if the
    model was saved before there were explanations.
    """
    columns = len(detector.encoder_.state()["codes"])
    few = max(1, MOST_SCORES // (SCORES_A_COLUMN * (columns + 1)))
    explanation = detector.explain(table.take(order[:few]))
    explained = [Cell(_reasons(explanation, at)) for at in range(min(few, len(order)))]
    return explained + [Cell(NO_REASONS) for _ in order[few:]]


def _reasons(explanation: Explanation, at: int) -> Markup:
    """List a row's columns with a visible share in its score, the largest first."""
    shares = explanation.raising(at)
    worst = [x for x in explanation.reasons(at, MOST_REASONS) if shares[x] >= LEAST_SHARE]
    lines = []
    for column in worst:
        expected = f"expected {cell_text(explanation.expected[at][column])}"
        value = cell_text(explanation.values[at][column])
        name = tag("b", explanation.columns[column])
        width = f"--share:{shares[column] / shares[worst[0]]:.2f}"
        bar = tag("i", style=width, aria_hidden="true")
        weight = tag("span", bar, f"{100 * shares[column]:.0f} %", class_="weight")
        reason = tag("span", name, " = ", value, " ", tag("small", expected))
        lines.append(tag("li", reason, weight))
    return tag("ul", *lines, class_="reasons")


def _limits(explained: int, shown: int, detector: Any) -> str:
    """Say which reasons are not shown."""
    text = ""
    if len(detector.encoder_.state()["codes"]) > MOST_REASONS:
        text = f" Of each row at most {MOST_REASONS} columns are named."
    if explained < shown:
        text += (
            f" Reasons are given for {explained} of the {shown} rows, to keep the page quick; "
            "alad explain gives them for as many as asked for."
        )
    return text
