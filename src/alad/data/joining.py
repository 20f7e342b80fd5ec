"""Join the batches of a table, whose columns may be text in one file and numbers in another."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from alad.data.arrow_encodings import RawColumn
from alad.errors import InputError, first_line

THREE_DECIMALS = re.compile(r"-?\d+\.\d{3}")  # whose point could stand between thousands


def joined_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Join tables of the same columns, in the order of the first.

    Columns of different types become one that holds both, or else text. Raises InputError if a
    column lacks in one of them, or cannot be text.
    """
    schema = common_schema([table.schema for table in tables])
    return pa.concat_tables([in_schema(table, schema) for table in tables])


def common_schema(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """Give the types that hold the columns of all tables, in the order of the first.

    Columns that no other type holds become text. Raises InputError if a column lacks in one.
    """
    with _told():
        fields = [_common([schema.field(name) for schema in schemas]) for name in schemas[0].names]
        return pa.schema(fields, schemas[0].metadata)


def _common(fields: Sequence[pa.Field]) -> pa.Field:
    """Give the type that holds a column of all tables: a wider one, or else text."""
    try:
        one_each = [pa.schema([field]) for field in fields]
        return pa.unify_schemas(one_each, promote_options="permissive").field(0)
    except pa.ArrowException:
        return pa.field(fields[0].name, pa.large_string())


def in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Convert a table to the types of a `common_schema`; InputError if a cell cannot be."""
    with _told():
        columns = [_as(table[field.name], field.type) for field in schema]
        return pa.Table.from_arrays(columns, schema=schema)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, KeyError) as error:
        raise InputError(
            f"the batches do not fit together: {first_line(error)}; give all the same columns"
        ) from error


def _as(column: RawColumn, kind: pa.DataType) -> RawColumn:
    if column.type == kind:
        return column
    return _texts(column) if kind == pa.large_string() else column.cast(kind)


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
    if number.is_integer():  # as a label has it
        return str(int(number))
    text = repr(number)
    return f"{text}0" if THREE_DECIMALS.fullmatch(text) else text
