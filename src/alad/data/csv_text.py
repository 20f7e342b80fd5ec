"""Write rows as CSV: a row's text is the same whatever rows are beside it."""

import csv
import io
from collections.abc import Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv

from alad.errors import InputError

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

NEEDS_QUOTES = '[",;|\t\r\n]'


def write_header(names: Sequence[str], file: IO[bytes], delimiter: str) -> None:
    """Write the line of column names."""
    header = io.StringIO()
    csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(names)
    file.write(header.getvalue().encode())


def write_rows(table: pa.Table, file: IO[bytes], delimiter: str) -> None:
    """Write rows as lines: missing cells empty, and quotes around the cells that need them.

    Raises InputError if CSV cannot hold a column.
    """
    pairs = zip(table.column_names, table.columns, strict=True)
    columns = [_flat(name, column) for name, column in pairs]
    quoted = list(map(_quoted, columns))
    if all(column is None for column in quoted):
        plain = _numbered(columns)
        options = pacsv.WriteOptions(
            include_header=False, delimiter=delimiter, quoting_style="none"
        )
        pacsv.write_csv(plain, pa.PythonFile(file, mode="w"), options)
        return
    # Arrow quotes all text or none
    pairs = zip(columns, quoted, strict=True)
    texts = [_text(plain) if needed is None else needed for plain, needed in pairs]
    for batch in _numbered(texts).to_batches():
        lines = _side_by_side(*batch.columns, delimiter)
        ended = _side_by_side(lines, "", "\n")  # with a line break between the line and nothing
        bounds = pa.array([0, len(ended)], pa.int64())
        text = pc.binary_join(pa.LargeListArray.from_arrays(bounds, ended), _large(""))
        file.write(text[0].as_buffer())


def _numbered(columns: Sequence[pa.ChunkedArray]) -> pa.Table:
    """Make a table of columns, whose names do not matter."""
    return pa.Table.from_arrays(list(columns), names=list(map(str, range(len(columns)))))


def _flat(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert a dictionary to its values; InputError for what is neither number nor text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _flat(name, column.cast(kind.value_type))
    number = pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    if not (number or _is_text(kind)) or pa.types.is_interval(kind):
        raise InputError(f"CSV cannot hold column {name!r} ({kind}); write .parquet instead")
    return column


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _quoted(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Put quotes around the cells that need them; None if no cell does."""
    if not _is_text(column.type):
        return None
    needed = pc.match_substring_regex(column, NEEDS_QUOTES)
    if not pc.any(needed).as_py():
        return None
    cells = _text(column)
    doubled = pc.replace_substring(cells, '"', '""')
    needed = pc.fill_null(needed, False)
    return pc.if_else(needed, _side_by_side('"', doubled, '"', ""), cells)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.cast(column, pa.large_string()), "")


def _large(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _side_by_side(*columns: Any) -> Any:
    """Join columns, or the same text for all, row by row; the last stands between the others."""
    given = (_large(column) if isinstance(column, str) else column for column in columns)
    return pc.binary_join_element_wise(*given)
