"""The page: our numbers beside the published ones, and all the other sections in their order."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alad.benchmark import leaderboard, leaderboard_sheets
from alad.benchmark.page import benchmark_page, sheet_blocks
from alad.benchmark.results_file import Line
from alad.benchmark.table import errors
from alad.paper import lacking
from alad.paper.images_section import images
from alad.paper.plan import Plan
from alad.paper.scores_section import curves_and_histograms, scores_of_one_training
from alad.paper.times_section import inference_times
from alad.paper.verdict_section import beside_published
from alad.paper.verdicts import verdicts
from alad.report.blocks import Block, Facts, Notes, Section, Text

if TYPE_CHECKING:
    from alad.paper.plan import Found

TITLE = "The tables of the ALAD paper, measured again"


def write(plan: Plan, found: "Found", folder: Path) -> list[Path]:
    """README.md with its figures, and index.html; -> the files written."""
    extra = [
        *beside_published(verdicts(found.rows)),
        *scores_of_one_training(found.aspects, lacking.of_views(plan, found.aspects, found.runs)),
        *curves_and_histograms(found.aspects),
        *images(found.images, found.absent),
        *inference_times(found.times, lacking.of_times(plan, found.times)),
        *(adbench(found.standings) if plan.adbench or found.standings else []),
        how_made(plan, found),
    ]
    return benchmark_page(folder, TITLE, plan.lead, found.rows, extra)


def adbench(lines: Sequence[Line]) -> list[Section]:
    """The standings on ADBench: not of the paper, but of today."""
    text = (
        "Not of the paper: where its detectors stand today. Published numbers belong to the "
        "protocol “published”, which takes the first half of the normal rows in the file's order; "
        "a random half is easier for most detectors, so each is compared with its own."
    )
    blocks: list[Block] = [Text(text)]
    for sheet in leaderboard_sheets.mean_sheets(leaderboard.standings(lines, whole=True)):
        blocks += sheet_blocks(sheet)
    return [Section("ADBench", blocks)]


def how_made(plan: Plan, found: "Found") -> Section:
    """The commands, the files, the machines, and what failed."""
    tables = f"results/{plan.tables + '/' if plan.tables else ''}"
    facts = {
        "the paper": f"{plan.command}; this page alone: {plan.command} --show",
        "its lines": ", ".join(f"{tables}{name}.jsonl" for name in plan.benchmarks)
        + f"; results/{plan.folder}/scores.jsonl and timing.jsonl",
        "images": "alad bench cifar10, svhn or mnist, of which the paper's page measures nothing "
        "and shows what is there; lines: "
        + ", ".join(f"results/{name}.jsonl" for name, lines in found.images.items() if lines),
        "ADBench": "alad bench adbench; lines: results/adbench.jsonl",
        "machine": "; ".join(_machines(_lines(found))),
    }
    if not any(found.images.values()):
        del facts["images"]
    if not (plan.adbench or found.standings):
        del facts["ADBench"]
    failed = [
        f"{row.benchmark}, {row.protocol}, {row.detector}: {note}"
        for row in found.rows
        for note in row.notes
        if note.startswith("failed")
    ]
    failed += [f"scores and times: {error}" for error in errors([*found.aspects, *found.times])]
    failed += [f"ADBench: {error}" for error in errors(found.standings)]
    blocks: list[Block] = [Facts({name: text for name, text in facts.items() if text})]
    blocks += [Text("Cells that failed:", tone="alarm"), Notes(failed)] if failed else []
    return Section("How this was made", blocks)


def _lines(found: "Found") -> list[Line]:
    pictures = [line for lines in found.images.values() for line in lines]
    return [*found.tables, *found.aspects, *found.times, *pictures]


def _machines(lines: Iterable[Line]) -> list[str]:
    told = {
        f"{one['cores']} core{'s' * (one['cores'] != 1)} of {one['cpu']}, {one['system']}"
        for line in lines
        for one in [line["machine"]]
    }
    return sorted(told)
