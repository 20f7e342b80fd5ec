"""Tiles: every pixel lies in one, joining undoes cutting, and smaller pictures are continued."""

from itertools import pairwise

import numpy as np
import pytest

from alad.data.tiling import OVERLAP, Tiling, shrunk

SIZES = [(64, 64), (65, 64), (100, 37), (16, 400), (20, 16), (333, 128)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiles_cover_a_picture_and_overlap_by_a_quarter(height, width):
    tiling = Tiling(height, width, 64)
    met = np.zeros((max(height, 64), max(width, 64)), int)
    for row, column in tiling.places:
        met[row : row + 64, column : column + 64] += 1
    assert met.min() >= 1
    for at in (0, 1):
        starts = sorted({place[at] for place in tiling.places})
        assert starts[0] == 0 and starts[-1] == max(0, (height, width)[at] - 64)
        assert all(b - a <= 64 - 64 // OVERLAP for a, b in pairwise(starts))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_joining_undoes_cutting(height, width):
    picture = np.random.default_rng(0).random((height, width, 1), np.float32)
    tiling = Tiling(height, width, 64)
    tiles = tiling.cut(picture, range(len(tiling)))
    joined = tiling.joined((at, tile[..., 0]) for at, tile in enumerate(tiles))
    assert joined.shape == (height, width)
    np.testing.assert_allclose(joined, picture[..., 0], rtol=1e-5)


def test_overlapping_tiles_are_blended_by_hand():
    """Two tiles of 4 pixels that share 2: weights 1, 2, 2, 1 along a side."""
    tiling = Tiling(4, 6, 4)
    assert tiling.places == [(0, 0), (0, 2)]
    joined = tiling.joined([(0, np.full((4, 4), 8.0)), (1, np.zeros((4, 4)))])
    expected = [8, 8, 8 * 2 / (2 + 1), 8 * 1 / (1 + 2), 0, 0]
    np.testing.assert_allclose(joined, np.tile(expected, (4, 1)), rtol=1e-6)


def test_a_small_picture_is_continued_by_its_mirror_image():
    picture = np.arange(6).reshape(2, 3, 1)
    (tile,) = Tiling(2, 3, 4).cut(picture, [0])
    np.testing.assert_array_equal(
        tile[..., 0], [[0, 1, 2, 2], [3, 4, 5, 5], [3, 4, 5, 5], [0, 1, 2, 2]]
    )


def test_shrunk_pictures_by_hand():
    picture = np.array([[1, 3, 5], [3, 5, 7.0]])
    np.testing.assert_array_equal(shrunk(picture, 2), [[3, 5]])
    np.testing.assert_array_equal(shrunk(picture, 2, np.maximum), [[5, 7]])
    np.testing.assert_array_equal(shrunk(picture, 1), picture)
