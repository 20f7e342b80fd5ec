"""Each of our numbers beside the published one: how far apart, and why if beyond the spread."""

from collections.abc import Iterable
from dataclasses import dataclass

from alad.benchmark import TableRow
from alad.paper.reasons import reasons

UNEXPLAINED = "not explained yet"


@dataclass(frozen=True)
class Verdict:
    """One row of the paper that has been measured. Fractions; differences are ours − published."""

    benchmark: str
    row: str
    published_as: str
    f1: float
    sd: float | None  # of ours, over runs
    published: float
    published_sd: float | None
    status: str
    difference: float
    within: bool
    why: tuple[str, ...]  # where it is not within


def verdicts(rows: Iterable[TableRow]) -> list[Verdict]:
    """Of the rows measured under the paper's protocol, or the one that stands for it."""
    return [
        _verdict(row)
        for row in rows
        if row.published and "f1" in row.measures and row.protocol in ("paper", "quick")
    ]


def _verdict(row: TableRow) -> Verdict:
    number, own = row.published, row.measures["f1"]
    assert number is not None
    difference = own.mean - number.f1
    # the published spread where there is one; else ours is all that is known of it
    spread = number.sd if number.sd is not None else own.sd or 0.0
    within = abs(difference) <= spread
    known = (*reasons(row.benchmark, row.detector), *_of_the_numbers(row))
    return Verdict(
        benchmark=row.benchmark,
        row=row.detector,
        published_as=number.method,
        f1=own.mean,
        sd=own.sd,
        published=number.f1,
        published_sd=number.sd,
        status=number.status,
        difference=difference,
        within=within,
        why=() if within else known or (UNEXPLAINED,),
    )


def _of_the_numbers(row: TableRow) -> tuple[str, ...]:
    """What speaks against the published number itself."""
    told = ("cannot be right", "not like for like", "measured with other settings", "measured here")
    return tuple(note for note in row.notes if note.startswith(told))
