"""Detect how a CSV file is written: delimiter, header, decimal mark, delimiters that end rows."""

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import numpy as np

from alad.data.columns import label
from alad.data.frames import check_names
from alad.data.refusals import NO_ROWS, listed, short
from alad.data.spelling import COMMA, POINT, are_measures, decimal_mark, spelled
from alad.errors import InputError

DELIMITERS = ",;\t|"
SAMPLE = 200  # rows from which the delimiter is detected
MOST_CELLS = 20_000  # cells from which the decimal mark is detected
NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)  # as Excel writes and reads it
JSON = re.compile(r'\s*\[\s*([\[{"\]]|-?\d|true|false|null|$)')  # but for JSON lines
MARKUP = re.compile(r"\s*<(\?xml|!doctype|html|table)\b", re.IGNORECASE)
LINE = re.compile(
    r"[^\r\n]*(?:\r\n|\r|\n|$)"
)  # as the csv module has it; str.splitlines knows more
NO_DELIMITER = frozenset("._-+\"'")  # marks within names and numbers
SHARE_OF_NUMBERS = 0.5  # with this share of numbers, a mark separates cells not by chance


class Dialect(NamedTuple):
    """The way in which a CSV file is written."""

    delimiter: str
    names: list[str]  # of columns
    start: int  # where the header line begins, in characters
    stop: int  # where the rows begin
    trailing: bool  # does a delimiter without a column end every row?
    decimal: str | None  # the decimal mark, if the first rows show one and agree


def dialect_of(text: str) -> Dialect:
    """Detect the dialect from the first lines of a file. Raises InputError for other formats."""
    if JSON.match(text):
        raise InputError("is a JSON array; write an object a line (JSON lines), or CSV or Parquet")
    if MARKUP.match(text):
        raise InputError("is HTML or XML; save the table as CSV")
    # the header line: below a line such as "sep=;", or the first that is not empty
    named = NAMED_DELIMITER.match(text)
    start = named.end() if named else len(text) - len(text.lstrip("\r\n"))
    body = text[start:]
    delimiter = named[1] if named else _delimiter(body)
    records = _records(body, delimiter)
    if not records:
        raise InputError(NO_ROWS)
    names, rows = records[0], [row for row in records[1:] if row]
    # a delimiter at the end of every row, or of the header too, makes no column
    trailing = bool(rows) and all(len(row) == len(names) + 1 and not row[-1] for row in rows)
    if names[-1] == "" and len(names) > 1 and not any(any(row[len(names) - 1 :]) for row in rows):
        names, trailing = names[:-1], True
    _check_header(names)
    if len(names) == 1:
        _check_separator(body, delimiter)
    # the header may go over several lines
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter)
    next(reader)
    stop = start + sum(map(len, LINE.findall(body)[: reader.line_num]))
    cells = (cell for row in rows for cell in row if POINT in cell or COMMA in cell)
    decimal = decimal_mark(islice(cells, MOST_CELLS))
    return Dialect(delimiter, names, start, stop, trailing, decimal)


