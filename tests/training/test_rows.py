"""Images that memory need not hold: the same numbers as from an array, read a few at a time."""

from __future__ import annotations

import errno
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import alad
from alad import catalogue, row_kinds
from alad.adversarial.architectures import ImageArchitecture
from alad.adversarial.game import FAMILY
from alad.adversarial.model import CycleModel
from alad.adversarial.networks import game_networks
from alad.adversarial.step import GameStep
from alad.data.pictures import Pictures
from alad.data.pixel_file import decoded_once
from alad.detector.saving import content_of
from alad.encoding import ImageScaler, ScaledImages
from alad.errors import InputError, TrainingError
from alad.training.optimizer import Optimiser
from alad.training.rows import StreamedRows

NARROW: dict[str, Any] = {"architecture": "narrow", "batch_size": 8, "max_steps": 4}
NARROW |= {"check_every": 2, "random_state": 0}
DETECTORS: dict[str, dict[str, Any]] = {
    "alad": NARROW | {"members": 2, "stopping_rule": "mean-score"},
    "autoencoder": NARROW,
    "robust-autoencoder": NARROW,
    "dagmm": NARROW | {"architecture": {"width": 16, "latent": 3}},
    "pca": {"random_state": 0},
    "isolation-forest": {"random_state": 0},
    "knn": {"random_state": 0},
}
ALAD = DETECTORS["alad"]


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 12, 9, 3), np.uint8)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 230 pictures, one of which is none."""
    folder = tmp_path_factory.mktemp("good")
    for at, pixels in enumerate(noise(229)):
        Image.fromarray(pixels).save(folder / f"{at:03}.png")
    (folder / "100b.png").write_bytes(b"none")
    return folder


def content(detector: Any) -> dict[str, np.ndarray]:
    """All that was learnt."""
    return content_of(detector.fitted_)[1]


@pytest.mark.parametrize("name", DETECTORS)
def test_a_folder_and_the_same_array_make_the_same_model_to_the_last_bit(name, good, monkeypatch):
    """However small the pieces are in which images are scored."""
    whole = catalogue.make(name, **DETECTORS[name]).fit(noise(229))
    monkeypatch.setattr("alad.encoding.rows.PIECE_VALUES", 1)
    monkeypatch.setattr("alad.data.pictures.BLOCK_VALUES", 5_000)
    streamed = catalogue.make(name, **DETECTORS[name]).fit(Pictures(good))
    due, found = content(whole), content(streamed)
    assert due.keys() == found.keys() and streamed.offset_ == whole.offset_
    for key, array in due.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)
    scores = whole.anomaly_score(noise(40, seed=1))
    np.testing.assert_array_equal(streamed.anomaly_score(noise(40, seed=1)), scores)


def test_training_images_are_never_there_all_together_as_floats(good, monkeypatch):
    """Neither from a folder nor from an array: of 229 at most 48 are, those of the measured."""
    monkeypatch.setattr("alad.encoding.rows.PIECE_VALUES", 1)  # 32 images
    monkeypatch.setattr("alad.neural.model.MEASURED_IMAGES", 48)
    monkeypatch.setattr(row_kinds, "IMAGE", replace(row_kinds.IMAGE, learnt_by_scores=48))
    monkeypatch.setattr("alad.detector.rows.NUMBERS_KEPT", 48 * 12 * 9 * 3)
    looks: list[int] = []
    scaled = ImageScaler.scaled

    def counted(self: ImageScaler, pixels: np.ndarray, out: np.ndarray | None = None):
        looks.append(len(pixels))
        return scaled(self, pixels, out)

    monkeypatch.setattr(ImageScaler, "scaled", counted)
    for rows in (Pictures(good), noise(229)):
        looks.clear()
        alad.ALAD(**ALAD).fit(rows)
        assert sum(looks) > 229 and max(looks) == 48
        assert looks[:2] == [2 * 8, 2 * 8]  # a batch for each of two members and two steps


def test_what_has_to_be_in_memory_is_drawn_and_told(good, monkeypatch):
    monkeypatch.setattr("alad.detector.rows.VALUES_IN_MEMORY", 100 * 12 * 9 * 3)
    for name in ("pca", "isolation-forest", "robust-autoencoder"):
        detector = catalogue.make(name, **DETECTORS[name]).fit(Pictures(good))
        assert detector.training_["rows_used"] == 100 and detector.training_["held_out"] == 22
    assert "rows_used" not in alad.ALAD(**ALAD).fit(Pictures(good)).training_


@pytest.mark.parametrize("fails", [False, True])
def test_the_decoded_pictures_are_gone_afterwards(fails, good, tmp_path, monkeypatch):
    files: list[Any] = []
    made = tempfile.TemporaryFile

    def remembered(**how: Any) -> Any:
        files.append(made(**how))
        assert Path(how["dir"]) == tmp_path
        return files[-1]

    monkeypatch.setattr("tempfile.TemporaryFile", remembered)
    pictures = Pictures(good, scratch=tmp_path)
    if fails:

        def diverge(*_: Any, **__: Any) -> None:
            raise TrainingError("the loss is no longer finite")

        monkeypatch.setattr("alad.neural.detector.train", diverge)
        with pytest.raises(TrainingError):
            alad.ALAD(**ALAD).fit(pictures)
    else:
        alad.ALAD(**ALAD).fit(pictures)
    assert len(files) == 1 and files[0].closed and not list(tmp_path.iterdir())


def test_no_room_for_decoded_pictures_is_told(good, tmp_path, monkeypatch):
    class Full:
        def write(self, content: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    told = "No space left on device; .*take 7.5e-05 GB there: make room"
    with pytest.raises(InputError, match=told):
        alad.ALAD(**ALAD).fit(Pictures(good, scratch=tmp_path))
    monkeypatch.undo()
    with pytest.raises(InputError, match="missing: No such file"):
        alad.ALAD(**ALAD).fit(Pictures(good, scratch=tmp_path / "missing"))


def test_a_file_of_pixels_gives_any_of_them(good):
    with decoded_once(Pictures(good)) as pixels:
        places = np.array([228, 0, 0, 101])
        np.testing.assert_array_equal(pixels[places], noise(229)[places])
        assert pixels.shape == (229, 12, 9, 3) and pixels.dtype == np.uint8


def test_sixteen_bits_through_a_file(tmp_path):
    deep = np.random.default_rng(0).integers(0, 4_000, (5, 8, 9)).astype(np.uint16)
    for at, image in enumerate(deep):
        Image.fromarray(image).save(tmp_path / f"{at}.png")
    with ImageScaler().gathered(Pictures(tmp_path)) as pixels:
        scaled = ImageScaler().fit_transform(pixels)
        due = np.asarray(ImageScaler().fit_transform(deep))
        np.testing.assert_array_equal(np.asarray(scaled), due)


def test_choices_of_scaled_images_are_those_of_an_array():
    pixels = noise(70)
    images = ImageScaler().fit_transform(pixels)
    array = np.asarray(images)
    for chosen in (slice(3, 60, 7), np.array([5, 2, 2]), np.arange(70) % 3 == 0, slice(0, 0)):
        np.testing.assert_array_equal(np.asarray(images[chosen]), array[chosen])
        assert images[chosen].shape == array[chosen].shape
    twice = images[10:50][np.array([3, 1])]
    assert isinstance(twice, ScaledImages)
    np.testing.assert_array_equal(np.stack(list(twice)), array[[13, 11]])


def test_a_step_on_streamed_rows_is_the_step_on_a_tensor():
    pixels = noise(40)
    images = ImageScaler().fit_transform(pixels)
    streamed = StreamedRows(images, torch.device("cpu"))
    small = ImageArchitecture(latent=6, width=16, xz_code=(16,), xz_joint=16, xx=(16,), zz=(8,))
    networks = game_networks(images.shape[1:], small, FAMILY["alad"])
    steps = [
        GameStep(X, networks, FAMILY["alad"], Optimiser(1e-3, 8), seed=0, members=[0, 1])
        for X in (streamed, streamed.tensor())
    ]
    for number in range(3):
        assert torch.equal(steps[0](number), steps[1](number))
    for name, array in steps[0].arrays().items():
        assert torch.equal(array, steps[1].arrays()[name])


def test_an_accelerator_holds_what_a_tensor_would(monkeypatch):
    streamed = StreamedRows(ImageScaler().fit_transform(noise(40)), torch.device("cpu"))
    monkeypatch.setattr("alad.training.rows.READ_AT_ONCE", 16)
    assert torch.equal(streamed.resident(), streamed.tensor())


def test_a_value_that_is_none_is_found_before_training_though_it_is_held_out():
    pixels = noise(229) / 255
    for at in range(0, 229, 10):
        spoilt = pixels.copy()
        spoilt[at, 3, 4, 1] = np.nan
        with pytest.raises(InputError, match="missing or infinite"):
            alad.ALAD(**ALAD).fit(spoilt)


def test_the_authors_stopping_rule_looks_at_all_validation_images(monkeypatch):
    monkeypatch.setattr(row_kinds, "IMAGE", replace(row_kinds.IMAGE, monitored=3))
    seen: list[int] = []
    scores = CycleModel.member_scores

    def counted(self: CycleModel, X: Any, name: str | None = None) -> np.ndarray:
        seen.append(len(X))
        return scores(self, X, name)

    monkeypatch.setattr(CycleModel, "member_scores", counted)
    alad.ALAD(**ALAD, validation_fraction=0.25, calibration_fraction=0.0).fit(noise(80))
    assert seen[:2] == [20, 20]  # at each of two checks


def test_the_authors_settings_stop_by_a_quarter_held_out_and_restore_the_best():
    """Their rule: an epoch of 112 steps a check, an end after more than 10 without improvement."""
    how = alad.ALAD.from_preset("cifar10-paper")
    assert (how.validation_fraction, how.patience, how.check_every) == (0.25, 11, 112)
    small = {"architecture": "narrow", "batch_size": 8, "check_every": 1, "epochs": 4}
    own = small | {"patience": 2, "calibration_fraction": 0.0, "random_state": 0}
    detector = alad.ALAD.from_preset("cifar10-paper", **own).fit(noise(80))
    training = detector.training_
    values = [entry["monitor"][0] for entry in training["history"]]
    best = int(np.argmin(values))
    assert training["best_step"] == [best + 1] and training["rows"] == 60
    assert training["steps"] == min(best + 1 + 2, 4 * (60 // 8))
    again = alad.ALAD.from_preset("cifar10-paper", **own | {"max_steps": best + 1}).fit(noise(80))
    np.testing.assert_array_equal(again.anomaly_score(noise(9)), detector.anomaly_score(noise(9)))
