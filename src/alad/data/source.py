"""Sources: rows of a table or images, in batches; `opening` chooses the source of given data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from alad.data.frames import Columns, Drop, columns, keys
from alad.data.joining import joined_tables
from alad.data.reading import expected_rows, joined
from alad.data.refusals import NO_ROWS
from alad.data.remote import RemoteFile
from alad.errors import InputError


class Source(ABC):
    """Rows or images in batches.

    Methods other than `batches` need a source that is in memory, or can be read again.
    """

    kind: ClassVar[Literal["table", "images"]]
    unit: ClassVar[Literal["row", "image"]]
    place: str  # its name in messages
    again: bool  # can it be read more than once?
    n_rows: int | None  # number of rows or images; None = not known yet
    scratch: Path | None = None  # folder for files while a model learns; None = the usual one

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the columns of a table, of the images of a set."""

    @property
    def skipped(self) -> dict[str, str]:
        """Names of the pictures that could not be read so far, with the reasons."""
        return {}

    def use_scratch(self, folder: Path) -> None:
        """Set the folder for what does not fit into memory while a model is fitted."""
        self.scratch = folder

    def expected_rows(self) -> int | None:
        """Foretell how many rows or images there are, for progress; None = not known."""
        return self.n_rows

    @abstractmethod
    def batches(self) -> Iterator[Any]:
        """Yield batches: `Columns`, or pixels [n, height, width, channels]."""

    @abstractmethod
    def held(self) -> Source:
        """Make a source that can be read again, by reading a stream into memory."""

    @abstractmethod
    def without(self, drop: Drop) -> Source:
        """Leave out columns; InputError, when it is read, if one does not exist."""

    @abstractmethod
    def taken(self, rows: Sequence[int] | np.ndarray) -> Source:
        """Select rows or images of a held source by number."""

    @abstractmethod
    def table(self) -> pa.Table:
        """Make the table to be written beside scores: cells as they came, or names of pictures."""


BATCH_ROWS, BATCH_BYTES = 1 << 16, 1 << 26  # at most in a batch of `stream`, as 8-byte cells
WHOLE_BLOCKS = 512  # rows: batches are multiples of what is scored at once


class FileTables(NamedTuple):
    """A file that is read in turn: its name, and its tables."""

    place: str
    tables: Iterator[pa.Table]

    def peeked(self) -> tuple[pa.Table, FileTables]:
        """Read the first table; give it, and the file from its beginning."""
        first = next(self.tables)
        return first, FileTables(self.place, chain([first], self.tables))


class Pieces:
    """The pieces of a source, of which the first may have been looked at before they are read.

    make: a function whose result iterates over tables of any kind that `frames.columns` converts,
    and over `FileTables`.
    """

    def __init__(self, make: Callable[[], Iterable[Any]]):
        self._make = make
        self._begun: Iterator[Any] | None = None

    def first(self) -> Any:
        """Look at the first piece, of a file the first table; None if there is none."""
        pieces = iter(self._make())
        first = seen = next(pieces, None)
        if isinstance(first, FileTables):
            seen, first = first.peeked()
        self._begun = pieces if first is None else chain([first], pieces)
        return seen

    def __iter__(self) -> Iterator[Any]:
        begun, self._begun = self._begun, None
        return iter(self._make()) if begun is None else begun