def _records(text: str, delimiter: str) -> list[list[str]]:
    """Split the header and some rows, the last maybe cut, into cells; empty if that fails."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    with suppress(csv.Error):
        return [record for record, _ in zip(reader, range(SAMPLE + 1), strict=False)]
    return []


def _delimiter(text: str) -> str:
    """Choose the delimiter in the header that splits most rows into as many cells as the header.

    If several do ("temp, C;pres, bar" above "20,5;1,0"), the one that leaves fewest of the others,
    commas aside, in the cells, and most numbers.
    """
    header = _first_line(re.sub(r'"[^"]*"', "", text))
    candidates = [delimiter for delimiter in DELIMITERS if delimiter in header]
    if candidates:
        return max(candidates, key=lambda delimiter: _fit(_records(text, delimiter)))
    # a single column: a delimiter that ends every row, or one that does not occur in them either
    split = {delimiter: _records(text, delimiter)[1:] for delimiter in DELIMITERS}
    for delimiter, rows in split.items():
        if any(rows) and all(len(row) == 2 and not row[1] for row in rows if row):
            return delimiter
    for delimiter, rows in split.items():
        if all(len(row) <= 1 for row in rows):
            return delimiter
    return DELIMITERS[0]


def _first_line(text: str) -> str:
    line = LINE.match(text)
    return "" if line is None else line[0].rstrip("\r\n")


def _fit(records: list[list[str]]) -> tuple[float, ...]:
    """Rate how well rows fit the header, as a tuple to compare.

    The share of rows with as many cells, of cells without another delimiter, of numbers; the number
    of columns.
    """
    if not records:
        return (0.0,)
    width = len(records[0])
    rows = [row for row in records[1:] if row]
    fitting = [row for row in rows if len(row) == width or (len(row) == width + 1 and not row[-1])]
    cells = [cell for row in fitting for cell in row[:width]]
    if not cells:
        return 0.0, 0.0, 0.0, width
    whole = sum(not re.search(r"[;\t|]", cell) for cell in cells) / len(cells)
    return len(fitting) / len(rows), whole, _share_of_numbers([cells]), width


def _share_of_numbers(rows: Sequence[Sequence[str]]) -> float:
    numbers = [spelled(cell) is not None for row in rows for cell in row]
    return sum(numbers) / max(1, len(numbers))


def _is_number(text: str) -> bool:
    reading = spelled(text)
    return reading is not None and bool(np.isfinite(reading.value))


def _is_number_or_missing(text: str) -> bool:
    return _is_number(text) or label(text) is None


def _check_header(names: Sequence[str]) -> None:
    """Raise InputError if names look like cells: without a header line the first row is lost."""
    check_names([name for name in names if name], "the table")
    if "" in names:
        raise InputError(
            f"column {list(names).index('') + 1} has no name in the header line; name it (or leave "
            "out a saved row index)"
        )
    counted = list(names) == [str(i) for i in range(len(names))]  # a frame without names
    if not counted and any(map(_is_number, names)) and all(map(_is_number_or_missing, names)):
        raise InputError("the first line holds numbers; put a line of column names above it")


def _is_like(name: str, cells: Sequence[str]) -> bool:
    """Tell whether a name is one of the cells, or like them a number with a unit."""
    return name in cells or are_measures([name, *(c for c in cells if label(c) is not None)])


def _check_separator(text: str, delimiter: str) -> None:
    """Raise InputError if a single column holds several, separated by another mark.

    Or below a line such as a title, with fewer cells than the lines below.
    """
    lines = [line for line in text.splitlines() if line.strip()][: SAMPLE + 1]
    if not lines:  # a control character that is a space, to Python
        return
    # a first line without any delimiter, above lines that have one
    bare = not any(mark in lines[0] for mark in DELIMITERS)
    for mark in DELIMITERS if bare else ():
        rows = _records("\n".join(lines[1:]), mark)
        widths = [len(row) - (row[-1] == "") for row in rows if row]
        most = max(set(widths), key=widths.count, default=1)
        if most > 1 and _share_of_numbers(rows) >= SHARE_OF_NUMBERS:
            raise InputError(
                f"the first line, {short(lines[0])}, has 1 cell where others have {most}; remove "
                "the lines above the column names"
            )
    marks = {mark for mark in lines[0].strip() if not mark.isalnum()} - NO_DELIMITER - {delimiter}
    for mark in sorted(marks):
        rows = [line.split(None if mark.isspace() else mark) for line in lines]
        alike = len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
        if alike and _share_of_numbers(rows[1:]) >= SHARE_OF_NUMBERS:
            what = "spaces" if mark.isspace() else repr(mark)
            raise InputError(f"cells are separated by {what}; separate them by commas or tabs")


def check_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise InputError if the header line looks like one of the first rows.

    It does if it has a number above each column of numbers, and one of the cells above each column
    of text.
    """
    if not rows:
        return
    columns = list(zip(*rows, strict=True))
    texts = [at for at, cells in enumerate(columns) if not all(map(_is_number_or_missing, cells))]
    numbers = [
        at for at, cells in enumerate(columns) if at not in texts and any(map(_is_number, cells))
    ]
    if not all(_is_number_or_missing(names[at]) for at in numbers):
        return
    if texts and all(_is_like(names[at], columns[at]) for at in texts):
        raise InputError(
            f"the first line holds {listed(names)}, which look like cells; put a line of column "
            "names above it"
        )
