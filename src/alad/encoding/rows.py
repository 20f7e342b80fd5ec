"""Encoded rows beside their cells; rows in a file, and images scaled when they are read."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from alad.data.array_file import ArrayFile

PIECE_VALUES = 1 << 24  # of images, scaled at a time: 64 MB
TABLE_VALUES = 1 << 22  # of rows of a table, whose activations take many times the memory: 16 MB
SCORED_AT_ONCE = (512, 32)  # rows of pixels, images: a piece has whole blocks of them, if it can


@dataclass(frozen=True)
class ReadRows:
    """Rows or images that were read once: encoded, and as they were given.

    cells: gives [n][columns] as Python values, or pixels [n, height, width, channels].
    """

    encoded: np.ndarray  # float32 [n, *shape]
    cells: Callable[[], Any]


class Scaler(Protocol):
    """An encoder of pixels."""

    @property
    def shape_(self) -> tuple[int, ...]:
        """(height, width, channels)."""
        ...

    def scaled(self, pixels: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Scale the pixels of images to float32 [n, *shape_], written to `out` if given."""
        ...


class LazyRows(ABC):
    """Encoded rows [n, *shape], float32, that are read when they are asked for.

    Slices and selections of them are such rows again and cost nothing; `np.asarray` reads all of
    them. A row's numbers are the same, to the last bit, in every selection.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, places: np.ndarray):
        """Hold rows. places: int [n], the numbers of those that count."""
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """[n, *shape of a row]."""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @abstractmethod
    def __getitem__(self, chosen: slice | np.ndarray) -> Self:
        """Select rows; chosen: a slice, numbers, or bool [n]."""

    @abstractmethod
    def into(self, out: np.ndarray) -> np.ndarray:
        """Read all rows into `out`, float32 of their shape."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        read = self.into(np.empty(self.shape, np.float32))
        return read if dtype is None else read.astype(dtype, copy=False)

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield all rows, as many at a time as fit into memory."""
        rows = piece_rows(self.shape[1:])
        return (np.asarray(self[at : at + rows]) for at in range(0, len(self), rows))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (row for piece in self.pieces() for row in piece)


class ScaledImages(LazyRows):
    """Encoded images [n, height, width, channels], float32, scaled when they are read."""

    def __init__(
        self, scaler: Scaler, pixels: np.ndarray | ArrayFile, places: np.ndarray | None = None
    ):
        """Hold images. places: int [n], the numbers of those that count; None = all."""
        super().__init__(np.arange(len(pixels)) if places is None else places)
        self._scaler, self._pixels = scaler, pixels

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._scaler.shape_)

    def __getitem__(self, chosen: slice | np.ndarray) -> ScaledImages:
        return ScaledImages(self._scaler, self._pixels, self._places[chosen])

    def into(self, out: np.ndarray) -> np.ndarray:
        """Scale all images into `out`, float32 of their shape."""
        return self._scaler.scaled(self._pixels[self._places], out)


class FileRows(LazyRows):
    """Encoded rows [n, width] of a table, float32, in a file."""

    def __init__(self, file: ArrayFile, places: np.ndarray | None = None):
        """Hold rows. places: int [n], the numbers of those that count; None = all."""
        every = np.int32 if len(file) < 2**31 else np.int64
        super().__init__(np.arange(len(file), dtype=every) if places is None else places)
        self._file = file

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._file.shape[1:])

    def __getitem__(self, chosen: slice | np.ndarray) -> FileRows:
        return FileRows(self._file, self._places[chosen])

    def into(self, out: np.ndarray) -> np.ndarray:
        return self._file.into(out, self._places)


Encoded = np.ndarray | LazyRows  # rows [n, *shape], float32


def piece_rows(shape: tuple[int, ...]) -> int:
    """Count the rows, or images, of that shape that make a piece."""
    rows = (TABLE_VALUES if len(shape) == 1 else PIECE_VALUES) // math.prod(shape)
    block = next((block for block in SCORED_AT_ONCE if block <= rows), SCORED_AT_ONCE[-1])
    return max(1, rows // block) * block
