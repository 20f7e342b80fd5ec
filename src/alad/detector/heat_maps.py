"""Why an image scores as it does: its score shared out among its pixels, as a heat map.

As for the columns of a table (`attribution`), an image is changed into a reference image patch by
patch, and each patch is given what the score changes by. Each reference has its own grid of
patches, shifted against the others, so that their mean is finer than a patch. Patches share evenly
among their pixels, and a small blur takes off their edges. Neither changes the sum: the heat of an
image adds up to its score minus the mean score of its references, whatever the detector.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.data.image_source import ImageSource
from alad.data.opening import source_of
from alad.data.pictures import Pictures
from alad.detector import attribution

PATCHES = 4  # along the longer side, about
SHIFTS = ((0, 0), (1, 1), (0, 1), (1, 0))  # of the grids, in halves of a patch
BLUR = 0.375  # standard deviation, in sides of a patch
ORDERS = attribution.ORDERS // len(SHIFTS)  # a grid


@dataclass(frozen=True, eq=False)
class HeatMaps:
    """The scores of n images, pixel by pixel.

    heat adds up to score - reference_score, up to rounding; where it is large the image is odd,
    where it is negative it is more normal than what it is compared with. With a backbone that gives
    maps, heat is what each patch scores less reference_score, the middle score of normal images; of
    small pictures that a network enlarges less the mean score of normal ones there, blurred.
    Pictures in tiles may differ in size, and large ones are given smaller, see `times`.
    """

    heat: Any  # float64 [n, height, width], in tiles a list of [height, width]
    images: Any  # [n, height, width, channels], as the model was given them, or a list of them
    expected: np.ndarray | None  # of what the model takes for normal in their place; None in tiles
    score: np.ndarray  # float64 [n], large = anomalous
    reference_score: np.ndarray  # float64 [n], mean over references
    # pixels a side of an image that one of heat and images stands for, in tiles; () = 1 of all
    times: tuple[int, ...] = ()

    def hottest(self, image: int) -> tuple[int, int]:
        """Find the pixel (row, column), from 0, that raised the score of one image most."""
        row, column = divmod(int(self.heat[image].argmax()), self.heat[image].shape[1])
        times = self.times[image] if self.times else 1
        return row * times + times // 2, column * times + times // 2


def of_counting_pixels(maps: HeatMaps, X: Any) -> HeatMaps:
    """Set the heat of pixels that do not count, by the masks of pictures X, to 0."""
    if isinstance(X, Pictures | ImageSource):
        source = source_of(X)
        for at, one in enumerate(maps.heat):
            counts = source.counts(at, *one.shape) if isinstance(source, ImageSource) else None
            if counts is not None:
                one[~counts] = 0
    return maps


def heat(
    score: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    references: np.ndarray,
    shape: tuple[int, ...],
) -> np.ndarray:
    """Attribute scores of flat images [n, width] to pixels: float64 [n, height, width].

    k divides the number of grids. shape: height, width, channels. score takes flat images, too.
    """
    from scipy.ndimage import gaussian_filter  # takes long to load, and most verbs need none

    side = max(1, round(max(shape[:2]) / PATCHES))
    found = np.zeros((len(images), *shape[:2]))
    for at, (down, right) in enumerate(SHIFTS):
        place = patches(shape, side, down * (side // 2), right * (side // 2))
        reference = references[[at % len(references)]]
        shares = attribution.contributions(score, images, reference, place, ORDERS)
        even = (shares / np.bincount(place))[:, place]
        found += even.reshape(len(images), *shape).sum(axis=3) / len(SHIFTS)
    return gaussian_filter(found, BLUR * side, axes=(1, 2))  # reflects at the border: no loss


def patches(shape: tuple[int, ...], side: int, down: int = 0, right: int = 0) -> np.ndarray:
    """Tell in which patch each value of a flat image lies: int [height * width * channels].

    The grid begins `down` rows above the image and `right` columns left of it.
    """
    height, width, channels = shape
    rows, columns = (np.arange(height) + down) // side, (np.arange(width) + right) // side
    grid = rows[:, np.newaxis] * (columns[-1] + 1) + columns
    return np.repeat(np.unique(grid, return_inverse=True)[1].reshape(-1), channels)
