"""Take what people call a table as named Arrow columns that are not yet read.

pandas, polars and Arrow frames, NumPy arrays and lists of rows all become `Columns`: one batch of a
source. What a column means is asked one column at a time, in `alad.data.column_kinds`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import narwhals as nw
import numpy as np
import pyarrow as pa
from sklearn.utils import check_array

from alad.data.arrow_encodings import RawColumn, plain
from alad.data.columns import is_nan, label
from alad.data.refusals import dates_error, listed, nested_error, refusal
from alad.errors import InputError

DECIMAL = b"alad.decimal"  # metadata of a table of text: the mark before decimals
Drop = str | int | Sequence[str | int]  # columns to leave out: names, or numbers where none has one


@dataclass(frozen=True)
class Columns:
    """Hold a table not yet read: `named` says whether names are the user's or x0, x1, …

    Labels that are no text (1, 2, 3 of a frame without a header line) are names by their text,
    unless they only count the columns from 0: then `counted` says so, and there are no names.

    Where the table came as one array of numbers, `matrix` [n, columns] holds its cells as float64.
    """

    names: tuple[str, ...]
    named: bool
    raw: Sequence[RawColumn]
    matrix: np.ndarray | None = None
    before: int = 0  # rows in earlier batches of the same source, for messages
    counted: bool = False
    decimal: str | None = None  # the mark before decimals in a file of text, if that is known

    @property
    def labels(self) -> tuple[str, ...] | None:
        """What a frame calls its columns, as text; None for arrays and lists."""
        if self.counted:
            return tuple(map(str, range(len(self.names))))
        return self.names if self.named else None

    @property
    def n_rows(self) -> int:
        return len(self.raw[0])

    def kept(self, drop: Drop) -> list[int]:
        """Numbers of the columns that are not left out.

        A number means the column that a frame labels with it, of an array the one at that place.
        Raises InputError if one to leave out is not there, or none remains. This is the one place
        where `drop` is understood.
        """
        numbered = {} if self.named else dict(enumerate(self.names))
        wanted = [
            numbered.get(key, str(key)) if isinstance(key, int) else key for key in keys(drop)
        ]
        absent = [key for key in wanted if key not in self.names]
        if absent:
            there = listed(self.names)
            raise InputError(f"no column named {listed(absent)} to drop; there are {there}")
        places = [at for at, name in enumerate(self.names) if name not in wanted]
        if not places:
            raise InputError(f"drop leaves no column; there were {listed(self.names)}")
        return places

    def without(self, drop: Drop) -> "Columns":
        """The table as if it never had those columns. Raises InputError as `kept` does."""
        places = self.kept(drop)
        if len(places) == len(self.names):
            return self
        matrix = None if self.matrix is None else chosen(self.matrix, places)
        return replace(self, **self._at(places), matrix=matrix, counted=False)

    def _at(self, places: Sequence[int]) -> dict[str, Any]:
        names = tuple(self.names[at] for at in places)
        return {"names": names, "raw": tuple(self.raw[at] for at in places)}

    def in_order_of(self, first: "Columns") -> "Columns":
        """The columns in the order of another batch; InputError if they are not the same."""
        if self.names == first.names and self.named == first.named:
            return self
        if sorted(self.names) != sorted(first.names):
            raise InputError(
                f"a later batch has other columns than the first: {listed(self.names)} instead of "
                f"{listed(first.names)}"
            )
        order = [self.names.index(name) for name in first.names]
        return replace(self, **self._at(order), matrix=None)

    def taken(self, rows: np.ndarray) -> "Columns":
        """Some of the rows, by number."""
        raw = tuple(column.take(pa.array(rows)) for column in self.raw)
        return replace(self, raw=raw, matrix=None if self.matrix is None else self.matrix[rows])

    def table(self) -> pa.Table:
        """The cells as they came."""
        return pa.table(dict(zip(self.names, self.raw, strict=True)))


def chosen(matrix: np.ndarray, places: list[int]) -> np.ndarray:
    """Those columns of a matrix [n, columns]; itself, if it is all of them."""
    return matrix if places == list(range(matrix.shape[1])) else matrix[:, places]


def keys(drop: Drop) -> list[str | int]:
    """What to leave out as plain names and numbers; a single one may come without its list."""
    try:
        given = [drop] if isinstance(drop, str | int) else [*drop]
        return [str(key) if isinstance(key, str) else int(key) for key in given]
    except (TypeError, ValueError):
        raise InputError(f"drop is {drop!r}; give names or numbers of columns") from None


class _Slices(Sequence[RawColumn]):
    """Columns of an array [n, columns], each made into Arrow when it is asked for."""

    def __init__(self, names: tuple[str, ...], array: np.ndarray):
        self._names, self._array = names, array

    def __getitem__(self, place: Any) -> RawColumn:
        return _of_numpy(self._names[place], self._array[:, place])

    def __len__(self) -> int:
        return len(self._names)


def columns(X: Any) -> Columns:
    """Columns of a pandas, polars or Arrow frame, a 2-d array, or a list of rows.

    Raises InputError (or what scikit-learn raises for arrays) if X is no table of at least one row
    and one column, or names a column twice.
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
    series = [each for each in frame.iter_columns() if not _numbers_rows(each.name)]
    labels = [each.name for each in series]
    names, named = _names(labels)
    if not names:
        raise InputError("X has 0 feature(s) (shape=(n, 0)) while a minimum of 1 is required.")
    raw = tuple(map(_of_series, names, series))
    if not len(raw[0]):
        raise InputError("X has 0 sample(s) while a minimum of 1 is required: the table is empty")
    metadata = X.schema.metadata if isinstance(X, pa.Table) else None
    mark = (metadata or {}).get(DECIMAL, b"").decode() or None
    return Columns(names, named, raw, counted=not named, decimal=mark)


