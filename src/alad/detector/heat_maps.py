"""Why an image scores as it does: its score shared out among its pixels, as a heat map.

As for the columns of a table (`attribution`), an image is changed into a reference image patch by
patch, and each patch is given what the score changes by. Each reference has its own grid of
patches, shifted against the others, so that their mean is finer than a patch. Patches share evenly
among their pixels, and a small blur takes off their edges. Neither changes the sum: the heat of an
image adds up to its score minus the mean score of its references, whatever the detector.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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
    maps, heat is what each patch scores less reference_score, the middle score of normal images.
    """

    heat: np.ndarray  # float64 [n, height, width]
    images: np.ndarray  # [n, height, width, channels], as the model was given them
    expected: np.ndarray  # the same of what the model takes for normal in their place
    score: np.ndarray  # float64 [n], large = anomalous
    reference_score: np.ndarray  # float64 [n], mean over references

    def hottest(self, image: int) -> tuple[int, int]:
        """Find the pixel (row, column), from 0, that raised the score of one image most."""
        at = int(self.heat[image].argmax())
        return divmod(at, self.heat.shape[2])


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
