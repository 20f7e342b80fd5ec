"""Grids of images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import alad
from alad.data.png import GAP, grid
from alad.errors import InputError
from alad.report import grids


def test_images_lie_side_by_side_and_values_beyond_the_range_are_cut_off():
    row = np.array([-1.0, 1.0, 5.0], np.float32).reshape(3, 1, 1, 1) * np.ones((1, 2, 2, 1))
    canvas = grid([row, -row])
    assert canvas.shape == (2 + GAP + 2, 3 * 2 + 2 * GAP, 3)
    first, second, third = (canvas[0, at * (2 + GAP)] for at in range(3))
    assert (first == 0).all() and (second == 255).all() and (third == 255).all()
    assert (canvas[-1, 0] == 255).all() and (canvas[-1, -1] == 0).all()
    assert (canvas[2 : 2 + GAP] == 255).all()  # between the rows


def test_a_picture_of_reconstructions_holds_them(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)
    detector = alad.ALAD(max_steps=1, batch_size=8, random_state=0).fit(images)
    path = tmp_path / "grid.png"
    grids.reconstructions(path, detector, images[:3], images[3:6], enlarge=1)
    shown = np.asarray(Image.open(path))
    np.testing.assert_array_equal(shown[:8, :8], images[0])
    below = np.rint((detector.reconstruct(images[:1])[0] + 1) * 127.5)
    np.testing.assert_array_equal(shown[10:18, :8], below)
    np.testing.assert_array_equal(shown[20:28, 20:28], images[5])
    with pytest.raises(InputError, match="cannot be written"):
        grids.reconstructions(tmp_path / "no" / "grid.png", detector, images[:3])
