"""A function of the user's in front of any detector: rows an image, or maps of patches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from every_detector import every_detector, quick
from sklearn.base import clone

import alad
from alad import catalogue
from alad.backbone.backbone import backbone_of, with_place
from alad.detector import patches
from alad.encoding import FeatureEncoder, features
from alad.report import learnt


def images(n: int = 100, seed: int = 0, side: int = 8) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (n, side, side, 1))
    return pixels.astype(np.uint8)


def columns_of_means(pixels: np.ndarray) -> np.ndarray:
    """A row an image: the mean of each of its columns of pixels."""
    return pixels.mean(axis=(1, 3))


def quarters(pixels: np.ndarray) -> np.ndarray:
    """A map of 2 × 2 patches, each with the mean and the largest of its pixels."""
    half = pixels.shape[1] // 2
    cells = pixels.reshape(len(pixels), 2, half, 2, half, -1)
    return np.stack([cells.mean(axis=(2, 4, 5)), cells.max(axis=(2, 4, 5))], axis=3)


def shown(pixels: np.ndarray) -> np.ndarray:
    """Pixels as a backbone sees them: float32 from 0 to 1."""
    middle = np.float32(127.5)
    return ((pixels.astype(np.float32) - middle) / middle + 1) / np.float32(2)


def knn(**params: Any) -> alad.KNN:
    return alad.KNN(random_state=0, calibration_fraction=0.0, **params)


# --- the contract ---------------------------------------------------------------------------------


@every_detector
@pytest.mark.parametrize("backbone", [columns_of_means, quarters])
def test_every_detector_learns_features_and_is_loaded_with_the_function(
    name: str, backbone: Any, tmp_path: Path
):
    new = images(9, seed=1)
    detector = quick(name, backbone=backbone, calibration_fraction=0.2).fit(images())
    scores = detector.anomaly_score(new)
    detector.save(tmp_path / "model")
    loaded = alad.load(tmp_path / "model", backbone=backbone)
    assert np.array_equal(loaded.anomaly_score(new), scores)
    alone = [loaded.anomaly_score(new[[at]])[0] for at in (0, 4)]
    assert alone == [scores[0], scores[4]]
    assert len(loaded.calibrated()) == 20


def test_rows_are_scored_as_the_same_table():
    learnt, new = images(), images(9, seed=1)
    table = knn(novelty=False).fit(columns_of_means(shown(learnt)))
    by_table = table.anomaly_score(columns_of_means(shown(new)))
    detector = knn(backbone=columns_of_means).fit(learnt)
    assert np.array_equal(detector.anomaly_score(new), by_table)


def test_a_backbone_sees_black_as_0_and_white_as_1():
    seen = []

    def noted(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels)
        return columns_of_means(pixels)

    black_and_white = np.stack([np.zeros((8, 8, 1), np.uint8), np.full((8, 8, 1), 255, np.uint8)])
    knn(backbone=noted, n_neighbors=1).fit(black_and_white)
    assert {part.dtype.name for part in seen} == {"float32"}
    assert all(len(part) == 8 for part in seen)  # always as many at once
    assert np.unique(seen).tolist() == [0.0, 1.0]


def test_an_image_scores_as_the_highest_of_its_patches():
    learnt, new = images(), images(9, seed=1)
    rows = quarters(shown(learnt)).reshape(-1, 2)
    patch_scores = knn(novelty=False).fit(rows).anomaly_score(quarters(shown(new)).reshape(-1, 2))
    by_image = patch_scores.reshape(9, 4)
    detector = knn(backbone=quarters).fit(learnt)
    assert detector.training_["patches"] == 400
    assert np.array_equal(detector.anomaly_score(new), by_image.max(axis=1))
    # the heat map is what the patches score, put back where they lie
    maps = detector.explain(new)
    assert maps.heat.shape == (9, 8, 8)
    usual = maps.reference_score[0]
    corners = maps.heat[:, [0, 0, 7, 7], [0, 7, 0, 7]] + usual
    assert np.allclose(corners, by_image, rtol=1e-12)
    assert np.array_equal(maps.score, by_image.max(axis=1))
    assert np.array_equal(maps.images, new)


def test_the_usual_score_of_heat_maps_is_the_middle_one_of_calibration():
    detector = alad.KNN(backbone=quarters, random_state=0, calibration_fraction=0.3).fit(images())
    middle = np.median(detector.calibrated().scores)
    assert np.array_equal(detector.explain(images(2, seed=1)).reference_score, [middle, middle])


def test_a_spoilt_quarter_is_found_where_it_is():
    calm = 100 + images(60) // 16
    spoilt = calm[:4].copy()
    spoilt[:, 4:, :4] = 255
    maps = knn(backbone=quarters).fit(calm[4:]).explain(spoilt)
    assert all(row >= 4 and column < 4 for row, column in map(maps.hottest, range(4)))


def test_of_an_image_that_is_one_row_pixels_are_swapped():
    calm = 100 + images(60) // 16
    spoilt = calm[:2].copy()
    spoilt[:, :, 6:] = 255
    maps = knn(backbone=columns_of_means).fit(calm[2:]).explain(spoilt)
    assert np.allclose(maps.heat.sum(axis=(1, 2)), maps.score - maps.reference_score)
    assert all(maps.hottest(at)[1] >= 5 for at in range(2))


def test_clone_and_estimator_keep_the_function(tmp_path: Path):
    detector = knn(backbone=quarters)
    assert clone(detector).backbone is quarters
    detector.fit(images()).save(tmp_path / "model")
    again = catalogue.estimator(alad.load(tmp_path / "model", backbone=quarters))
    assert again.backbone is quarters
    again.anomaly_score(images(2))
    again.set_params(backbone=columns_of_means)
    with pytest.raises(alad.InputError, match=r"backbone was .*quarters.* at fit"):
        again.anomaly_score(images(2))


def test_precomputed_maps_are_scored_as_those_of_a_function():
    learnt, new = quarters(shown(images())), quarters(shown(images(9, seed=1)))
    detector = knn(backbone="precomputed").fit(learnt)
    by_function = knn(backbone=quarters).fit(images()).anomaly_score(images(9, seed=1))
    assert np.array_equal(detector.anomaly_score(new), by_function)
    assert detector.explain(new).heat.shape == (9, 2, 2)


def test_precomputed_maps_are_stored_without_a_function(tmp_path: Path):
    maps = quarters(shown(images()))
    detector = knn(backbone="precomputed").fit(maps)
    detector.save(tmp_path / "model")
    scores = alad.load(tmp_path / "model").anomaly_score(maps[:5])
    assert np.array_equal(scores, detector.anomaly_score(maps[:5]))


# --- memory, and the sample that is learnt from ---------------------------------------------------


def fitted_on_few(monkeypatch: pytest.MonkeyPatch, seed: int) -> alad.KNN:
    """Learnt from one patch of each image."""
    monkeypatch.setattr(features, "LEARNT_VALUES", 100 * 2)
    detector = alad.KNN(backbone=quarters, random_state=seed, calibration_fraction=0.0)
    return detector.fit(images())


def test_the_sample_of_patches_follows_the_seed(monkeypatch: pytest.MonkeyPatch):
    first, same, other = (fitted_on_few(monkeypatch, seed) for seed in (0, 0, 1))
    assert first.training_["patches"] == 100
    rows = [detector.model_.rows for detector in (first, same, other)]
    assert np.array_equal(rows[0], rows[1]) and not np.array_equal(rows[0], rows[2])
    # one of each image: the sample's means are those of patches of one image after the other
    known = quarters(shown(images())).reshape(100, 4, 2)
    sample = first.encoder_.table.decode(first.model_.rows)
    nearest = np.abs(known[:, :, 0] - np.array(sample)[:, :1]).min(axis=1)
    assert nearest.max() < 1e-6


def test_features_that_memory_does_not_hold_give_the_same_model(monkeypatch: pytest.MonkeyPatch):
    held = alad.KNN(backbone=quarters, random_state=0).fit(images())
    monkeypatch.setattr(features, "HELD_VALUES", 0)
    monkeypatch.setattr(features, "FEATURE_VALUES", 64)
    streamed = alad.KNN(backbone=quarters, random_state=0).fit(images())
    assert np.array_equal(held.model_.rows, streamed.model_.rows)
    assert streamed.offset_ == held.offset_
    new = images(20, seed=1)
    assert np.array_equal(held.anomaly_score(new), streamed.anomaly_score(new))


def test_of_many_images_some_are_sampled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "IMAGES_SAMPLED", 10)
    detector = knn(backbone=quarters).fit(images())
    assert detector.training_["patches"] == 40
    assert detector.training_["rows"] == 100


def test_networks_too_tell_images_and_their_patches_apart():
    how = {"max_steps": 2, "batch_size": 8, "random_state": 0, "calibration_fraction": 0.3}
    facts = alad.ALAD(backbone=quarters, **how).fit(images()).training_
    assert (facts["rows"], facts["held_out"], facts["patches"]) == (70, 30, 280)
    told = learnt(facts, "image")
    assert told == "2 batches of 8, at most 5.7 % of 280 patches of 70 images"


def test_learnt_images_are_known_again_by_their_pixels():
    detector = alad.KNN(backbone=quarters, random_state=0).fit(images())
    with pytest.raises(alad.InputError, match="has learnt from all of these 100 images"):
        knn(backbone=quarters).fit(images()).calibrate(images())
    assert len(detector.calibrate(images(30, seed=5)).calibrated()) == 30


# --- by hand --------------------------------------------------------------------------------------


def test_a_map_is_spread_over_pixels_linearly_between_the_middles():
    maps = np.array([[[0.0, 1.0]]])
    row = [0.0, 0.25, 0.75, 1.0]
    assert np.array_equal(patches.spread(maps, 2, 4), [[row, row]])
    grid = np.array([[[0.0, 4.0], [8.0, 12.0]]])
    assert np.array_equal(patches.spread(grid, 2, 2), grid)
    assert np.array_equal(patches.spread(grid, 4, 4)[0, 1], [2.0, 3.0, 5.0, 6.0])


def test_a_map_of_one_patch_is_even():
    assert np.array_equal(patches.spread(np.array([[[3.0]]]), 2, 3), np.full((1, 2, 3), 3.0))


def test_of_many_patches_the_mean_of_the_highest_hundredth_counts():
    encoder = object.__new__(FeatureEncoder)
    encoder.shape_ = (10, 25, 2)
    scores = np.random.default_rng(0).permutation(500).astype(float)
    each = [np.sort(part)[-3:].mean() for part in (scores[:250], scores[250:])]
    assert np.array_equal(patches.image_scores(encoder, scores), each)
    assert np.array_equal(patches.image_scores(encoder, scores[np.newaxis]), [each])


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        (3, "backbone is 3; give None, a function"),
        ("resnet", "there is no backbone 'resnet'; give one of: texture, efficientnet-lite0"),
        (lambda pixels: pixels.mean(axis=(1, 2, 3)), r"gives the shape \(8,\) for 8 images"),
        (lambda pixels: pixels[:3, 0, :, 0], r"gives the shape \(3, 8\) for 8 images"),
        (lambda pixels: pixels[:, 0, :, 0] / 0, "missing or infinite"),
        (lambda pixels: np.full((len(pixels), 2), "a"), "gives <U1; it is to give floats"),
        (lambda pixels: [[1.0], [1.0, 2.0]] * 4, "makes no array: setting an array element"),
    ],
)
def test_what_is_no_backbone_is_refused(backbone: Any, message: str):
    with np.errstate(all="ignore"), pytest.raises(alad.InputError, match=message) as refusal:
        knn(backbone=backbone).fit(images())
    assert "\n" not in str(refusal.value)


def test_a_table_is_refused():
    with pytest.raises(alad.InputError, match="X is a table, and a backbone takes images"):
        knn(backbone=quarters).fit(np.zeros((30, 4)))
    with pytest.raises(alad.InputError, match=r"X is feature maps.*leave backbone out"):
        knn(backbone="precomputed").fit(np.zeros((30, 4)))


def test_what_is_no_maps_of_the_fit_is_refused(tmp_path: Path):
    detector = knn(backbone="precomputed").fit(quarters(shown(images())))
    with pytest.raises(alad.InputError, match=r"was fitted on .*; give those of the same network"):
        detector.anomaly_score(np.zeros((2, 3, 2, 2)))
    with pytest.raises(alad.InputError, match=r"no array but str.*of pictures name another"):
        detector.anomaly_score(str(tmp_path))
    with pytest.raises(alad.InputError, match="feature maps are not cut into tiles; leave tile"):
        knn(backbone="precomputed", tile=16).fit(np.zeros((30, 16, 16, 3), np.uint8))


def test_a_model_with_a_function_is_refused_without_it(tmp_path: Path):
    knn(backbone=quarters).fit(images()).save(tmp_path / "model")
    with pytest.raises(alad.InputError, match=r"fitted with a function .*quarters; give it again"):
        alad.load(tmp_path / "model")
    other = alad.load(tmp_path / "model", backbone=columns_of_means)
    with pytest.raises(alad.InputError, match="give the backbone of the fit"):
        other.anomaly_score(images(2))


def test_a_model_without_a_backbone_is_refused_one(tmp_path: Path):
    knn().fit(np.random.default_rng(0).normal(size=(30, 3))).save(tmp_path / "model")
    with pytest.raises(alad.InputError, match="fitted without a backbone; leave backbone out"):
        alad.load(tmp_path / "model", backbone=quarters)


# --- checkpoints ----------------------------------------------------------------------------------


def test_a_checkpoint_is_known_again_with_the_same_function_made_anew(tmp_path: Path):
    """The features are what is learnt from; other features are another training."""
    how: dict[str, Any] = {"checkpoint": str(tmp_path), "random_state": 0}
    rows = columns_of_means(shown(images()))
    fingerprints = []
    for backbone in (lambda pixels: columns_of_means(pixels), lambda pixels: pixels.mean((1, 3))):
        detector = alad.ALAD(backbone=backbone, **how)
        kept = detector._checkpoint(rows, 0)
        assert kept is not None
        fingerprints.append(kept.fingerprint)
    other = alad.ALAD(backbone=quarters, **how)._checkpoint(rows[1:], 0)
    assert other is not None
    assert fingerprints[0] == fingerprints[1] != other.fingerprint


def test_missing_numbers_in_given_maps_are_blamed_on_the_maps():
    maps = np.random.default_rng(0).normal(size=(30, 2, 3, 4))
    detector = knn(backbone="precomputed").fit(maps)
    maps[20, 1, 2, 3] = np.nan
    for ask in (detector.anomaly_score, detector.explain, knn(backbone="precomputed").fit):
        with pytest.raises(alad.InputError, match=r"^feature maps hold values that are missing"):
            ask(maps)


def test_only_a_function_is_called_for_eight_images_whatever_their_number(
    monkeypatch: pytest.MonkeyPatch,
):
    """A picture alone is to cost a named backbone no more than one of many."""
    from alad.backbone import backbone as module

    counts: list[int] = []

    def counted(pixels: np.ndarray) -> np.ndarray:
        counts.append(len(pixels))
        return pixels.mean(axis=(1, 3))

    monkeypatch.setattr(module, "texture", counted)
    for given, expected in ((counted, [8, 8]), ("texture", [8, 1]), ("precomputed", [])):
        backbone = module.backbone_of(given)
        assert backbone is not None
        counts.clear()
        assert len(backbone.features(shown(images(9)))) == 9
        assert counts == expected


def test_a_loaded_model_calls_its_function_for_eight_images_too(tmp_path: Path):
    counts: list[int] = []

    def counted(pixels: np.ndarray) -> np.ndarray:
        counts.append(len(pixels))
        return pixels.mean(axis=(1, 3))

    knn(backbone=counted).fit(images(20)).save(tmp_path / "model")
    loaded = alad.load(tmp_path / "model", backbone=counted)
    counts.clear()
    loaded.anomaly_score(images(9))
    assert counts == [8, 8]


# --- few, and large -------------------------------------------------------------------------------


def test_what_calibrates_a_model_of_images_is_a_folder():
    with pytest.raises(alad.InputError, match=r"normal images .*, or alad calibrate MODEL FOLDER;"):
        alad.KNN(random_state=0).fit(images(60)).p_value(images(2))


def test_too_few_images_to_calibrate_are_told_of():
    warning = "as 60 are too few to hold some out: .*calibration_fraction=0.32, or calibrate"
    with pytest.warns(UserWarning, match=warning):
        alad.KNN(random_state=0).fit(images(60))
    with pytest.warns(UserWarning, match="as 1 are too few .*; give more, or calibrate with 19"):
        alad.PCA(backbone="texture", random_state=0).fit(images(1))
    with pytest.warns(UserWarning, match="as 30 are too few .*; give more, or calibrate"):
        alad.KNN(tile=16, random_state=0).fit(images(30, side=20))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("n", "share"), [(60, 0.32), (60, 0.0), (190, 0.1)])
def test_enough_images_or_none_wanted_are_not_told_of(n: int, share: float):
    detector = alad.KNN(random_state=0, calibration_fraction=share).fit(images(n))
    assert (detector.calibration_ is None) == (share == 0)


def test_a_long_search_among_patches_is_told_of(monkeypatch: pytest.MonkeyPatch):
    from alad.detector import rows

    monkeypatch.setattr(rows, "LONG_SEARCH", 4 * 400 - 1)  # 2 × 2 patches, 100 images
    with pytest.warns(UserWarning, match="a picture of 4 patches is slow .* with 400 kept ones"):
        knn(backbone=quarters).fit(images())
    small = images(40, side=16)
    monkeypatch.setattr(rows, "LONG_SEARCH", 30_000)
    wide = np.concatenate([small, small], axis=2)[:, :, :28]  # two tiles, of 16 patches each
    with pytest.warns(UserWarning, match="a picture of 32 patches is slow .* with 1,280 kept"):
        knn(backbone="texture", tile=16).fit(wide)


def test_detectors_that_keep_no_rows_are_not_slow(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
):
    from alad.detector import rows

    monkeypatch.setattr(rows, "LONG_SEARCH", 0)
    alad.PCA(backbone=quarters, random_state=0, calibration_fraction=0.0).fit(images())
    assert not [one for one in recwarn if "is slow to score" in str(one.message)]


def test_maps_of_enlarged_pictures_are_blurred_until_a_patch_stands_for_four_pixels():
    spot = np.zeros((1, 32, 32))
    spot[0, 16, 16] = 1.0
    fine = patches.blurred(spot, 32)  # a patch a pixel: a deviation of the root of 15 pixels
    assert np.isclose(fine.sum(), 1.0, atol=1e-3)
    apart = np.arange(32) - 16.0
    assert np.isclose((fine[0].sum(axis=0) * apart**2).sum(), 15.0, rtol=0.02)
    assert patches.blurred(spot, 8) is spot  # a patch of four pixels
    assert patches.are_small(3.9) and not patches.are_small(4.0)
    # beyond the border nothing is odd: a hot corner spreads its heat outwards, too
    corner = patches.blurred(np.pad(np.ones((1, 1, 1)), ((0, 0), (0, 31), (0, 31))), 32)
    assert 0.2 < corner.sum() < 0.4


# --- where a patch lies ---------------------------------------------------------------------------


def halves(pixels: np.ndarray) -> np.ndarray:
    """A map of 1 × 2 patches of one number each: the mean of the left half, and of the right."""
    half = pixels.shape[2] // 2
    parts = [pixels[:, :, :half], pixels[:, :, half:]]
    return np.stack([part.mean(axis=(1, 2, 3)) for part in parts], axis=1)[:, None, :, None]


def test_row_and_column_are_the_last_features_four_times_each():
    maps = np.arange(2 * 3 * 2 * 1, dtype=np.float32).reshape(2, 3, 2, 1)
    placed = with_place(maps, "a")
    assert placed.shape == (2, 3, 2, 9) and placed.dtype == np.float32
    assert np.array_equal(placed[..., :1], maps)
    assert placed[1, :, 0, 1].tolist() == [-1.0, 0.0, 1.0]
    assert placed[0, 2, :, 2].tolist() == [-1.0, 1.0]
    assert np.array_equal(placed[..., 1:], np.tile(placed[..., 1:3], 4))
    one = with_place(maps[:, :1], "a")
    assert np.isfinite(one).all()


def test_what_is_odd_at_its_place_alone_is_found_with_position(tmp_path: Path):
    """Left is always dark and right bright: exchanged, both are as usual, but not there."""
    generator = np.random.default_rng(0)
    good = generator.integers(0, 20, (60, 8, 8, 1)).astype(np.uint8)
    good[:, :, 4:] += 200
    exchanged = good[:5, :, ::-1]
    without, told = (
        knn(backbone=halves, position=position).fit(good[5:]) for position in (False, True)
    )
    assert np.array_equal(without.anomaly_score(exchanged), without.anomaly_score(good[:5]))
    scores = told.anomaly_score(exchanged)
    assert scores.min() > 10 * told.anomaly_score(good[:5]).max()
    told.save(tmp_path / "model")
    loaded = alad.load(tmp_path / "model", backbone=halves)
    assert np.array_equal(loaded.anomaly_score(exchanged), scores)
    assert np.array_equal(alad.estimator(loaded).anomaly_score(exchanged), scores)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "position is of a backbone's patches; leave position out"),
        ({"backbone": "texture", "tile": 16}, "position is of whole pictures, not of tiles; leave"),
        ({"backbone": columns_of_means}, "position is of patches, and the backbone .* a row an im"),
    ],
)
def test_position_without_patches_is_refused(params: dict[str, Any], message: str):
    with pytest.raises(alad.InputError, match=message):
        knn(position=True, **params).fit(images(30, side=20))


def test_position_of_a_network_that_is_pooled_is_refused_at_once():
    use = SimpleNamespace(pooled=True)
    pooled: Any = replace(backbone_of("texture"), network=SimpleNamespace(use=use))
    with pytest.raises(alad.InputError, match="the backbone texture gives a row an image; leave"):
        pooled.with_places()
