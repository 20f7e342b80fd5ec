"""Read a table in one pass over its batches: every column as numbers or as categories."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from warnings import warn

import numpy as np

from alad.data.array_file import Scratch
from alad.data.column_file import ColumnFile, StoredColumn
from alad.data.column_kinds import ColumnReader
from alad.data.columns import Column, check_finite
from alad.data.frames import Columns, Drop, chosen
from alad.data.refusals import drop_option
from alad.errors import InputError

CELLS_IN_MEMORY = 1 << 24  # of a table while it is read to be learnt from: 128 MB of numbers
MANY_ROWS = 20  # fewer may be numbered by chance
IDENTIFIER = re.compile(  # names of columns: id, user_id, orderId, Serial No.
    r"(?i:(^|[\W_])(id|uid|uuid|guid|key|index|idx|nr|no|number|num|serial))\.?$|[a-z]I[dD]$"
)


@dataclass(frozen=True)
class TypedTable:
    """A table with every column read as numbers or as categories, but those left out.

    The columns of a table longer than memory are `stored`: they lie in a file, and `part` or
    `whole` of a column reads it.
    """

    names: tuple[str, ...]  # of all columns, also of those left out
    named: bool
    kept: list[int]  # places of the columns that were read
    columns: Sequence[Column | StoredColumn]
    matrix: np.ndarray | None = None  # [n, names], of a table that is one array of numbers
    scratch: Scratch | None = None  # a place for files while the table is worked on

    def __len__(self) -> int:
        return len(self.columns[0])


def typed(
    batches: Iterable[Columns],
    drop: Drop = (),
    scratch: Scratch | None = None,
    told: Callable[[int], None] = lambda rows: None,
) -> TypedTable:
    """Read all batches in one pass; each column's kind is decided from all of its values.

    scratch: where columns lie in a file, once they have more than `CELLS_IN_MEMORY` cells; None =
    they stay in memory. told: called with the number of rows read so far.

    Warns of columns that number the rows. Raises InputError as `guess` does, and if the batches
    have different columns.
    """
    first, kept, readers = None, [], []
    count = rows = 0
    file: ColumnFile | None = None
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
        rows += batch.n_rows
        told(rows)
        if scratch and not file and batch.matrix is None and rows * len(kept) > CELLS_IN_MEMORY:
            file = ColumnFile(scratch)
            for reader in readers:
                reader.store(file)
    if first is None:
        raise InputError("X has 0 sample(s) while a minimum of 1 is required: there is no batch")
    matrix = first.matrix if count == 1 else None
    if scratch is None or file is None:
        columns = [reader.column() for reader in readers]
        _warn_of_row_numbers(columns)
        return TypedTable(first.names, first.named, kept, columns, matrix, scratch)
    # one at a time; the file of batches makes room for the rows that are encoded next
    whole = ColumnFile(scratch)
    stored = []
    for reader in readers:
        column = reader.column()
        _warn_of_row_numbers([column])
        stored.append(whole.put(column))
    file.close()
    return TypedTable(first.names, first.named, kept, stored, None, scratch)


def _warn_of_row_numbers(columns: Sequence[Column]) -> None:
    """Warn of whole numbers that tell rows apart rather than describe them."""
    for column in columns:
        x = column.values
        if column.levels is not None or len(x) < MANY_ROWS or not (x == np.floor(x)).all():
            continue  # NaN equals nothing
        if reason := _numbered(column.name, x):
            first = ", ".join(f"{value:.15g}" for value in x[:3])
            warn(
                f"column {column.name!r} {reason[0]} ({first}, …); {reason[1]}: leave it out, "
                f"drop=[{column.name!r}] or {drop_option(column.name)}",
                UserWarning,
                stacklevel=4,
            )


def _numbered(name: str, x: np.ndarray) -> tuple[str, str] | None:
    """Say what whole numbers x [n] do to rows, and what follows; None if they may describe them."""
    with np.errstate(over="ignore"):
        steps = np.diff(x)
    distinct = len(np.unique(x)) == len(x)
    # most numbers in their range are there, in any order; or they are evenly spaced
    dense = distinct and x.max() / 2 - x.min() / 2 < len(x)
    if dense or (steps[0] != 0 and (steps == steps[0]).all()):
        return "numbers the rows", "later rows will all look new by it"
    if (steps > 0).all() or (steps < 0).all():
        return "rises or falls from row to row", "later rows will all look new by it"
    if distinct and IDENTIFIER.search(name):
        return "has another number in every row, as identifiers do", "it says nothing of a row"
    return None
