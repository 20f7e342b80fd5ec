"""Pictures of pictures: images and what a model takes them for, in a grid, as a PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from alad.data.png import write_grid


def reconstructions(path: str | Path, detector: Any, *groups: np.ndarray, enlarge: int = 2) -> None:
    """A PNG of two rows a group: its images, and below each G(E(x)), the model's version of it.

    groups: images as the fitted `detector` takes them, [n, height, width(, channels)] each. Raises
    InputError if they are not what it was fitted on.
    """
    rows: list[np.ndarray] = []
    for images in groups:
        rows += [detector.encoder_.transform(images), detector.reconstruct(images)]
    write_grid(path, rows, enlarge)
