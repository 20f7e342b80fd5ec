"""Sources: rows of a table or images, in batches; `opening` chooses the source of given data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from alad.data.decoding import Form
from alad.data.frames import Columns, Drop, columns, keys
from alad.data.joining import joined_tables
from alad.data.pictures import Pictures
from alad.data.pixel_file import PixelFile, decoded_once
from alad.data.refusals import NO_ROWS
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

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the columns of a table, of the images of a set."""

    @property
    def skipped(self) -> dict[str, str]:
        """Names of the pictures that could not be read so far, with the reasons."""
        return {}

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


class TableSource(Source):
    """Rows of a table; a batch is `Columns`.

    pieces: a function whose result iterates over tables of any kind that `frames.columns` converts.
    in_memory: are the pieces in memory already?
    """

    kind, unit = "table", "row"

    def __init__(
        self,
        pieces: Callable[[], Iterable[Any]],
        place: str = "X",
        *,
        n_rows: int | None = None,
        again: bool = True,
        in_memory: bool = False,
    ):
        self._pieces, self._in_memory = pieces, in_memory
        self.place, self.again, self.n_rows = place, again, n_rows
        self._names: tuple[str, ...] = ()
        self._begun: Iterator[Any] | None = None  # pieces, of which only the names were read so far

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns; reads the first batch."""
        if not self._names:
            pieces = iter(self._pieces())
            first = next(pieces, None)
            if first is None:
                raise self._empty()
            self._begun = chain([first], pieces)
            self._names = columns(first).names
        return self._names

    def _all(self) -> Iterable[Any]:
        """Iterate over all pieces; the first may have been read for the names."""
        begun, self._begun = self._begun, None
        return self._pieces() if begun is None else begun

    def batches(self) -> Iterator[Columns]:
        """Yield batches of rows. Raises InputError for no row, or a stream that was read before."""
        before = 0
        for piece in self._all():
            batch = replace(columns(piece), before=before)
            self._names = batch.names
            before += batch.n_rows
            yield batch
        if not before:
            raise self._empty()
        self.n_rows = before

    def _empty(self) -> InputError:
        return InputError(f"{self.place}: {NO_ROWS}")

    def without(self, drop: Drop) -> TableSource:
        """Leave out columns; InputError, when it is read, if one does not exist."""
        if not keys(drop):
            return self

        def pieces() -> Iterator[Columns]:
            return (batch.without(drop) for batch in self.batches())

        return self._of(pieces, again=self.again, in_memory=self._in_memory)

    def _of(self, pieces: Callable[[], Iterable[Any]], **how: bool) -> TableSource:
        return TableSource(pieces, self.place, n_rows=self.n_rows, **how)

    def held(self) -> TableSource:
        """Make a source that can be read again, by reading the table into memory."""
        if self._in_memory:
            return self
        table = self.table()
        self.n_rows = table.num_rows
        return self._of(lambda: [table], in_memory=True)

    def taken(self, rows: Sequence[int] | np.ndarray) -> TableSource:
        """Select rows of a held source by number."""
        batches = list(self.batches())
        whole = batches[0] if len(batches) == 1 else columns(self.table())
        selected = whole.taken(np.asarray(rows))
        return TableSource(lambda: [selected], self.place, n_rows=selected.n_rows, in_memory=True)

    def table(self) -> pa.Table:
        """Read all rows, cells as they came, with columns in the order of the first piece."""
        tables = [
            piece if isinstance(piece, pa.Table) else columns(piece).table()
            for piece in self._all()
        ]
        if not tables:
            raise self._empty()
        return tables[0] if len(tables) == 1 else joined_tables(tables)


class ImageSource(Source):
    """Images: an array [n, height, width, channels], or pictures to decode; a batch is pixels.

    chosen: numbers of the images that are part of the source; None = all.
    """

    kind, unit, again = "images", "image", True

    def __init__(
        self,
        content: np.ndarray | Pictures,
        place: str = "X",
        chosen: Sequence[int] | None = None,
    ):
        self.content, self.place, self._chosen = content, place, chosen

    @property
    def n_rows(self) -> int:
        """Number of images, without those that could not be read so far."""
        return len(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of files; for an array, numbers from 1."""
        if isinstance(self.content, Pictures):
            names = self.content.names
        else:
            names = [str(at) for at in range(1, len(self.content) + 1)]
        return tuple(names if self._chosen is None else (names[at] for at in self._chosen))

    @property
    def skipped(self) -> dict[str, str]:
        """Names of the pictures that could not be read so far, with the reasons."""
        return self.content.skipped if isinstance(self.content, Pictures) else {}

    def use_scratch(self, folder: Path) -> None:
        """Set the folder for decoded pictures while a model is fitted."""
        if isinstance(self.content, Pictures):
            self.content.scratch = folder

    def batches(self, form: Form | None = None) -> Iterator[np.ndarray]:
        """Yield pixels [n, height, width, channels]; form: of pictures, None = what suits."""
        if isinstance(self.content, Pictures):
            form = form or self.content.form()
            if self._chosen is None:
                yield from (pixels for _, pixels in self.content.blocks(form))
            else:
                yield self.content.taken(form, self._chosen)
        else:
            yield self.content if self._chosen is None else self.content[np.asarray(self._chosen)]

    @contextmanager
    def decoded(self) -> Iterator[np.ndarray | PixelFile]:
        """Open all images at once, for training; pictures lie in a file within the context."""
        if isinstance(self.content, Pictures) and self._chosen is None:
            with decoded_once(self.content) as pixels:
                yield pixels
        else:
            yield np.concatenate(list(self.batches()))

    def held(self) -> ImageSource:
        """Return the source, which can always be read again."""
        return self

    def without(self, drop: Drop) -> ImageSource:
        """Raise InputError if there is anything to leave out."""
        if keys(drop):
            raise InputError(f"{self.place}: images have no columns; leave out drop")
        return self

    def taken(self, rows: Sequence[int] | np.ndarray) -> ImageSource:
        """Select images by number."""
        return ImageSource(self.content, self.place, np.asarray(rows).tolist())

    def table(self) -> pa.Table:
        """Make a table of the names of readable images, column `file`."""
        return pa.table({"file": list(self.names)})
