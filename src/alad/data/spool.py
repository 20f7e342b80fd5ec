"""Keep rows on disk until all are known, and settle then what their columns are."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute

from alad.data.columns import EXACT_MISSING, PROBE, with_commas
from alad.data.frames import DECIMAL
from alad.data.joining import common_schema, in_schema
from alad.data.spelling import COMMA

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

FROM_TEXT = b"alad.text"  # metadata of a table whose cells are text, as CSV has no types


class Spool:
    """Tables in a file without a name, which vanishes with the process; read again in their order.

    typed: are text cells of CSV to become numbers where all cells of the column are?
    """

    def __init__(self, folder: Path, typed: bool):
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (`close` does)
        self._writer: Any = None  # of the current schema
        self._schemas: list[pa.Schema] = []
        self._columns: dict[str, Cells] = {}
        self._typed = typed

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def add(self, table: pa.Table) -> None:
        """Write a table behind the others."""
        if not self._schemas or table.schema != self._schemas[-1]:
            self._end()
            self._schemas.append(table.schema)
            options = pa.ipc.IpcWriteOptions(
                compression="lz4", emit_dictionary_deltas=True, unify_dictionaries=True
            )
            self._writer = pa.ipc.new_stream(self._file, table.schema, options=options)
        self._writer.write_table(table)
        if self._typed:
            from_text = FROM_TEXT in (table.schema.metadata or {})
            commas = (table.schema.metadata or {}).get(DECIMAL) == COMMA.encode()
            for name, column in zip(table.column_names, table.columns, strict=True):
                if pa.types.is_dictionary(column.type) or (
                    from_text and pa.types.is_string(column.type)
                ):
                    self._columns.setdefault(name, Cells()).see(column, commas)

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def tables(self) -> Iterator[pa.Table]:
        """Yield the tables, of one schema; InputError if their types do not go together."""
        self._end()
        schema = common_schema([self._settled(one.empty_table()).schema for one in self._schemas])
        self._file.seek(0)
        for _ in self._schemas:
            for batch in pa.ipc.open_stream(self._file):
                yield in_schema(self._settled(pa.Table.from_batches([batch])), schema)

    def _settled(self, table: pa.Table) -> pa.Table:
        """Convert the columns that need all rows to be known."""
        metadata = table.schema.metadata or {}
        columns = [
            self._columns[name].converted(column) if name in self._columns else column
            for name, column in zip(table.column_names, table.columns, strict=True)
        ]
        kept = None if self._typed and FROM_TEXT in metadata else metadata
        return pa.Table.from_arrays(columns, names=table.column_names, metadata=kept)


class Cells:
    """What a column of text or of a dictionary can become, told by the cells that it has had."""

    def __init__(self) -> None:
        self._ways: dict[str, bool] = dict.fromkeys(WAYS, True)  # is it still possible?
        self._coded = False  # is there a number with a leading zero, such as "007"?
        self._levels: Any = None  # of a dictionary

    def see(self, cells: pa.ChunkedArray, commas: bool) -> None:
        """Look at further cells; commas: may commas be decimal marks?"""
        if pa.types.is_dictionary(cells.type):
            self._see_levels(cells)
        elif not self._coded:
            filled = _filled(cells)
            self._coded = bool(pc.any(pc.match_substring_regex(filled, r"^0\d")).as_py())
            for way, convert in WAYS.items():
                possible = self._ways[way] and (commas or way != "commas")
                # Arrow is slow to fail, so it fails on few rows
                tried = (filled.slice(0, PROBE), filled) if possible else ()
                self._ways[way] = possible and all(convert(part) is not None for part in tried)

    def _see_levels(self, cells: pa.ChunkedArray) -> None:
        for chunk in cells.chunks:
            if self._levels is None:
                self._levels = chunk.dictionary
            elif not chunk.dictionary.equals(self._levels):
                new = chunk.dictionary.filter(
                    pc.invert(pc.is_in(chunk.dictionary, value_set=self._levels))
                )
                self._levels = pa.concat_arrays([self._levels, new])

    def converted(self, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        """Convert cells to what all can become: whole numbers, numbers, or what they are."""
        if pa.types.is_dictionary(cells.type):
            return pa.chunked_array(
                [self._of_all_levels(chunk) for chunk in cells.chunks], cells.type
            )
        way = next((way for way, possible in self._ways.items() if possible), None)
        return cells if self._coded or way is None else WAYS[way](_filled(cells))

    def _of_all_levels(self, chunk: Any) -> Any:
        places = pc.index_in(chunk.dictionary, value_set=self._levels)
        indices = pc.cast(places.take(chunk.indices), chunk.type.index_type)
        return pa.DictionaryArray.from_arrays(indices, self._levels, ordered=chunk.type.ordered)


def typed(table: pa.Table) -> pa.Table:
    """Convert text from CSV to types, told from these rows; other tables stay unchanged."""
    metadata = table.schema.metadata or {}
    if FROM_TEXT not in metadata:
        return table
    # a new table: setting columns one by one takes time quadratic in their number
    columns = []
    for column in table.columns:
        cells = Cells()
        if pa.types.is_string(column.type):
            cells.see(column, metadata.get(DECIMAL) == COMMA.encode())
            column = cells.converted(column)
        columns.append(column)
    return pa.Table.from_arrays(columns, names=table.column_names)


def _filled(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Replace text that means a missing value by null."""
    missing = pc.is_in(cells, value_set=EXACT_MISSING)
    return pc.if_else(missing, pa.scalar(None, pa.string()), cells)


def _cast(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    with suppress(pa.ArrowInvalid):
        return cells.cast(kind)
    return None


def _with_commas(cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    # of no cell at all nothing is told
    return _cast(cells, pa.float64()) if cells.null_count == len(cells) else with_commas(cells)


WAYS: dict[str, Any] = {  # the first that is possible for all cells of a column counts
    "whole": lambda cells: _cast(cells, pa.int64()),
    "number": lambda cells: _cast(cells, pa.float64()),
    "commas": _with_commas,
}
