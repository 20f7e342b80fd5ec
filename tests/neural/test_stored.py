"""Stored models go on loading, whatever the tables of scores and the rules of widths become."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import alad
from alad import catalogue, storage
from alad.detector.fitted import Fitted
from alad.errors import InputError
from alad.native import build
from alad.neural.detector import NetworkDetector
from alad.neural.model import NetworkModel
from alad.neural.score import Score

NETWORKS = [
    name
    for name in catalogue.DETECTORS
    if issubclass(catalogue.detector_class(name), NetworkDetector)
]
QUICK = {"max_steps": 2, "batch_size": 16, "random_state": 0, "check_every": 1}
SHAPES = {"table": (6,), "images": (8, 8)}
SCHEMA_1 = Path(__file__).parents[1] / "fixtures" / "schema1"

every_network = pytest.mark.parametrize("name", NETWORKS)
both_kinds = pytest.mark.parametrize("kind", SHAPES)


def rows(kind: str, n: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, *SHAPES[kind]))


def model_class(name: str) -> type[NetworkModel]:
    kind = catalogue.detector_class(name).model
    assert issubclass(kind, NetworkModel)
    return kind


def stored(name: str, kind: str, folder: Path, **params: Any) -> Fitted:
    """A fitted detector, quick to score with, saved in the folder."""
    quick = {**QUICK, "search_steps": 3} if name == "anogan" else QUICK
    detector = catalogue.make(name, **quick, **params).fit(rows(kind))
    detector.save(folder)
    return detector.fitted_


def check_scores_as(loaded: Fitted, before: Fitted, kind: str) -> None:
    new = rows(kind, 9, seed=2)
    np.testing.assert_array_equal(loaded.anomaly_score(new), before.anomaly_score(new))
    for score in before.score_names():
        np.testing.assert_array_equal(loaded.score_as(new, score), before.score_as(new, score))


@every_network
@both_kinds
def test_a_new_score_stops_no_model_from_loading(name, kind, tmp_path: Path, monkeypatch):
    known = {
        members: stored(name, kind, tmp_path / str(members), members=members) for members in (1, 2)
    }
    offers = model_class(name).offers
    plain = next(one for one in offers.values() if one.learn is None)
    twice = Score(plain.reads, lambda results, learnt: 2 * plain.value(results, learnt))
    learning = Score(plain.reads, plain.value, learn=lambda results: {"mean": np.zeros(1)})
    more = {"twice": twice, "learning": learning, **offers}
    expected = {members: before.anomaly_score(rows(kind)) for members, before in known.items()}
    monkeypatch.setattr(model_class(name), "offers", more)
    for members in known:
        loaded = alad.load(tmp_path / str(members))
        np.testing.assert_array_equal(loaded.anomaly_score(rows(kind)), expected[members])
        assert {"twice", "learning"} <= set(loaded.score_names())
        assert loaded.member_scores(rows(kind), "twice").shape == (members, 40)
        with pytest.raises(InputError, match="has not learnt what score 'learning' needs; fit it"):
            loaded.score_as(rows(kind), "learning")
    assert alad.load(tmp_path / "1").score_as(rows(kind), "twice").shape == (40,)
    with pytest.raises(InputError, match="no common scale for that score; fit again"):
        alad.load(tmp_path / "2").score_as(rows(kind), "twice")


@every_network
def test_what_a_score_learnt_that_is_no_more_is_passed_over(name, tmp_path: Path):
    before = stored(name, "table", tmp_path / "model", members=2)
    content, arrays = storage.read(tmp_path / "model", "model")
    arrays |= {"model/learnt/charm/mean": np.ones((2, 3)), "model/scales/charm": np.ones((2, 2))}
    storage.write(tmp_path / "model", "model", content, arrays)
    loaded = alad.load(tmp_path / "model")
    assert "charm" not in loaded.score_names()
    check_scores_as(loaded, before, "table")


@every_network
@both_kinds
def test_another_rule_of_widths_changes_no_stored_model(name, kind, tmp_path, monkeypatch):
    before = stored(name, kind, tmp_path / "model")
    detector = catalogue.detector_class(name)

    def rule(*_: Any) -> Any:
        raise AssertionError("a stored model holds its layers")

    # to some methods images are rows of pixels
    place = "images" if kind == "images" and detector.sees_images else "tables"
    architectures = getattr(detector, place)
    monkeypatch.setattr(detector, place, replace(architectures, rule=rule, named={}))
    monkeypatch.setattr(detector, "_networks", rule)
    loaded = alad.load(tmp_path / "model")
    check_scores_as(loaded, before, kind)
    again = catalogue.estimator(loaded)
    check_scores_as(again.fitted_, before, kind)
    with pytest.raises(AssertionError, match="holds its layers"):
        again.fit(rows(kind))


@pytest.mark.parametrize("name", ["alad", "anogan", "vae", "dagmm"])
def test_nor_does_it_change_one_of_schema_1(name: str, monkeypatch):
    folder = SCHEMA_1 / f"table-{name}"
    detector = catalogue.detector_class(name)
    before = alad.load(folder)
    row = np.zeros((3, *before.encoder_.shape_), np.float32)
    scores = before.score_encoded(row)

    def rule(shape: tuple[int, ...]) -> Any:
        raise AssertionError("what the training noted counts")

    monkeypatch.setattr(detector, "tables", replace(detector.tables, rule=rule, named={}))
    np.testing.assert_array_equal(alad.load(folder).score_encoded(row), scores)


@pytest.mark.filterwarnings("ignore:no engines in C")
@pytest.mark.parametrize("name", ["alad", "bigan", "anogan"])
@pytest.mark.parametrize("engine", ["torch", "native", "auto"])
def test_a_model_loads_with_whatever_engine_and_device_it_was_fitted(
    name: str, engine: str, tmp_path: Path, monkeypatch
):
    before = stored(name, "table", tmp_path / "model", engine=engine, device="auto")
    content, _ = storage.read(tmp_path / "model", "model")
    assert not {"engine", "device"} & (content["params"].keys() | content["model"].keys())
    new, scores = rows("table", 9, seed=2), before.anomaly_score(rows("table", 9, seed=2))
    for device in (None, "cpu", "auto"):
        loaded = alad.load(tmp_path / "model", device=device)
        np.testing.assert_array_equal(loaded.anomaly_score(new), scores)

    def nothing() -> None:
        raise build.BuildError("no C compiler")

    monkeypatch.setattr(build, "library", nothing)
    elsewhere = alad.load(tmp_path / "model")
    assert elsewhere.model_.scored_by() == ("torch" if engine == "torch" else "numpy")
    np.testing.assert_allclose(elsewhere.anomaly_score(new), scores, rtol=1e-3)


def test_images_learnt_with_numbers_of_16_bits_are_loaded(tmp_path: Path):
    before = stored("alad", "images", tmp_path / "model", engine="bfloat16")
    check_scores_as(alad.load(tmp_path / "model"), before, "images")


def test_a_device_that_is_not_here_is_refused_in_one_line(tmp_path: Path):
    stored("alad", "table", tmp_path / "model")
    for device in ("tpu", *([] if torch.cuda.is_available() else ["cuda"])):
        with pytest.raises(InputError, match=f"device is '{device}'") as caught:
            alad.load(tmp_path / "model", device=device)
        assert "\n" not in str(caught.value)
