"""Decide from the values whether a column is numbers or categories; for fitting."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from warnings import warn

import numpy as np
import pyarrow as pa
import pyarrow.compute

from alad.data.arrow_encodings import RawColumn
from alad.data.column_file import ColumnFile, StoredColumn, StoredText
from alad.data.columns import (
    EITHER,
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
from alad.data.spelling import COMMA, POINT, are_measures, spelled
from alad.errors import InputError

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

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
    r"\d{1,2}[-/. ]+[^\W\d_]{3,12}\.?[-/., ]+(19|20)\d{2}",  # 31. März 2020: any language's month
    r"\d{8}(?=T)",  # 20201231T2359
)
_TIME = r"\d{1,2}:\d{2}(:\d{2}.*)?( ?[ap]\.?m\.?)?"
_SPANS = r"(19|20)\d{2}-(0[1-9]|1[0-2])|\d{4}-?W\d{2}(-?\d)?|\d{4}-?Q[1-4]"  # 2020-12, 2020-W53
_UNIT_OF_TIME = r"(d(ays?)?|h(rs?|ours?)?|m(ins?|inutes?|s)?|s(ecs?|econds?)?)"
_DURATIONS = (  # 1h 2m, 0 days 01:02:03, PT1H2M
    rf"(\d+([.,]\d+)?\s?{_UNIT_OF_TIME}[,\s]*){{2,}}"
    rf"|[+-]?\d+ days?,? [+-]?{_TIME}|P(\d+[DWMY])*(T([\d.]+[HMS])+)?"
)
DATE = re.compile(
    rf"({'|'.join(_DAYS)})(,?[T ]\s*.*)?|{_TIME}|{_SPANS}|{_DURATIONS}", re.IGNORECASE
)
LONG_TEXT = 30  # characters; text that is longer on average is prose rather than labels
FEW = 20  # up to this number, distinct values may be labels, whatever they look like
FEW_LEVELS = {True: FEW, False: 50}  # is it prose? -> number of levels that is never too many
NEARLY_ALL = 0.9  # share of the distinct values; if more are numbers, the rest are slips
MOSTLY = 0.5  # share of the distinct values; if fewer are slips, labels are worth a warning
PLAIN_NUMBERS = "12 or 1234.5"  # how messages ask for numbers


def guess(name: str, raw: RawColumn) -> Column:
    """Read a column as numbers or categories, by its values; for fitting.

    Text of which every value is a number becomes numbers; other text, booleans, dictionaries
    (pandas Categorical, polars Enum) and columns without any value become categories. Raises
    InputError for dates, nested values, free text and infinity.
    """
    reader = ColumnReader(name)
    reader.add(raw)
    return reader.column()


class ColumnReader:
    """A reader of a column, batch by batch; `column` then decides between numbers and categories.

    Text is kept until then: a later batch may show that it is no number, or has decimal commas. All
    is kept in memory, or in a file, see `store`.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._parts: list[Column | StoredColumn] = []
        self._texts: list[RawColumn | StoredText | None] = []  # a batch each; None: it was no text
        self._file: ColumnFile | None = None
        self._of_text = False  # does any batch hold text?
        self._marked = False  # does the file show that a point is the decimal mark?

    def add(self, raw: RawColumn, before: int = 0, decimal: str | None = None) -> None:
        """Read the next batch.

        before: number of rows in earlier batches, for messages. decimal: the decimal mark of the
        file, if known.
        """
        kind = kind_of(self.name, raw)
        if kind == "text":
            part = text(self.name, raw, decimal)
        else:
            part = categories(self.name, raw) if kind == "label" else floats(self.name, raw)
        if kind == "number":
            finite(part, before)
        self._keep(part.or_empty(), raw if kind == "text" else None)
        self._of_text |= kind == "text"
        self._marked |= decimal == POINT

    def add_numbers(self, values: np.ndarray, empty: bool) -> None:
        """Read the next batch from finite numbers [n]; empty: are all of them missing?"""
        part = Column(self.name, values)
        self._keep(part.or_empty() if empty else part, None)

    def store(self, file: ColumnFile) -> None:
        """Write the batches read to a file, and further ones as they are read."""
        parts, texts = self._parts, self._texts
        self._file, self._parts, self._texts = file, [], []
        for part, cells in zip(parts, texts, strict=True):
            self._keep(part.whole(), None if cells is None else _cells(cells))

    def _keep(self, part: Column, cells: RawColumn | None) -> None:
        file = self._file
        self._parts.append(part if file is None else file.put(part))
        self._texts.append(cells if file is None or cells is None else file.put_text(cells))

    def column(self) -> Column:
        """Join the batches to the whole column. Raises InputError as `guess` does."""
        parts = [part.whole() for part in self._parts]
        # if one batch has decimal commas, all have: read again those that fit either mark
        if len(parts) > 1 and any(part.decimal == COMMA for part in parts):
            for at, (part, cells) in enumerate(zip(parts, self._texts, strict=True)):
                if cells is not None and part.decimal != COMMA:
                    parts[at] = text(self.name, _cells(cells), COMMA).or_empty()
        # numbers, if each batch is numbers or has no value at all; no value anywhere is categories
        if all(part.levels is None or not part.levels for part in parts):
            if any(part.levels is None for part in parts):
                parts = [
                    part if part.levels is None else Column(self.name, np.full(len(part), np.nan))
                    for part in parts
                ]
            column = joined(self.name, parts)
            if not self._of_text:
                return column
            if column.decimal == POINT and not self._marked:
                texts = [_cells(cells) for cells in self._texts if cells is not None]
                _warn_of_thousands(self.name, texts)
            return finite(column)
        # categories: batches of numbers are read again, as the text that they were
        labels = []
        for part, cells in zip(parts, self._texts, strict=True):
            if part.levels is None:
                raw = pa.array(part.values, from_pandas=True) if cells is None else _cells(cells)
                part = categories(self.name, raw)
            labels.append(part)
        column = joined(self.name, labels)
        if self._of_text:
            _check_labels(column)
        return column


