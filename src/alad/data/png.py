"""Write images as PNG files, singly or in a grid, without a library."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alad.data.writing import replacing
from alad.errors import InputError

GAP = 2  # pixels between the images of a grid


def write_grid(path: str | Path, rows: Sequence[np.ndarray], enlarge: int = 2) -> None:
    """Write the `grid` of `rows` as PNG, each pixel `enlarge` times as wide and high.

    Raises InputError if the file cannot be written.
    """
    image = grid(rows).repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    try:
        with replacing(Path(path)) as file:
            file.write(png(image))
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def grid(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Lay rows of images on white, one below the other, GAP pixels apart: uint8 [height, width, 3].

    rows: [n, height, width, channels] each, from -1 (dark) to 1; values beyond are clipped.
    """
    height, width, _ = rows[0].shape[1:]
    down, across = height + GAP, width + GAP
    most = max(len(row) for row in rows)
    canvas = np.full((len(rows) * down - GAP, most * across - GAP, 3), 255, np.uint8)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            shown = np.rint((np.clip(image[..., :3], -1, 1) + 1) * 127.5)
            canvas[i * down : i * down + height, j * across : j * across + width] = shown
    return canvas


def png(image: np.ndarray) -> bytes:
    """Encode uint8 [height, width, 1 or 3] as a PNG file (W3C PNG, 8 bits, no filter)."""
    height, width, channels = image.shape
    kind = {1: 0, 3: 2}[channels]  # grey, colours
    lines = image.reshape(height, -1)
    raw = np.hstack([np.zeros((height, 1), np.uint8), lines]).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)
