"""Rows and columns by name: dictionaries, arrays with fields, a Series of one row."""

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np

from alad.data.cells import of_column
from alad.data.frames import Columns, check_names
from alad.errors import InputError


def are_records(X: Any) -> bool:
    """Tell whether X is a dictionary, several, an array with fields, or a Series of a row."""
    if isinstance(X, list | tuple):
        return bool(X) and all(isinstance(row, Mapping) for row in X)
    # some sparse matrices of scipy are mappings
    return (isinstance(X, Mapping) and not hasattr(X, "shape")) or _is_row(X) or _has_fields(X)


def _is_row(X: Any) -> bool:
    """Tell whether X is a pandas Series whose index is text, as `frame.iloc[0]` gives it."""
    if not nw.dependencies.is_pandas_series(X) or not len(X):
        return False
    return all(isinstance(name, str) for name in X.index)


def _has_fields(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.ndim == 1 and bool(X.dtype.names)


def columns_of_records(X: Any) -> Columns:
    """Convert records to columns; a key that one of several lacks is a missing cell.

    A dictionary of lists, arrays or series is a table, column by column. Raises InputError if a
    name is no text, or the lists are not of one length.
    """
    if _has_fields(X):
        X = {name: X[name] for name in X.dtype.names}
    if not isinstance(X, list | tuple) and not isinstance(X, Mapping):
        check_names(list(X.index), "the row")
    rows = list(X) if isinstance(X, list | tuple) else [X]
    names = list(dict.fromkeys(name for row in rows for name in _keys(row)))
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise InputError(f"the name of a column is {wrong[0]!r}; give text")
    if not names:
        raise InputError("X is a row without columns; give a value for each column")
    lists = [name for name in names if len(rows) == 1 and _is_list(rows[0][name])]
    if lists and len(lists) < len(names):
        raise InputError(
            f"column {lists[0]!r} is a list and others are not; give one value for each, or a list "
            "for each"
        )
    cells = {name: rows[0][name] if lists else [row.get(name) for row in rows] for name in names}
    lengths = {len(column) for column in cells.values()}
    if len(lengths) > 1:
        raise InputError("the lists of the columns have different lengths; give one of each a row")
    if lengths == {0}:
        raise InputError("X has 0 sample(s) while a minimum of 1 is required: the table is empty")
    raw = tuple(of_column(name, column) for name, column in cells.items())
    return Columns(tuple(names), True, raw)


def _keys(row: Any) -> Any:
    return row.keys()  # of a Series, too: its index


def _is_list(value: Any) -> bool:
    if isinstance(value, np.generic | np.ndarray) and not value.ndim:
        return False  # a number
    return hasattr(value, "__len__") and not isinstance(value, str | bytes | Mapping)
