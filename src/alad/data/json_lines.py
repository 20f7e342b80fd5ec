"""Read and write tables as JSON lines: an object a line, whose keys are columns."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.json as pajson

from alad.data.cells import of_objects, python_values
from alad.data.joining import common_schema, in_schema
from alad.data.refusals import short
from alad.data.rewinding import Opener, rewindable
from alad.errors import InputError

OBJECT = re.compile(rb'\s*\{\s*("|\}|$)')  # how JSON lines begin
BLOCK = 1 << 24  # bytes parsed at once; also the longest line
ROWS = 1 << 16  # written at once
MOST_OPENED = 1_000  # brackets in a line: deeper ones than Arrow's stack would end the process


def read_batches(head: bytes, file: IO[bytes], again: Opener | None) -> Iterator[pa.Table]:
    """Yield the rows of JSON lines as `read` has them, a block of lines at a time, of one schema.

    head: the first bytes, which `file` goes on from. again: opens the file anew, as a long one is
    read twice, first for its keys and their types; None = it cannot be, and is kept meanwhile.
    """
    start = head + file.read(BLOCK)
    if len(start) < BLOCK:
        yield read(pa.py_buffer(start))
    elif again is not None:
        yield from _of_blocks(again)
    else:
        with rewindable(start, file) as kept:
            yield from _of_blocks(kept)


def _of_blocks(again: Opener) -> Iterator[pa.Table]:
    """Read a file twice: for the keys and types of all blocks, then its rows."""
    schemas: list[pa.Schema] = []
    with again() as whole:
        for table in _tables(whole):
            if table.schema not in schemas:
                schemas.append(table.schema)
    names = list(dict.fromkeys(name for schema in schemas for name in schema.names))
    schema = common_schema([_with_all(names, schema.empty_table()).schema for schema in schemas])
    with again() as whole:
        for table in _tables(whole):
            yield in_schema(_with_all(names, table), schema)


def _tables(file: IO[bytes]) -> Iterator[pa.Table]:
    """Parse a file block by block, each of its own columns."""
    lines, rest = 0, b""
    while True:
        more = file.read(BLOCK)
        block = rest + more
        cut = block.rfind(b"\n") + 1 if more else len(block)
        if cut and block[:cut].strip():
            yield read(pa.py_buffer(block[:cut]), lines)
        lines, rest = lines + block.count(b"\n", 0, cut), block[cut:]
        if not more:
            return


def _with_all(names: list[str], table: pa.Table) -> pa.Table:
    """Add the columns that a block lacks, without a cell, and put all into one order."""
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows))
    return table.select(names)


def read(content: pa.Buffer, before: int = 0) -> pa.Table:
    """Parse JSON lines; a key that a line lacks is a missing cell. Text stays as it is written.

    before: lines of the file before these, for messages. Raises InputError for a line that is no
    object.
    """
    content = content[len(codecs.BOM_UTF8) :] if content[:3] == codecs.BOM_UTF8 else content
    if any(line.count(b"[") + line.count(b"{") > MOST_OPENED for line in io.BytesIO(content)):
        return _by_lines(content, before)
    try:
        table = _parsed(content)
        times = [field for field in table.schema if pa.types.is_timestamp(field.type)]
        # Arrow takes text for times where it can, and would write them in another way
        known = pa.schema([(field.name, pa.string()) for field in times])
        return _parsed(content, known).select(table.column_names) if times else table
    except pa.ArrowInvalid:  # broken, or cells of several types in a column
        return _by_lines(content, before)


def _parsed(content: pa.Buffer, known: pa.Schema | None = None) -> pa.Table:
    table = pajson.read_json(
        pa.BufferReader(content),
        read_options=pajson.ReadOptions(block_size=BLOCK),
        parse_options=pajson.ParseOptions(explicit_schema=known),
    )
    table.validate(full=True)  # that text is UTF-8
    return table


def _by_lines(content: pa.Buffer, before: int) -> pa.Table:
    """Parse line by line, slower: columns may mix numbers, text and booleans, as CSV may."""
    cells: dict[str, list[Any]] = {}
    rows = 0
    lines = io.TextIOWrapper(io.BytesIO(content.to_pybytes()), encoding="utf-8", newline="\n")
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            continue
        for name, cell in _object(line, number):
            column = cells.setdefault(name, [])
            column += [None] * (rows - len(column))
            if len(column) > rows:
                raise InputError(f"line {number} names {short(name)} twice; rename one")
            column.append(cell)
        rows += 1
    whole = {name: column + [None] * (rows - len(column)) for name, column in cells.items()}
    return pa.table({name: of_objects(name, column) for name, column in whole.items()})


def _object(line: str, number: int) -> list[tuple[str, Any]]:
    try:
        found = json.loads(line, object_pairs_hook=Object)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, Object):
        raise InputError(
            f"line {number} is no JSON object: {short(line.strip())}; write an object a line "
            "(JSON lines), or save the table as CSV"
        )
    return found


class Object(list[tuple[str, Any]]):
    """The keys and values of an object, in their order."""


def write(table: pa.Table, file: IO[bytes]) -> None:
    """Write a table as JSON lines; a missing cell is null. InputError for bytes and the like."""
    for batch in table.to_batches(max_chunksize=ROWS):
        file.write("".join(_lines(batch)).encode())


def _lines(batch: pa.RecordBatch) -> Iterator[str]:
    columns = [[_plain(cell) for cell in python_values(column)] for column in batch.columns]
    for cells in zip(*columns, strict=True):
        row = dict(zip(batch.schema.names, cells, strict=True))
        yield json.dumps(row, ensure_ascii=False, default=_text) + "\n"


def _plain(cell: Any) -> Any:
    """Replace NaN, for which JSON has no number, by None, and infinity by text."""
    if not isinstance(cell, float) or cell - cell == 0:
        return cell
    return None if cell != cell else str(cell)


def _text(cell: Any) -> str:
    """Write dates, times and decimals as text."""
    if isinstance(cell, bytes):
        raise InputError("JSON cannot hold bytes; write .parquet instead")
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)
