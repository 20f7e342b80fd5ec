"""Read and write tables as JSON lines: an object a line, whose keys are columns."""

import codecs
import io
import json
import re
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.json as pajson

from alad.data.cells import of_objects
from alad.data.refusals import short
from alad.errors import InputError

OBJECT = re.compile(rb'\s*\{\s*("|\}|$)')  # how JSON lines begin
BLOCK = 1 << 24  # bytes parsed at once; also the longest line
ROWS = 1 << 16  # written at once
MOST_OPENED = 1_000  # brackets in a line: deeper ones than Arrow's stack would end the process


def read(content: pa.Buffer) -> pa.Table:
    """Parse JSON lines; a key that a line lacks is a missing cell. Text stays as it is written.

    Raises InputError for a line that is no object.
    """
    content = content[len(codecs.BOM_UTF8) :] if content[:3] == codecs.BOM_UTF8 else content
    if any(line.count(b"[") + line.count(b"{") > MOST_OPENED for line in io.BytesIO(content)):
        return _by_lines(content)
    try:
        table = _parsed(content)
        times = [field for field in table.schema if pa.types.is_timestamp(field.type)]
        # Arrow takes text for times where it can, and would write them in another way
        known = pa.schema([(field.name, pa.string()) for field in times])
        return _parsed(content, known).select(table.column_names) if times else table
    except pa.ArrowInvalid:  # broken, or cells of several types in a column
        return _by_lines(content)


def _parsed(content: pa.Buffer, known: pa.Schema | None = None) -> pa.Table:
    table = pajson.read_json(
        pa.BufferReader(content),
        read_options=pajson.ReadOptions(block_size=BLOCK),
        parse_options=pajson.ParseOptions(explicit_schema=known),
    )
    table.validate(full=True)  # that text is UTF-8
    return table


def _by_lines(content: pa.Buffer) -> pa.Table:
    """Parse line by line, slower: columns may mix numbers, text and booleans, as CSV may."""
    cells: dict[str, list[Any]] = {}
    rows = 0
    lines = io.TextIOWrapper(io.BytesIO(content.to_pybytes()), encoding="utf-8", newline="\n")
    for number, line in enumerate(lines, 1):
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
    columns = [[_plain(cell) for cell in column.to_pylist()] for column in batch.columns]
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
