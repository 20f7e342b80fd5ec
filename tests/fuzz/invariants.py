"""What holds for every command, whatever it is given; a fault is a line of text."""

import gzip
import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from pyarrow import parquet

from alad import catalogue
from alad.encoding import TableEncoder

from .cells import MISSING
from .program import Result, warned
from .tables import Table

FEW, SEVERAL = 20, 5  # different values, and ones with decimals, that may be labels
LONGEST = 320  # characters of a line on stderr
# a message ends in what to do; most remedies are an order, and these are their verbs
REMEDIES = re.compile(
    r"\b(give|choose|name|save|remove|leave|write|correct|repair|convert|copy|rename|check|put|"
    r"upgrade|unpack|make|fit|install|lower|use|turn|shorten|try|drop|calibrate|flatten|see|set|"
    r"quote|split|resize|iconv|read|add|free|wait|restore|raise|open|store|look|ask|take|type|"
    r"export|train|close|increase|fill|keep|join|merge|enter|replace|move|delete|decide|update)\b",
    re.IGNORECASE,
)
FRAGMENTS = re.compile(r"(^|/)(\.writing-|\..*\.part$|.*\.tmp$)")


def of_command(
    result: Result,
    naming: Collection[str],
    before: dict[str, bytes | None],
    after: dict[str, bytes | None],
    outputs: Collection[str],
    statuses: Collection[int] = (0, 2),
) -> list[str]:
    """Hold a command to what all have in common; return its faults.

    naming: words of which one is in an error. outputs: names of files or folders that may change.
    """
    faults = []
    if "Traceback" in result.err or result.status == -1:
        where = result.err.strip().splitlines()[-1:]
        return [f"traceback: {where}" if result.status != -1 else f"hangs: {result.err[:600]}"]
    if result.status not in statuses:
        faults.append(f"exit status {result.status}: {result.err[:200]!r}")
    lines = result.err.splitlines()
    errors = [line for line in lines if not line.startswith("alad: warning: ")]
    if any(len(line) > 3 * LONGEST for line in lines):
        faults.append(f"a line of {max(map(len, lines))} characters")
    if result.status == 2:
        faults += _of_refusal(result, errors, naming)
        if changed := _changed(before, after):
            faults.append(f"refused, and changed {sorted(changed)[:5]}")
    elif result.status == 0:
        foreign = {name for name in _changed(before, after) if not _is_of(name, outputs)}
        if foreign:
            faults.append(f"changed {sorted(foreign)[:5]}")
    if fragments := [name for name in after if FRAGMENTS.search(name) and name not in before]:
        faults.append(f"left fragments: {fragments[:3]}")
    return faults


def _of_refusal(result: Result, errors: list[str], naming: Collection[str]) -> list[str]:
    faults = []
    if result.out:
        faults.append(f"refused, and wrote to stdout: {result.out[:80]!r}")
    if len(errors) != 1 or not errors[0].startswith("alad: "):
        return [*faults, f"refused in {len(errors)} lines: {errors[:3]}"]
    message = errors[0]
    if not 10 < len(message) < LONGEST:
        faults.append(f"a message of {len(message)} characters: {message[:80]!r}")
    if not message.isprintable():
        faults.append(f"a message with control characters: {message!r}")
    if naming and not any(word in message for word in naming):
        faults.append(f"names neither {' nor '.join(naming)}: {message!r}")
    if not REMEDIES.search(message):
        faults.append(f"names no remedy: {message!r}")
    return faults


def _changed(before: dict[str, bytes | None], after: dict[str, bytes | None]) -> set[str]:
    gone = object()
    return {n for n in before | after if before.get(n, gone) != after.get(n, gone)}


def _is_of(name: str, outputs: Collection[str]) -> bool:
    return any(name == output or name.startswith(f"{output}/") for output in outputs)


# --- scores ---------------------------------------------------------------------------------------


def of_scores(file: Path, rows: int | None) -> list[str]:
    """Hold a scored table to its number of rows, each with a finite score."""
    scores = scores_in(file)
    faults = []
    if rows is not None and len(scores) != rows:
        faults.append(f"{len(scores)} rows scored of {rows}")
    if not np.isfinite(scores).all():
        faults.append(f"scores that are not finite: {scores[~np.isfinite(scores)][:3]}")
    return faults


def scores_in(file: Path) -> np.ndarray:
    """Read the scores of a scored table without the reader that is tested."""
    if file.suffix == ".parquet":
        scored = parquet.read_table(file)
    else:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        delimiter = "\t" if ".tsv" in file.name else ","
        scored = pacsv.read_csv(
            pa.BufferReader(content),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        )
    return scored["anomaly_score"].to_numpy().astype(np.float64)


# --- columns --------------------------------------------------------------------------------------


def of_columns(table: Table, model: Path, scored: Path, err: str) -> list[str]:
    """Hold a fit on a table to the numbers that are meant: read right, or warned of by name.

    The model scores the numbers themselves, typed, and the scores must be those of the file.
    """
    fitted = catalogue.load(model)
    encoder = fitted.encoder_
    if not table.whole or not isinstance(encoder, TableEncoder):
        return []
    kinds = {code["name"]: code["kind"] for code in encoder.state()["codes"]}
    faults, told = [], False
    typed = {}
    for column in table.columns:
        typed[column.name] = pa.array(column.cells)
        if column.truth is None:
            continue
        if warned(err, column.name):
            told = True
            continue
        if column.harmed:  # few numbers and a word may be labels: 1, 2, 3, other
            decimals = {cell for cell in column.cells if re.search(r"\d[.,]|[.,]\d", cell)}
            if (
                len({*column.cells} - {*MISSING}) <= FEW and len(decimals) < SEVERAL + 3
            ):  # slips among them
                continue
            faults.append(f"column {column.name!r} holds a slip and was read without a word")
        elif kinds.get(column.name) != "number" and any(v is not None for v in column.truth):
            faults.append(f"column {column.name!r} of numbers became {kinds.get(column.name)}")
        typed[column.name] = pa.array(column.truth, pa.float64())
    sure = all(column.sure for column in table.columns if column.truth)
    if faults or told or not sure:
        return faults
    due = fitted.anomaly_score(pa.table(typed))
    scores = scores_in(scored)
    if not np.array_equal(due, scores):
        row = int(np.argmax(due != scores))
        cells = {c.name: c.cells[row] for c in table.columns if c.truth}
        faults.append(
            f"numbers read wrongly: row {row + 1} scores {scores[row]}, not {due[row]}: {cells}"
        )
    return faults
