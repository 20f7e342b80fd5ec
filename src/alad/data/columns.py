"""Read one column of a table as numbers or as categories.

A model says which of the two, so that a row's meaning never depends on the rows beside it; where
there is no model yet, `column_kinds` decides from the values.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute

from alad.data.arrow_encodings import RawColumn
from alad.data.refusals import MEND, dates_error, nested_error, short
from alad.data.spelling import COMMA, POINT, number, spelled
from alad.errors import InputError

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

# Text that stands for "no value", compared in lower case and without the space around it.
MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "<na>", "nat"})
EXACT_MISSING = pa.array(["", "?", "NA", "N/A", "nan", "NaN", "null", "NULL", "None"])
COMMAS = r"^\s*[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?\s*$"  # a number with a decimal comma, or whole
EITHER = {  # a number in which the mark may be before decimals or between thousands
    mark: rf"^\s*[+-]?[1-9]\d{{0,2}}[{mark}]\d{{3}}\s*$" for mark in (POINT, COMMA)
}
PROBE = 200  # rows that tell text from numbers, nearly always


@dataclass(frozen=True)
class Column:
    """Hold one column, read: float64 numbers, NaN = missing, or int codes, -1 = missing."""

    name: str
    values: np.ndarray  # [n]
    levels: tuple[str, ...] | None = None  # the text behind code 0, 1, … (sorted); None: numbers
    decimal: str = POINT  # the mark before decimals, of numbers that were text

    def of(self, rows: np.ndarray) -> "Column":
        """The column of some rows, bool [n], as if there were no others."""
        values = self.values[rows]
        if self.levels is not None:
            return _compact(self.name, values, list(self.levels))
        return replace(self, values=values).or_empty()

    def or_empty(self) -> "Column":
        """The column itself; categories without any level if no row has a value."""
        if self.levels is None and np.isnan(self.values).all():
            return Column(self.name, np.full(len(self.values), -1), ())
        return self


def kind_of(name: str, raw: RawColumn) -> str:
    """ "number", "label" (boolean, dictionary, nothing at all) or "text"; InputError for others."""
    kind = raw.type
    if pa.types.is_dictionary(kind):
        kind_of(name, pa.array([], kind.value_type))
        return "label"
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return "label"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    if pa.types.is_temporal(kind) or "pandas.period" in str(kind) or _is_date_interval(kind):
        raise dates_error(name, str(kind))
    raise nested_error(name, str(kind))


def _is_date_interval(kind: pa.DataType) -> bool:
    of_numbers = getattr(kind, "extension_name", "") != "pandas.interval"
    return not of_numbers and pa.types.is_temporal(kind.subtype)


def numbers(name: str, raw: RawColumn, before: int = 0, decimal: str = POINT) -> Column:
    """Read a column as numbers, whatever it is held as; InputError naming a value that is none.

    before: number of rows in earlier batches, for messages. decimal: the mark before decimals, for
    text that could be read with either.
    """
    kind = raw.type
    if kind_of(name, raw) == "number":
        return finite(floats(name, raw), before)
    if pa.types.is_dictionary(kind):
        return numbers(name, pc.cast(raw, kind.value_type), before, decimal)
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return floats(name, pc.cast(raw, pa.int8()))
    read = _with_points(raw) if decimal == POINT else with_commas(_unmarked(raw))
    if read is not None:
        return finite(Column(name, _floats(read)), before)
    column = categories(name, raw)
    values = [number(level, decimal) for level in levels_of(column)]
    if None in values:
        raise _no_number(column, levels_of(column)[values.index(None)], before)
    return finite(_numbers_of(column, values, decimal), before)


def _no_number(column: Column, level: str, before: int) -> InputError:
    where = with_row(column, level, before)
    if spelled(level) is None:
        return InputError(f"column {column.name!r} holds {where} where a number is due; {MEND}")
    return InputError(
        f"column {column.name!r} holds {where}, whose comma or point can stand before decimals or "
        "between thousands; write it as 1234 or 1.234"
    )


def _numbers_of(column: Column, values: Sequence[float | None], decimal: str | None) -> Column:
    """Categories as numbers, given that of each level."""
    whole = np.array([*values, np.nan], dtype=np.float64)
    return Column(column.name, whole[column.values], decimal=decimal or POINT)


def floats(name: str, raw: RawColumn) -> Column:
    """Read a column of numbers."""
    return Column(name, _floats(pc.cast(raw, pa.float64(), safe=False)))


def _floats(cells: RawColumn) -> np.ndarray:
    return np.asarray(cells.to_numpy(zero_copy_only=False))


def categories(name: str, raw: RawColumn) -> Column:
    """Read a column as categories, whatever it is held as: 3, 3.0, "3" and " 3" are one."""
    kind_of(name, raw)
    codes, cells = _encoded(raw)
    return _compact(name, codes, [label(cell) for cell in cells])


def label(cell: Any) -> str | None:
    """The text of one cell, the same from every container; None if it stands for no value."""
    if cell is None or is_nan(cell):
        return None
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell)).lower()
    if not isinstance(cell, str):
        number = float(cell)
        return str(int(cell)) if number.is_integer() else repr(number)
    text = cell.strip()
    lower = text.lower()
    return None if lower in MISSING else lower if lower in ("true", "false") else text


def is_nan(cell: Any) -> bool:
    return isinstance(cell, float | np.floating) and bool(np.isnan(cell))


def _encoded(raw: RawColumn) -> tuple[np.ndarray, list[Any]]:
    """Codes [n] into the list of distinct cells; -1 = null."""
    chunked = raw if isinstance(raw, pa.ChunkedArray) else pa.chunked_array([raw])
    if not pa.types.is_dictionary(chunked.type):
        chunked = _widened(chunked).dictionary_encode()
    whole = chunked.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no chunk at all, or too much for one
        whole = pa.concat_arrays(whole.chunks)
    indices = pc.fill_null(pc.cast(whole.indices, pa.int64()), -1)
    return indices.to_numpy(zero_copy_only=False), whole.dictionary.to_pylist()


def _widened(raw: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text with 64-bit offsets, so that chunks can be joined beyond 2 GiB."""
    return raw.cast(pa.large_string()) if pa.types.is_string(raw.type) else raw


