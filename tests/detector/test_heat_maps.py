"""Scores shared out among pixels: by hand, and through detectors of images."""

from pathlib import Path

import numpy as np
import pytest

import alad
from alad import catalogue
from alad.detector.heat_maps import HeatMaps, heat, patches

QUICK = {"max_steps": 4, "validation_fraction": 0.2, "check_every": 2, "random_state": 0}
DETECTORS = {
    "alad": {**QUICK, "batch_size": 8},
    "autoencoder": {**QUICK, "scaling": "none"},
    "knn": {},
    "isolation-forest": {"random_state": 0},
}


def images(count: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    """A bright bar on noise, uint8 [n, 16, 12, channels]."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 60, (count, 16, 12, channels))
    pixels[:, 6:10] += 180
    return pixels.astype(np.uint8)


def test_patches_of_a_shifted_grid():
    grid = patches((3, 4, 2), side=2, down=1)
    assert grid.reshape(3, 4, 2)[..., 0].tolist() == [[0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert (grid[::2] == grid[1::2]).all()


def test_every_patch_of_any_grid_has_its_pixels():
    for shift in range(3):
        counts = np.bincount(patches((7, 5, 3), 3, shift, 2 - shift))
        assert counts.sum() == 7 * 5 * 3 and counts.min() > 0


def test_a_sum_over_pixels_is_found_where_they_differ():
    """Score = sum of values; one pixel is 5 too bright, another 2 too dark."""
    rows, expected = np.zeros((1, 144)), np.zeros((4, 1, 144))
    rows[0, 12 * 2 + 2], rows[0, 12 * 9 + 9] = 5, -2
    found = heat(lambda X: X.sum(axis=1), rows, expected, (12, 12, 1))[0]
    assert found.sum() == pytest.approx(3)
    assert np.unravel_index(found.argmax(), found.shape) == (2, 2)
    assert found[:7, :7].sum() == pytest.approx(5, abs=0.1)
    assert found[7:, 7:].sum() == pytest.approx(-2, abs=0.25)


@pytest.mark.parametrize("name", DETECTORS)
def test_heat_adds_up_is_the_same_alone_and_after_loading(name: str, tmp_path: Path):
    detector = catalogue.make(name, **DETECTORS[name]).fit(images(60))
    new = images(3, seed=1)
    found = detector.explain(new)
    assert isinstance(found, HeatMaps) and found.heat.shape == (3, 16, 12)
    np.testing.assert_array_equal(found.images, new)
    assert found.expected.shape == new.shape and found.expected.dtype == np.uint8
    np.testing.assert_array_equal(found.score, detector.anomaly_score(new))
    gap = found.score - found.reference_score
    np.testing.assert_allclose(found.heat.sum(axis=(1, 2)), gap, rtol=1e-9, atol=1e-9)
    detector.save(tmp_path / "model")
    again = alad.load(tmp_path / "model").explain(new[1:2])
    np.testing.assert_allclose(again.heat[0], found.heat[1], rtol=1e-9, atol=1e-12)


def test_the_hottest_place_is_where_a_normal_image_was_marred():
    detector = alad.KNN().fit(images(80, channels=3))
    marred = images(1, seed=2, channels=3)
    marred[0, 1:4, 8:11] = 255
    row, column = detector.explain(marred).hottest(0)
    assert 0 <= row <= 5 and column >= 6


@pytest.mark.parametrize("kind", ["uint8", "uint16", "bool", "float32"])
def test_decoding_undoes_scaling(kind: str):
    from alad.encoding import ImageScaler

    pixels = images(3)
    pixels = pixels > 128 if kind == "bool" else pixels.astype(kind)
    scaler = ImageScaler().fit(pixels)
    again = scaler.decode(scaler.transform(pixels))
    assert again.dtype == pixels.dtype
    np.testing.assert_allclose(again, pixels, rtol=1e-5, atol=1e-3)
