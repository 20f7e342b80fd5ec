"""Time all groups in one run, keep the lines, write a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alad.benchmark.results_file import Line, ResultsFile
from alad.benchmark.runner import made_by
from alad.errors import InputError
from alad.native.memory import threads
from alad.report.charts.axes import Axis
from alad.report.charts.bars import Compared, Estimate, bars
from alad.report.document import Page, write_text
from alad.report.page_parts import Figures, Section, Text
from alad.report.tables import Table
from alad.speed import groups
from alad.speed.measure import Timed, in_turns

ROUNDS, QUICK_ROUNDS = 9, 2
COMMAND = "alad bench speed"
TITLE = "How fast is ALAD here?"
LEAD = (
    "Rows a second of training and scoring. All programs of a table take turns with a matrix "
    "product, the machine's peak: ratios and shares are medians over rounds of one run."
)


@dataclass(frozen=True)
class Measured:
    """Tables to print, the lines of this run, and the files of its page."""

    tables: Sequence[Table]
    lines: Sequence[Line]
    page: Sequence[Path]


def run(
    *,
    results: str | Path = "results",
    quick: bool = False,
    only_show: bool = False,
    say: Callable[[str], None] = lambda message: None,
) -> Measured:
    """Time everything anew, or only show the newest run of RESULTS/speed.jsonl.

    Raises InputError if there is none to show, or a file cannot be written.
    """
    file = ResultsFile(Path(results) / f"speed{'-quick' * quick}.jsonl")
    if not only_show:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.append(_timed(QUICK_ROUNDS if quick else ROUNDS, quick, say))
    lines = newest(file.lines())
    if not lines:
        raise InputError(f"nothing is timed in {file.path} yet; leave out --show")
    tables = speed_tables(lines)
    return Measured(tables, lines, _page(file.path.with_suffix(".html"), lines, tables))


def _timed(rounds: int, quick: bool, say: Callable[[str], None]) -> list[Line]:
    lines: list[Line] = []
    about = made_by(COMMAND + " --quick" * quick, "cpu")
    for group in groups.groups():
        found, peak = in_turns(group.subjects(), rounds)
        facts = {"rounds": rounds, "threads": threads(), "peak_gflops": peak, **about}
        lines += [_line(group.title, timed, len(found), facts) for timed in found]
        best = max(found, key=lambda timed: timed.rows_per_second)
        say(f"{group.title}: {best.name} {best.rows_per_second:,.0f} rows a second")
    return lines


def _line(title: str, timed: Timed, count: int, facts: dict[str, Any]) -> Line:
    middle, low, high = timed.ratios
    return {
        "benchmark": "speed",
        "protocol": title,
        "detector": timed.name,
        "member": timed.name,
        "cell_lines": count,
        "rows_per_second": timed.rows_per_second,
        "seconds": timed.seconds,
        "share_of_peak": timed.share,
        "ratio": middle,
        "ratio_low": low,
        "ratio_high": high,
        **facts,
        "cell": f"{title} {facts['finished']}",
        "settings": title,
    }


def newest(lines: Sequence[Line]) -> list[Line]:
    """Keep the lines of the last run."""
    return [line for line in lines if line["finished"] == lines[-1]["finished"]]


def speed_tables(lines: Sequence[Line]) -> list[Table]:
    """Make a table for each group."""
    first = lines[0]
    about = (
        f"{first['threads']} thread{'s' * (first['threads'] > 1)}, {first['machine']['cores']} "
        f"cores of {first['machine']['cpu']}, {first['rounds']} rounds"
    )
    found = []
    for title in dict.fromkeys(line["protocol"] for line in lines):
        group = [line for line in lines if line["protocol"] == title]
        peak = f"peak {group[0]['peak_gflops']:.0f} GFLOP/s"
        rows = [
            (
                line["detector"],
                f"{line['rows_per_second']:,.0f}",
                f"{line['ratio']:.2f} ({line['ratio_low']:.2f} to {line['ratio_high']:.2f})",
                "" if line["share_of_peak"] is None else f"{line['share_of_peak']:.0%}",
            )
            for line in group
        ]
        columns = ("", "rows/s", f"times as fast as {group[0]['detector']}", "of the peak")
        found.append(Table(f"{title}; {about}; {peak}", columns, rows, live=False))
    return found


def _page(path: Path, lines: Sequence[Line], tables: Sequence[Table]) -> list[Path]:
    sections = []
    for table in tables:
        title = table.title.partition(";")[0]
        group = [line for line in lines if line["protocol"] == title]
        rates = [line["rows_per_second"] for line in group]
        axis = Axis("rows a second, logarithmic", min(rates) / 2, max(rates) * 2, "log")
        rows = [Compared(line["detector"], (Estimate(line["rows_per_second"]),)) for line in group]
        chart = bars(title, axis, ("rows a second",), rows, as_dots=True, decimals=0)
        sections.append(Section(title, [table, Figures([chart])]))
    command = Section("How this was made", [Text(lines[0]["command"])])
    write_text(path, Page(TITLE, LEAD, [*sections, command]).html())
    return [path]
