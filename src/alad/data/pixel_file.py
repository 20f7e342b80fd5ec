"""Images too many for memory: decoded once into a temporary file, and read when asked for."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from alad.data.pictures import Pictures
from alad.errors import InputError

GIGABYTE = 1e9


class PixelFile:
    """Images [n, height, width, channels] in a file; `pixels[places]` reads some, by number."""

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: type[np.generic]):
        self._file, self.shape, self.dtype = file, shape, np.dtype(dtype)
        self._bytes = math.prod(shape[1:]) * self.dtype.itemsize  # of one image

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        """Read images [len(places), height, width, channels]; places: int, in any order."""
        images = np.empty((len(places), *self.shape[1:]), self.dtype)
        for image, place in zip(images, places.tolist(), strict=True):
            self._file.seek(place * self._bytes)
            read = self._file.readinto(image.data)  # pyright: ignore[reportAttributeAccessIssue]
            if read < self._bytes:
                raise InputError("decoded pictures are no longer whole; is the disk full?")
        return images


@contextmanager
def decoded_once(pictures: Pictures) -> Iterator[PixelFile]:
    """Decode all readable pictures into a file that is removed at the end of the context.

    The file lies in `pictures.scratch`, and takes a byte per value, of 16-bit pictures two. Raises
    InputError if there is no room, or no picture.
    """
    form = pictures.form()
    dtype = np.uint16 if form.bits > 8 else np.uint8
    folder = pictures.scratch or tempfile.gettempdir()
    with _temporary_file(folder) as file:
        count = 0
        for _, pixels in pictures.blocks(form):
            _append(file, pixels, folder, len(pictures))
            count += len(pixels)
        yield PixelFile(file, (count, form.height, form.width, form.channels), dtype)


def _temporary_file(folder: object) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=str(folder))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; decoded pictures need a place") from error


def _append(file: IO[bytes], pixels: np.ndarray, folder: object, pictures: int) -> None:
    try:
        file.write(pixels.data)
        file.flush()
    except OSError as error:
        size = pictures * pixels[0].nbytes / GIGABYTE
        raise InputError(
            f"{folder}: {error.strerror}; while a model learns, the decoded pictures take "
            f"{size:.2g} GB there: make room, or give a smaller --size"
        ) from error
