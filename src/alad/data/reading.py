"""Read tables from files and standard input.

Cells of a CSV file stay text, exactly as written: `alad.data.column_kinds` decides once what a
column means, and a scored CSV keeps every cell of its input to the letter.
"""

import codecs
import csv
import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv
from pyarrow import feather, parquet

from alad.data import json_lines
from alad.data.arrow_encodings import plain
from alad.data.dialect import SAMPLE, Dialect, check_rows, dialect_of
from alad.data.frames import DECIMAL, check_names
from alad.data.refusals import NO_ROWS
from alad.data.writing import FORMATS, FROM_TEXT, STREAM, check_target, first_line, write_table
from alad.errors import InputError

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

__all__ = ["check_target", "place_of", "read_table", "write_table"]

HEAD = 1 << 16  # bytes from which format and delimiter are detected
BLOCK = 1 << 24  # bytes of CSV parsed at once; also the longest line
UNREADABLE = (
    (b"PK\x03\x04", "a zip or Excel file; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel file; save the sheet as CSV"),
    (b"SQLite format 3", "a SQLite database; save a table of it as CSV or Parquet"),
    (b"ORC", "an ORC file; save it as Parquet"),
    (b"Obj\x01", "an Avro file; save it as Parquet"),
    (b"\x93NUMPY", "a NumPy file; save it as CSV, or give the array to detector.fit"),
    (b"\x89HDF", "an HDF5 file; save the table as Parquet"),
    (b"%PDF", "a PDF file; save the table as CSV"),
    (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed; unpack it, or use gzip"),
    (b"BZh", "bzip2-compressed; unpack it, or use gzip"),
    (b"\xfd7zXZ", "xz-compressed; unpack it, or use gzip"),
)


def read_table(source: str | Path, *, may_be_empty: bool = False) -> pa.Table:
    """Read a CSV, TSV, JSON lines, Parquet or Arrow file, also gzipped; "-" = standard input.

    The format is detected from the content, the delimiter (, ; tab |) from the header line and the
    rows below. CSV must be UTF-8 with one header line; its columns are text. may_be_empty: is a
    table without rows allowed? Anything else raises InputError, on one line that names the file.
    """
    if not str(source):
        raise InputError("the name of the table is empty; name a file, or - for standard input")
    place = place_of(source)
    with explained(place):
        content = _content(source)
        if content[:2].to_pybytes() == b"\x1f\x8b":
            content = pa.py_buffer(gzip.decompress(content))
        table = _parsed(content)
        check_names(table.column_names, "the table")
        if not table.num_columns or not (table.num_rows or may_be_empty):
            raise InputError(NO_ROWS)
        return table


def part_files(folder: Path) -> list[Path]:
    """List tables in a folder and all folders below, by name.

    Tables have a known suffix, or begin with part-, as those of Spark and Hadoop; names that begin
    with . or _ are skipped. Raises InputError for Hive partitions, folders such as year=2020.
    """
    below = sorted(path for path in folder.rglob("*") if path.is_file())
    parts = [(path, path.relative_to(folder).parts) for path in below]
    tables = [
        path
        for path, names in parts
        if not any(name.startswith((".", "_")) for name in names) and _called_table(path)
    ]
    # a folder year=2020 holds a column `year` in its name, which is not read
    partitioned = next((path.parent.name for path in tables if "=" in path.parent.name), None)
    if partitioned and tables[0].parent != folder:
        raise InputError(
            f"{folder}: is partitioned into folders such as {partitioned!r}, whose names are cells "
            "of a column; name one of these folders, or save one table"
        )
    return tables


def _called_table(path: Path) -> bool:
    name = path.name.lower()
    return name.startswith("part-") or Path(name.removesuffix(".gz")).suffix in FORMATS


def place_of(source: str | Path) -> str:
    """Name a source for messages."""
    return "standard input" if str(source) == STREAM else str(source)


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn all errors of reading into an InputError, a line that begins with the file's name."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: {NOT_UTF8}") from error
    except (zlib.error, gzip.BadGzipFile, EOFError) as error:
        raise InputError(f"{place}: damaged or truncated gzip file; copy it again") from error
    except MemoryError as error:
        raise InputError(f"{place}: does not fit into memory, or is damaged") from error
    except OSError as error:
        raise InputError(f"{place}: cannot be read: {first_line(error)}") from error
    except (pa.ArrowException, ValueError, KeyError, TypeError, csv.Error) as error:
        raise InputError(f"{place}: {_reason(first_line(error))}") from error


NOT_UTF8 = "is not UTF-8 text; convert it, for example: iconv -f latin1 -t utf-8"


def _reason(line: str) -> str:
    """Explain a message of Arrow or Python in the terms of a table."""
    ragged = re.search(r"(Row #\d+: )?Expected (\d+) columns, got (\d+): (.*)", line)
    if ragged:
        row, due, count, text = ragged.groups()
        where = f"line {row[5:-2]}" if row else "a line"
        return f"{where} has {count} cells where the header has {due}: {text[:60]!r}; repair it"
    if "invalid UTF8" in line:
        return NOT_UTF8
    if "Empty CSV" in line:
        return NO_ROWS
    if "straddling" in line:
        return f"a line is longer than {BLOCK >> 20} MiB; is a quote left open?"
    return f"damaged, or no table: {line}; copy it again, or save it anew"


def _content(source: str | Path) -> pa.Buffer:
    if str(source) == STREAM:
        if sys.stdin is None:
            raise InputError("is closed; give it a table, or name a file")
        return pa.py_buffer(sys.stdin.buffer.read())
    if Path(source).is_dir():
        raise InputError("is a folder; name a file")
    if not Path(source).exists():
        raise InputError("no such file or folder; check its name, and where you are")
    if not Path(source).is_file():  # a pipe, such as /dev/stdin
        return pa.py_buffer(Path(source).read_bytes())
    if not Path(source).stat().st_size:
        return pa.py_buffer(b"")
    return pa.memory_map(str(source)).read_buffer()


def _parsed(content: pa.Buffer) -> pa.Table:
    head = content[:HEAD].to_pybytes()
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise InputError("the file is empty; give one with a table")
    for magic, what in UNREADABLE:
        if head.startswith(magic):
            raise InputError(f"is {what}")
    if head.startswith(b"PAR1"):
        return _validated(parquet.read_table(pa.BufferReader(content)))
    if head.startswith((b"ARROW1", b"FEA1")):
        return _validated(feather.read_table(pa.BufferReader(content), memory_map=False))
    if head.startswith(b"\xff\xff\xff\xff"):
        return _validated(pa.ipc.open_stream(pa.BufferReader(content)).read_all())
    if b"\0" in head:
        raise InputError(
            "is binary, and neither Parquet nor Arrow; save it as one of these, or as CSV in UTF-8"
        )
    if json_lines.OBJECT.match(head.removeprefix(codecs.BOM_UTF8)):
        return json_lines.read(content)
    return _csv(content, head if b"\n" in head else content[:BLOCK].to_pybytes())


def _validated(table: pa.Table) -> pa.Table:
    """Check a table for damage, and decode its columns to encodings that every kernel supports."""
    table.validate(full=True)  # these files carry no checksum
    columns = [plain(column) for column in table.columns]
    kept = table.schema.metadata
    return pa.Table.from_arrays(columns, names=table.column_names, metadata=kept)


def _csv(content: pa.Buffer, head: bytes) -> pa.Table:
    """Parse CSV to a table of text; head: its first lines."""
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    # whole lines, or a character might be cut
    text = head[mark : head.rfind(b"\n") + 1 or None].decode()
    dialect = dialect_of(text)
    content = _from_header(content, mark, text, dialect)
    names = [*dialect.names, *([""] if dialect.trailing else [])]
    try:
        table = _cells(content, dialect.delimiter, names, threads=True)
    except pa.ArrowInvalid:
        # again with one thread, for the number of the broken line; Arrow counts from the header
        before = text[: dialect.start].count("\n")
        try:
            table = _cells(content, dialect.delimiter, names, threads=False)
        except pa.ArrowInvalid as error:
            line = re.sub(r"Row #(\d+)", lambda row: f"Row #{int(row[1]) + before}", str(error))
            raise pa.ArrowInvalid(line) from error
    # what Arrow accepts, but is most likely not meant
    if table.column_names != names:
        raise InputError("the header line is ambiguous; check its quotes")
    _check_quotes(table, content, dialect.delimiter)
    table = _without_trailing(table) if dialect.trailing else table
    _check_repeated(table)
    first = (cells.to_pylist() for cells in table.slice(0, SAMPLE).columns)
    check_rows(dialect.names, list(zip(*first, strict=True)))
    decimal = {DECIMAL: dialect.decimal.encode()} if dialect.decimal else {}
    return table.replace_schema_metadata({FROM_TEXT: b"csv", **decimal})


def _from_header(content: pa.Buffer, mark: int, text: str, dialect: Dialect) -> pa.Buffer:
    """Cut what precedes the header line; end it with a delimiter if all rows end with one."""
    start = mark + len(text[: dialect.start].encode())
    header = text[dialect.start : dialect.stop]
    line = header.rstrip("\r\n")
    if not dialect.trailing or line.endswith(dialect.delimiter):
        return content[start:] if start else content
    stop = start + len(header.encode())
    whole = line + dialect.delimiter + header[len(line) :]
    return pa.py_buffer(whole.encode() + content[stop:].to_pybytes())


def _without_trailing(table: pa.Table) -> pa.Table:
    """Remove the last column, which has no name; InputError if it has a cell."""
    last = table.column(table.num_columns - 1)
    filled = pc.not_equal(last, "")
    if pc.any(filled).as_py():
        row = pc.index(filled, True).as_py() + 1
        raise InputError(f"row {row} has a cell more than the header has names; repair it")
    return table.remove_column(table.num_columns - 1)


def _check_repeated(table: pa.Table) -> None:
    """Raise InputError if a row repeats the header, as in concatenated files."""
    rows = None
    for name, cells in zip(table.column_names, table.columns, strict=True):
        same = pc.equal(cells, name)
        rows = same if rows is None else pc.and_(rows, same)
        if not pc.any(rows).as_py():
            return
    row = pc.index(rows, True).as_py() + 1
    raise InputError(f"row {row} repeats the header line; remove it")


def _cells(content: pa.Buffer, delimiter: str, names: list[str], threads: bool) -> pa.Table:
    return pacsv.read_csv(
        pa.BufferReader(content),
        read_options=pacsv.ReadOptions(block_size=BLOCK, use_threads=threads),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,  # in a single column an empty line is a missing cell
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _check_quotes(table: pa.Table, content: pa.Buffer, delimiter: str) -> None:
    """Raise InputError if a quote is left open, or one within a cell is not doubled.

    All that follows is one cell then, or the next lines are.
    """
    last = table.column(table.num_columns - 1).slice(max(table.num_rows - 1, 0)).to_pylist()
    end = content[max(content.size - HEAD, 0) :].to_pybytes().rstrip()[-1:]
    if last and "\n" in (last[0] or "") and end != b'"':
        raise InputError(f"a quote is left open: row {table.num_rows} holds all that follows it")
    within = rf'(?s)\n.*"{re.escape(delimiter)}|"{re.escape(delimiter)}.*\n'
    for cells in table.columns:
        if pc.any(pc.match_substring(cells, '"')).as_py():
            joined = pc.match_substring_regex(cells, within)
            if pc.any(joined).as_py():
                row = pc.index(joined, True).as_py() + 1
                raise InputError(
                    f"row {row} holds several lines, as a quote stands within a cell; double the "
                    "quotes within cells, or leave them out"
                )
