"""Benchmark results as tables for the terminal."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table

from alad.benchmark.sheets import UNMEASURED

if TYPE_CHECKING:
    from alad.benchmark import Spread, TableRow
    from alad.benchmark.published import Published
from alad.report.terminal import plain_table

MEASURES = {
    "f1": "F1",
    "auroc": "AUROC",
    "average_precision": "AP",
    "precision": "precision",
    "recall": "recall",
}


BESIDE_F1 = {name: told for name, told in MEASURES.items() if name != "f1"}


BENCHMARK_HEADS = (
    *("detector", "runs", "F1", "published F1", *BESIDE_F1.values()),
    *("ensemble F1", "ensemble AUROC", "fit s", "notes"),
)


FIT_SECONDS = (
    "fit s: seconds for all runs of the row together; members of one fit train side by side"
)


def mean_and_sd(spread: "Spread | None", decimals: int = 4) -> str:
    """ "0.9501 ± 0.0018", without ± for a single run, "" for none."""
    if spread is None:
        return ""
    sd = "" if spread.sd is None else f" ± {spread.sd:.{decimals}f}"
    return f"{spread.mean:.{decimals}f}{sd}"


def benchmark_tables(rows: Sequence["TableRow"]) -> list[Table | str]:
    """For each protocol a table, the published F1 beside ours, and its notes below."""
    parts: list[Table | str] = []
    for (benchmark, protocol), group in groupby(rows, lambda row: (row.benchmark, row.protocol)):
        parts += _benchmark_table(f"{benchmark}, protocol {protocol}", list(group))
    return parts


def _benchmark_table(title: str, rows: Sequence["TableRow"]) -> list[Table | str]:
    notes = benchmark_notes(rows)
    body = [benchmark_row(row, notes) for row in rows]
    lines = [f"  ({number}) {note}" for number, note in enumerate(notes, 1)]
    return [plain_table(BENCHMARK_HEADS, body, title), f"  {FIT_SECONDS}", *lines]


def benchmark_notes(rows: Sequence["TableRow"]) -> list[str]:
    """All notes of the rows, each once; a row refers to them by number, from 1."""
    return list(dict.fromkeys(note for row in rows for note in row.notes))


def benchmark_row(row: "TableRow", notes: list[str]) -> list[str]:
    """One row's cells, under BENCHMARK_HEADS."""
    runs = max((spread.runs for spread in row.measures.values()), default=0)
    together = row.ensemble or {}
    marks = ", ".join(str(notes.index(note) + 1) for note in row.notes)
    own = mean_and_sd(row.measures.get("f1"))
    return [
        row.detector,
        str(runs),
        own or (UNMEASURED if UNMEASURED in row.notes else "failed"),
        _published(row.published),
        *(mean_and_sd(row.measures.get(name), 3) for name in BESIDE_F1),
        *(f"{together[name]:.4f}" if together else "" for name in ("f1", "auroc")),
        f"{row.fit_seconds:.1f}" if runs else "",
        marks,
    ]


def _published(number: "Published | None") -> str:
    if number is None:
        return ""
    return f"{number.f1:.4f}" + ("" if number.sd is None else f" ± {number.sd:.4f}")
