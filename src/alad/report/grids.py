"""Pictures of pictures: images and what a model takes them for, in a grid, as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alad.data.writing import replacing
from alad.errors import InputError

GAP = 2  # pixels between images


def reconstructions(path: str | Path, detector: Any, *groups: np.ndarray, enlarge: int = 2) -> None:
    """A PNG of two rows a group: its images, and below each G(E(x)), the model's version of it.

    groups: images as the fitted `detector` takes them, [n, height, width(, channels)] each. Raises
    InputError if they are not what it was fitted on.
    """
    rows: list[np.ndarray] = []
    for images in groups:
        rows += [detector.encoder_.transform(images), detector.reconstruct(images)]
    write(path, rows, enlarge)


def write(path: str | Path, rows: Sequence[np.ndarray], enlarge: int = 2) -> None:
    """A PNG of `rows` [n, height, width, channels], from -1 (dark) to 1, one below the other."""
    from PIL import Image

    image = Image.fromarray(grid(rows))
    image = image.resize((image.width * enlarge, image.height * enlarge), Image.Resampling.NEAREST)
    try:
        with replacing(Path(path)) as file:
            image.save(file, format="PNG", optimize=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def grid(rows: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 [height, width, 3]: the rows of images on white, GAP pixels apart.

    Values beyond -1 and 1 are cut off, as a screen would.
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
