"""Write tables to files, whole or not at all, and to standard output."""

import csv
import glob
import gzip
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv
from pyarrow import feather, parquet

from alad import locks
from alad.data import json_lines
from alad.data.columns import EXACT_MISSING, with_commas
from alad.data.frames import DECIMAL
from alad.data.refusals import listed
from alad.data.spelling import COMMA
from alad.errors import InputError, StorageError

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

STREAM = "-"  # standard input or output
PART = ".part"  # ends the name of a file that is not yet whole
FROM_TEXT = b"alad.text"  # metadata of a table whose cells are text, as CSV has no types
NEEDS_QUOTES = '[",;|\t\r\n]'
FORMATS = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys((".jsonl", ".ndjson"), "json"),
}


def check_target(target: str | Path) -> None:
    """Raise InputError if no table can be written to a target, before long work."""
    if str(target) == STREAM:
        if sys.stdout is None:
            raise InputError("standard output is closed; name a file with -o")
        return
    _format(Path(target))
    parent = Path(target).absolute().parent
    if Path(target).is_dir():
        raise InputError(f"{target}: is a folder; name a file")
    if not parent.is_dir():
        raise InputError(f"{target}: there is no folder {str(parent)!r}; make it first")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{target}: no permission to write in {str(parent)!r}")


def write_table(
    table: pa.Table, target: str | Path, added: Mapping[str, np.ndarray] | None = None
) -> None:
    """Write `table` with the `added` columns [n] after its own, whole or not at all.

    The suffix gives the format: .csv, .tsv, .txt (tabs), .parquet, .pq, .arrow, .feather, .ipc,
    .jsonl, .ndjson, each also with .gz; "-" writes CSV to standard output. Raises InputError if a
    name is taken, if the suffix is unknown, if the format cannot hold a column, or if the file
    cannot be written.
    """
    # refuse everything before a file is touched
    check_target(target)
    whole = with_columns(table, added or {})
    place = "standard output" if str(target) == STREAM else target
    try:
        if str(target) == STREAM:
            _write_csv(whole, sys.stdout.buffer, ",")
            sys.stdout.buffer.flush()
            return
        with replacing(Path(target)) as file:
            _write(whole, Path(target), file)
    except BrokenPipeError:  # whoever reads has had enough
        raise
    except OSError as error:
        raise StorageError(f"{place}: cannot be written: {first_line(error)}") from error


def with_columns(table: pa.Table, added: Mapping[str, np.ndarray]) -> pa.Table:
    """Append columns to a table; InputError if a name is taken."""
    taken = [name for name in added if name in table.column_names]
    if taken:
        raise InputError(f"the table has a column {listed(taken)} already; rename or remove it")
    for name, values in added.items():
        table = table.append_column(name, pa.array(values))
    return table


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that replaces `target` if no error occurs, and else is removed."""
    if target.exists() and not target.is_file():  # a pipe or a device is written to directly
        with target.open("wb") as file:
            yield file
        return
    final = Path(os.path.realpath(target))  # the file that a link points to
    _remove_abandoned(final)
    part = final.with_name(f".{final.name}.{os.getpid()}{PART}")
    try:
        with locks.created(part) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)


def _remove_abandoned(final: Path) -> None:
    """Remove what processes that were killed had written of a file until then."""
    for part in final.parent.glob(f".{glob.escape(final.name)}.*{PART}"):
        with suppress(OSError), locks.locked(part, wait=False) as free:
            if free:
                part.unlink()


def _format(target: Path) -> tuple[str, str]:
    """Tell (suffix without .gz, format) from a file's name; InputError if it is unknown."""
    name = target.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix not in FORMATS:
        suffixes = ", ".join(FORMATS)
        raise InputError(f"{target}: unknown kind of file {suffix!r}; end its name in {suffixes}")
    return suffix, FORMATS[suffix]


def _write(table: pa.Table, target: Path, file: IO[bytes]) -> None:
    suffix, kind = _format(target)
    if not target.name.lower().endswith(".gz"):
        _WRITERS[kind](table, file, suffix)
        return
    with gzip.GzipFile(fileobj=file, filename="", mode="wb", compresslevel=6, mtime=0) as packed:
        _WRITERS[kind](table, cast("IO[bytes]", packed), suffix)


def _write_csv(table: pa.Table, file: IO[bytes], delimiter: str) -> None:
    plain = pa.table({str(i): _flat(n, table[n]) for i, n in enumerate(table.column_names)})
    # Arrow quotes all text or none, so only where a cell needs it
    quoting: Any = "needed" if any(map(_needs_quotes, plain.columns)) else "none"
    header = io.StringIO()
    csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(table.column_names)
    file.write(header.getvalue().encode())
    options = pacsv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style=quoting)
    pacsv.write_csv(plain, pa.PythonFile(file, mode="w"), options)


def _flat(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert a column for CSV, dictionaries to their values; InputError for nested ones."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _flat(name, column.cast(kind.value_type))
    number = pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not (number or text) or pa.types.is_interval(kind):
        raise InputError(f"CSV cannot hold column {name!r} ({kind}); write .parquet instead")
    return column


def _needs_quotes(column: pa.ChunkedArray) -> bool:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    return bool(pc.any(pc.match_substring_regex(column, NEEDS_QUOTES)).as_py())


def _typed(table: pa.Table) -> pa.Table:
    """Convert text from CSV to types, for formats that have them; other tables stay unchanged."""
    if FROM_TEXT not in (table.schema.metadata or {}):
        return table
    # a new table: setting columns one by one takes time quadratic in their number
    commas = table.schema.metadata.get(DECIMAL) == COMMA.encode()
    columns = [_typed_column(c, commas) if pa.types.is_string(c.type) else c for c in table.columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _typed_column(cells: pa.ChunkedArray, commas: bool) -> pa.ChunkedArray:
    """Convert text to whole numbers or numbers, if all cells are; codes such as "007" stay text.

    commas: may commas be decimal marks?
    """
    filled = pc.if_else(
        pc.is_in(cells, value_set=EXACT_MISSING), pa.scalar(None, pa.string()), cells
    )
    if pc.any(pc.match_substring_regex(filled, r"^0\d")).as_py():
        return cells
    for kind in (pa.int64(), pa.float64()):
        with suppress(pa.ArrowInvalid):
            return filled.cast(kind)
    numbers = with_commas(filled) if commas else None
    return cells if numbers is None else numbers


_WRITERS: dict[str, Callable[[pa.Table, IO[bytes], str], None]] = {
    "csv": lambda table, file, suffix: _write_csv(table, file, "," if suffix == ".csv" else "\t"),
    "parquet": lambda table, file, _: parquet.write_table(_typed(table), file),
    "arrow": lambda table, file, _: feather.write_feather(
        _typed(table), file, compression="uncompressed"
    ),
    "json": lambda table, file, _: json_lines.write(_typed(table), file),
}


def first_line(error: BaseException) -> str:
    """Cut the message of an error to its first line, at most 200 characters."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.splitlines()[0].split())[:200]
