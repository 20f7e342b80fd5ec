"""The section that sets every published number beside ours, and says why they differ."""

from collections.abc import Sequence

from alad.benchmark.sheets import UNMEASURED
from alad.paper.verdicts import Verdict
from alad.report.blocks import Block, Cell, Notes, Rows, Section, Text

HEADS = (
    *("row", "published as", "ours F1", "published F1", "difference", "ours is"),
    *("ours P, R", "published P, R", "because"),
)


def beside_published(found: Sequence[Verdict]) -> list[Section]:
    """Every published row with ours, the difference, and why where it is beyond the spread."""
    if not found:
        return []
    notes = list(dict.fromkeys(reason for verdict in found for reason in verdict.why))
    body = [_row(verdict, notes) for verdict in found]
    measured = [verdict for verdict in found if verdict.f1 is not None]
    within = sum(verdict.within for verdict in measured)
    text = (
        f"{within} of {len(measured)} rows lie within the spread: the published one or, where none "
        "is printed, ours (“within ours”). The others say why they do not, and so do those that "
        "are far off within a wide spread of ours."
    )
    absent = len(found) - len(measured)
    text += f" Not measured yet: {absent}." if absent else ""
    table = Rows(
        HEADS, body, "F1 under the paper's protocol", frozenset({2, 3, 4, 6, 7}), live=True
    )
    blocks: list[Block] = [Text(text), table]
    return [Section("Beside the published numbers", [*blocks, Notes(notes)] if notes else blocks)]


def _row(verdict: Verdict, notes: list[str]) -> list[str | Cell]:
    known = [_number(verdict.published, verdict.published_sd)]
    printed = _pair(verdict.published_precision, verdict.published_recall)
    head: list[str | Cell] = [
        f"{verdict.benchmark} {verdict.row}",
        f"{verdict.published_as}, {verdict.status}",
    ]
    if verdict.f1 is None or verdict.difference is None:
        return [*head, UNMEASURED, *known, "", "", "", printed, ""]
    side = "above" if verdict.difference > 0 else "below"
    within = "within" if verdict.published_sd is not None else "within ours"
    return [
        *head,
        Cell(_number(verdict.f1, verdict.sd), verdict.f1),
        *known,
        Cell(f"{verdict.difference:+.4f}", verdict.difference),
        within if verdict.within else side,
        _pair(verdict.precision, verdict.recall),
        printed,
        ", ".join(map(str, sorted(notes.index(reason) + 1 for reason in verdict.why))),
    ]


def _number(mean: float, sd: float | None) -> str:
    return f"{mean:.4f}" + ("" if sd is None else f" ± {sd:.4f}")


def _pair(precision: float | None, recall: float | None) -> str:
    return "" if precision is None or recall is None else f"{precision:.3f}, {recall:.3f}"
