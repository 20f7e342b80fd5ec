"""Rows too many for memory: in files without a name, which vanish with the process."""

from __future__ import annotations

import math
import tempfile
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from alad.errors import InputError

CLOSE = 2  # so many times as many rows as are asked for are read in one go


class ArrayFile:
    """Rows [n, *shape] in a file; `rows[places]` reads some, by number.

    what: name of the rows in messages.
    """

    def __init__(
        self,
        file: IO[bytes],
        shape: tuple[int, ...],
        dtype: Any,
        what: str = "decoded pictures",
    ):
        self._file, self.shape, self.dtype, self._what = file, shape, np.dtype(dtype), what
        self._bytes = math.prod(shape[1:]) * self.dtype.itemsize  # of one row

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        """Read rows [len(places), *shape]; places: int, in any order."""
        return self.into(np.empty((len(places), *self.shape[1:]), self.dtype), places)

    def into(self, out: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Read rows by number into `out`, of their shape."""
        count = len(places)
        if count > 1 and (np.diff(places) > 0).all():
            first, span = int(places[0]), int(places[-1] - places[0]) + 1
            if span == count:
                return self._read(out, first)
            if span <= CLOSE * count:
                whole = self._read(np.empty((span, *self.shape[1:]), self.dtype), first)
                return np.take(whole, places - first, axis=0, out=out, mode="clip")
        for row, place in zip(out, places.tolist(), strict=True):
            self._read(row, place)
        return out

    def _read(self, out: np.ndarray, first: int) -> np.ndarray:
        self._file.seek(first * self._bytes)
        read = self._file.readinto(out.data)  # pyright: ignore[reportAttributeAccessIssue]
        if read < out.nbytes:
            raise InputError(f"{self._what} are no longer whole; is the disk full?")
        return out


def temporary_file(folder: object, what: str = "decoded pictures") -> IO[bytes]:
    """Open a file without a name in a folder; InputError if there can be none."""
    try:
        return tempfile.TemporaryFile(dir=str(folder))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; {what} need a place") from error


class Scratch(AbstractContextManager["Scratch"]):
    """A place for files of rows while a model learns, which are gone at the end of the context.

    folder: where a model is going to be written; None = that for temporary files.
    """

    def __init__(self, folder: Path | None = None):
        self.folder = folder or Path(tempfile.gettempdir())
        self._remedy = "write the model elsewhere" if folder else "let TMPDIR name another folder"
        self._stack = ExitStack()

    def file(self) -> IO[bytes]:
        """Open a file; InputError if there can be none."""
        return self._stack.enter_context(temporary_file(self.folder, "rows"))

    def append(self, file: IO[bytes], rows: np.ndarray, whole: float) -> None:
        """Write behind what is there; whole: bytes that all will take, for the message.

        Raises InputError where there is no room.
        """
        try:
            file.write(rows.data)
            file.flush()  # a full disk tells here, not when rows are read again
        except OSError as error:
            raise InputError(
                f"{self.folder}: {error.strerror}; while a model learns from a table longer than "
                f"memory, its rows take about {whole / 1e9:.2g} GB there: make room, or "
                f"{self._remedy}"
            ) from error

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):  # of a full disk, which append has told
            self._stack.close()