def _compact(name: str, codes: np.ndarray, labels: list[str | None]) -> Column:
    """Sort the labels, merge equal ones, forget those that no row has."""
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    levels = sorted(
        {text for text, n in zip(labels, counts, strict=True) if n and text is not None}
    )
    place = {text: i for i, text in enumerate(levels)}
    moved = np.array([*(place.get(cast(str, text), -1) for text in labels), -1], dtype=np.int64)
    return Column(name, moved[codes], tuple(levels))  # code -1 reads the last entry, also -1


def text(name: str, raw: RawColumn, decimal: str | None = None) -> Column:
    """Read text as numbers, infinite ones included, if every value is one; else as categories.

    decimal: the mark before decimals in the file that it is from, if that is known. What it leaves
    open the column says: if each of its values can be read with either mark, a comma is none.
    """
    probe = _unmarked(raw.slice(0, PROBE))  # Arrow is slow to fail: let it fail on few rows
    if _cast(probe) is not None:
        read = _with_points(raw)
        if read is not None and (decimal != COMMA or _shown(raw, POINT) != "either"):
            return Column(name, _floats(read))
    elif with_commas(probe) is not None:
        cells = _unmarked(raw)
        read = with_commas(cells)
        if read is not None and (decimal == COMMA or _shown(cells, COMMA) == "sure"):
            return Column(name, _floats(read), decimal=COMMA)
    return _spelled(categories(name, raw), decimal)