def _cells(cells: RawColumn | StoredText) -> RawColumn:
    """Give cells of text, from their file if they lie in one."""
    return cells.whole() if isinstance(cells, StoredText) else cells


def _warn_of_thousands(name: str, texts: Sequence[RawColumn]) -> None:
    """Warn if points may stand between thousands: 999 and 1.000, each with three digits behind.

    Of decimals written without zeros at their end, few have three where some have none.
    """
    pointed = [pc.match_substring_regex(cells, EITHER[POINT]) for cells in texts]
    other = [pc.match_substring_regex(cells, r"[.,eE]") for cells in texts]
    both = zip(pointed, other, strict=True)
    if any(pc.any(pc.and_not(mark, either)).as_py() for either, mark in both):
        return
    either = [pc.filter(cells, chosen) for cells, chosen in zip(texts, pointed, strict=True)]
    whole = [pc.match_substring_regex(cells, r"^\s*[+-]?[1-9]\d{0,2}\s*$") for cells in texts]
    distinct = {cell for cells in either for cell in pc.unique(cells).to_pylist()}
    if len(distinct) >= FEW and any(pc.any(cells).as_py() for cells in whole):
        _warn(
            f"column {name!r} is read as {short(min(distinct))} = {float(min(distinct)):g}; if "
            f"points stand between thousands, write numbers as {PLAIN_NUMBERS}"
        )


def _check_labels(column: Column) -> None:
    """Check that text is labels. Raises InputError for dates, numbers with slips, and free text.

    Warns of few levels that look like numbers, and of many that are partly numbers.
    """
    levels = levels_of(column)
    count, present = len(levels), int((column.values >= 0).sum())
    if not levels:
        return
    # dates: all levels, or nearly all of many
    dates = [level for level in levels if DATE.fullmatch(level)]
    if len(dates) == count or (count > FEW and len(dates) > NEARLY_ALL * count):
        raise dates_error(column.name, f"such as {short(dates[0])}")
    # numbers with a few slips
    slips = _slips(levels)
    if count > FEW and 0 < len(slips) < (1 - NEARLY_ALL) * count:
        where = with_row(column, slips[0])
        raise InputError(f"column {column.name!r} holds numbers, but also {where}; {MEND}")
    # numbers in an unclear spelling, or with units: refused if many, labels if few
    if not slips:
        unclear = [level for level in levels if not _is_plain(level)]
        where = with_row(column, (unclear or levels)[0])
        if count > FEW:
            cure = f"write it as {PLAIN_NUMBERS}"
            raise refusal(column.name, f"{where}, which is no plain number", cure)
        _warn(
            f"column {column.name!r} is read as categories, though it looks like numbers, such as "
            f"{where}; if it is numbers, write them as {PLAIN_NUMBERS}"
        )
    # free text or identifiers: more levels than labels have
    prose = math.fsum(map(len, levels)) > LONG_TEXT * count
    if count > max(FEW_LEVELS[prose], present // 2):
        what = f"free text or identifiers ({count} different ones in {present} rows, "
        raise refusal(column.name, f"{what}such as {short(levels[0])})", "shorten it to labels")
    # few numbers may be labels (1, 2, 3, other), but hardly if one has decimals, or beside marks
    marks = not any(map(str.isalnum, "".join(slips)))
    measured = count > FEW or marks or any(map(_has_decimals, {*levels} - {*slips}))
    if measured and 0 < len(slips) <= MOSTLY * count:
        _warn(
            f"column {column.name!r} is read as categories, though {count - len(slips)} of its "
            f"{count} values are numbers; if all are, correct those that are not, such as "
            f"{with_row(column, slips[0])}"
        )


def _slips(levels: Sequence[str]) -> list[str]:
    """List the levels that are no numbers, with a unit or without, if most have the same."""
    words = [level for level in levels if spelled(level) is None]
    measures = [level for level in words if are_measures([level])]
    if measures and not are_measures(measures):  # 5 €, 7 € and 0x1F
        units = [re.sub(r"[\d\s.,+<>=\u2212\u2013-]", "", level) for level in measures]
        usual, times = Counter(units).most_common(1)[0]
        same = [level for level, unit in zip(measures, units, strict=True) if unit == usual]
        measures = same if times > MOSTLY * len(measures) and are_measures(same) else []
    return [word for word in words if word not in set(measures)]


def _has_decimals(level: str) -> bool:
    return POINT in level or COMMA in level


def _is_plain(level: str) -> bool:
    reading = spelled(level)
    return reading is not None and COMMA not in reading.mark


def _warn(message: str) -> None:
    warn(message, UserWarning, stacklevel=4)
