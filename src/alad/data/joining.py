"""Join the batches of a table, whose columns may be text in one file and numbers in another."""

import re
from collections.abc import Sequence

import pyarrow as pa

from alad.data.arrow_encodings import RawColumn
from alad.data.writing import first_line
from alad.errors import InputError

THREE_DECIMALS = re.compile(r"-?\d+\.\d{3}")  # whose point could stand between thousands


def joined_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Join tables of the same columns, in the order of the first.

    Columns of different types become one that holds both, or else text. Raises InputError if a
    column lacks in one of them, or cannot be text.
    """
    names = tables[0].column_names
    try:
        tables = [table.select(names) for table in tables]
        try:
            return pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException:
            mixed = {n for n in names if len({table.schema.field(n).type for table in tables}) > 1}
            texts = [_with_texts(table, mixed) for table in tables]
            return pa.concat_tables(texts, promote_options="permissive")
    except (pa.ArrowException, KeyError) as error:
        raise InputError(
            f"the batches do not fit together: {first_line(error)}; give all the same columns"
        ) from error


def _with_texts(table: pa.Table, names: set[str]) -> pa.Table:
    for at, name in enumerate(table.column_names):
        if name in names:
            table = table.set_column(at, name, _texts(table.column(at)))
    return table


def _texts(column: RawColumn) -> RawColumn:
    """Write cells as text; numbers so that they are read as the same ones, whatever the locale."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not pa.types.is_floating(column.type):
        return column.cast(pa.large_string())
    cells = column.cast(pa.float64()).to_pylist()
    texts = [None if cell is None or cell != cell else _text(cell) for cell in cells]
    return pa.chunked_array([pa.array(texts, pa.large_string())])


def _text(number: float) -> str:
    text = repr(number)
    return f"{text}0" if THREE_DECIMALS.fullmatch(text) else text
