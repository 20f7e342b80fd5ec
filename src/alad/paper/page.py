"""The page on the paper: its sections in their order."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from alad.benchmark.leaderboard import leaderboard_tables, standings
from alad.benchmark.page import benchmark_page
from alad.benchmark.results_file import Line
from alad.benchmark.summary import Group
from alad.paper.images_section import images
from alad.paper.plan import Measured, Plan
from alad.paper.scores_section import curves_and_histograms, scores_of_one_training
from alad.paper.times_section import inference_times
from alad.paper.verdicts import beside_published, verdicts
from alad.report.page_parts import Block, Facts, Notes, Section, Text

TITLE = "The tables of the ALAD paper, measured again"
ADBENCH_TEXT = (
    "Not of the paper: where its detectors stand today. Published numbers belong to the protocol "
    "“published”, which takes the first half of the normal rows in the file's order; a random half "
    "is easier for most detectors, so each is compared with its own."
)


def write(plan: Plan, measured: Measured, folder: Path) -> list[Path]:
    """Write README.md with its figures, and index.html; -> the files written."""
    extra = [
        *beside_published(verdicts(measured.rows)),
        *scores_of_one_training(measured.scores, plan.views, measured.runs),
        *curves_and_histograms(measured.scores),
        *images(measured.images, measured.absent),
        *inference_times(measured.times, plan.benches),
        *(adbench(measured.adbench) if plan.adbench or measured.adbench else []),
        how_made(plan, measured),
    ]
    return benchmark_page(folder, TITLE, plan.lead, measured.rows, extra)


def adbench(lines: Sequence[Line]) -> list[Section]:
    """Show the leaderboard of ADBench."""
    tables = leaderboard_tables(standings(lines, whole=True), one_by_one=False)
    return [Section("ADBench", [Text(ADBENCH_TEXT), *tables])]


def how_made(plan: Plan, measured: Measured) -> Section:
    """List the commands, the files, the machines, and what failed."""
    folder = f"results/{plan.tables + '/' if plan.tables else ''}"
    images = {name: lines for name, lines in measured.images.items() if lines}
    lines = [*measured.tables, *measured.scores, *measured.times, *chain(*images.values())]
    machines = {
        f"{machine['cores']} core{'s' * (machine['cores'] != 1)} of {machine['cpu']}, "
        f"{machine['system']}"
        for line in lines
        for machine in [line["machine"]]
    }
    facts = {
        "the paper": f"{plan.command}; this page alone: {plan.command} --show",
        "its lines": ", ".join(f"{folder}{name}.jsonl" for name in plan.benchmarks)
        + f"; results/{plan.folder}/scores.jsonl and timing.jsonl",
        "images": "alad bench cifar10, svhn or mnist, of which the paper's page measures nothing "
        "and shows what is there; lines: " + ", ".join(f"results/{name}.jsonl" for name in images)
        if images
        else "",
        "ADBench": "alad bench adbench; lines: results/adbench.jsonl"
        if plan.adbench or measured.adbench
        else "",
        "machine": "; ".join(sorted(machines)),
    }
    # cells of which nothing is shown above
    failed = [
        f"{row.benchmark}, {row.protocol}, {row.detector}: {note}"
        for row in measured.rows
        for note in row.notes
        if note.startswith("failed")
    ]
    others = {"scores and times": [*measured.scores, *measured.times], "ADBench": measured.adbench}
    failed += [
        f"{what}: {error}" for what, lines in others.items() for error in Group(lines).errors
    ]
    blocks: list[Block] = [Facts({name: text for name, text in facts.items() if text})]
    blocks += [Text("Cells that failed:", tone="alarm"), Notes(failed)] if failed else []
    return Section("How this was made", blocks)
