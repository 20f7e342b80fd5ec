"""Images of which each patch is a row: their scores, and where they come from.

An image is as odd as its oddest patches. So a defect of a few patches counts in full, however large
the image; and the heat map is what the patches score by themselves.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alad.encoding import Encoder, FeatureEncoder

LEAST_PIXELS = 4.0  # along a side, of what the heat of an enlarged picture tells apart
COMPARED = 64  # learnt pictures, at most, that tell what is usual at each place
HIGHEST = 0.01  # share of an image's patches whose mean is its score, at least one (EXPERIMENTS.md)


def image_scores(encoder: Encoder, scores: np.ndarray) -> np.ndarray:
    """Put scores of patches together to scores of images: [..., n patches] -> [..., n].

    The mean of the highest; scores of rows, or of whole images, stay as they are.
    """
    if not isinstance(encoder, FeatureEncoder) or not encoder.has_maps:
        return scores
    return highest_mean(scores.reshape(*scores.shape[:-1], -1, patches_of(encoder.shape_)))


def highest_mean(scores: np.ndarray) -> np.ndarray:
    """Average the highest of each image's scores of patches: [..., n, patches] -> [..., n]."""
    count = highest(scores.shape[-1])
    return np.sort(scores, axis=-1)[..., -count:].mean(axis=-1)


def patches_of(shape: tuple[int, ...]) -> int:
    """Count the patches of a map of the shape (rows, columns, width)."""
    return shape[0] * shape[1]


def highest(patches: int) -> int:
    """Count the patches whose mean is an image's score."""
    return max(1, math.ceil(HIGHEST * patches))


def spread(maps: np.ndarray, height: int, width: int) -> np.ndarray:
    """Enlarge maps [n, rows, columns] to images [n, height, width], linear between the middles."""
    down, across = weights(maps.shape[1], height), weights(maps.shape[2], width)
    return np.einsum("hr,nrc,wc->nhw", down, maps, across, optimize=True)


def blurred(maps: np.ndarray, cells: int) -> np.ndarray:
    """Blur maps [n, height, width] of small pictures; cells: patches along the longer side.

    A patch of an enlarged picture may lie on a pixel or two, and knows a wide surrounding: maps are
    blurred until one stands for `LEAST_PIXELS`. Outside the picture is 0, what is usual.
    """
    from scipy.ndimage import gaussian_filter  # takes long to load, and scoring needs none

    deviation = blur_of(max(maps.shape[1:]) / cells)
    return gaussian_filter(maps, deviation, axes=(1, 2), mode="constant") if deviation else maps


def blur_of(lies_on: float) -> float:
    """Compute the deviation of the blur, in pixels; lies_on: pixels of a patch along a side."""
    return math.sqrt(max(0.0, LEAST_PIXELS**2 - lies_on**2))


def are_small(lies_on: float) -> bool:
    """Tell whether a patch that lies on so many pixels along a side stands for too few of them."""
    return lies_on < LEAST_PIXELS


def weights(cells: int, pixels: int) -> np.ndarray:
    """Give each pixel's shares of the cells, along one side: float64 [pixels, cells].

    Pixel i lies at (i + 1/2) cells / pixels, cell k at k + 1/2; beyond the outer middles it has the
    outer cell's value.
    """
    at = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    low = np.minimum(at.astype(int), max(cells - 2, 0))
    weights = np.zeros((pixels, cells))
    weights[np.arange(pixels), low] = 1 - (at - low)
    if cells > 1:
        weights[np.arange(pixels), low + 1] = at - low
    return weights


def usual_score(fitted: Any) -> float:
    """Give the middle score of normal images: of those of calibration, else of learnt ones."""
    if fitted.calibration_ is not None:
        return float(np.median(fitted.calibration_.scores))
    quantiles = fitted.training_["scores"]["quantiles"]
    return float(quantiles[len(quantiles) // 2])
