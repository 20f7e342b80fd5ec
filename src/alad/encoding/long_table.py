"""Encode a table longer than memory into a file, block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alad.data.array_file import ArrayFile, Scratch
from alad.data.source import BATCH_ROWS
from alad.encoding.rows import FileRows

VALUES_IN_MEMORY = 1 << 26  # of encoded rows to learn from: 256 MB; of more they lie in a file


def encoded_in_file(
    encode: Callable[[slice], np.ndarray],
    shape: tuple[int, int],
    scratch: Scratch,
    told: Callable[[int], None],
) -> FileRows:
    """Write rows [n, width] of `shape`, which `encode` gives from one to another, to a file.

    told: called with the number of rows written so far. Raises InputError where there is no room.
    """
    file, size = scratch.file(), 4.0 * shape[0] * shape[1]
    for start in range(0, shape[0], BATCH_ROWS):
        encoded = encode(slice(start, min(start + BATCH_ROWS, shape[0])))
        scratch.append(file, encoded, size)
        told(start + len(encoded))
    return FileRows(ArrayFile(file, shape, np.float32, "encoded rows"))
