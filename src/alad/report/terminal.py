"""Tables for the terminal."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from alad.detector.attribution import Explanation
from alad.detector.calibration import provenance

if TYPE_CHECKING:
    pass

WIDE = 250  # characters, where no terminal says how many there are
DRAWN = ("history", "scores")  # of `training_`


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
