"""Read a table in one pass over its batches: every column as numbers or as categories."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from alad.data.column_kinds import ColumnReader
from alad.data.columns import Column, check_finite
from alad.data.frames import Columns, Drop, chosen
from alad.errors import InputError


@dataclass(frozen=True)
class TypedTable:
    """A table with every column read as numbers or as categories, but those left out."""

    names: tuple[str, ...]  # of all columns, also of those left out
    named: bool
    kept: list[int]  # places of the columns that were read
    columns: list[Column]
    matrix: np.ndarray | None = None  # [n, names], of a table that is one array of numbers

    def __len__(self) -> int:
        return len(self.columns[0].values)


def typed(batches: Iterable[Columns], drop: Drop = ()) -> TypedTable:
    """Read all batches in one pass; each column's kind is decided from all of its values.

    Raises InputError as `guess` does, and if the batches have different columns.
    """
    first, kept, readers = None, [], []
    count = 0
    for batch in batches:
        if first is None:
            first, kept = batch, batch.kept(drop)
            readers = [ColumnReader(batch.names[place]) for place in kept]
        batch, count = batch.in_order_of(first), count + 1
        if batch.matrix is None:
            for reader, place in zip(readers, kept, strict=True):
                reader.add(batch.raw[place], batch.before, batch.decimal)
        else:
            # numbers are checked as they lie in memory, all columns at once
            matrix = chosen(batch.matrix, kept)
            check_finite([reader.name for reader in readers], matrix, batch.before)
            empty = np.all(np.isnan(matrix), axis=0)
            for at, reader in enumerate(readers):
                reader.add_numbers(matrix[:, at], bool(empty[at]))
    if first is None:
        raise InputError("X has 0 sample(s) while a minimum of 1 is required: there is no batch")
    columns = [reader.column() for reader in readers]
    matrix = first.matrix if count == 1 else None
    return TypedTable(first.names, first.named, kept, columns, matrix)
