"""Drawn textures: seeded, each picture its own, spoilt where the mask says and nowhere else."""

import numpy as np
import pytest

from alad.benchmark.data.drawn_textures import (
    DEFECTS,
    TEXTURES,
    VISIBLE,
    _pixels,
    _spoilt,
    good_pictures,
    new_pictures,
)
from alad.errors import InputError


@pytest.mark.parametrize("texture", TEXTURES)
def test_a_seed_draws_the_same_pictures_and_no_two_alike(texture):
    images = good_pictures(texture, 6, 32, seed=1)
    assert images.shape == (6, 32, 32, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[:4], good_pictures(texture, 4, 32, seed=1))
    assert len({image.tobytes() for image in images}) == 6
    assert not np.array_equal(images, good_pictures(texture, 6, 32, seed=2))


def test_new_pictures_are_good_ones_and_then_every_defect_in_turn():
    drawn = new_pictures("weave", 3, 7, 48, seed=0)
    assert drawn.images.shape == (10, 48, 48, 3)
    assert drawn.kinds == ("", "", "", *[*DEFECTS, *DEFECTS, *DEFECTS][:7])
    assert (drawn.masks.any(axis=(1, 2)) == [kind != "" for kind in drawn.kinds]).all()


@pytest.mark.parametrize("texture", TEXTURES)
@pytest.mark.parametrize("kind", DEFECTS)
def test_a_defect_is_seen_within_its_mask_and_hardly_outside(texture, kind):
    for seed in range(5):
        generator = np.random.default_rng(seed)
        picture = TEXTURES[texture](64, generator)
        spoilt, mask = _spoilt(picture, DEFECTS[kind], generator)
        change = np.abs(spoilt.astype(float) - _pixels(picture)).mean(axis=2)
        assert change[mask].mean() >= VISIBLE
        assert change[~mask].mean() < VISIBLE / 10
        assert 4 <= mask.sum() < 0.15 * mask.size


def test_a_texture_that_there_is_not():
    with pytest.raises(InputError, match="no texture 'silk'; choose one of: weave, wood"):
        good_pictures("silk", 1, 32, seed=0)
