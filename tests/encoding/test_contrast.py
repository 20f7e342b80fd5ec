"""Pictures of equal contrast: what they are, and that an image alone decides its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import alad
from alad.encoding import ImageScaler, encoder_from_state
from alad.encoding.contrast import equalised
from alad.errors import InputError


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Blobs, each of its own brightness and contrast, uint8 [n, 12, 10, 3]."""
    drawn = np.random.default_rng(seed)
    shapes = drawn.random((n, 12, 10, 3)) * drawn.random((n, 1, 1, 1))
    return np.rint(255 * (shapes * 0.7 + 0.3 * drawn.random((n, 1, 1, 1)))).astype(np.uint8)


def test_each_image_gets_mean_0_and_deviation_1():
    images = equalised(pictures(5).astype(np.float32) / 127.5 - 1)
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(images.std(axis=(1, 2, 3)), 1, rtol=1e-5)
    values = np.array([0.0, 0.0, 1.0, 3.0], np.float32).reshape(1, 2, 2, 1)  # mean 1, variance 1.5
    by_hand = (np.array([0, 0, 1, 3]) - 1) / np.sqrt(1.5)
    np.testing.assert_allclose(equalised(values).ravel(), by_hand, rtol=1e-6)


def test_an_empty_image_stays_empty():
    assert (equalised(np.full((2, 8, 8, 1), 0.25, np.float32)) == 0).all()
    encoded = np.asarray(
        ImageScaler(equal_contrast=True).fit_transform(np.zeros((30, 8, 8), np.uint8))
    )
    assert (encoded == 0).all()


def test_nearly_all_learnt_pixels_lie_in_the_range_and_the_ends_are_reached():
    encoded = np.asarray(ImageScaler(equal_contrast=True).fit_transform(pictures(400)))
    darkest, brightest = encoded.min(axis=(1, 2, 3)), encoded.max(axis=(1, 2, 3))
    assert ((darkest < -1).mean(), (brightest > 1).mean()) == (0.01, 0.01)
    assert darkest.min() < -1 < darkest[darkest.argsort()[4]] < -0.9


def test_a_paler_or_brighter_picture_is_the_same_one():
    images = pictures(60).astype(np.float32) / 255
    images = images[images.std(axis=(1, 2, 3)) > 0.02]  # paler ones are nearly empty
    scaler = ImageScaler(equal_contrast=True).fit(images)
    np.testing.assert_allclose(
        scaler.transform(0.5 * images + 0.25), scaler.transform(images), atol=2e-5
    )
    assert not np.allclose(
        *(ImageScaler().fit(images).transform(at) for at in (images, images / 2)), atol=0.1
    )


def test_an_image_alone_has_the_numbers_that_it_has_among_others():
    images = pictures(40)
    scaler = ImageScaler(equal_contrast=True).fit(images)
    together = scaler.transform(images)
    for at in (0, 17, 39):
        np.testing.assert_array_equal(scaler.transform(images[at : at + 1])[0], together[at])


def test_rows_held_out_do_not_decide_the_range():
    images = pictures(80)
    learnt = np.arange(80) < 50
    assert (
        ImageScaler(equal_contrast=True).fit(images, learnt).usual
        == ImageScaler(equal_contrast=True).fit(images[:50]).usual
    )


def test_a_stored_scaler_scales_as_before_and_another_range_is_refused():
    images = pictures(40)
    scaler = ImageScaler(equal_contrast=True).fit(images)
    restored = encoder_from_state(scaler.state())
    np.testing.assert_array_equal(restored.transform(images), scaler.transform(images))
    assert "usual" not in ImageScaler().fit(images).state()
    for usual in ([1.0, -1.0], [0.0], [0.0, float("nan")], "wide"):
        with pytest.raises(InputError, match="range of images is none"):
            encoder_from_state({**scaler.state(), "usual": usual})


def test_detectors_find_a_pale_picture_as_normal_as_a_dark_one(tmp_path: Path):
    images = pictures(120).astype(np.float32) / 255
    detector = alad.KNN(equal_contrast=True, random_state=0).fit(images)
    new = pictures(30, seed=1).astype(np.float32) / 255
    new = new[new.std(axis=(1, 2, 3)) > 0.02][:10]
    scores = detector.anomaly_score(new)
    np.testing.assert_allclose(detector.anomaly_score(0.5 * new), scores, rtol=1e-4)
    plain = alad.KNN(random_state=0).fit(images)
    assert not np.allclose(plain.anomaly_score(0.5 * new), plain.anomaly_score(new), rtol=0.01)
    detector.save(tmp_path / "model")
    np.testing.assert_array_equal(alad.load(tmp_path / "model").anomaly_score(new), scores)


def test_it_is_of_the_pixels_of_pictures():
    with pytest.raises(InputError, match="X is a table; leave equal_contrast out"):
        alad.KNN(equal_contrast=True).fit(np.random.default_rng(0).random((40, 3)))
    with pytest.raises(InputError, match="not of a backbone's; leave equal_contrast out"):
        alad.KNN(equal_contrast=True, backbone=lambda images: images[:, 0, 0]).fit(pictures(30))
