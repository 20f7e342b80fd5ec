"""Pictures in tiles: of any size, as odd as their oddest tile, calibrated as whole pictures."""

import numpy as np
import pytest
from pages import Parsed
from PIL import Image

import alad
from alad.benchmark.data.drawn_textures import good_pictures
from alad.cli import run
from alad.data.tiling import Tiling

SIZES = [(64, 64), (64, 160), (100, 70), (40, 64), (128, 128)]


def cloth(height: int, width: int, seed: int) -> np.ndarray:
    return good_pictures("weave", 1, max(height, width), seed)[0, :height, :width]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """40 good pictures of mixed sizes; new ones, good and with a white square."""
    place = tmp_path_factory.mktemp("tiles")
    for name in ("good", "new"):
        (place / name).mkdir()
    for at in range(40):
        Image.fromarray(cloth(*SIZES[at % 5], at)).save(place / "good" / f"{at:02}.png")
    for at, size in enumerate(SIZES):
        image = cloth(*size, 100 + at)
        Image.fromarray(image).save(place / "new" / f"good{at}.png")
        image[20:30, -24:-14] = 255
        Image.fromarray(image).save(place / "new" / f"spoilt{at}.png")
    return place


@pytest.fixture(scope="module")
def fitted(folder):
    how = {"backbone": "texture", "tile": 64, "calibration_fraction": 0.5, "random_state": 0}
    return alad.PCA(**how).fit(folder / "good")


def test_a_picture_scores_as_its_oddest_tile(folder, fitted):
    scores = fitted.anomaly_score(folder / "new")
    names = alad.Pictures(folder / "new").names
    for name, score in zip(names, scores, strict=True):
        picture = np.asarray(Image.open(folder / "new" / name))
        tiling = Tiling(*picture.shape[:2], 64)
        tiles = np.stack(list(tiling.cut(picture, range(len(tiling)))))
        assert score == fitted.anomaly_score(tiles).max()
    spoilt = np.array([name.startswith("spoilt") for name in names])
    assert scores[spoilt].min() > scores[~spoilt].max()
    np.testing.assert_array_equal(fitted.member_scores(folder / "new")[0], scores)


def test_a_picture_alone_and_in_company_and_saved_scores_the_same(folder, fitted, tmp_path):
    scores = fitted.anomaly_score(folder / "new")
    fitted.save(tmp_path / "model")
    again = alad.load(tmp_path / "model")
    np.testing.assert_array_equal(again.anomaly_score(folder / "new"), scores)
    for name, score in zip(alad.Pictures(folder / "new").names, scores, strict=True):
        assert again.anomaly_score(folder / "new" / name) == score
        pixels = np.asarray(Image.open(folder / "new" / name))[np.newaxis]
        assert again.anomaly_score(pixels) == score


def test_pictures_calibrate_not_tiles(folder, fitted):
    assert fitted.training_["rows"] == 20 and fitted.training_["held_out"] == 20
    assert len(fitted.calibration_) == 20 and fitted.training_["tiles"] > 20
    assert (fitted.predict(folder / "new", false_alarm_rate=0.1) == -1).sum() >= 5
    again = fitted.fitted_.calibrate(folder / "new")
    assert len(again.calibration_) == 10
    known = alad.PCA(backbone="texture", tile=64, calibration_fraction=0).fit(folder / "good")
    with pytest.raises(alad.InputError, match="has learnt from all of these 40 images"):
        known.calibrate(folder / "good")


def test_the_heat_lies_on_the_square_at_every_size(folder, fitted):
    names = alad.Pictures(folder / "new").names
    maps = fitted.explain(folder / "new")
    for at, name in enumerate(names):
        height, width = SIZES[int(name[-5])]
        assert maps.heat[at].shape == (height, width)
        if name.startswith("spoilt"):
            row, column = maps.hottest(at)
            assert 18 <= row < 32 and width - 26 <= column < width - 12


@pytest.mark.parametrize("detector", ["autoencoder", "knn"])
def test_detectors_of_pixels_learn_tiles_and_explain_the_highest(folder, detector, tmp_path):
    model, page = str(tmp_path / "model"), tmp_path / "page.html"
    more = ["--max-steps", "3"] if detector == "autoencoder" else []
    fit = ["fit", str(folder / "good"), "-o", model, "--detector", detector, "--tile", "32"]
    assert run([*fit, *more, "-q"]) == 0
    new = str(folder / "new")
    assert run(["explain", model, new, "-o", str(tmp_path / "heat"), "--top", "2", "-q"]) == 0
    assert len(list((tmp_path / "heat").glob("*.png"))) == 2
    assert run(["report", model, new, "-o", str(page), "-q"]) == 0
    assert "Most anomalous images (10)" in Parsed(page.read_text("utf-8")).text
    assert run(["score", model, new, "-o", str(tmp_path / "s.csv"), "-q"]) == 0


def test_large_pictures_are_explained_smaller():
    images = np.random.default_rng(0).integers(0, 50, (4, 32, 32, 1)).astype(np.uint8)
    detector = alad.KNN(backbone="texture", tile=32).fit(images)
    large = np.full((1, 40, 2_050, 1), 25, np.uint8)
    large[0, 10:20, 1_500:1_510] = 255
    maps = detector.explain(large)
    assert maps.times == (3,) and maps.heat[0].shape == (14, 684) == maps.images[0].shape[:2]
    row, column = maps.hottest(0)
    assert 6 <= row < 24 and 1_490 <= column < 1_520


def test_what_makes_no_sense_is_refused(folder, tmp_path):
    with pytest.raises(alad.InputError, match="tile is 8; give a whole number of at least 16"):
        alad.KNN(tile=8).fit(folder / "good")
    with pytest.raises(alad.InputError, match="tile is 0; give a whole number of at least 16"):
        alad.KNN(tile=0).fit(folder / "good")
    with pytest.raises(alad.InputError, match="tile is 100000; give a whole number of at most"):
        alad.KNN(tile=100_000).fit(folder / "good")
    with pytest.raises(alad.InputError, match="X is a table, and tiles are of pictures"):
        alad.KNN(tile=32).fit(np.zeros((5, 3)))
    with pytest.raises(alad.InputError, match="cut from pictures as they are; leave out size"):
        alad.KNN(tile=32).fit(alad.Pictures(folder / "good", size=(8, 8)))
