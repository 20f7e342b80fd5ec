"""Columns of a table longer than memory: in a file, and read again one at a time, or in part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from alad.data.array_file import Scratch
from alad.data.arrow_encodings import RawColumn
from alad.data.columns import Column
from alad.errors import InputError


@dataclass(frozen=True)
class StoredColumn:
    """A column, or a batch of it, in a `ColumnFile`."""

    file: ColumnFile
    start: int  # byte in the file
    dtype: np.dtype
    count: int
    name: str
    levels: tuple[str, ...] | None
    decimal: str

    def __len__(self) -> int:
        return self.count

    def part(self, rows: slice) -> Column:
        """Read the rows from one to another."""
        first, last, _ = rows.indices(self.count)
        values = self.file.read(self.start, self.dtype, first, last - first)
        kind = np.float64 if self.levels is None else np.int64
        return Column(self.name, values.astype(kind), self.levels, self.decimal)

    def whole(self) -> Column:
        """Read all rows."""
        return self.part(slice(None))


@dataclass(frozen=True)
class StoredText:
    """A batch of a column of text as it came, in a `ColumnFile`."""

    file: ColumnFile
    start: int
    count: int  # bytes

    def whole(self) -> RawColumn:
        """Read the cells."""
        read = self.file.read(self.start, np.dtype(np.uint8), 0, self.count)
        return pa.ipc.open_stream(pa.py_buffer(read)).read_all().column(0)


class ColumnFile:
    """A file of columns, in a place for scratch."""

    def __init__(self, scratch: Scratch):
        self._scratch, self._file, self._end = scratch, scratch.file(), 0

    def put(self, column: Column) -> StoredColumn:
        """Write a column, in four bytes a number where they hold it."""
        values = column.values
        with np.errstate(over="ignore"):
            small = values.astype(np.float32 if column.levels is None else np.int32)
        if ((small == values) | np.isnan(values)).all():
            values = small
        return StoredColumn(
            self,
            self._append(np.ascontiguousarray(values)),
            values.dtype,
            len(values),
            column.name,
            column.levels,
            column.decimal,
        )

    def put_text(self, cells: RawColumn) -> StoredText:
        """Write a batch of cells of text."""
        sink = pa.BufferOutputStream()
        table = pa.table({"cells": cells})
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        written = np.frombuffer(sink.getvalue(), np.uint8)
        return StoredText(self, self._append(written), len(written))

    def _append(self, array: np.ndarray) -> int:
        start = self._end
        self._file.seek(start)
        self._scratch.append(self._file, array, 2.0 * (start + array.nbytes))
        self._end += array.nbytes
        return start

    def read(self, start: int, dtype: np.dtype, first: int, count: int) -> np.ndarray:
        """Read `count` numbers from number `first` of what begins at byte `start`."""
        found = np.empty(count, dtype)
        self._file.seek(start + first * dtype.itemsize)
        into: Any = self._file
        if into.readinto(found.data) < found.nbytes:
            raise InputError("rows in the folder for temporary files are no longer whole")
        return found

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
