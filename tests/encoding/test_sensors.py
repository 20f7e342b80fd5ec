"""Windows of sensors come in arrays like those of images, and are warned of; pictures are not."""

import warnings

import numpy as np
import pytest

from alad.encoding import ImageScaler
from alad.errors import InputError

HINT = r"X is read as images of .* for windows of sensors give X\.reshape\(len\(X\), -1\)"


def windows(scales: list[float], steps: int = 30, offset: float = 0.0) -> np.ndarray:
    """[n, steps, sensors], noise of each sensor's scale around an offset."""
    generator = np.random.default_rng(0)
    return offset + generator.normal(size=(200, steps, len(scales))) * scales


@pytest.mark.parametrize(
    "X",
    [
        windows([1e4, 1, 1, 1, 1, 1, 1, 1]),
        windows([1, 1e4, 1e4, 1e4, 1e4]),  # the small one is what one range hides
        windows([1, 30, 5, 2, 0.5], offset=1000),
        windows([0.05, 0.1, 0.01, 20, 0.02, 0.05], offset=128),  # within 0 to 255
        windows([1e4, 1, 1, 1, 1]).transpose(0, 2, 1),  # sensors by steps
        windows([1e4, 1, 1, 1, 1]).astype(np.float32),
        windows([1e4, 1, 1, 1, 1])[..., np.newaxis],
    ],
)
def test_windows_of_sensors_are_warned_of(X):
    with pytest.warns(UserWarning, match=HINT):
        ImageScaler().fit(X)


def blob(n: int = 100) -> np.ndarray:
    """[n, 28, 28] in [0, 1]: something bright in the middle, hardly anything at the border."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:28j, -1:1:28j]
    height = np.exp(-((rows**2 + columns**2) * generator.uniform(3, 9, (n, 1, 1))))
    return height * generator.random((n, 1, 1))


@pytest.mark.parametrize(
    "X",
    [
        blob(),
        blob() * 2 - 1,
        blob() * 255,
        (blob() - 0.5) / 0.2,  # normalised
        np.random.default_rng(0).normal(size=(50, 16, 16)),
        np.random.default_rng(0).normal(-500, 800, (50, 16, 16)),  # Hounsfield units
        np.random.default_rng(0).random((50, 16, 16, 3)),
        np.full((5, 8, 8), 7.0),
        windows([1, 1, 1, 1, 1]),  # of one scale: one range does no harm
    ],
)
def test_pictures_are_not(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ImageScaler().fit(X)


def test_what_is_refused_names_the_way_for_sensors():
    for X in (windows([1, 1, 1]), windows([1, 1, 1, 1, 1]).astype(np.int32)):
        with pytest.raises(
            InputError, match=r"windows of .*sensors a table: X\.reshape\(len\(X\), "
        ):
            ImageScaler().fit(X)
