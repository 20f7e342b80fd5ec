"""Images to be looked at: what pages embed and `alad explain` writes."""

import base64
from typing import Any

import numpy as np

from alad.data.png import png
from alad.report.markup import Markup, tag

HOT = np.array(
    [213.0, 60.0, 0.0]
)  # of pixels that raise a score; read in print and by the colour-blind
PALE = 0.45  # how far an image is moved towards mid-grey under its heat
LEAST_SIDE = 256  # pixels, of a picture to be looked at by itself


def shown(scaler: Any, images: np.ndarray) -> np.ndarray:
    """uint8 [n, height, width, 1 or 3] of images as the model was given them."""
    scaled = np.clip(scaler.transform(images), -1, 1)
    return np.rint((scaled[..., : min(3, scaled.shape[3])] + 1) * 127.5).astype(np.uint8)


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """uint8 [height, width, 3]: the image in pale grey, hot where heat [height, width] is high.

    The hottest pixel has the full colour; where heat is 0 or below there is none.
    """
    grey = image.mean(axis=2, keepdims=True)
    pale = grey * (1 - PALE) + 127.5 * PALE
    most = float(heat.max())
    strength = np.clip(heat / most, 0, 1)[..., np.newaxis] if most > 0 else 0.0
    return np.rint(pale * (1 - strength) + HOT * strength).astype(np.uint8)


def enlarged(image: np.ndarray) -> np.ndarray:
    """The image with each pixel as often as makes its longer side at least 256."""
    times = max(1, -(-LEAST_SIDE // max(image.shape[:2])))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def embedded(image: np.ndarray, alt: str) -> Markup:
    """An `<img>` that holds the image itself."""
    source = base64.b64encode(png(image)).decode()
    return tag("img", src=f"data:image/png;base64,{source}", alt=alt)
