"""Heat maps without a method, to measure others by: residuals, and distances to nearest images."""

from typing import Any

import numpy as np

from alad import metrics
from alad.detector import attribution

NEAREST = 4  # learnt images that an image is compared with
BLUR = 2.0  # pixels, standard deviation


def residual_maps(detector: Any, images: np.ndarray) -> np.ndarray:
    """Compute abs(x - G(E(x))) of images [n, height, width, channels]: float [n, height, width]."""
    encoded = detector.encoder_.transform(images)
    again = detector.reconstruct(images).reshape(encoded.shape)
    return np.abs(encoded - again).sum(axis=3)


def nearest_maps(learnt: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Compute the mean distance of each pixel from the nearest learnt images: [n, height, width].

    learnt [m, height, width, channels] and images [n, …], both of one scale.
    """
    flat = images.reshape(len(images), -1)
    near = attribution.nearest(flat, learnt.reshape(len(learnt), -1), NEAREST)
    return np.abs(flat - near).mean(axis=0).reshape(images.shape).sum(axis=3)


def blurred(maps: np.ndarray) -> np.ndarray:
    """Blur maps [n, height, width]."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(maps, BLUR, axes=(1, 2))


def pixel_aurocs(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Rank the pixels of each image whose mask is not empty: AUROC, float64 [m].

    maps float [n, height, width], masks bool [n, height, width], True = odd.
    """
    pairs = zip(maps, masks, strict=True)
    return np.array([metrics.auroc(one.ravel(), mask.ravel()) for one, mask in pairs if mask.any()])
