"""Read tables from files and standard input, whole or a batch at a time.

Cells of a CSV file stay text, exactly as written: `alad.data.column_kinds` decides once what a
column means, and a scored CSV keeps every cell of its input to the letter.
"""

import codecs
import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
from pyarrow import feather, parquet

from alad.data import csv_blocks, json_lines
from alad.data.arrow_encodings import plain
from alad.data.file_kinds import as_named, check_readable
from alad.data.frames import check_names
from alad.data.refusals import NO_ROWS
from alad.data.remote import RemoteFile, from_store, refusal
from alad.data.rewinding import Opener, rewindable
from alad.data.writing import STREAM, check_target, write_table
from alad.errors import InputError, first_line

__all__ = ["check_target", "place_of", "read_table", "write_table"]

HEAD = 1 << 16  # bytes from which format and delimiter are detected
BATCH_ROWS = 1 << 16  # of Parquet that are decoded at once


def read_table(source: str | Path, *, may_be_empty: bool = False) -> pa.Table:
    """Read a CSV, TSV, JSON lines, Parquet or Arrow file, also gzipped; "-" = standard input.

    The format is detected from the content, the delimiter (, ; tab |) from the header line and the
    rows below. CSV must be UTF-8 with one header line; its columns are text. may_be_empty: is a
    table without rows allowed? Anything else raises InputError, on one line that names the file.
    """
    return joined(read_batches(source, may_be_empty=may_be_empty))


def joined(tables: Iterator[pa.Table]) -> pa.Table:
    """Join the batches of one file."""
    parts = list(tables)
    return parts[0] if len(parts) == 1 else pa.concat_tables(parts)


def read_batches(
    source: str | Path | RemoteFile, *, may_be_empty: bool = False
) -> Generator[pa.Table, None, None]:
    """Yield a table as `read_table` has it, a batch at a time: at least one, of any length.

    A broken batch raises InputError with the number of the line, row group or batch.
    """
    if not str(source):
        raise InputError("the name of the table is empty; name a file, or - for standard input")
    rows = 0
    with explained(place_of(source)), _opened(source) as file:
        for table in _parsed(source, file):
            check_names(table.column_names, "the table")
            rows += table.num_rows
            if not table.num_columns:
                raise InputError(NO_ROWS)
            yield table
        if not (rows or may_be_empty):
            raise InputError(NO_ROWS)


def expected_rows(path: str | Path | RemoteFile) -> int | None:
    """Foretell how many rows a file has: of Parquet exactly, of text about; None = not known."""
    if isinstance(path, RemoteFile) or not Path(path).is_file():
        return None
    with suppress(OSError, pa.ArrowException), Path(path).open("rb") as file:
        head = file.read(HEAD)
        if head.startswith(b"PAR1"):
            return parquet.read_metadata(path).num_rows
        if head and b"\0" not in head:
            return head.count(b"\n") * Path(path).stat().st_size // len(head)
    return None


def place_of(source: str | Path | RemoteFile) -> str:
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
        if error.errno is None and not from_store(error):  # Arrow's, of what it finds in a file
            raise InputError(f"{place}: {_reason(first_line(error))}") from error
        reason = refusal(error) if from_store(error) else first_line(error)
        raise InputError(f"{place}: cannot be read: {reason}") from error
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
    return f"damaged, or no table: {line.rstrip('.')}; copy it again, or save it anew"


@contextmanager
def _opened(source: str | Path | RemoteFile) -> Iterator[IO[bytes]]:
    """Open a file, or standard input, to be read once from its beginning."""
    if str(source) == STREAM:
        if sys.stdin is None:
            raise InputError("is closed; give it a table, or name a file")
        yield sys.stdin.buffer
        return
    if isinstance(source, RemoteFile):
        with source.open() as file:
            yield file
        return
    if Path(source).is_dir():
        raise InputError("is a folder; name a file")
    if not Path(source).exists():
        raise InputError("no such file or folder; check its name, and where you are")
    with Path(source).open("rb") as file:
        yield file


