"""Reconstructions on a model's page: which images, and that the picture shows them."""

import base64
import io

import numpy as np
import pytest
from pages import Parsed

import alad
from alad.data.png import GAP, grid
from alad.errors import InputError
from alad.report.model.page import model_page
from alad.report.model.reconstructions import chosen, to_look_at, write_reconstructions

Image = pytest.importorskip("PIL.Image", reason="pictures are compared with another reader's")


def test_typical_ones_lie_in_the_middle_of_those_not_flagged():
    scores = np.arange(20.0)[::-1]  # image 0 is the most anomalous
    typical, odd = chosen(scores, scores > 15)
    assert odd.tolist() == [0, 1, 2, 3, 4, 5]
    assert typical.tolist() == [15, 14, 13, 12, 11, 10]  # of 6 to 19
    assert [part.tolist() for part in chosen(scores[:5], scores[:5] > 99)] == [[3, 2], [0, 1]]
    typical, odd = chosen(scores, scores > -1)  # all are flagged
    assert set(typical) == set(range(14, 20)) and len(odd) == 6
    assert chosen(scores[:1], scores[:1] > 0)[0].size == 0


def test_sizes_to_look_at():
    images = np.arange(2 * 4 * 2, dtype=float).reshape(2, 4, 2, 1)
    assert to_look_at(images).shape == (2, 64, 32, 1)
    large = to_look_at(np.zeros((1, 200, 100, 3)))
    assert large.shape == (1, 50, 25, 3)


def opened(picture) -> np.ndarray:
    """The pixels of an `<img>` that holds them itself."""
    _, _, content = (picture["src"] or "").partition("base64,")
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        return np.asarray(image)


def test_the_page_shows_images_and_what_the_model_makes_of_them():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 1), np.uint8)
    how = {"architecture": {"width": 16, "latent": 3}, "batch_size": 8, "random_state": 0}
    detector = alad.Autoencoder(max_steps=2, **how).fit(pixels)
    page = Parsed(model_page(detector, pixels, top=1).html())
    assert "What the model takes images for" in page.text and page.outside() == []
    (picture,) = (each for each in page.all("img") if "From above" in (each["alt"] or ""))
    shown = opened(picture)
    assert shown.shape == (4 * 66 - 2, 6 * 66 - 2, 3)
    scores = detector.anomaly_score(pixels)
    worst = int(scores.argmax())
    np.testing.assert_array_equal(shown[132:196:2, :64:2, 0], pixels[worst, :, :, 0])
    made = np.rint((np.clip(detector.reconstruct(pixels[[worst]])[0, :, :, 0], -1, 1) + 1) * 127.5)
    np.testing.assert_array_equal(shown[198:262:2, :64:2, 0], made)


@pytest.mark.parametrize("with_images", [True, False])
def test_the_page_shows_what_a_generator_makes_of_random_codes(with_images):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    how = {"architecture": {"width": 4, "latent": 3}, "batch_size": 8, "random_state": 0}
    detector = alad.BiGAN(max_steps=2, **how).fit(pixels)
    page = Parsed(model_page(detector, pixels if with_images else None, top=1).html())
    assert "What the model makes up" in page.text and page.outside() == []
    (shown,) = (opened(each) for each in page.all("img") if "random codes" in (each["alt"] or ""))
    made = detector.generate(12, random_state=0)
    np.testing.assert_array_equal(shown[:64:2, :64:2], made[0])
    np.testing.assert_array_equal(shown[66:130:2, 66:130:2], made[7])


@pytest.mark.parametrize("kind", [alad.KNN, alad.Autoencoder])
def test_a_model_that_makes_no_images_shows_none(kind):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    own = {"max_steps": 1, "architecture": {"width": 4, "latent": 3}}
    detector = kind(**(own if kind is alad.Autoencoder else {})).fit(pixels)
    page = Parsed(model_page(detector, pixels, top=1).html())
    assert ("What the model takes images for" in page.text) == (kind is alad.Autoencoder)
    assert "What the model makes up" not in page.text


def test_a_model_of_a_table_makes_up_nothing():
    rows = np.random.default_rng(0).normal(size=(60, 4))
    page = Parsed(model_page(alad.BiGAN(max_steps=1, batch_size=8).fit(rows)).html())
    assert "What the model makes up" not in page.text


# --- grids of images ------------------------------------------------------------------------------


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
    write_reconstructions(path, detector, images[:3], images[3:6], enlarge=1)
    shown = np.asarray(Image.open(path))
    np.testing.assert_array_equal(shown[:8, :8], images[0])
    below = np.rint((detector.reconstruct(images[:1])[0] + 1) * 127.5)
    np.testing.assert_array_equal(shown[10:18, :8], below)
    np.testing.assert_array_equal(shown[20:28, 20:28], images[5])
    with pytest.raises(InputError, match="cannot be written"):
        write_reconstructions(tmp_path / "no" / "grid.png", detector, images[:3])
