"""The page: our numbers beside the published ones, and all the other sections in their order."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alad.benchmark import standings
from alad.benchmark.ledger import Line
from alad.benchmark.table import errors
from alad.paper.plan import Plan
from alad.paper.scores_section import curves_and_histograms, scores_of_one_training
from alad.paper.times_section import inference_times
from alad.paper.verdicts import Verdict, verdicts
from alad.report.benchmark_page import benchmark_page
from alad.report.blocks import Block, Facts, Notes, Rows, Section, Text
from alad.sheets import Sheet

if TYPE_CHECKING:
    from alad.paper.run import Found

TITLE = "The tables of the ALAD paper, measured again"


def write(plan: Plan, found: "Found", folder: Path) -> list[Path]:
    """README.md with its figures, and index.html; -> the files written."""
    extra = [
        *beside_published(verdicts(found.rows)),
        *scores_of_one_training(found.aspects),
        *curves_and_histograms(found.aspects),
        *inference_times(found.times),
        *adbench(found.standings),
        how_made(plan, found),
    ]
    return benchmark_page(folder, TITLE, plan.lead, found.rows, extra)


# --- ours beside the published --------------------------------------------------------------------


def beside_published(found: Sequence[Verdict]) -> list[Section]:
    """Every published row with ours, the difference, and why where it is beyond the spread."""
    if not found:
        return []
    notes = list(dict.fromkeys(reason for verdict in found for reason in verdict.why))
    heads = ("row", "published as", "ours F1", "published F1", "difference", "", "because")
    body = [_verdict_row(verdict, notes) for verdict in found]
    within = sum(verdict.within for verdict in found)
    text = (
        f"{within} of {len(found)} rows lie within the spread: the published one or, where none is "
        "printed, ours. The others say why they do not."
    )
    table = Rows(heads, body, "F1 under the paper's protocol", frozenset({2, 3, 4}))
    blocks: list[Block] = [Text(text), table]
    return [Section("Beside the published numbers", [*blocks, Notes(notes)] if notes else blocks)]


def _verdict_row(verdict: Verdict, notes: list[str]) -> tuple[str, ...]:
    side = "above" if verdict.difference > 0 else "below"
    return (
        f"{verdict.benchmark} {verdict.row}",
        f"{verdict.published_as}, {verdict.status}",
        _number(verdict.f1, verdict.sd),
        _number(verdict.published, verdict.published_sd),
        f"{verdict.difference:+.4f}",
        "within" if verdict.within else side,
        " ".join(f"({notes.index(reason) + 1})" for reason in verdict.why),
    )


def _number(mean: float, sd: float | None) -> str:
    return f"{mean:.4f}" + ("" if sd is None else f" ± {sd:.4f}")


# --- further --------------------------------------------------------------------------------------


def adbench(lines: Sequence[Line]) -> list[Section]:
    """The standings on ADBench, where they have been measured: not of the paper, but of today."""
    shown = standings.sheets(standings.standings(lines))
    means = [sheet for sheet in shown if not sheet.title.endswith("one by one")]
    if not means:
        return []
    text = (
        "Not of the paper: where its detectors stand today. Published numbers belong to the "
        "protocol `published`, which takes the first half of the normal rows in the file's order; "
        "a random half is easier for most detectors, so each is compared with its own."
    )
    blocks: list[Block] = [Text(text)]
    for sheet in means:
        blocks += _sheet_blocks(sheet)
    return [Section("ADBench", blocks)]


def _sheet_blocks(sheet: Sheet) -> list[Block]:
    numeric = frozenset(range(1, len(sheet.heads)))
    return [Rows(sheet.heads, sheet.rows, sheet.title, numeric, live=True), Notes(sheet.notes)]


def how_made(plan: Plan, found: "Found") -> Section:
    """The command, the machine, and what failed."""
    lines = [*found.aspects, *found.times]
    machines = {_machine(line) for line in lines}
    facts = {
        "command": plan.command,
        "lines": f"results/{plan.folder}/scores.jsonl and timing.jsonl, and "
        + ", ".join(
            f"results/{plan.tables + '/' if plan.tables else ''}{name}.jsonl"
            for name in plan.benchmarks
        ),
        "machine": "; ".join(sorted(machines)),
    }
    failed = [
        f"{row.benchmark}, {row.protocol}, {row.detector}: {note}"
        for row in found.rows
        for note in row.notes
        if note.startswith("failed")
    ]
    failed += [f"scores and times: {error}" for error in errors(lines)]
    blocks: list[Block] = [Facts({name: text for name, text in facts.items() if text})]
    blocks += [Text("Cells that failed:", tone="alarm"), Notes(failed)] if failed else []
    return Section("How this was made", blocks)


def _machine(line: Line) -> str:
    told = line["machine"]
    return f"{told['cores']} cores of {told['cpu']}, {told['system']}"
