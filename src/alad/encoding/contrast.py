"""Images of one mean and one deviation each, so that how bright or pale one is tells nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

LEAST_DEVIATION = 1 / 128  # of pixels from -1 to 1: a level of eight bits. A paler image is empty
PIXELS = (1, 2, 3)  # axes of an image
OUTSIDE = 0.01  # share of the images whose darkest, or brightest, pixel lies beyond the range


def equalised(images: Any) -> Any:
    """Give images [n, height, width, channels] mean 0 and deviation 1 each, in their place.

    Global contrast normalisation (Goodfellow et al. 2013), each image by itself: its numbers do not
    depend on the others. Of images of a graph to export it gives new ones.
    """
    if not isinstance(images, np.ndarray):
        wide = images.astype(np.float64)
        wide = wide - wide.mean(axis=PIXELS, keepdims=True)
        deviation = np.sqrt((wide * wide).mean(axis=PIXELS, keepdims=True))
        return (wide / np.maximum(deviation, LEAST_DEVIATION)).astype(np.float32)
    for image in images:
        image -= np.float32(image.mean(dtype=np.float64))
        deviation = np.sqrt(np.square(image, dtype=np.float64).mean())
        image /= np.float32(max(deviation, LEAST_DEVIATION))
    return images


def usual_range(pieces: Iterable[np.ndarray]) -> tuple[float, float]:
    """Find the range of pixels that nearly all equalised images keep to; pieces: [n, ...] each."""
    found = [(piece.min(axis=PIXELS), piece.max(axis=PIXELS)) for piece in pieces]
    darkest, brightest = (np.concatenate(ends) for ends in zip(*found, strict=True))
    low, high = np.quantile(darkest, OUTSIDE), np.quantile(brightest, 1 - OUTSIDE)
    return (float(low), float(high)) if low < high else (-1.0, 1.0)  # of empty images