class _Rejoined(io.RawIOBase):
    """A file whose head was read, from its beginning again: a pipe cannot go back."""

    def __init__(self, head: bytes, file: IO[bytes]):
        self._head, self._file = io.BytesIO(head), file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._head.read(len(buffer)) or self._file.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def _parsed(source: str | Path | RemoteFile, file: IO[bytes]) -> Iterator[pa.Table]:
    """Yield the batches of an open file, whose format its head tells."""
    head, again = file.read(HEAD), _to_be_read_again(source)
    if packed := head.startswith(b"\x1f\x8b"):
        file = _unpacked(io.BufferedReader(_Rejoined(head, file)))
        head = file.read(HEAD)
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise InputError("the file is empty; give one with a table")
    random = None if packed else again
    check_readable(head)
    if head.startswith(b"PAR1"):
        return _in_any_order(_parquet, random, head, file)
    if head.startswith(b"ARROW1"):
        return _in_any_order(_arrow, random, head, file)
    if head.startswith(b"FEA1"):
        return _in_any_order(_feather, random, head, file)
    if head.startswith(b"\xff\xff\xff\xff"):
        return _arrow_stream(random() if random else io.BufferedReader(_Rejoined(head, file)))
    if b"\0" in head:
        raise InputError(
            "is binary, and neither Parquet nor Arrow; save it as one of these, or as CSV in UTF-8"
        )
    if json_lines.OBJECT.match(head.removeprefix(codecs.BOM_UTF8)):
        twice = (lambda: _unpacked(again())) if again and packed else again
        return json_lines.read_batches(head, file, twice)
    if b"\n" not in head:
        head += file.read(csv_blocks.LONGEST_LINE)
    return as_named(str(source), csv_blocks.read(head, file))


def _to_be_read_again(source: str | Path | RemoteFile) -> Opener | None:
    """Give what opens a source anew, as an Arrow file; None for a pipe."""
    if isinstance(source, RemoteFile):
        return source.random
    return (lambda: pa.OSFile(str(source))) if Path(source).is_file() else None


def _unpacked(file: Any) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file))


def _in_any_order(
    parse: Callable[[Any], Iterator[pa.Table]], again: Opener | None, head: bytes, file: IO[bytes]
) -> Iterator[pa.Table]:
    """Parse a format that is read from its end; what is packed, or a pipe, is kept meanwhile."""
    with ExitStack() as stack:
        opener = stack.enter_context(rewindable(head, file)) if again is None else again
        yield from parse(stack.enter_context(opener()))


def _feather(file: Any) -> Iterator[pa.Table]:
    yield _validated(feather.read_table(file))


def _parquet(file: Any) -> Iterator[pa.Table]:
    content = parquet.ParquetFile(file, pre_buffer=False)
    if not content.metadata.num_rows:
        yield _validated(content.schema_arrow.empty_table())
    for group in range(content.num_row_groups):
        with _numbered("row group", group):
            for batch in content.iter_batches(BATCH_ROWS, row_groups=[group]):
                yield _validated(pa.Table.from_batches([batch]))


def _arrow(file: Any) -> Iterator[pa.Table]:
    content = pa.ipc.open_file(file)
    yield from _batches(content.schema, map(content.get_batch, range(content.num_record_batches)))


def _arrow_stream(file: Any) -> Iterator[pa.Table]:
    content = pa.ipc.open_stream(file)
    yield from _batches(content.schema, iter(content))


def _batches(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    number, rows = 0, 0
    while True:
        with _numbered("record batch", number):
            batch = next(batches, None)
            table = None if batch is None else _validated(pa.Table.from_batches([batch]))
        if table is None:
            break
        number, rows = number + 1, rows + table.num_rows
        if table.num_rows:
            yield table
    if not rows:
        yield _validated(schema.empty_table())


@contextmanager
def _numbered(what: str, number: int) -> Iterator[None]:
    """Name a part of a file in the errors of reading it; number: from 0."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        if from_store(error):  # not the file's fault
            raise
        line = f"{what} {number + 1} is damaged: {first_line(error)}"
        raise InputError(f"{line}; copy the file again, or save it anew") from error


def _validated(table: pa.Table) -> pa.Table:
    """Check a table for damage, and decode its columns to encodings that every kernel supports."""
    table.validate(full=True)  # these files carry no checksum
    columns = [plain(column) for column in table.columns]
    kept = table.schema.metadata
    return pa.Table.from_arrays(columns, names=table.column_names, metadata=kept)
