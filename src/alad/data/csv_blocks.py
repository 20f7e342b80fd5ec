"""Read CSV block by block, cells as text, exactly as written."""

import codecs
import re
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv

from alad.data.dialect import SAMPLE, Dialect, check_rows, dialect_of
from alad.data.frames import DECIMAL
from alad.data.spool import FROM_TEXT
from alad.errors import InputError

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

LONGEST_LINE = 1 << 24  # bytes
READ_AT_ONCE = 1 << 23  # bytes, cut after the last whole row


def read(head: bytes, file: IO[bytes]) -> Iterator[pa.Table]:
    """Yield the rows of a CSV file as tables of text, at least one; all of the same columns.

    head: the first bytes of the file, with a whole line, which `file` goes on from. Raises
    InputError or Arrow's errors with the number of a broken line.
    """
    content = head.removeprefix(codecs.BOM_UTF8)
    # whole lines, or a character might be cut
    text = content[: content.rfind(b"\n") + 1 or None].decode()
    dialect = dialect_of(text)
    _check_header(text[dialect.start : dialect.stop], dialect)
    start = len(text[: dialect.stop].encode())
    lines, rows = text[: dialect.stop].count("\n"), 0
    decimal = {DECIMAL: dialect.decimal.encode()} if dialect.decimal else {}
    for block, is_last in _blocks(content[start:], file, dialect.delimiter):
        table = _parsed(block, dialect, lines)
        # what Arrow accepts, but is most likely not meant
        if is_last:
            _check_closed(table, block, rows)
        _check_quotes(table, dialect.delimiter, rows)
        table = _without_trailing(table, rows) if dialect.trailing else table
        _check_repeated(table, rows)
        if not rows:
            first = (cells.to_pylist() for cells in table.slice(0, SAMPLE).columns)
            check_rows(dialect.names, list(zip(*first, strict=True)))
        lines, rows = lines + block.count(b"\n"), rows + table.num_rows
        yield table.replace_schema_metadata({FROM_TEXT: b"csv", **decimal})


def _check_header(header: str, dialect: Dialect) -> None:
    """Raise InputError unless Arrow reads the same names from the header line."""
    options = pacsv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True)
    line = f"{header}\n"  # without a line break Arrow finds nothing at all
    read = pacsv.read_csv(pa.BufferReader(line.encode()), parse_options=options).column_names
    if read not in (dialect.names, [*dialect.names, ""]):
        raise InputError("the header line is ambiguous; check its quotes")


def _blocks(rest: bytes, file: IO[bytes], delimiter: str) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks of whole rows, and whether each is the last; there is at least one."""
    while more := file.read(READ_AT_ONCE):
        block = rest + more
        cut = _end_of_rows(block, delimiter.encode())
        if not cut and len(block) > LONGEST_LINE:
            raise InputError(
                f"a line is longer than {LONGEST_LINE >> 20} MiB; is a quote left open?"
            )
        rest = block[cut:]
        if cut:
            yield block[:cut], False
    yield rest, True


def _end_of_rows(block: bytes, delimiter: bytes) -> int:
    """Find where the last whole row ends: after a line break that is not within quotes."""
    line_break = b"\n" if b"\n" in block else b"\r"
    if b'"' not in block:
        return block.rfind(line_break) + 1
    end = after_quotes = 0
    # a quote opens a cell only where the cell begins; one that is left open goes to the end
    quoted = rb'(?<![^%s\r\n])"(?:[^"]++|"")*+(?:"|\Z)' % re.escape(delimiter)
    for cell in re.finditer(quoted, block):
        end = max(end, block.rfind(line_break, after_quotes, cell.start()) + 1)
        after_quotes = cell.end()
    return max(end, block.rfind(line_break, after_quotes) + 1)


def _parsed(block: bytes, dialect: Dialect, lines: int) -> pa.Table:
    """Parse rows; lines: how many lines of the file come before them, for messages."""
    names = [*dialect.names, *([""] if dialect.trailing else [])]
    if not (block if len(names) == 1 else block.strip(b"\r\n")):
        return pa.schema([(name, pa.string()) for name in names]).empty_table()
    try:
        return _cells(block, dialect.delimiter, names, threads=True)
    except pa.ArrowInvalid:
        # again with one thread, for the number of the broken line
        try:
            return _cells(block, dialect.delimiter, names, threads=False)
        except pa.ArrowInvalid as error:
            line = re.sub(r"Row #(\d+)", lambda row: f"Row #{int(row[1]) + lines}", str(error))
            raise pa.ArrowInvalid(line) from error


def _cells(block: bytes, delimiter: str, names: list[str], threads: bool) -> pa.Table:
    return pacsv.read_csv(
        pa.BufferReader(block),
        read_options=pacsv.ReadOptions(
            block_size=LONGEST_LINE, use_threads=threads, column_names=names
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=len(names) > 1,  # in a single column an empty line is a missing cell
        ),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _without_trailing(table: pa.Table, before: int) -> pa.Table:
    """Remove the last column, which has no name; InputError if it has a cell."""
    last = table.column(table.num_columns - 1)
    filled = pc.not_equal(last, "")
    if pc.any(filled).as_py():
        row = before + pc.index(filled, True).as_py() + 1
        raise InputError(f"row {row} has a cell more than the header has names; repair it")
    return table.remove_column(table.num_columns - 1)


def _check_repeated(table: pa.Table, before: int) -> None:
    """Raise InputError if a row repeats the header, as in concatenated files."""
    rows = None
    for name, cells in zip(table.column_names, table.columns, strict=True):
        same = pc.equal(cells, name)
        rows = same if rows is None else pc.and_(rows, same)
        if not pc.any(rows).as_py():
            return
    row = before + pc.index(rows, True).as_py() + 1
    raise InputError(f"row {row} repeats the header line; remove it")


def _check_closed(table: pa.Table, block: bytes, before: int) -> None:
    """Raise InputError if a quote is left open, which makes all that follows one cell."""
    last = table.column(table.num_columns - 1).slice(max(table.num_rows - 1, 0)).to_pylist()
    if last and "\n" in (last[0] or "") and block.rstrip()[-1:] != b'"':
        row = before + table.num_rows
        raise InputError(f"a quote is left open: row {row} holds all that follows it")


def _check_quotes(table: pa.Table, delimiter: str, before: int) -> None:
    """Raise InputError if a quote within a cell is not doubled: the next lines are one cell then"""
    within = rf'(?s)\n.*"{re.escape(delimiter)}|"{re.escape(delimiter)}.*\n'
    for cells in table.columns:
        if pc.any(pc.match_substring(cells, '"')).as_py():
            joined = pc.match_substring_regex(cells, within)
            if pc.any(joined).as_py():
                row = before + pc.index(joined, True).as_py() + 1
                raise InputError(
                    f"row {row} holds several lines, as a quote stands within a cell; double the "
                    "quotes within cells, or leave them out"
                )