class TableSource(Source):
    """Rows of a table; a batch is `Columns`.

    pieces: a function whose result iterates over tables of any kind that `frames.columns` converts,
    and over `FileTables`; or `Pieces`. in_memory: are the pieces in memory already? drops: what is
    to be left out of every batch. files: what it is made of, to foretell how many rows it has.
    """

    kind, unit = "table", "row"

    def __init__(
        self,
        pieces: Callable[[], Iterable[Any]] | Pieces,
        place: str = "X",
        *,
        n_rows: int | None = None,
        again: bool = True,
        in_memory: bool = False,
        drops: Sequence[Drop] = (),
        files: Sequence[str | Path | RemoteFile] = (),
    ):
        self._pieces = pieces if isinstance(pieces, Pieces) else Pieces(pieces)
        self._in_memory, self._drops, self._files = in_memory, tuple(drops), tuple(files)
        self.place, self.again, self.n_rows = place, again, n_rows
        self._names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns; reads the first batch."""
        if not self._names:
            first = self._pieces.first()
            if first is None:
                raise self._empty()
            self._names = self._seen(columns(first)).names
        return self._names

    def _seen(self, batch: Columns) -> Columns:
        """Leave out of a batch what is to be left out."""
        for drop in self._drops:
            batch = batch.without(drop)
        return batch

    def expected_rows(self) -> int | None:
        """Foretell how many rows there are, for progress; of text it is an estimate; None = ?"""
        if self.n_rows is not None:
            return self.n_rows
        counts = [expected_rows(file) for file in self._files]
        return sum(c for c in counts if c) if counts and None not in counts else None

    def batches(self, most_cells: int | None = None) -> Generator[Columns, None, None]:
        """Yield batches of rows, a file at once; one of more than `most_cells` in several.

        Raises InputError for no row, or a stream that was read before.
        """
        before = 0
        for piece in self._pieces:
            of_file = isinstance(piece, FileTables)
            for table in _at_once(piece.tables, most_cells) if of_file else [piece]:
                batch = self._seen(replace(columns(table), before=before))
                self._names = batch.names
                before += batch.n_rows
                yield from _cut(batch, most_cells)
        self._note(before)

    def stream(self) -> Iterator[Columns]:
        """Yield batches of bounded size, for what needs no more than a row at a time.

        Raises InputError as `batches` does.
        """
        count = 0
        for piece in self._pieces:
            of_file = isinstance(piece, FileTables)
            place, before = (piece.place, 0) if of_file else ("", count)
            for table in sized(piece.tables) if of_file else [piece]:
                read = columns(table)
                where = {"before": before + read.before, "place": place or read.place}
                batch = self._seen(replace(read, **where))
                self._names = batch.names
                step = batch_rows(len(batch.names))
                for start in range(0, batch.n_rows, step):
                    yield batch if batch.n_rows <= step else batch.part(start, step)
                before, count = before + batch.n_rows, count + batch.n_rows
        self._note(count)

    def _note(self, rows: int) -> None:
        """Note how many rows were read; InputError for none."""
        if not rows:
            raise self._empty()
        self.n_rows = rows

    def _empty(self) -> InputError:
        return InputError(f"{self.place}: {NO_ROWS}")

    def without(self, drop: Drop) -> TableSource:
        """Leave out columns; InputError, when it is read, if one does not exist."""
        if not keys(drop):
            return self
        return TableSource(
            self._pieces,
            self.place,
            n_rows=self.n_rows,
            again=self.again,
            in_memory=self._in_memory,
            drops=[*self._drops, drop],
            files=self._files,
        )

    def held(self) -> TableSource:
        """Make a source that can be read again, by reading the table into memory."""
        if self._in_memory:
            return self
        table = self.table()
        self.n_rows = table.num_rows
        return TableSource(lambda: [table], self.place, n_rows=self.n_rows, in_memory=True)

    def taken(self, rows: Sequence[int] | np.ndarray) -> TableSource:
        """Select rows of a held source by number."""
        batches = list(self.batches())
        whole = batches[0] if len(batches) == 1 else columns(self.table())
        selected = whole.taken(np.asarray(rows))
        return TableSource(lambda: [selected], self.place, n_rows=selected.n_rows, in_memory=True)

    def table(self) -> pa.Table:
        """Read all rows, cells as they came, with columns in the order of the first piece."""
        tables = [
            batch.table() if batch.given is None or self._drops else batch.given
            for batch in self.batches()
        ]
        return tables[0] if len(tables) == 1 else joined_tables(tables)


def _at_once(tables: Iterator[pa.Table], most_cells: int | None) -> Iterator[pa.Table]:
    """Join the tables of a file; give them as they come once they hold more than `most_cells`."""
    held: list[pa.Table] = []
    cells = 0
    for table in tables:
        held.append(table)
        cells += table.num_rows * table.num_columns
        if most_cells is not None and cells > most_cells:
            yield from sized(chain(_emptied(held), tables))
            return
    yield joined(iter(held))


def _emptied(held: list[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables from the first on, and keep none that was yielded."""
    while held:
        yield held.pop(0)


def _cut(batch: Columns, most_cells: int | None) -> Iterator[Columns]:
    """Cut a batch of more than `most_cells`, but for one that is an array of numbers."""
    step = batch_rows(len(batch.names))
    cells = batch.n_rows * len(batch.names)
    if most_cells is None or cells <= most_cells or batch.matrix is not None:
        yield batch
        return
    yield from (batch.part(start, step) for start in range(0, batch.n_rows, step))


def batch_rows(columns: int) -> int:
    """Count the rows of a batch: at most `BATCH_ROWS`, fewer of a wide table."""
    rows = BATCH_BYTES // (8 * columns) // WHOLE_BLOCKS * WHOLE_BLOCKS
    return min(BATCH_ROWS, max(WHOLE_BLOCKS, rows))


def sized(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join and cut the tables of a file to batches of bounded size, all but the last full."""
    waiting: list[pa.Table] = []
    for table in tables:
        rows, waiting = batch_rows(table.num_columns), [*waiting, table]
        while sum(part.num_rows for part in waiting) >= rows:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, rows)
            rest = whole.slice(rows)
            waiting = [rest] if rest.num_rows else []
    if any(part.num_rows for part in waiting):
        yield pa.concat_tables(waiting)
