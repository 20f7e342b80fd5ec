"""Encoded rows beside their cells, and images that stay pixels until somebody looks at them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from alad.data.pixel_file import PixelFile

PIECE_VALUES = 1 << 24  # scaled at a time: 64 MB
SCORED_AT_ONCE = (512, 32)  # rows of pixels, images: a piece has whole blocks of them, if it can


@dataclass(frozen=True)
class ReadRows:
    """Rows or images that were read once: encoded, and as they came.

    cells: gives [n][columns] as Python values, or pixels [n, height, width, channels].
    """

    encoded: np.ndarray  # float32 [n, *shape]
    cells: Callable[[], Any]


class Scaler(Protocol):
    """What turns pixels into encoded images."""

    @property
    def shape_(self) -> tuple[int, ...]:
        """(height, width, channels)."""
        ...

    def scaled(self, pixels: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Float32 [n, *shape_] of pixels of some images, written to `out` if given."""
        ...


class ScaledImages:
    """Encoded images [n, height, width, channels], float32, scaled when they are looked at.

    Slices and choices of them are such again and cost nothing; `np.asarray` scales all of them. It
    gives the same numbers, to the last bit, whatever else it is asked for.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(
        self, scaler: Scaler, pixels: np.ndarray | PixelFile, places: np.ndarray | None = None
    ):
        """places: int [n], the numbers of the images that count; None = all."""
        self._scaler, self._pixels = scaler, pixels
        self._places = np.arange(len(pixels)) if places is None else places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._scaler.shape_)

    def __getitem__(self, chosen: slice | np.ndarray) -> ScaledImages:
        """chosen: a slice, numbers, or bool [n]."""
        return ScaledImages(self._scaler, self._pixels, self._places[chosen])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        scaled = self.into(np.empty(self.shape, np.float32))
        return scaled if dtype is None else scaled.astype(dtype, copy=False)

    def into(self, out: np.ndarray) -> np.ndarray:
        """All of them, written to `out`, float32 of their shape."""
        return self._scaler.scaled(self._pixels[self._places], out)

    def pieces(self) -> Iterator[np.ndarray]:
        """All of them, so many at a time that memory holds them."""
        rows = piece_rows(self._scaler.shape_)
        return (np.asarray(self[at : at + rows]) for at in range(0, len(self), rows))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (image for piece in self.pieces() for image in piece)


def piece_rows(shape: tuple[int, ...]) -> int:
    """How many images of that shape make a piece."""
    rows = PIECE_VALUES // math.prod(shape)
    block = next((block for block in SCORED_AT_ONCE if block <= rows), SCORED_AT_ONCE[-1])
    return max(1, rows // block) * block
