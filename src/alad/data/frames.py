"""Convert tables of any kind to named Arrow columns, not yet read as numbers or categories.

pandas, polars and Arrow frames, NumPy arrays and lists of rows all become `Columns`, a batch of a
source. `alad.data.column_kinds` decides what each column means.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa

from alad.data.arrow_encodings import RawColumn
from alad.data.cells import of_numpy, of_series, python_values
from alad.data.refusals import TypeInputError, listed
from alad.errors import InputError

DECIMAL = b"alad.decimal"  # metadata of a table of text: its decimal mark
PANDAS_INDEX = re.compile(r"__index_level_\d+__")
Drop = str | int | Sequence[str | int]  # columns to leave out: names, or numbers if they have none


@dataclass(frozen=True)
class Columns:
    """A table not yet read; `named`: are names the user's, or x0, x1, …?

    Labels that are not text (1, 2, 3 of a frame without a header line) become names by their text,
    unless they count the columns from 0: then `counted` is true, and there are no names.

    matrix: float64 [n, columns], the cells of a table that is one array of numbers.
    """

    names: tuple[str, ...]
    named: bool
    raw: Sequence[RawColumn]
    matrix: np.ndarray | None = None
    before: int = 0  # number of rows in earlier batches of the source, or file, for messages
    counted: bool = False
    decimal: str | None = None  # the decimal mark of a file of text, if known
    place: str = ""  # the file that the batch is a part of, for messages
    given: pa.Table | None = None  # the cells as they came, also of columns that were left out

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The labels of a frame's columns, as text; None for arrays and lists."""
        if self.counted:
            return tuple(map(str, range(len(self.names))))
        return self.names if self.named else None

    @property
    def n_rows(self) -> int:
        return len(self.raw[0])

    def kept(self, drop: Drop) -> list[int]:
        """List the places of the columns that are not left out.

        A number in `drop` means the column with that label in a frame, or at that place in an
        array. Raises InputError if a column to leave out does not exist, or none remains. Only here
        is `drop` interpreted.
        """
        numbered = {} if self.named else dict(enumerate(self.names))
        wanted = [
            numbered.get(key, str(key)) if isinstance(key, int) else key for key in keys(drop)
        ]
        absent = [key for key in wanted if key not in self.names]
        if absent:
            names = listed(self.names)
            comma = any("," in name for name in self.names)
            quotes = "; in --drop, quote a name with a comma: '\"a, b\"'" if comma else ""
            raise InputError(f"no column named {listed(absent)} to drop; there are {names}{quotes}")
        places = [at for at, name in enumerate(self.names) if name not in wanted]
        if not places:
            raise InputError(f"drop leaves no column; there were {listed(self.names)}")
        return places

    def without(self, drop: Drop) -> "Columns":
        """Leave out columns. Raises InputError as `kept` does."""
        places = self.kept(drop)
        if len(places) == len(self.names):
            return self
        matrix = None if self.matrix is None else chosen(self.matrix, places)
        return replace(self, **self._at(places), matrix=matrix, counted=False)

    def _at(self, places: Sequence[int]) -> dict[str, Any]:
        names = tuple(self.names[at] for at in places)
        return {"names": names, "raw": tuple(self.raw[at] for at in places)}

    def in_order_of(self, first: "Columns") -> "Columns":
        """Put columns in the order of another batch; InputError if their names differ."""
        if self.names == first.names and self.named == first.named:
            return self
        if sorted(self.names) != sorted(first.names):
            raise InputError(
                f"a later batch has other columns than the first: {listed(self.names)} instead of "
                f"{listed(first.names)}"
            )
        order = [self.names.index(name) for name in first.names]
        return replace(self, **self._at(order), matrix=None)

    def part(self, start: int, rows: int) -> "Columns":
        """Select up to so many rows from one on, without a copy."""
        raw = (
            _Slices(self.names, self.raw.array[start : start + rows])
            if isinstance(self.raw, _Slices)
            else tuple(column.slice(start, rows) for column in self.raw)
        )
        return replace(
            self,
            raw=raw,
            matrix=None if self.matrix is None else self.matrix[start : start + rows],
            before=self.before + start,
            given=None if self.given is None else self.given.slice(start, rows),
        )

    def taken(self, rows: np.ndarray) -> "Columns":
        """Select rows by number."""
        raw = tuple(column.take(pa.array(rows)) for column in self.raw)
        matrix = None if self.matrix is None else self.matrix[rows]
        return replace(self, raw=raw, matrix=matrix, given=None)

    def cells(self, places: Sequence[int]) -> list[list[Any]]:
        """Give the cells [n][places] of some columns as Python values."""
        columns = [python_values(self.raw[place]) for place in places]
        return [list(row) for row in zip(*columns, strict=True)]

    def table(self) -> pa.Table:
        """Make an Arrow table of the cells as they came."""
        return pa.table(dict(zip(self.names, self.raw, strict=True)))


def chosen(matrix: np.ndarray, places: list[int]) -> np.ndarray:
    """Select columns of a matrix [n, columns]; the matrix itself if all are selected."""
    return matrix if places == list(range(matrix.shape[1])) else matrix[:, places]


