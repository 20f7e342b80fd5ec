"""Each of our numbers beside the published one: how far apart, and why if beyond the spread."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alad.benchmark import TableRow
from alad.benchmark.row import untrained_name
from alad.benchmark.table import AS_PUBLISHED
from alad.paper.reasons import reasons

UNEXPLAINED = "not explained yet"
NOTABLE = 0.02  # of F1: so much needs a reason even within a spread of our own that is wide


@dataclass(frozen=True)
class Verdict:
    """One row of the paper. Fractions; differences are ours − published.

    Ours are None, and nothing is said of them, where the row has not been measured yet.
    """

    benchmark: str
    row: str
    published_as: str
    f1: float | None
    sd: float | None  # of ours, over runs
    precision: float | None
    recall: float | None
    published: float
    published_sd: float | None
    published_precision: float | None
    published_recall: float | None
    status: str
    difference: float | None
    within: bool
    why: tuple[str, ...]  # where it is not within, or no spread is printed and ours is wide


def verdicts(rows: Iterable[TableRow]) -> list[Verdict]:
    """Of the rows under the paper's protocol, or the one that stands for it."""
    chosen = [row for row in rows if row.protocol in AS_PUBLISHED]
    return [_verdict(row, chosen) for row in chosen if row.published]


def _verdict(row: TableRow, rows: Sequence[TableRow]) -> Verdict:
    number, own = row.published, row.measures.get("f1")
    assert number is not None
    # the published spread where there is one; else ours is all that is known of it
    spread = number.sd if number.sd is not None else (own and own.sd) or 0.0
    difference = own and own.mean - number.f1
    within = difference is not None and abs(difference) <= spread
    wanting = difference is not None and not within
    if within and number.sd is None:
        wanting = abs(difference or 0.0) > NOTABLE
    return Verdict(
        benchmark=row.benchmark,
        row=row.detector,
        published_as=number.method,
        f1=own and own.mean,
        sd=own and own.sd,
        precision=_mean(row, "precision"),
        recall=_mean(row, "recall"),
        published=number.f1,
        published_sd=number.sd,
        published_precision=number.precision,
        published_recall=number.recall,
        status=number.status,
        difference=difference,
        within=within,
        why=_why(row, rows) or (UNEXPLAINED,) if wanting else (),
    )


def _mean(row: TableRow, measure: str) -> float | None:
    return row.measures[measure].mean if measure in row.measures else None


def _why(row: TableRow, rows: Sequence[TableRow]) -> tuple[str, ...]:
    known = reasons(row.benchmark, row.detector)
    return (*known, *_of_the_numbers(row), *_ahead_untrained(row, rows))


def _of_the_numbers(row: TableRow) -> tuple[str, ...]:
    """What speaks against the published number itself."""
    told = ("cannot be right", "not like for like", "measured with other settings", "measured here")
    return tuple(note for note in row.notes if note.startswith(told))


def _ahead_untrained(row: TableRow, rows: Sequence[TableRow]) -> tuple[str, ...]:
    """Told where our networks are above the published number before their first step."""
    twin = (row.benchmark, row.protocol, untrained_name(row.detector))
    return tuple(
        f"our networks of {row.detector} on {row.benchmark} are at {reached:.3f} before their "
        "first step, already above the published number"
        for other in rows
        if (other.benchmark, other.protocol, other.detector) == twin and other.measures
        for reached in [other.measures["f1"].mean]
        if row.published and reached > row.published.f1
    )
