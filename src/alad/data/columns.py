"""Read a column of a table as numbers or as categories.

A model says which of the two, so that a row's meaning never depends on the rows beside it; when
fitting, `column_kinds` decides from the values.
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
from alad.data.spelling import COMMA, POINT, as_float, number, spelled
from alad.errors import InputError

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

# Text that means a missing value, compared in lower case and without spaces around it.
MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "<na>", "nat"})
EXACT_MISSING = pa.array(["", "?", "NA", "N/A", "nan", "NaN", "null", "NULL", "None"])
COMMAS = r"^\s*[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?\s*$"  # a number with a decimal comma, or whole
EITHER = {  # a number whose mark may stand before decimals or between thousands
    mark: rf"^\s*[+-]?[1-9]\d{{0,2}}[{mark}]\d{{3}}\s*$" for mark in (POINT, COMMA)
}
PROBE = 200  # first rows, which nearly always show whether a column is numbers


@dataclass(frozen=True)
class Column:
    """A column that was read: float64 numbers, NaN = missing, or int codes, -1 = missing."""

    name: str
    values: np.ndarray  # [n]
    levels: tuple[str, ...] | None = None  # text of code 0, 1, …, sorted; None: numbers
    decimal: str = POINT  # the decimal mark of numbers that were text

    def __len__(self) -> int:
        return len(self.values)

    def part(self, rows: slice) -> "Column":
        """Give the rows from one to another, with the same levels."""
        return replace(self, values=self.values[rows])

    def whole(self) -> "Column":
        """Return the column, as a `StoredColumn` does."""
        return self

    def of(self, rows: np.ndarray) -> "Column":
        """Select rows, bool [n], as if there were no others."""
        values = self.values[rows]
        if self.levels is not None:
            return _compact(self.name, values, list(self.levels))
        return replace(self, values=values).or_empty()

    def or_empty(self) -> "Column":
        """Return the column, as categories without levels if no row has a value."""
        if self.levels is None and np.isnan(self.values).all():
            return Column(self.name, np.full(len(self.values), -1), ())
        return self


def kind_of(name: str, raw: RawColumn) -> str:
    """Name the kind of an Arrow column, "number", "label" or "text"; InputError for others.

    Booleans, dictionaries and columns without any value are labels.
    """
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
    # all other types are refused: dates and times, intervals of them, nested values
    interval = getattr(kind, "extension_name", "") == "pandas.interval"
    dates = pa.types.is_temporal(kind) or (interval and pa.types.is_temporal(kind.subtype))
    if dates or "pandas.period" in str(kind):
        raise dates_error(name, str(kind))
    raise nested_error(name, str(kind))


def numbers(name: str, raw: RawColumn, before: int = 0, decimal: str = POINT) -> Column:
    """Read a column of any type as numbers; InputError names a value that is none.

    before: number of rows in earlier batches, for messages. decimal: the decimal mark, for text
    that could be read with either.
    """
    kind = raw.type
    if kind_of(name, raw) == "number":
        return finite(floats(name, raw), before)
    if pa.types.is_dictionary(kind):
        return numbers(name, pc.cast(raw, kind.value_type), before, decimal)
    if pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return floats(name, pc.cast(raw, pa.int8()))
    # text: all cells at once if they are plain numbers, else by their distinct spellings
    read = _with_points(raw) if decimal == POINT else with_commas(_unmarked(raw))
    if read is not None:
        return finite(Column(name, _floats(read)), before)
    column = categories(name, raw)
    values = [number(level, decimal) for level in levels_of(column)]
    if None in values:
        level = levels_of(column)[values.index(None)]
        where = f"column {column.name!r} holds {with_row(column, level, before)}"
        if spelled(level) is None:
            raise InputError(f"{where} where a number is due; {MEND}")
        raise InputError(
            f"{where}, whose comma or point can stand before decimals or between thousands; "
            "write it as 1234 or 1.234"
        )
    return finite(_numbers_of(column, values, decimal), before)


def _numbers_of(column: Column, values: Sequence[float | None], decimal: str | None) -> Column:
    """Convert categories to numbers, given the number of each level."""
    whole = np.array([*values, np.nan], dtype=np.float64)
    return Column(column.name, whole[column.values], decimal=decimal or POINT)


def floats(name: str, raw: RawColumn) -> Column:
    """Read a column of an Arrow type of numbers."""
    return Column(name, _floats(pc.cast(raw, pa.float64(), safe=False)))


def _floats(cells: RawColumn) -> np.ndarray:
    return np.asarray(cells.to_numpy(zero_copy_only=False))


def categories(name: str, raw: RawColumn) -> Column:
    """Read a column of any type as categories: 3, 3.0, "3" and " 3" are one."""
    kind_of(name, raw)
    codes, cells = _encoded(raw)
    return _compact(name, codes, [label(cell) for cell in cells])


def label(cell: Any) -> str | None:
    """Write a cell as a label, the same from every container; None if it is missing."""
    if cell is None or is_nan(cell):
        return None
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell)).lower()
    if not isinstance(cell, str):
        number = as_float(cell)
        return str(int(cell)) if number.is_integer() else repr(number)
    text = cell.strip()
    lower = text.lower()
    return None if lower in MISSING else lower if lower in ("true", "false") else text


def is_nan(cell: Any) -> bool:
    """Tell whether a cell is the float NaN."""
    return isinstance(cell, float | np.floating) and bool(np.isnan(cell))


def _encoded(raw: RawColumn) -> tuple[np.ndarray, list[Any]]:
    """Encode a column as codes [n] into the list of its distinct cells; -1 = null."""
    chunked = raw if isinstance(raw, pa.ChunkedArray) else pa.chunked_array([raw])
    if pa.types.is_string(chunked.type):
        chunked = chunked.cast(pa.large_string())  # 64-bit offsets: chunks join beyond 2 GiB
    if not pa.types.is_dictionary(chunked.type):
        chunked = chunked.dictionary_encode()
    whole = chunked.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no chunk at all, or too much for one
        whole = pa.concat_arrays(whole.chunks)
    indices = pc.fill_null(pc.cast(whole.indices, pa.int64()), -1)
    return indices.to_numpy(zero_copy_only=False), whole.dictionary.to_pylist()


def _compact(name: str, codes: np.ndarray, labels: list[str | None]) -> Column:
    """Make categories of codes [n]: labels sorted, equal ones merged, unused ones dropped."""
    counts = np.bincount(codes[codes >= 0], minlength=len(labels))
    levels = sorted(
        {text for text, n in zip(labels, counts, strict=True) if n and text is not None}
    )
    place = {text: i for i, text in enumerate(levels)}
    moved = np.array([*(place.get(cast(str, text), -1) for text in labels), -1], dtype=np.int64)
    return Column(name, moved[codes], tuple(levels))  # code -1 reads the last entry, also -1


def text(name: str, raw: RawColumn, decimal: str | None = None) -> Column:
    """Read text as numbers, infinite ones included, if every value is one; else as categories.

    decimal: the decimal mark of the file, if known; else the column shows it, and a comma that can
    be either mark in each of its values is taken to stand between thousands.
    """
    probe = _unmarked(raw.slice(0, PROBE))  # Arrow is slow to fail, so it fails on few rows
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
    """Convert categories to numbers if every level is a number in some spelling."""
    levels = levels_of(column)
    readings = [spelled(level) for level in levels]
    sure = {reading.mark for reading in readings if reading is not None} & {POINT, COMMA}
    mark = sure.pop() if len(sure) == 1 else None if sure else decimal or POINT
    values = [
        reading and number(level, mark) for reading, level in zip(readings, levels, strict=True)
    ]
    return column if None in values else _numbers_of(column, values, mark)


def _with_points(raw: RawColumn) -> RawColumn | None:
    """Convert text of plain numbers to numbers; None if any cell is no number."""
    marked = pc.is_in(raw.slice(0, PROBE), value_set=pc.cast(EXACT_MISSING, raw.type))
    cells = None if pc.any(marked).as_py() else _cast(raw)  # most columns have no missing cells
    return _cast(_unmarked(raw)) if cells is None else cells


def with_commas(cells: RawColumn) -> RawColumn | None:
    """Convert text of numbers with decimal commas to numbers; None if any cell is no number."""
    if not pc.all(pc.match_substring_regex(cells, COMMAS)).as_py():  # null counts as matched
        return None
    return _cast(pc.utf8_trim_whitespace(pc.replace_substring(cells, COMMA, POINT)))


def _shown(cells: RawColumn, mark: str) -> str | None:
    """Tell what text of numbers shows of a decimal mark.

    "sure": it stands before decimals in some cell; "either": it may do so; None: no cell has it.
    """
    shown = pc.match_substring(cells, mark)
    either = pc.match_substring_regex(cells, EITHER[mark])
    if pc.any(pc.and_not(shown, either)).as_py():
        return "sure"
    return "either" if pc.any(shown).as_py() else None


def _cast(raw: RawColumn) -> RawColumn | None:
    with suppress(pa.ArrowInvalid):
        return pc.cast(raw, pa.float64())
    return None


def _unmarked(raw: RawColumn) -> RawColumn:
    """Replace text that means a missing value by null."""
    marked = pc.is_in(raw, value_set=pc.cast(EXACT_MISSING, raw.type))
    return pc.if_else(marked, pa.scalar(None, raw.type), raw) if pc.any(marked).as_py() else raw


def joined(name: str, parts: Sequence[Column]) -> Column:
    """Join the batches of a column, which are all numbers or all categories."""
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
    """Return the levels of categories."""
    return cast("tuple[str, ...]", column.levels)


def with_row(column: Column, level: str, before: int = 0) -> str:
    """Quote a level with the first row that has it: '12 %' (row 3)."""
    row = int(np.argmax(column.values == levels_of(column).index(level))) + before + 1
    return f"{short(level)} (row {row})"


def check_finite(names: Sequence[str], values: np.ndarray, before: int = 0) -> None:
    """Raise InputError naming the first of the columns of values [n, columns] with infinity."""
    infinite = np.isinf(values)
    if infinite.any():
        at = int(np.argmax(infinite.any(axis=0)))
        finite(Column(names[at], values[:, at]), before)


def finite(column: Column, before: int = 0) -> Column:
    """Return a column; raise InputError if it holds infinity."""
    infinite = np.isinf(column.values)
    if infinite.any():
        row = int(np.argmax(infinite)) + before + 1
        raise InputError(f"column {column.name!r} contains infinity (row {row}); {MEND}")
    return column