def keys(drop: Drop) -> list[str | int]:
    """Convert `drop`, a single column or several, to a list of names and numbers."""
    try:
        items = [drop] if isinstance(drop, str | int) else [*drop]
        return [str(key) if isinstance(key, str) else int(key) for key in items]
    except (TypeError, ValueError):
        raise InputError(f"drop is {drop!r}; give names or numbers of columns") from None


class _Slices(Sequence[RawColumn]):
    """Columns of an array [n, columns], each converted to Arrow when it is asked for."""

    def __init__(self, names: tuple[str, ...], array: np.ndarray):
        self._names, self.array = names, array

    def __getitem__(self, place: Any) -> RawColumn:
        return of_numpy(self._names[place], self.array[:, place])

    def __len__(self) -> int:
        return len(self._names)


def columns(X: Any) -> Columns:
    """Convert a pandas, polars or Arrow frame, a 2-d array, or a list of rows to columns.

    Raises InputError if X is not a table of at least one row and one column, or names a column
    twice.
    """
    if isinstance(X, Columns):
        return X
    if nw.dependencies.is_polars_lazyframe(X):
        X = X.collect()
    if nw.dependencies.is_into_dataframe(X):
        return _of_frame(X)
    if hasattr(X, "__arrow_c_stream__") and not nw.dependencies.is_into_series(X):
        return _of_frame(pa.table(X))
    return _of_array(_rows(X) if isinstance(X, list | tuple) else X)


def _of_frame(X: Any) -> Columns:
    check_names(list(X.column_names if isinstance(X, pa.Table) else X.columns), "the table")
    frame = nw.from_native(X, eager_only=True)
    # pandas adds its index to Parquet files; it says nothing about a row
    series = [
        column
        for column in frame.iter_columns()
        if not (isinstance(column.name, str) and PANDAS_INDEX.fullmatch(column.name))
    ]
    names, named = _names([column.name for column in series])
    if not names:
        raise InputError("X has 0 feature(s) (shape=(n, 0)) while a minimum of 1 is required.")
    raw = tuple(map(of_series, names, series))
    if not len(raw[0]):
        raise InputError("X has 0 sample(s) while a minimum of 1 is required: the table is empty")
    metadata = X.schema.metadata if isinstance(X, pa.Table) else None
    mark = (metadata or {}).get(DECIMAL, b"").decode() or None
    given = X if isinstance(X, pa.Table) else None
    return Columns(names, named, raw, counted=not named, decimal=mark, given=given)


def check_names(names: Sequence[Any], place: str) -> None:
    """Raise InputError if a column name occurs twice."""
    twins = [str(name) for name, times in Counter(names).items() if times > 1]
    if twins:
        remedy = "rename them (or is the header line missing?)"
        raise InputError(f"{place} has several columns named {listed(twins)}; {remedy}")


def _names(names: list[Any]) -> tuple[tuple[str, ...], bool]:
    """Make names of labels, and tell whether they are the user's rather than 0, 1, 2, …

    scikit-learn ignores labels that are not text; but 1, 2, 3 may come in another order.
    """
    texts = sum(isinstance(name, str) for name in names)
    if 0 < texts < len(names):
        raise InputError(
            "some column names are text and some are not; make all text: "
            "X.columns = X.columns.astype(str)"
        )
    if names == list(range(len(names))):
        return _numbered(len(names)), False
    written = ["/".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in names]
    check_names(written, "the table")
    return tuple(written), True


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(count))


def _rows(X: Sequence[Any]) -> np.ndarray:
    """Convert lists of rows to an array, of objects if a common type would turn numbers to text."""
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise InputError(
            "X is a list of rows of different lengths (or nested rows); give every row the same "
            "number of values"
        ) from error
    if array.ndim > 2:
        tables = nw.dependencies.is_into_dataframe(X[0])
        several = f"{array.ndim - 1}-dimensional arrays; images come as one array: np.stack(X)"
        raise InputError(
            f"X is a list of {'tables; join them first: pandas.concat(X)' if tables else several}"
        )
    return np.array(X, dtype=object) if array.dtype.kind in "US" else array


def _of_array(X: Any) -> Columns:
    if np.ma.isMaskedArray(X):
        # the values below the mask do not count
        X = (
            np.ma.filled(X.astype(object), None)
            if X.dtype.kind == "O"
            else (np.ma.filled(X.astype(np.float64), np.nan))
        )
    from sklearn.utils import check_array  # takes half a second to load; files do without

    try:
        array = check_array(X, dtype=cast(Any, None), ensure_all_finite=False)
    except (TypeError, ValueError) as error:  # scikit-learn's, as the error of all bad input
        kind = TypeInputError if isinstance(error, TypeError) else InputError
        raise kind(" ".join(str(error).split())) from error
    names = _numbered(array.shape[1])
    if array.dtype.kind in "biuf":  # one type for all columns; booleans are 0 and 1
        array = np.asarray(array, dtype=np.float64)
        return Columns(names, False, _Slices(names, array), array)
    return Columns(names, False, tuple(_Slices(names, array)))
