"""Tables for the terminal."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from alad.attribution import Explanation
from alad.calibration import provenance
from alad.sheets import UNMEASURED

if TYPE_CHECKING:
    from alad.benchmark import Spread, TableRow
    from alad.published import Published

WIDE = 250  # characters, where no terminal says how many there are
DRAWN = ("history", "scores")  # of `training_`
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


def show(*parts: Table | str, to_stderr: bool = False) -> None:
    """Print tables and lines; without a terminal as wide as they are, and without colours."""
    stream = sys.stderr if to_stderr else sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else WIDE, highlight=False)
    for part in parts:
        console.print(escape(part) if isinstance(part, str) else part)


def plain_table(heads: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> Table:
    """A table of texts: the first column to the left, the others (numbers) to the right."""
    table = Table(title=escape(title) or None, title_justify="left")
    for at, head in enumerate(heads):
        table.add_column(escape(head), justify="right" if at else "left", no_wrap=at == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    return table


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


def model_tables(stored: Mapping[str, Any]) -> list[Table]:
    """What a saved model's manifest says: the model, its settings, its columns, its training."""
    content, arrays = stored["content"], stored["arrays"]
    about = {
        "detector": content["detector"],
        "saved": stored["created"],
        "threshold": f"{-content['offset']:.6g} (flagged from this anomaly_score on)",
        "calibration": _calibrated(content),
        "weights": arrays["file"],
        "written with": ", ".join(f"{name} {which}" for name, which in stored["versions"].items()),
    }
    return [
        _facts("Model", about),
        _facts("Settings", _given(content["params"])),
        _facts("Training", _known(brief(content["training"]))),
        _columns_table(content["encoder"]),
    ]


def brief(training: Mapping[str, Any]) -> dict[str, Any]:
    """What a fit says of itself, without the long lists that pages draw."""
    return {name: value for name, value in training.items() if name not in DRAWN}


def _calibrated(content: Mapping[str, Any]) -> str:
    """On how many rows, and where they come from."""
    facts = content.get("calibration")
    if not facts:
        return "none, so no p-values and no false-alarm rates: alad calibrate --help"
    what = "images" if content["encoder"].get("kind") == "images" else "rows"
    told = f"{facts['rows']:,} {what} " if "rows" in facts else ""
    told += provenance(*(facts.get(name, "") for name in ("origin", "source", "made")))
    seen = facts.get("left_out")
    return f"{told}; {seen:,} more equal some learnt from, and are left out" if seen else told


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts; of those that are not set, their names alone."""
    given = {name: value for name, value in _known(facts).items() if value not in ([], "")}
    absent = ", ".join(name for name in facts if name not in given)
    return given | ({"not set": absent} if absent else {})


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _facts(title: str, facts: Mapping[str, Any]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in facts.items():
        table.add_row(escape(name), escape(str(value)))
    return table


def _columns_table(encoder: Mapping[str, Any]) -> Table:
    """Every column of the training table, and what became of it; of images, their pixels."""
    if encoder.get("kind") == "images":
        pixels = (" × ".join(map(str, encoder["shape"])), encoder["pixel"])
        return plain_table(("height × width × channels", "pixel"), [pixels], "Images")
    read = {code["name"]: code for code in encoder["codes"]}
    body = [(name, *column_facts(read.get(name))) for name in encoder["names"]]
    return plain_table(("column", "read as", "detail"), body, f"Columns ({len(body)})")


def column_facts(code: Mapping[str, Any] | None) -> tuple[str, str]:
    """How a column is read, and what is worth knowing of it."""
    if code is None:
        return "dropped", ""
    holes = "missing values seen" if code["missing"] else ""
    levels = f"{len(code['levels'])} levels" if "levels" in code else ""
    constant = "constant" if code.get("constant") is not None else ""
    return code["kind"], ", ".join(part for part in (levels, constant, holes) if part)


def top_table(labels: Sequence[str], found: Explanation, title: str) -> Table:
    """The first rows of `found`, as many as there are labels: what they are, and the reasons."""
    heads = ("", "score", "in truth", "columns that raise the score, and their part in it")
    body = [
        (f"{at + 1}", f"{found.score[at]:.3f}", label, _named(found, at))
        for at, label in enumerate(labels)
    ]
    return plain_table(heads, body, title)


def _named(found: Explanation, row: int) -> str:
    part = found.raising(row)
    return ", ".join(f"{found.columns[at]} {100 * part[at]:.0f} %" for at in found.worst(row))
