"""Images too many for memory: decoded once into a temporary file, and read when asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from alad.data.array_file import ArrayFile, temporary_file
from alad.data.pictures import Pictures
from alad.errors import InputError

GIGABYTE = 1e9


@contextmanager
def decoded_once(pictures: Pictures) -> Iterator[ArrayFile]:
    """Decode all readable pictures into a file that is removed at the end of the context.

    The file lies in `pictures.scratch`, and takes a byte per value, of 16-bit pictures two. Raises
    InputError if there is no room, or no picture.
    """
    form = pictures.form(to_learn=True)
    dtype = np.uint16 if form.bits > 8 else np.uint8
    folder = pictures.scratch or tempfile.gettempdir()
    with temporary_file(folder) as file:
        count = 0
        for _, pixels in pictures.blocks(form):
            _append(file, pixels, folder, len(pictures))
            count += len(pixels)
        yield ArrayFile(file, (count, form.height, form.width, form.channels), dtype)


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