def _numbers_rows(name: Any) -> bool:
    """Is it the index that pandas adds to its Parquet files? It says nothing about a row."""
    return isinstance(name, str) and re.fullmatch(r"__index_level_\d+__", name) is not None


def check_names(names: Sequence[Any], place: str) -> None:
    """Raise InputError if a column name occurs twice."""
    twins = [str(name) for name, times in Counter(names).items() if times > 1]
    if twins:
        remedy = "rename them (or is the header line missing?)"
        raise InputError(f"{place} has several columns named {listed(twins)}; {remedy}")


def _names(names: list[Any]) -> tuple[tuple[str, ...], bool]:
    """Names, and whether they are the user's: no labels that only count, 0, 1, 2, …

    scikit-learn takes labels that are no text for none; but 1, 2, 3 may come in another order.
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


def _of_series(name: str, series: nw.Series) -> RawColumn:
    try:
        return plain(series.to_arrow())
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # mixed or unusual cells
        pass
    try:
        cells = series.to_numpy()
    except Exception as error:  # each library has its own
        what = f"values that no array holds ({series.dtype})"
        raise refusal(name, what, "cast it to numbers or text") from error
    return _of_numpy(name, cells)


def _rows(X: Sequence[Any]) -> np.ndarray:
    """Rows in lists as an array: objects where a common type would turn numbers into text."""
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise InputError(
            "X is a list of rows of different lengths (or nested rows); give every row the same "
            "number of values"
        ) from error
    if array.ndim > 2:
        raise InputError(
            f"X is a list of {array.ndim - 1}-dimensional arrays; images come as one "
            "array: np.stack(X)"
        )
    return np.array(X, dtype=object) if array.dtype.kind in "US" else array


def _of_array(X: Any) -> Columns:
    if np.ma.isMaskedArray(X):
        X = np.ma.filled(
            X.astype(np.float64), np.nan
        )  # otherwise what lies below the mask would count
    try:
        array = check_array(X, dtype=cast(Any, None), ensure_all_finite=False)
    except ValueError as error:  # scikit-learn's words, our one kind of error for bad input
        raise InputError(" ".join(str(error).split())) from error
    names = _numbered(array.shape[1])
    if array.dtype.kind in "biuf":  # one type for all columns: a matrix of booleans is one of 0/1
        array = np.asarray(array, dtype=np.float64)
        return Columns(names, False, _Slices(names, array), array)
    return Columns(names, False, tuple(_Slices(names, array)))


def _of_numpy(name: str, values: np.ndarray) -> RawColumn:
    """One array as Arrow; cells of unusual or mixed types are looked at one by one."""
    if values.dtype.kind == "O":
        return _of_objects(name, values.tolist())
    if values.dtype.kind == "c":
        raise InputError(f"Complex data not supported: column {name!r} holds complex numbers")
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return pa.array(np.ascontiguousarray(values))


def _of_objects(name: str, cells: list[Any]) -> RawColumn:
    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        present = [None if _absent(cell) else cell for cell in cells]
    kinds = {type(cell) for cell in present} - {type(None)}
    for kind in sorted(kinds, key=str):
        _check_scalar(name, kind)
    if any(issubclass(kind, str | bool | np.bool_) for kind in kinds):
        return pa.array([label(cell) for cell in present], pa.large_string())
    return pa.array([None if cell is None else float(cell) for cell in present], pa.float64())


def _absent(cell: Any) -> bool:
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or is_nan(cell)


def _check_scalar(name: str, kind: type) -> None:
    if issubclass(kind, complex | np.complexfloating):
        raise InputError(f"Complex data not supported: column {name!r} holds complex numbers")
    if hasattr(kind, "isoformat") or issubclass(kind, np.datetime64 | np.timedelta64):
        raise dates_error(name, kind.__name__)
    if not issubclass(kind, str) and not hasattr(kind, "__float__"):
        raise nested_error(name, kind.__name__)