def _spelled(column: Column, decimal: str | None) -> Column:
    """Categories as numbers, in any spelling, if every level is one."""
    levels = levels_of(column)
    readings = [spelled(level) for level in levels]
    sure = {reading.mark for reading in readings if reading is not None} & {POINT, COMMA}
    mark = sure.pop() if len(sure) == 1 else None if sure else decimal or POINT
    values = [
        reading and number(level, mark) for reading, level in zip(readings, levels, strict=True)
    ]
    return column if None in values else _numbers_of(column, values, mark)


def _with_points(raw: RawColumn) -> RawColumn | None:
    """Text of plain numbers as numbers; None if any is none."""
    marked = pc.is_in(raw.slice(0, PROBE), value_set=pc.cast(EXACT_MISSING, raw.type))
    cells = None if pc.any(marked).as_py() else _cast(raw)  # most columns have no holes
    return _cast(_unmarked(raw)) if cells is None else cells


def with_commas(cells: RawColumn) -> RawColumn | None:
    """Text of numbers with decimal commas as numbers; None if any is none."""
    if not pc.all(pc.match_substring_regex(cells, COMMAS)).as_py():  # null counts as matched
        return None
    return _cast(pc.utf8_trim_whitespace(pc.replace_substring(cells, COMMA, POINT)))


def _shown(cells: RawColumn, mark: str) -> str | None:
    """ "sure" if the mark is before decimals in some cell, "either" if it may be so; None: nowhere.

    Of text that is numbers with that mark, or whole ones.
    """
    there = pc.match_substring(cells, mark)
    either = pc.match_substring_regex(cells, EITHER[mark])
    if pc.any(pc.and_not(there, either)).as_py():
        return "sure"
    return "either" if pc.any(there).as_py() else None


def _cast(raw: RawColumn) -> RawColumn | None:
    with suppress(pa.ArrowInvalid):
        return pc.cast(raw, pa.float64())
    return None


def _unmarked(raw: RawColumn) -> RawColumn:
    """Text with null where it stands for no value."""
    marked = pc.is_in(raw, value_set=pc.cast(EXACT_MISSING, raw.type))
    return pc.if_else(marked, pa.scalar(None, raw.type), raw) if pc.any(marked).as_py() else raw


def joined(name: str, parts: Sequence[Column]) -> Column:
    """Join the batches of one column: all of numbers, or all of categories."""
    if len(parts) == 1:
        return parts[0]
    if parts[0].levels is None:
        decimal = COMMA if any(part.decimal == COMMA for part in parts) else POINT
        return Column(name, np.concatenate([part.values for part in parts]), decimal=decimal)
    levels = sorted({level for part in parts for level in levels_of(part)})
    place = {level: at for at, level in enumerate(levels)}
    codes = [
        np.array([*(place[level] for level in levels_of(part)), -1])[part.values] for part in parts
    ]
    return Column(name, np.concatenate(codes), tuple(levels))


def levels_of(column: Column) -> tuple[str, ...]:
    return cast("tuple[str, ...]", column.levels)


def with_row(column: Column, level: str, before: int = 0) -> str:
    """ "'12 %' (row 3)": a level, and where it stands first."""
    row = int(np.argmax(column.values == levels_of(column).index(level))) + before + 1
    return f"{short(level)} (row {row})"


def check_finite(names: Sequence[str], values: np.ndarray, before: int = 0) -> None:
    """Raise InputError for the first of the columns values [n, columns] that holds infinity."""
    infinite = np.isinf(values).any(axis=0)
    if infinite.any():
        at = int(np.argmax(infinite))
        finite(Column(names[at], values[:, at]), before)


def finite(column: Column, before: int = 0) -> Column:
    """The column itself; InputError if a number of it is infinite."""
    infinite = np.isinf(column.values)
    if infinite.any():
        row = int(np.argmax(infinite)) + before + 1
        raise InputError(f"column {column.name!r} contains infinity (row {row}); {MEND}")
    return column
