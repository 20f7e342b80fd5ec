"""Texture: statistics of small windows of an image, a backbone that has nothing to learn.

A window's mean, least and largest colour, how much it varies, and how strongly its light changes in
four directions at three scales. They stay the same where a texture is shifted, and change where it
is scratched, spotted or left out: what a texture is told by since Haralick et al. 1973 (IEEE
Transactions on Systems, Man, and Cybernetics 3).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

TEXTURE = "texture"  # its name
SIDE = 256  # pictures are decoded to at most so many pixels
WINDOW, STEP = 8, 4  # pixels: the side of a window, and from one to the next
SCALES = (1, 2, 4)  # pixels between what is compared
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))  # down and right
FLOOR = 0.01  # of the range; added to what is taken the logarithm of, as so little is no change


def texture(images: np.ndarray) -> np.ndarray:
    """Compute the statistics of windows: float32 [n, rows, columns, 12 + 4 channels].

    images: float32 [n, height, width, channels] from 0 to 1. A window every 4 pixels: rows and
    columns are a quarter of height and width, rounded.
    """
    x = images.astype(np.float32, copy=False)
    mean, square = _windows(x, np.add), _windows(x * x, np.add)
    spread = np.sqrt(np.maximum(square - mean * mean, 0))
    parts = [mean, _windows(x, np.minimum), _windows(x, np.maximum), np.log(spread + FLOOR)]
    for change in _changes(x.mean(axis=3, keepdims=True)):
        parts.append(np.log(np.sqrt(_windows(change * change, np.add)) + FLOOR))
    return np.concatenate(parts, axis=3)


def _windows(x: np.ndarray, combine: np.ufunc) -> np.ndarray:
    """Combine the pixels of each window of [n, height, width, c]; of sums take the mean."""
    for axis in (1, 2):
        length = x.shape[axis]
        count, side = max(1, round(length / STEP)), min(WINDOW, length)
        # the middles of windows lie evenly; at the border they are moved inside
        middles = (np.arange(count) + 0.5) * length / count
        starts = np.clip(np.rint(middles - side / 2).astype(int), 0, length - side)
        found = x.take(starts, axis=axis)
        for offset in range(1, side):
            combine(found, x.take(starts + offset, axis=axis), out=found)
        x = found / np.float32(side) if combine is np.add else found
    return x


def _changes(light: np.ndarray) -> Iterator[np.ndarray]:
    """Yield differences of light [n, height, width, 1] to four neighbours, at every scale."""
    for scale in SCALES:
        smooth = light
        for axis in (1, 2):
            parts = np.stack([_moved(smooth, at, axis) for at in range(scale)])
            smooth = parts.mean(axis=0)
        for down, right in DIRECTIONS:
            there = _moved(_moved(smooth, down * scale, 1), right * scale, 2)
            yield there - smooth


def _moved(x: np.ndarray, by: int, axis: int) -> np.ndarray:
    """Give each pixel of [n, height, width, c] the value `by` pixels further, at most the last."""
    length = x.shape[axis]
    return x.take(np.clip(np.arange(length) + by, 0, length - 1), axis=axis) if by else x
