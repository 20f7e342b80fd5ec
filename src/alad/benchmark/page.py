"""The page of benchmarks: our numbers beside published ones, as Markdown and as HTML."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from alad.benchmark.games import game_chart
from alad.benchmark.results import Result, results_table
from alad.benchmark.summary import OTHER_PROTOCOL, Spread
from alad.errors import InputError
from alad.report.charts.axes import Axis
from alad.report.charts.bars import Compared, Estimate, bars, dots
from alad.report.charts.canvas import Chart
from alad.report.document import Page, write_text
from alad.report.page_parts import Figures, Section, Text

ABLATION = ("alad-baseline", "alad+dl", "alad+sn")  # rows of the ablation study, …
WITH_ALL = ("alad+sn+dl", "alad")  # … and its last, which goes by ALAD's name where it is ALAD
BESIDE = ("measured here", "published")
LABEL = "F1, mean ± sd"
GAMES_TEXT = (
    "An encoder E and a generator G play against discriminators that each look at pairs. The "
    "methods differ in the games they play; ALAD also normalises its layers spectrally."
)
ABLATION_TEXT = (
    "The baseline is ALICE: the games of D_xz and D_xx without spectral normalisation. DL adds the "
    "discriminator D_zz of codes, SN normalises layers spectrally, and with both it is ALAD. All "
    "four have the same preset and the same training rows."
)


def benchmark_page(
    folder: str | Path,
    title: str,
    lead: str,
    rows: Sequence[Result],
    extra: Sequence[Section] = (),
    *,
    foot: str = "",
) -> list[Path]:
    """Write README.md with figures/*.svg, and index.html; -> the files written.

    Sections: the drawing of the games, each benchmark and protocol of the rows, the ablation study
    if it was measured, the `extra` ones. Raises InputError if the folder cannot be written to.
    """
    games = Section("The three games", [Text(GAMES_TEXT), Figures([game_chart()])])
    sections = [games, *results_sections(rows), *ablation_sections(rows), *extra]
    page, folder = Page(title, lead, sections, foot), Path(folder)
    try:
        (folder / "figures").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder") from error
    drawn = {folder / "figures" / name: chart.file() for name, chart in page.charts().items()}
    written = {folder / "README.md": page.markdown(), folder / "index.html": page.html(), **drawn}
    for path, text in written.items():
        write_text(path, text)
    return list(written)


def results_sections(rows: Sequence[Result]) -> list[Section]:
    """Make a section for each benchmark and protocol: its table, and F1 as bars."""
    sections = []
    for name, group in _by_protocol(rows).items():
        beside = [row for row in group if row.published and OTHER_PROTOCOL not in row.notes]
        others = [row for row in group if row not in beside]
        title = f"F1 of the other rows, {name}" if beside else f"F1, {name}"
        parts = {f"F1 beside the published one, {name}": beside, title: others}
        charts = [comparison_chart(title, part) for title, part in parts.items() if part]
        sections.append(Section(name, [results_table(group), Figures(charts)]))
    return sections


def ablation_sections(rows: Sequence[Result]) -> list[Section]:
    """Draw the ablation study of each benchmark and protocol that has one."""
    charts = [
        ablation_chart(f"Ablation on {name}", group)
        for name, group in _by_protocol(rows).items()
        if any(row.detector in ABLATION and row.measures for row in group)
    ]
    return [Section("Ablation", [Text(ABLATION_TEXT), Figures(charts)])] if charts else []


def _by_protocol(rows: Sequence[Result]) -> dict[str, list[Result]]:
    groups = groupby(rows, lambda row: f"{row.benchmark}, protocol {row.protocol}")
    return {name: list(group) for name, group in groups}


def comparison_chart(title: str, rows: Sequence[Result]) -> Chart:
    """Draw F1, ours and published, as bars with spreads; rows without either are left out."""
    lines = [line for row in rows if any((line := _compared(row)).values)]
    return bars(title, Axis(LABEL, 0.0, 1.0), BESIDE, lines)


def ablation_chart(title: str, rows: Sequence[Result]) -> Chart:
    """Draw F1 of the ablation study as dots with spreads."""
    by_name = {row.detector: row for row in rows}
    names = (name for name in (*ABLATION, *WITH_ALL) if name in by_name)
    return dots(title, LABEL, BESIDE, [_compared(by_name[name]) for name in names])


def _compared(row: Result) -> Compared:
    number = None if OTHER_PROTOCOL in row.notes else row.published
    theirs = number and Estimate.around(number.f1, number.sd)
    return Compared(row.detector, (estimate_of(row.measures.get("f1")), theirs))


def estimate_of(spread: Spread | None) -> Estimate | None:
    """Make the estimate that a chart draws."""
    return spread and Estimate.around(spread.mean, spread.sd)


def timing_chart(title: str, rows: Mapping[str, tuple[Estimate | None, Estimate | None]]) -> Chart:
    """Draw milliseconds a batch on a logarithmic axis: name -> (measured here, published)."""
    lines = [Compared(name, pair) for name, pair in rows.items()]
    values = [estimate.value for line in lines for estimate in line.values if estimate]
    low, high = (min(values) / 2, max(values) * 2) if values else (1.0, 10.0)
    axis = Axis("milliseconds a batch, logarithmic", low, high, "log")
    return bars(title, axis, BESIDE, lines, as_dots=True, decimals=None)
