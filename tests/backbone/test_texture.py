"""The texture backbone: hand-computed statistics, purity, and what shifts change."""

import numpy as np
import pytest
from PIL import Image

import alad
from alad.backbone.texture import FLOOR, texture
from alad.data.decoding import Form
from alad.data.opening import source_of


def test_a_plain_image_has_its_colours_and_no_change():
    image = np.full((1, 16, 12, 2), 0.25, np.float32)
    image[..., 1] = 0.75
    found = texture(image)
    assert found.shape == (1, 4, 3, 20) and found.dtype == np.float32
    expected = [0.25, 0.75] * 3 + [np.log(FLOOR)] * 14  # mean, least, largest; then no change
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-4)


def test_stripes_by_hand():
    """Columns 0, 1, 0, 1, …: mean and deviation 1/2; changes of 1 across, none down."""
    image = np.tile(np.array([0, 1], np.float32), (1, 32, 16))[..., np.newaxis]
    values = texture(image)[0, 3, 3]
    np.testing.assert_allclose(values[:4], [0.5, 0, 1, np.log(0.5 + FLOOR)], rtol=1e-5)
    across, down, *diagonal = values[4:8]  # at a distance of one pixel
    np.testing.assert_allclose([across, *diagonal], np.log(1 + FLOOR), rtol=1e-5)
    np.testing.assert_allclose(down, np.log(FLOOR), rtol=1e-5)
    np.testing.assert_allclose(values[8:], np.log(FLOOR), rtol=1e-5)  # smoothed over two: all 1/2


def test_a_shift_by_a_step_shifts_the_windows():
    image = np.random.default_rng(0).random((1, 40, 40, 3), np.float32)
    np.testing.assert_allclose(
        texture(image[:, 4:, 8:])[:, 2:-3, 2:-3], texture(image)[:, 3:-3, 4:-3], atol=1e-5
    )


def test_an_image_alone_is_the_same_to_the_last_bit():
    images = np.random.default_rng(1).random((5, 20, 28, 3), np.float32)
    whole = texture(images)
    for at in range(5):
        np.testing.assert_array_equal(texture(images[at : at + 1])[0], whole[at])


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (16, 16), (17, 23)])
def test_images_of_any_size(shape):
    found = texture(np.random.default_rng(2).random((2, *shape, 1), np.float32))
    rows, columns = (max(1, round(length / 4)) for length in shape)
    assert found.shape == (2, rows, columns, 16) and np.isfinite(found).all()


def test_a_folder_of_large_pictures_is_seen_at_256_pixels_and_its_model_needs_nothing(tmp_path):
    for at in range(4):
        Image.fromarray(np.full((300, 150), 60 * at, np.uint8)).save(tmp_path / f"{at}.png")
    for given in (tmp_path, str(tmp_path), source_of(tmp_path)):
        detector = alad.PCA(backbone="texture").fit(given)
        assert detector.encoder_.form == Form(256, 128, 1)
    detector.save(tmp_path / "model")
    again = alad.load(tmp_path / "model")
    np.testing.assert_array_equal(
        again.anomaly_score(tmp_path), detector.anomaly_score(alad.Pictures(tmp_path))
    )
