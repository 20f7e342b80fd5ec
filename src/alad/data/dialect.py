"""Tell from the text of a CSV file how it is written: delimiter, header, what ends its rows."""

import csv
import io
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import numpy as np

from alad.data.frames import check_names
from alad.data.refusals import listed
from alad.data.spelling import COMMA, POINT, decimal_mark, spelled
from alad.errors import InputError

DELIMITERS = ",;\t|"
SAMPLE = 200  # rows that tell the delimiter
MOST_CELLS = 20_000  # that tell the decimal mark
NAMED_DELIMITER = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # as Excel writes it, and takes it
JSON = re.compile(r'\s*(\{\s*("|\}|$)|\[\s*([\[{"\]]|-?\d|true|false|null|$))')
MARKUP = re.compile(r"\s*<(\?xml|!doctype|html|table)\b", re.IGNORECASE)
NO_DELIMITER = frozenset("._-+\"'")  # marks that stand within names and numbers
MOSTLY = 0.5  # share of the cells: with so many numbers, another separator is none by chance


class Dialect(NamedTuple):
    """How a CSV file is written."""

    delimiter: str
    names: list[str]  # of its columns
    start: int  # where the header line begins, in characters
    stop: int  # where the rows begin
    trailing: bool  # does a delimiter end every row, for which there is no column?
    decimal: str | None  # the mark before decimals, if the first rows show it and agree


def dialect_of(text: str) -> Dialect:
    """From the beginning of a file, whole lines. Raises InputError if it is no such table."""
    if JSON.match(text):
        raise InputError("is JSON; save it as CSV or Parquet")
    if MARKUP.match(text):
        raise InputError("is HTML or XML; save the table as CSV")
    named = NAMED_DELIMITER.match(text)
    start = named.end() if named else len(text) - len(text.lstrip("\r\n"))
    body = text[start:]
    delimiter = named[1] if named else _delimiter(body)
    records = _records(body, delimiter)
    names, rows = records[0], [row for row in records[1:] if row]
    trailing = bool(rows) and all(len(row) == len(names) + 1 and not row[-1] for row in rows)
    if names[-1] == "" and len(names) > 1 and not any(any(row[len(names) - 1 :]) for row in rows):
        names, trailing = names[:-1], True
    _check_header(names)
    if len(names) == 1:
        _check_separator(body)
    stop = start + _length_of_first(body, delimiter)
    return Dialect(delimiter, names, start, stop, trailing, _decimal(rows))


def _decimal(rows: list[list[str]]) -> str | None:
    cells = (cell for row in rows for cell in row if POINT in cell or COMMA in cell)
    return decimal_mark(islice(cells, MOST_CELLS))


def _records(text: str, delimiter: str) -> list[list[str]]:
    """Header and some rows; the last of them may be cut. Empty if they cannot be taken apart."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    with suppress(csv.Error):
        return [record for record, _ in zip(reader, range(SAMPLE + 1), strict=False)]
    return []


def _length_of_first(text: str, delimiter: str) -> int:
    """Characters of the header, which may go over several lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    next(reader)
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: reader.line_num]))


def _delimiter(text: str) -> str:
    """Of those in the header the one that takes most rows apart as it takes apart the header.

    If several do ("temp, C;pres, bar" above "20,5;1,0"), the one that leaves least of the others in
    the cells, commas aside, and most numbers.
    """
    unquoted = re.sub(r'"[^"]*"', "", text)
    header = unquoted.splitlines()[0] if unquoted.strip() else ""
    there = [delimiter for delimiter in DELIMITERS if delimiter in header]
    if there:
        return max(there, key=lambda delimiter: _fit(_records(text, delimiter)))
    alone = (each for each in DELIMITERS if all(len(row) <= 1 for row in _records(text, each)))
    return next(alone, DELIMITERS[0])


def _fit(records: list[list[str]]) -> tuple[float, ...]:
    """How well rows fit the header: share with as many cells, of whole cells, of numbers; cells."""
    if not records:
        return (0.0,)
    width = len(records[0])
    rows = [row for row in records[1:] if row]
    fitting = [row for row in rows if len(row) == width or (len(row) == width + 1 and not row[-1])]
    cells = [cell for row in fitting for cell in row[:width]]
    if not cells:
        return 0.0, 0.0, 0.0, width
    whole = sum(not re.search(r"[;\t|]", cell) for cell in cells) / len(cells)
    numbers = sum(spelled(cell) is not None for cell in cells) / len(cells)
    return len(fitting) / len(rows), whole, numbers, width


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        return bool(np.isfinite(float(text)))
    return False


def _check_header(names: Sequence[str]) -> None:
    """InputError for names that are none: a missing header would make the first row disappear."""
    check_names([name for name in names if name], "the table")
    if "" in names:
        raise InputError(
            f"column {list(names).index('') + 1} has no name in the header line; name it (or leave "
            "out a saved row index)"
        )
    counted = list(names) == [str(i) for i in range(len(names))]  # a frame saved without names
    if not counted and all(map(_is_number, names)):
        raise InputError("the first line holds numbers; put a line of column names above it")


def _check_separator(text: str) -> None:
    """InputError if a single column is several, separated by something else."""
    lines = [line for line in text.splitlines() if line.strip()][: SAMPLE + 1]
    marks = {mark for mark in lines[0].strip() if not mark.isalnum()} - NO_DELIMITER
    for mark in sorted(marks):
        rows = [line.split(None if mark.isspace() else mark) for line in lines]
        cells = [cell for row in rows[1:] for cell in row]
        alike = len({len(row) for row in rows}) == 1 and len(rows[0]) > 1
        numbers = sum(spelled(cell) is not None for cell in cells)
        if alike and cells and numbers >= MOSTLY * len(cells):
            what = "spaces" if mark.isspace() else repr(mark)
            raise InputError(f"cells are separated by {what}; separate them by commas or tabs")


def check_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """InputError if the header line looks like one of the first rows.

    That is: where cells are numbers, it has one, and where they are text, it has one of them.
    """
    if not rows or any(map(_names_numbers, names, rows[0])):
        return
    columns = list(zip(*rows, strict=True))
    texts = [at for at, cells in enumerate(columns) if not all(map(_is_number, cells))]
    if texts and all(names[at] in columns[at] for at in texts):
        raise InputError(
            f"the first line holds {listed(names)}, which look like cells; put a line of column "
            "names above it"
        )


def _names_numbers(name: str, cell: str) -> bool:
    return _is_number(cell) and not _is_number(name)
