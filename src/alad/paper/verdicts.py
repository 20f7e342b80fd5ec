"""Our numbers beside the published ones: differences, and reasons for those beyond the spread."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alad.benchmark.published import Published
from alad.benchmark.results import AS_PUBLISHED, Result
from alad.benchmark.row import untrained_name
from alad.benchmark.summary import UNMEASURED, mean_and_sd
from alad.paper.reasons import reasons
from alad.report.page_parts import Section, Text
from alad.report.tables import Cell, Table, numbered

UNEXPLAINED = "not explained yet"
NOTABLE = 0.02  # difference of F1 that needs a reason even within a wide spread of our own
# Beginnings of the notes that speak against a published number itself
AGAINST = ("cannot be right", "not like for like", "measured with other settings", "measured here")


@dataclass(frozen=True)
class Verdict:
    """One row beside its published one, as fractions; a difference is ours − published."""

    result: Result
    published: Published
    difference: float | None  # of F1; None where the row has not been measured yet
    within: bool  # the spread: the published one or, where none is printed, ours
    why: tuple[str, ...]  # where it is not within, or no spread is printed and ours is wide

    def as_json(self) -> dict[str, Any]:
        """List all numbers, ours as None where the row has not been measured yet."""
        number, measures = self.published, self.result.measures
        f1, precision, recall = map(measures.get, ("f1", "precision", "recall"))
        return {
            "benchmark": self.result.benchmark,
            "row": self.result.detector,
            "published_as": number.method,
            "f1": f1 and f1.mean,
            "sd": f1 and f1.sd,
            "precision": precision and precision.mean,
            "recall": recall and recall.mean,
            "published": number.f1,
            "published_sd": number.sd,
            "published_precision": number.precision,
            "published_recall": number.recall,
            "status": number.status,
            "difference": self.difference,
            "within": self.within,
            "why": self.why,
        }


def verdicts(rows: Iterable[Result]) -> list[Verdict]:
    """Compare rows under the paper's protocol, or the quick one, with what was published."""
    chosen = {
        (row.benchmark, row.protocol, row.detector): row
        for row in rows
        if row.protocol in AS_PUBLISHED
    }
    return [_verdict(row, row.published, chosen) for row in chosen.values() if row.published]


def _verdict(
    row: Result, number: Published, rows: Mapping[tuple[str, str, str], Result]
) -> Verdict:
    """Compare a row with its published number; reasons are given where they differ."""
    ours = row.measures.get("f1")
    if ours is None:
        return Verdict(row, number, None, False, ())
    # the published spread where there is one; else ours is all that is known of it
    spread = (ours.sd or 0.0) if number.sd is None else number.sd
    difference = ours.mean - number.f1
    within = abs(difference) <= spread
    wanting = not within or (number.sd is None and abs(difference) > NOTABLE)
    why = _why(row, number.f1, rows) or (UNEXPLAINED,)
    return Verdict(row, number, difference, within, why if wanting else ())


def _why(
    row: Result, number: float, rows: Mapping[tuple[str, str, str], Result]
) -> tuple[str, ...]:
    """List the reasons for a difference: recorded, noted, or untrained networks."""
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


COLUMNS = ["row", "published as", "ours F1", "published F1", "difference", "ours is"]
COLUMNS += ["ours P, R", "published P, R", "because"]


def beside_published(judged: Sequence[Verdict]) -> list[Section]:
    """Make the table of all verdicts."""
    if not judged:
        return []
    notes = list(dict.fromkeys(reason for verdict in judged for reason in verdict.why))
    measured = [verdict for verdict in judged if verdict.difference is not None]
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
    """Write a verdict as a row; notes: the table's, to which it refers by number."""
    row, number, difference = verdict.result, verdict.published, verdict.difference
    side = "above" if difference and difference > 0 else "below"
    within = "within" if number.sd is not None else "within ours"
    means = {name: spread.mean for name, spread in row.measures.items()}
    return [
        f"{row.benchmark} {row.detector}",
        f"{number.method}, {number.status}",
        row.measures["f1"].text() if "f1" in means else UNMEASURED,
        Cell(mean_and_sd(number.f1, number.sd), mark="published"),
        "" if difference is None else f"{difference:+.4f}",
        "" if difference is None else within if verdict.within else side,
        _pair(means.get("precision"), means.get("recall")),
        Cell(_pair(number.precision, number.recall), mark="published"),
        numbered(notes, verdict.why),
    ]


def _pair(precision: float | None, recall: float | None) -> str:
    return "" if precision is None or recall is None else f"{precision:.3f}, {recall:.3f}"
