"""Decide from the values what the columns of a table hold; for fitting."""

import math
import re
from warnings import warn

import numpy as np
import pyarrow as pa

from alad.data.columns import (
    MEND,
    NUMBER,
    Column,
    RawColumn,
    categories,
    dates_error,
    finite,
    floats,
    joined,
    kind_of,
    levels_of,
    refusal,
    short,
    text,
    with_row,
)
from alad.errors import InputError

WRITTEN = re.compile(  # as people and spreadsheets write numbers: 12 %, 1,234.50, $5
    r"[+-]?[$€£¥]?\s?(\d+|\d{1,3}([,' \u00a0]\d{3})+)(\.\d+)?\s?[%€$£¥]?"
)
DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}([T ].*)?"
    r"|\d{1,2}/\d{1,2}/\d{2}([T ].*)?|\d{1,2}:\d{2}(:\d{2}.*)?"
)
LONG_TEXT = 30  # characters: longer on average, and a column is prose rather than labels
FEW_LEVELS = {True: 20, False: 50}  # is it prose? -> so many distinct values are never too many
NEARLY_ALL = 0.9  # of the distinct values: with more numbers than this, the rest are slips
PLAIN = "12 or 1234.5"  # how numbers are to be written


def guess(name: str, raw: RawColumn) -> Column:
    """Decide from the values what a column holds; for fitting.

    Text of which every value is a number becomes numbers, other text, booleans and dictionaries
    (pandas Categorical, polars Enum) become categories, as does a column without any value.
    Raises InputError for dates, nested values, free text and infinity.
    """
    reader = ColumnReader(name)
    reader.add(raw)
    return reader.column()


class ColumnReader:
    """Read a column batch by batch, each cell once; `column` then decides what it holds.

    Text that looks like numbers is kept until then, for a later batch may hold other text.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._parts: list[Column] = []
        self._texts: list[RawColumn | None] = []  # of each batch; None if there is no need of it
        self._of_text = False  # does any batch hold text?

    def add(self, raw: RawColumn, before: int = 0) -> None:
        """Read the next batch. before: number of rows in earlier ones, for messages."""
        kind = kind_of(self.name, raw)
        read = {"number": floats, "text": text, "label": categories}[kind]
        part = read(self.name, raw).or_empty()
        if kind == "number":
            finite(part, before)
        self._parts.append(part)
        self._texts.append(raw if kind == "text" and part.levels is None else None)
        self._of_text |= kind == "text"

    def add_numbers(self, values: np.ndarray, empty: bool) -> None:
        """Take the next batch from an array of finite numbers [n]; empty: are all missing?"""
        part = Column(self.name, values)
        self._parts.append(part.or_empty() if empty else part)
        self._texts.append(None)

    def column(self) -> Column:
        """The whole column. Raises InputError as `guess` does."""
        if all(part.levels is None or not part.levels for part in self._parts):
            column = joined(self.name, self._numbers())
            return finite(column) if self._of_text else column
        column = joined(self.name, self._categories())
        if self._of_text:
            _check_labels(column)
        return column

    def _numbers(self) -> list[Column]:
        """The batches as numbers, those without any value too, unless all are."""
        if all(part.levels is not None for part in self._parts):
            return self._parts
        return [
            part if part.levels is None else Column(self.name, np.full(len(part.values), np.nan))
            for part in self._parts
        ]

    def _categories(self) -> list[Column]:
        """The batches as categories; numbers among them are told by their text."""
        return [
            part if part.levels is not None else categories(self.name, _cells(part, kept))
            for part, kept in zip(self._parts, self._texts, strict=True)
        ]


def _cells(numbers: Column, kept: RawColumn | None) -> RawColumn:
    return pa.array(numbers.values, from_pandas=True) if kept is None else kept


def _check_labels(column: Column) -> None:
    """Refuse text that is dates, numbers with slips among them, or different in nearly each row.

    Warn of numbers as people write them that are few enough to be labels.
    """
    levels = levels_of(column)
    if levels and all(map(DATE.fullmatch, levels)):
        raise dates_error(column.name, f"such as {short(levels[0])}")
    slips = [level for level in levels if not NUMBER.fullmatch(level)]
    if len(levels) > FEW_LEVELS[True] and len(slips) < (1 - NEARLY_ALL) * len(levels):
        where = with_row(column, slips[0])
        raise InputError(f"column {column.name!r} holds numbers, but also {where}; {MEND}")
    if slips and all(map(WRITTEN.fullmatch, slips)):
        _tell_of_written_numbers(column, slips[0])
    prose = bool(levels) and math.fsum(map(len, levels)) > LONG_TEXT * len(levels)
    present = int((column.values >= 0).sum())
    if len(levels) > max(FEW_LEVELS[prose], present // 2):
        what = f"free text or identifiers ({len(levels)} different ones in {present} rows, "
        raise refusal(column.name, f"{what}such as {short(levels[0])})", "shorten it to labels")


def _tell_of_written_numbers(column: Column, slip: str) -> None:
    """Refuse, or where there are few of them read as categories, with a warning."""
    where = with_row(column, slip)
    if len(levels_of(column)) > FEW_LEVELS[True]:
        raise refusal(column.name, f"{where}, which is no plain number", f"write it as {PLAIN}")
    warn(
        f"column {column.name!r} is read as categories, though it looks like numbers, such as "
        f"{where}; if it is numbers, write them as {PLAIN}",
        UserWarning,
        stacklevel=4,
    )
