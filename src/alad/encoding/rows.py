"""Encoded rows beside their cells, and images that stay pixels until they are read."""

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


class ScaledImages:
    """Encoded images [n, height, width, channels], float32, scaled when they are read.

    Slices and selections of them are `ScaledImages` again and cost nothing; `np.asarray` scales all
    of them. An image's numbers are the same, to the last bit, in every selection.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(
        self, scaler: Scaler, pixels: np.ndarray | PixelFile, places: np.ndarray | None = None
    ):
        """Hold images. places: int [n], the numbers of those that count; None = all."""
        self._scaler, self._pixels = scaler, pixels
        self._places = np.arange(len(pixels)) if places is None else places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._scaler.shape_)

    def __getitem__(self, chosen: slice | np.ndarray) -> ScaledImages:
        """Select images; chosen: a slice, numbers, or bool [n]."""
        return ScaledImages(self._scaler, self._pixels, self._places[chosen])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        scaled = self.into(np.empty(self.shape, np.float32))
        return scaled if dtype is None else scaled.astype(dtype, copy=False)

    def into(self, out: np.ndarray) -> np.ndarray:
        """Scale all images into `out`, float32 of their shape."""
        return self._scaler.scaled(self._pixels[self._places], out)

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield all images, scaled, as many at a time as fit into memory."""
        rows = piece_rows(self._scaler.shape_)
        return (np.asarray(self[at : at + rows]) for at in range(0, len(self), rows))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (image for piece in self.pieces() for image in piece)


def piece_rows(shape: tuple[int, ...]) -> int:
    """Count the images of that shape that make a piece."""
    rows = PIECE_VALUES // math.prod(shape)
    block = next((block for block in SCORED_AT_ONCE if block <= rows), SCORED_AT_ONCE[-1])
    return max(1, rows // block) * block
