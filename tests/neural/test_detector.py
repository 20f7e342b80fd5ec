"""What every detector with networks shares, beyond the contract of all detectors."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import alad
from alad import catalogue, presets, storage
from alad.adversarial.alad import ALAD
from alad.errors import InputError
from alad.neural.detector import NetworkDetector

NEURAL = [
    name
    for name in catalogue.DETECTORS
    if issubclass(catalogue.detector_class(name), NetworkDetector)
]
QUICK = {"max_steps": 2, "batch_size": 16, "random_state": 0}


def rows(n: int = 60, width: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


def test_own_parameters_of_a_method_are_shown_too():
    own = {one.name for one in fields(ALAD)} - {one.name for one in fields(NetworkDetector)}
    known = {"latent_dim", "spectral_norm", "latent_discriminator", "stopping_rule", "engine"}
    known |= {"share_batch", "samples", "form", "kept_rows", "trim"}
    assert own == known


@pytest.mark.parametrize("name", NEURAL)
def test_none_stands_for_what_suits_the_kind_of_rows(name):
    made = catalogue.make(name)
    assert made.get_params()["learning_rate"] is None  # what a user gave is never changed
    table, images = made.settled(images=False), made.settled(images=True)
    assert table["learning_rate"] == 1e-3 and table["batch_size"] in (64, 128, 256)
    for key, value in presets.preset("images", name).items():
        assert images[key] == value or made.get_params()[key] is not None
    assert catalogue.make(name, batch_size=7).settled(images=True)["batch_size"] == 7


def test_images_are_learnt_with_the_settings_for_images():
    images = np.random.default_rng(0).random((40, 8, 8))
    how = {"max_steps": 2, "random_state": 0, "check_every": 1}
    usual = alad.ALAD(**how).fit(images)
    named = alad.ALAD(learning_rate=2e-4, batch_size=32, share_batch=True, **how).fit(images)
    tables = alad.ALAD(learning_rate=1e-3, batch_size=64, share_batch=False, **how).fit(images)
    np.testing.assert_array_equal(usual.anomaly_score(images), named.anomaly_score(images))
    assert (usual.anomaly_score(images) != tables.anomaly_score(images)).any()


@pytest.mark.parametrize(("rule", "learnt"), [("swapped", 40), ("mean-score", 36)])
def test_of_images_rows_are_held_out_for_a_stopping_rule_that_is_there(rule, learnt):
    images = np.random.default_rng(0).random((40, 8, 8))
    how = {"max_steps": 2, "random_state": 0, "check_every": 1, "calibration_fraction": 0.0}
    made = alad.ALAD(stopping_rule=rule, **how).fit(images)
    assert made.training_["rows"] == learnt
    of_tables = alad.ALAD(stopping_rule=rule, form="published", **how).fit(rows(40))
    assert of_tables.training_["rows"] == 36
    assert alad.ALAD(stopping_rule=rule, **how).fit(rows(40)).training_["rows"] == 40


def test_an_unknown_parameter_is_refused():
    with pytest.raises(TypeError, match="epoch"):
        alad.ALAD(epoch=3)


@pytest.mark.parametrize("name", NEURAL)
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("model/weights/E.9.weight", "no place for weights E.9.weight"),
        ("model/buffers/E.9.u", "no place for buffers E.9.u"),
        ("model/scales/charm", r"scale charm has shape \(1, 2\), not \(2, 1\)"),
        ("model/luck/E.0.weight", "no place for luck"),
        ("weight/E.0.weight", "no place for weight/E.0.weight"),
    ],
)
def test_an_array_that_nothing_uses_is_refused(name: str, path: str, said: str, tmp_path: Path):
    catalogue.make(name, **QUICK).fit(rows()).save(tmp_path / "model")
    content, arrays = storage.read(tmp_path / "model", "model")
    storage.write(tmp_path / "model", "model", content, arrays | {path: np.zeros((1, 2))})
    with pytest.raises(InputError, match=said):
        alad.load(tmp_path / "model")


@pytest.mark.parametrize("name", NEURAL)
def test_an_array_of_another_shape_is_refused(name: str, tmp_path: Path):
    catalogue.make(name, **QUICK).fit(rows()).save(tmp_path / "model")
    content, arrays = storage.read(tmp_path / "model", "model")
    path = next(path for path in arrays if path.startswith("model/weights/"))
    storage.write(tmp_path / "model", "model", content, arrays | {path: arrays[path][:, :-1]})
    with pytest.raises(InputError, match=f"weights {path.rpartition('/')[2]} has shape"):
        alad.load(tmp_path / "model")


@pytest.mark.parametrize("kind", [np.float16, np.float64])
@pytest.mark.parametrize("part", ["weights", "buffers"])
def test_an_array_of_another_kind_of_number_is_refused(part: str, kind: type, tmp_path: Path):
    alad.ALAD(**QUICK).fit(rows()).save(tmp_path / "model")
    content, arrays = storage.read(tmp_path / "model", "model")
    path = next(path for path in arrays if path.startswith(f"model/{part}/"))
    changed = {path: arrays[path].astype(kind)}
    storage.write(tmp_path / "model", "model", content, arrays | changed)
    told = f"{part} {path.rpartition('/')[2]} holds {np.dtype(kind)}, not float32"
    with pytest.raises(InputError, match=told):
        alad.load(tmp_path / "model")


OLD = Path(__file__).parents[1] / "fixtures" / "schema1" / "table-alad"


def test_a_model_from_before_there_were_shapes_is_loaded(tmp_path: Path):
    content, arrays = storage.read(OLD, "model")
    width = content["state"].pop("shape")[0]
    content["state"]["width"] = width
    storage.write(tmp_path / "model", "model", content, arrays)
    older, old = alad.load(tmp_path / "model"), alad.load(OLD)
    assert older.model_.shape == (width,)
    encoded = rows(9, width).astype(np.float32)
    np.testing.assert_array_equal(older.score_encoded(encoded), old.score_encoded(encoded))


@pytest.mark.parametrize(("name", "wrong"), [("resume", "x"), ("resume", 1), ("verbose", "x")])
def test_switches_are_switches(name, wrong):
    with pytest.raises(InputError, match=f"{name} is {wrong!r}"):
        alad.ALAD(max_steps=1, **{name: wrong}).fit(np.eye(30))
    alad.ALAD(max_steps=0, verbose=False, resume=False).fit(np.eye(30))


@pytest.mark.parametrize("name", NEURAL)
def test_an_architecture_that_json_cannot_hold_is_refused_before_the_training(name, monkeypatch):
    made = catalogue.make(name, architecture={"width": object()})
    monkeypatch.setattr(type(made), "_learn", lambda self, X, fit: pytest.fail("trained"))
    with pytest.raises(InputError, match="architecture"):
        made.fit(rows())


def test_one_member_has_no_scales_and_several_have_one_for_every_score():
    alone, several = (alad.ALAD(members=members, **QUICK).fit(rows()) for members in (1, 3))
    assert alone.model_.scales == {}
    assert several.model_.scales.keys() == set(several.score_names())
    for scale in several.model_.scales.values():
        assert scale.shape == (2, 3)
    for name in alone.score_names():
        scores = alone.member_scores(rows(), name)
        np.testing.assert_array_equal(alone.score_as(rows(), name), scores[0])


@pytest.mark.parametrize("name", NEURAL)
def test_what_trained_and_what_scores_is_told_where_there_is_a_choice(name):
    facts = {"engine", "scoring_engine", "engine_note"}
    fitted = catalogue.make(name, **QUICK).fit(rows())
    if "engine" not in catalogue.parameter_names(name):
        assert not facts & fitted.training_.keys()
        return
    assert fitted.training_.keys() >= facts
    torch = catalogue.make(name, engine="torch", **QUICK).fit(rows()).training_
    assert (torch["engine"], torch["scoring_engine"], torch["engine_note"]) == ("torch",) * 2 + (
        None,
    )
