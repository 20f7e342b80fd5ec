"""Convert the cells of one column, a series, an array or a list, to Arrow."""

from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from alad.data.arrow_encodings import RawColumn, plain
from alad.data.columns import is_nan, label
from alad.data.refusals import dates_error, nested_error, refusal
from alad.data.spelling import as_float
from alad.errors import InputError


def of_column(name: str, cells: Any) -> RawColumn:
    """Convert a list, an array or a series of cells."""
    if nw.dependencies.is_into_series(cells):
        return of_series(name, nw.from_native(cells, series_only=True))
    if not hasattr(cells, "__array__"):
        return of_objects(name, list(cells))
    array = np.asarray(cells)
    if array.ndim != 1:
        raise refusal(name, f"an array of shape {array.shape}", "give one number or text a row")
    return of_numpy(name, array)


def of_series(name: str, series: nw.Series) -> RawColumn:
    """Convert a series of any library that narwhals knows."""
    try:
        return plain(series.to_arrow())
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # mixed or unusual cells
        pass
    try:
        cells = series.to_numpy()
    except Exception as error:  # each library raises its own
        what = f"values that no array holds ({series.dtype})"
        raise refusal(name, what, "cast it to numbers or text") from error
    return of_numpy(name, cells)


def of_numpy(name: str, values: np.ndarray) -> RawColumn:
    """Convert an array [n] to Arrow; cells of unusual or mixed types one by one."""
    if values.dtype.kind == "O":
        return of_objects(name, values.tolist())
    if values.dtype.kind == "c":
        raise InputError(f"Complex data not supported: column {name!r} holds complex numbers")
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return pa.array(np.ascontiguousarray(values))


def of_objects(name: str, cells: list[Any]) -> RawColumn:
    """Convert cells to Arrow: of mixed types to text if any is text or a boolean, else to numbers.

    Raises InputError for dates, complex numbers and nested values.
    """
    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        present = [None if _is_missing(cell) else cell for cell in cells]
    kinds = {type(cell) for cell in present} - {type(None)}
    if {kind.__name__ for kind in kinds} == {"Interval"}:  # of pandas, as `plain` has them
        return pa.array([cell and str(cell) for cell in present], pa.large_string())
    for kind in sorted(kinds, key=str):
        _check_scalar(name, kind)
    if any(issubclass(kind, str | bool | np.bool_) for kind in kinds):
        return pa.array([label(cell) for cell in present], pa.large_string())
    return pa.array([None if cell is None else as_float(cell) for cell in present], pa.float64())


def python_values(column: RawColumn) -> list[Any]:
    """Convert a column to Python values; None = missing.

    Times in nanoseconds, which Python does not count, become its times in microseconds. If those
    would lose digits of a cell, or Python's years do not reach so far, they become text:
    2020-01-01T00:00:00.123456789, and of durations "1 ns". Raises InputError for such times within
    lists and the like, and for a time zone that is not known here.
    """
    kind = column.type
    try:
        return column.cast(_in_microseconds(kind)).to_pylist()
    except (ValueError, OverflowError) as error:
        try:
            return _time_texts(column)
        except pa.ArrowException:
            what = f"a column ({kind}) holds times that cannot be written as text"
            raise InputError(f"{what}; turn them into text, or leave it out") from error


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_duration(kind):
        return pa.duration("us") if kind.unit == "ns" else kind
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz) if kind.unit == "ns" else kind
    return pa.time64("us") if kind == pa.time64("ns") else kind


def _time_texts(column: RawColumn) -> list[str | None]:
    texts = column.cast(pa.string()).to_pylist()
    if pa.types.is_duration(column.type):
        return [text and f"{text} {column.type.unit}" for text in texts]
    return [text and text.replace(" ", "T", 1) for text in texts]


def _is_missing(cell: Any) -> bool:
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or is_nan(cell)


def _check_scalar(name: str, kind: type) -> None:
    if issubclass(kind, complex | np.complexfloating):
        raise InputError(f"Complex data not supported: column {name!r} holds complex numbers")
    dates = hasattr(kind, "isoformat") or kind.__name__ == "Period"
    if dates or issubclass(kind, np.datetime64 | np.timedelta64):
        raise dates_error(name, kind.__name__)
    if not issubclass(kind, str) and not hasattr(kind, "__float__"):
        raise nested_error(name, kind.__name__)
