"""The benchmarks' page: our numbers beside the published ones, as Markdown and as one HTML file."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from alad.benchmark.games import game_chart
from alad.benchmark.sheets import OTHER_PROTOCOL
from alad.benchmark.terminal import (
    BENCHMARK_HEADS,
    FIT_SECONDS,
    MEASURES,
    benchmark_notes,
    benchmark_row,
)
from alad.errors import InputError
from alad.report.axes import Axis
from alad.report.bars import Compared, Estimate, bars
from alad.report.blocks import Block, Cell, Figures, Notes, Rows, Section, Text
from alad.report.canvas import Chart
from alad.report.document import Page, write_text

if TYPE_CHECKING:
    from alad.benchmark import Spread, TableRow
    from alad.benchmark.published import Published
    from alad.benchmark.sheets import Sheet

ABLATION = ("alad-baseline", "alad+dl", "alad+sn")  # rows of the ablation study, …
WITH_ALL = ("alad+sn+dl", "alad")  # … and its last, which goes by ALAD's name where it is ALAD
BESIDE = ("measured here", "published")
ABLATION_TEXT = (
    "The baseline is ALICE: the games of D_xz and D_xx without spectral normalisation. DL adds the "
    "discriminator D_zz of codes, SN normalises layers spectrally, and with both it is ALAD. All "
    "four have the same preset and the same training rows."
)


def benchmark_page(
    folder: str | Path,
    title: str,
    lead: str,
    rows: Sequence["TableRow"],
    extra: Sequence[Section] = (),
    *,
    foot: str = "",
) -> list[Path]:
    """Write README.md with figures/*.svg, and index.html; -> the files written.

    After the drawing of the games there is a section for every benchmark and protocol among the
    rows, one on the ablation study if it was run, then the `extra` ones. Raises InputError if the
    folder cannot be written to.
    """
    sections = [games_section(), *results_sections(rows), *ablation_sections(rows), *extra]
    return write_page(Page(title, lead, sections, foot), Path(folder))


def write_page(page: Page, folder: Path) -> list[Path]:
    """README.md, index.html and figures/*.svg."""
    try:
        (folder / "figures").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder") from error
    drawn = {folder / "figures" / name: chart.file() for name, chart in page.charts().items()}
    written = {folder / "README.md": page.markdown(), folder / "index.html": page.html(), **drawn}
    for path, text in written.items():
        write_text(path, text)
    return list(written)


def games_section() -> Section:
    """What tells BiGAN, ALICE and ALAD apart."""
    words = (
        "An encoder E and a generator G play against discriminators that each look at pairs. The "
        "methods differ in the games they play; ALAD also normalises its layers spectrally."
    )
    return Section("The three games", [Text(words), Figures([game_chart()])])


def results_sections(rows: Sequence["TableRow"]) -> list[Section]:
    """For each benchmark and protocol: table, notes, and F1 as bars."""
    groups = groupby(rows, lambda row: (row.benchmark, row.protocol))
    return [_results(benchmark, protocol, list(group)) for (benchmark, protocol), group in groups]


def _results(benchmark: str, protocol: str, rows: Sequence["TableRow"]) -> Section:
    name = f"{benchmark}, protocol {protocol}"
    table, notes = results_table(rows, f"Mean ± sd over runs, {name}"), benchmark_notes(rows)
    blocks: list[Block] = [table, Text(FIT_SECONDS, tone="small"), Figures(_bars(name, rows))]
    return Section(name, [*blocks, Notes(notes)] if notes else blocks)


def _bars(name: str, rows: Sequence["TableRow"]) -> list[Chart]:
    """F1 of the rows that have a published number beside it, and of the others."""
    beside = [row for row in rows if row.published and OTHER_PROTOCOL not in row.notes]
    others = [row for row in rows if row not in beside]
    charts = [comparison_chart(f"F1 beside the published one, {name}", beside)] if beside else []
    title = f"F1 of the other rows, {name}" if beside else f"F1, {name}"
    return [*charts, *([own_chart(title, others)] if others else [])]


def ablation_sections(rows: Sequence["TableRow"]) -> list[Section]:
    """The ablation study of every benchmark and protocol that has it."""
    groups = groupby(rows, lambda row: (row.benchmark, row.protocol))
    studied = {f"{name}, protocol {protocol}": list(own) for (name, protocol), own in groups}
    charts = [
        ablation_chart(f"Ablation on {name}", own)
        for name, own in studied.items()
        if any(row.detector in ABLATION and row.measures for row in own)
    ]
    return [Section("Ablation", [Text(ABLATION_TEXT), Figures(charts)])] if charts else []


def results_table(rows: Sequence["TableRow"], caption: str) -> Rows:
    """The terminal's table, to be sorted and searched; notes have the numbers they have there."""
    notes = benchmark_notes(rows)
    body = [[Cell(text, _order(text)) for text in benchmark_row(row, notes)] for row in rows]
    numeric = frozenset(range(1, len(BENCHMARK_HEADS) - 1))  # notes may break into lines
    return Rows(BENCHMARK_HEADS, body, caption, numeric, live=True)


def sheet_blocks(sheet: "Sheet") -> list[Block]:
    """A sheet as a table to sort and search, and its notes below."""
    body = [[Cell(text, _order(text)) for text in row] for row in sheet.rows]
    table = Rows(sheet.heads, body, sheet.title, frozenset(range(1, len(sheet.heads))), live=True)
    return [table, Notes(sheet.notes)] if sheet.notes else [table]


def _order(text: str) -> float | None:
    """The number that a cell begins with; an empty cell is below all numbers."""
    if not text:
        return float("-inf")
    try:
        return float(text.split()[0].rstrip(",*"))
    except ValueError:
        return None


def comparison_chart(title: str, rows: Sequence["TableRow"], measure: str = "f1") -> Chart:
    """Ours beside published, bars from 0 with spreads; rows that have neither are left out."""
    lines = [line for line in (_compared(row, measure) for row in rows) if any(line.values)]
    return bars(title, _from_zero(measure), BESIDE, lines)


def own_chart(title: str, rows: Sequence["TableRow"], measure: str = "f1") -> Chart:
    """Ours alone, in the same way."""
    found = {row.detector: _estimate(row.measures.get(measure)) for row in rows}
    lines = [Compared(name, (one,)) for name, one in found.items() if one]
    return bars(title, _from_zero(measure), BESIDE[:1], lines)


def _from_zero(measure: str) -> Axis:
    return Axis(f"{_named(measure)}, mean ± sd", 0.0, 1.0)


def ablation_chart(title: str, rows: Sequence["TableRow"], measure: str = "f1") -> Chart:
    """The ablation study's rows as dots with spreads, on an axis that shows differences."""
    by_name = {row.detector: row for row in rows}
    lines = [
        _compared(by_name[name], measure) for name in (*ABLATION, *WITH_ALL) if name in by_name
    ]
    known = [one for line in lines for one in line.values if one is not None]
    ends = [end for one in known for end in (one.low, one.value, one.high) if end is not None]
    axis = Axis.over(f"{_named(measure)}, mean ± sd", ends).rounded()
    return bars(title, axis, BESIDE, lines, as_dots=True)


def _named(measure: str) -> str:
    return MEASURES.get(measure, measure)


def _compared(row: "TableRow", measure: str) -> Compared:
    published = None if OTHER_PROTOCOL in row.notes else _published(row.published, measure)
    return Compared(row.detector, (_estimate(row.measures.get(measure)), published))


def _estimate(spread: "Spread | None") -> Estimate | None:
    return None if spread is None else Estimate.around(spread.mean, spread.sd)


def _published(number: "Published | None", measure: str) -> Estimate | None:
    value = getattr(number, measure, None)
    if number is None or value is None:
        return None
    return Estimate.around(value, number.sd if measure == "f1" else None)


# --- curves ---------------------------------------------------------------------------------------


# --- timing ---------------------------------------------------------------------------------------


def timing_chart(title: str, rows: Mapping[str, tuple[Estimate | None, Estimate | None]]) -> Chart:
    """Milliseconds a batch on a logarithmic axis: name -> (measured here, published)."""
    lines = [Compared(name, pair) for name, pair in rows.items()]
    known = [one.value for line in lines for one in line.values if one is not None]
    low, high = (min(known) / 2, max(known) * 2) if known else (1.0, 10.0)
    axis = Axis("milliseconds a batch, logarithmic", low, high, "log")
    return bars(title, axis, BESIDE, lines, as_dots=True, decimals=None)
