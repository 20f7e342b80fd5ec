"""Each of our numbers beside the published one: how far apart, and why if beyond the spread."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alad.benchmark.results import AS_PUBLISHED, Result
from alad.benchmark.row import untrained_name
from alad.benchmark.summary import UNMEASURED, mean_and_sd
from alad.paper.reasons import reasons
from alad.report.page_parts import Section, Text
from alad.report.tables import Cell, Table, numbered

UNEXPLAINED = "not explained yet"
NOTABLE = 0.02  # of F1: so much needs a reason even within a spread of our own that is wide
# What speaks against the published number itself, as notes begin
AGAINST = ("cannot be right", "not like for like", "measured with other settings", "measured here")


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


def verdicts(rows: Iterable[Result]) -> list[Verdict]:
    """Judge rows under the paper's protocol, or the one that stands for it."""
    chosen = {
        (row.benchmark, row.protocol, row.detector): row
        for row in rows
        if row.protocol in AS_PUBLISHED
    }
    return [_verdict(row, chosen) for row in chosen.values() if row.published]


def _verdict(row: Result, rows: Mapping[tuple[str, str, str], Result]) -> Verdict:
    number, ours = row.published, row.measures.get("f1")
    assert number is not None
    # the published spread where there is one; else ours is all that is known of it
    spread = number.sd if number.sd is not None else (ours and ours.sd) or 0.0
    difference = ours and ours.mean - number.f1
    within = difference is not None and abs(difference) <= spread
    wanting = difference is not None and not within
    if within and number.sd is None:
        wanting = abs(difference or 0.0) > NOTABLE
    precision, recall = (row.measures.get(measure) for measure in ("precision", "recall"))
    return Verdict(
        benchmark=row.benchmark,
        row=row.detector,
        published_as=number.method,
        f1=ours and ours.mean,
        sd=ours and ours.sd,
        precision=precision and precision.mean,
        recall=recall and recall.mean,
        published=number.f1,
        published_sd=number.sd,
        published_precision=number.precision,
        published_recall=number.recall,
        status=number.status,
        difference=difference,
        within=within,
        why=(_why(row, number.f1, rows) or (UNEXPLAINED,)) if wanting else (),
    )


def _why(
    row: Result, number: float, rows: Mapping[tuple[str, str, str], Result]
) -> tuple[str, ...]:
    """List reasons: known ones, what speaks against the number, networks ahead untrained."""
    why = [*reasons(row.benchmark, row.detector)]
    why += [note for note in row.notes if note.startswith(AGAINST)]
    twin = rows.get((row.benchmark, row.protocol, untrained_name(row.detector)))
    before = twin.measures["f1"].mean if twin and twin.measures else 0.0
    if before > number:
        why.append(
            f"our networks of {row.detector} on {row.benchmark} are at {before:.3f} before their "
            "first step, already above the published number"
        )
    return tuple(why)


COLUMNS = (
    *("row", "published as", "ours F1", "published F1", "difference", "ours is"),
    *("ours P, R", "published P, R", "because"),
)


def beside_published(judged: Sequence[Verdict]) -> list[Section]:
    """Set every published row beside ours: the difference, and why if beyond the spread."""
    if not judged:
        return []
    notes = list(dict.fromkeys(reason for verdict in judged for reason in verdict.why))
    measured = [verdict for verdict in judged if verdict.f1 is not None]
    within = sum(verdict.within for verdict in measured)
    text = (
        f"{within} of {len(measured)} rows lie within the spread: the published one or, where none "
        "is printed, ours (“within ours”). The others say why they do not, and so do those that "
        "are far off within a wide spread of ours."
    )
    absent = len(judged) - len(measured)
    text += f" Not measured yet: {absent}." if absent else ""
    title, body = "F1 under the paper's protocol", [_row(verdict, notes) for verdict in judged]
    table = Table(title, COLUMNS, body, notes, left=(0, 1, 5, 8))
    return [Section("Beside the published numbers", [Text(text), table])]


def _row(verdict: Verdict, notes: Sequence[str]) -> list[str | Cell]:
    difference = verdict.difference
    side = "above" if difference and difference > 0 else "below"
    within = "within" if verdict.published_sd is not None else "within ours"
    return [
        f"{verdict.benchmark} {verdict.row}",
        f"{verdict.published_as}, {verdict.status}",
        mean_and_sd(verdict.f1, verdict.sd) or UNMEASURED,
        Cell(mean_and_sd(verdict.published, verdict.published_sd), mark="published"),
        "" if difference is None else f"{difference:+.4f}",
        "" if difference is None else within if verdict.within else side,
        _pair(verdict.precision, verdict.recall),
        Cell(_pair(verdict.published_precision, verdict.published_recall), mark="published"),
        numbered(notes, verdict.why),
    ]


def _pair(precision: float | None, recall: float | None) -> str:
    return "" if precision is None or recall is None else f"{precision:.3f}, {recall:.3f}"
