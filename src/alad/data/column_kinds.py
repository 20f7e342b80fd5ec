"""Decide from the values what the columns of a table hold; for fitting."""

import math
import re
from warnings import warn

import numpy as np
import pyarrow as pa

from alad.data.arrow_encodings import RawColumn
from alad.data.columns import (
    Column,
    categories,
    finite,
    floats,
    joined,
    kind_of,
    levels_of,
    text,
    with_row,
)
from alad.data.refusals import MEND, dates_error, refusal, short
from alad.data.spelling import COMMA, are_measures, spelled
from alad.errors import InputError

_MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
    "|nov(ember)?|dec(ember)?)"
)
_DAYS = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}",  # 2020-12-31
    r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}",  # 31.12.2020, 12/31/2020
    r"\d{1,2}/\d{1,2}/\d{2}",
    r"\d{1,2}\. ?\d{1,2}\.( ?\d{2})?",  # 31. 12.
    rf"(\d{{1,2}}[-/. ]+)?{_MONTH}[-/., ]+(\d{{1,2}}(st|nd|rd|th)?,? )?\d{{2,4}}",  # 31 Dec 2020
    r"\d{8}(?=T)",  # 20201231T2359
)
_TIME = r"\d{1,2}:\d{2}(:\d{2}.*)?( ?[ap]\.?m\.?)?"
_SPANS = r"(19|20)\d{2}-(0[1-9]|1[0-2])|\d{4}-?W\d{2}(-?\d)?"  # 2020-12, 2020-W53
DATE = re.compile(rf"({'|'.join(_DAYS)})(,?[T ]\s*.*)?|{_TIME}|{_SPANS}", re.IGNORECASE)
LONG_TEXT = 30  # characters: longer on average, and a column is prose rather than labels
FEW = 20  # so many distinct values may be labels, whatever they look like
FEW_LEVELS = {True: FEW, False: 50}  # is it prose? -> so many are never too many
NEARLY_ALL = 0.9  # of the distinct values: with more numbers than this, the rest are slips
MOSTLY = 0.5  # of the distinct values: with fewer slips, labels are worth a warning
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

    Text is kept until then: a later batch may show that it is no number, or has decimal commas.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._parts: list[Column] = []
        self._texts: list[RawColumn | None] = []  # of each batch; None if it was no text
        self._of_text = False  # does any batch hold text?

    def add(self, raw: RawColumn, before: int = 0, decimal: str | None = None) -> None:
        """Read the next batch.

        before: number of rows in earlier ones, for messages. decimal: the mark before decimals in
        the file that it is from, if that is known.
        """
        kind = kind_of(self.name, raw)
        if kind == "text":
            part = text(self.name, raw, decimal)
        else:
            part = categories(self.name, raw) if kind == "label" else floats(self.name, raw)
        if kind == "number":
            finite(part, before)
        self._parts.append(part.or_empty())
        self._texts.append(raw if kind == "text" else None)
        self._of_text |= kind == "text"

    def add_numbers(self, values: np.ndarray, empty: bool) -> None:
        """Take the next batch from an array of finite numbers [n]; empty: are all missing?"""
        part = Column(self.name, values)
        self._parts.append(part.or_empty() if empty else part)
        self._texts.append(None)

    def column(self) -> Column:
        """The whole column. Raises InputError as `guess` does."""
        if len(self._parts) > 1 and any(part.decimal == COMMA for part in self._parts):
            self._read_with_commas()
        if all(part.levels is None or not part.levels for part in self._parts):
            column = joined(self.name, self._numbers())
            return finite(column) if self._of_text else column
        column = joined(self.name, self._categories())
        if self._of_text:
            _check_labels(column)
        return column

    def _read_with_commas(self) -> None:
        """Read the batches anew that could have been read with either decimal mark."""
        for at, (part, cells) in enumerate(zip(self._parts, self._texts, strict=True)):
            if cells is not None and part.decimal != COMMA:
                self._parts[at] = text(self.name, cells, COMMA).or_empty()

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
    dates = sum(map(bool, map(DATE.fullmatch, levels)))
    if levels and (
        dates == len(levels) or (len(levels) > FEW and dates > NEARLY_ALL * len(levels))
    ):
        example = next(filter(DATE.fullmatch, levels))
        raise dates_error(column.name, f"such as {short(example)}")
    slips = [level for level in levels if spelled(level) is None]
    if len(levels) > FEW and 0 < len(slips) < (1 - NEARLY_ALL) * len(levels):
        where = with_row(column, slips[0])
        raise InputError(f"column {column.name!r} holds numbers, but also {where}; {MEND}")
    if levels and (not slips or are_measures(levels)):
        odd = next((level for level in levels if not _is_plain(level)), levels[0])
        _tell_of_written_numbers(column, odd)
    prose = bool(levels) and math.fsum(map(len, levels)) > LONG_TEXT * len(levels)
    present = int((column.values >= 0).sum())
    if len(levels) > max(FEW_LEVELS[prose], present // 2):
        what = f"free text or identifiers ({len(levels)} different ones in {present} rows, "
        raise refusal(column.name, f"{what}such as {short(levels[0])})", "shorten it to labels")
    if len(levels) > FEW and 0 < len(slips) <= MOSTLY * len(levels):
        _warn_of_many_numbers(column, slips)


def _is_plain(level: str) -> bool:
    reading = spelled(level)
    return reading is not None and COMMA not in reading.mark


def _tell_of_written_numbers(column: Column, slip: str) -> None:
    """Refuse, or where there are few of them read as categories, with a warning."""
    where = with_row(column, slip)
    if len(levels_of(column)) > FEW:
        raise refusal(column.name, f"{where}, which is no plain number", f"write it as {PLAIN}")
    warn(
        f"column {column.name!r} is read as categories, though it looks like numbers, such as "
        f"{where}; if it is numbers, write them as {PLAIN}",
        UserWarning,
        stacklevel=4,
    )


def _warn_of_many_numbers(column: Column, slips: list[str]) -> None:
    count = len(levels_of(column))
    warn(
        f"column {column.name!r} is read as categories, though {count - len(slips)} of its {count} "
        f"values are numbers; if all are, correct those that are not, such as "
        f"{with_row(column, slips[0])}",
        UserWarning,
        stacklevel=4,
    )
