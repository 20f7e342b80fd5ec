"""Exported graphs of images in ONNX Runtime give the scores of the detectors they came from."""

import json
from typing import Any

import numpy as np
import pytest
from every_detector import QUICK, quick
from graph_runs import IN_DOUBLE, away, scored, session

import alad
from alad import catalogue
from alad.cli import run
from alad.errors import InputError
from alad.export import images as image_inputs
from alad.export.encoding import input_of, inputs

EXPORTED = [name for name in QUICK if name != "anogan"]
NETWORKS = [name for name in EXPORTED if "batch_size" in QUICK[name]]


def images(n: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Images of three common patterns, and noise: uint8 [n, *shape]."""
    rng, size = np.random.default_rng(seed), shape or (8, 8, 1)
    ways = np.random.default_rng(9).normal(size=(3, *size))
    x = np.tensordot(rng.normal(size=(n, 3)), ways, 1) + 0.3 * rng.normal(size=(n, *size))
    return (255 / (1 + np.exp(-x))).astype(np.uint8)


def odd_images(*shape: int) -> np.ndarray:
    """Images that were not learnt, one black, one white, one upside down."""
    new = images(20, *shape, seed=1)
    new[0], new[1], new[2] = 0, 255, new[2, ::-1]
    return new


def in_batches(file, given: dict[str, np.ndarray], size: int) -> np.ndarray:
    """Score by ONNX Runtime, so many images at once."""
    runtime, n = session(file), len(next(iter(given.values())))
    parts = [{name: x[at : at + size] for name, x in given.items()} for at in range(0, n, size)]
    return np.concatenate([runtime.run(None, part)[0] for part in parts])


@pytest.mark.parametrize("name", EXPORTED)
def test_every_detector_of_images_gives_its_scores(name, tmp_path):
    fitted = quick(name, calibration_fraction=0.3).fit(images(90)).fitted_
    told = alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert told["largest_difference"] <= (1e-5 if name in NETWORKS else IN_DOUBLE)
    given = inputs(fitted, odd_images())
    for size in (1, 7):
        scores = in_batches(tmp_path / "m.onnx", given, size)
        assert away(scores, fitted, odd_images()) <= (1e-5 if name in NETWORKS else IN_DOUBLE)
    assert len(np.unique(scores)) > 15  # or all this could be true of a constant
    p_values = session(tmp_path / "m.onnx").run(None, given)[1]
    assert (p_values >= fitted.p_value(odd_images())).all()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("alad", {"score_function": "logits"}),
        ("alad", {"score_function": "joint-projected-neighbours", "equal_contrast": True}),
        ("alad", {"score_function": "joint-projected-neighbours", "members": 2}),
        ("alad", {"form": "published", "members": 2}),
        ("bigan", {"score_function": "egbad"}),
        ("vae", {"score_function": "bound"}),
        ("vae", {"score_function": "l2", "members": 2}),
        ("autoencoder", {"score_function": "l1"}),
        ("dsebm-e", {"members": 2}),
    ],
)
def test_scores_members_and_odd_sizes(name, params, tmp_path):
    fitted = quick(name, **params).fit(images(60, 13, 9, 3)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx")
    new = odd_images(13, 9, 3)
    assert away(scored(tmp_path / "m.onnx", fitted, new)[0], fitted, new) <= 1e-5


@pytest.mark.parametrize("name", ["dsebm-r", "dsebm-e"])
def test_an_energy_that_is_mirrored(name, tmp_path):
    settings = {**QUICK[name], "random_state": 0}
    kind: Any = catalogue.detector_class(name)
    fitted = kind.from_preset("cifar10-paper", **settings).fit(images(60, 12, 8, 3)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx")
    new = odd_images(12, 8, 3)
    assert away(scored(tmp_path / "m.onnx", fitted, new)[0], fitted, new) <= 1e-5


@pytest.mark.parametrize("kind", ["uint8", "uint16", "bool", "float32", "float64"])
def test_every_kind_of_pixel(kind, tmp_path):
    def converted(x: np.ndarray) -> np.ndarray:
        if kind == "bool":
            return x > 127
        return (
            (x / 300.0).astype(kind)
            if "float" in kind
            else x.astype(kind) * (16 - 15 * (kind == "uint8"))
        )

    fitted = alad.PCA().fit(converted(images(60))).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)
    (given,) = session(tmp_path / "m.onnx").get_inputs()
    due = {"float32": "float", "float64": "float"}.get(kind, kind)
    assert (given.name, given.shape, given.type) == ("images", ["rows", 8, 8, 1], f"tensor({due})")
    new = converted(odd_images())
    assert away(scored(tmp_path / "m.onnx", fitted, new)[0], fitted, new) < IN_DOUBLE


def test_the_certificate_and_the_facts_of_images(tmp_path):
    fitted = alad.PCA(calibration_fraction=0.3).fit(images(90)).fitted_
    told = alad.to_onnx(fitted, tmp_path / "m.onnx", rows=images(5, seed=2))
    assert told["rows"] == {"known images": 5, "fuzzed images": image_inputs.DISTURBED}
    assert list(told["differences"]["fuzzed images"]) == [f"batches of {n}" for n in (1, 7, 1024)]
    facts = session(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map
    due = {"shape": [8, 8, 1], "pixel": "uint8", "range": [0.0, 255.0]}
    assert json.loads(facts["images"]) == due
    assert float(facts["threshold"]) == -fitted.offset_


def test_disturbed_images_are_what_is_said():
    fitted = alad.PCA().fit(images(60, 8, 12, 3)).fitted_
    known = images(8, 8, 12, 3)
    disturbed = input_of(fitted).disturbed(known)
    assert disturbed.shape == (image_inputs.DISTURBED, 8, 12, 3) and disturbed.dtype == np.uint8
    assert (disturbed[0] == 0).all() and (disturbed[-1] == 255).all()
    assert (disturbed[2] == 255 - known[2]).all()  # inverted
    same = (disturbed[1] == known[1]).reshape(4, 2, 4, 3, 3)  # a grid of 4 × 4 patches
    patches = same.all(axis=(1, 3, 4))
    assert patches.any() and not patches.all()


def test_large_images_are_compared_fewer_at_once(monkeypatch):
    fitted = alad.PCA().fit(images(60)).fitted_
    assert input_of(fitted).most == 1024
    monkeypatch.setattr(image_inputs, "MOST_VALUES", 640)
    assert input_of(fitted).most == 10
    monkeypatch.setattr(image_inputs, "MOST_VALUES", 64)
    assert input_of(fitted).most == 7


def test_a_graph_of_images_that_disagrees_is_not_written(tmp_path, monkeypatch):
    from alad.export import layers

    fitted = quick("alad").fit(images(60)).fitted_
    monkeypatch.setattr(layers, "BATCH_NORM_EPSILON", 2e-3)  # of 1e-3
    with pytest.raises(InputError, match=r"differ by .* more than the tolerance of 1e-05"):
        alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_verb_exports_a_model_of_pictures(tmp_path, monkeypatch, capsys):
    pillow = pytest.importorskip("PIL.Image")
    monkeypatch.chdir(tmp_path)
    for folder, seed in (("good", 0), ("new", 1)):
        (tmp_path / folder).mkdir()
        for at, image in enumerate(images(40, 8, 8, 3, seed=seed)):
            pillow.fromarray(image).save(f"{folder}/{at:02}.png")
    assert run(["fit", "good", "-o", "model", "--detector", "pca", "--quiet"]) == 0
    assert run(["export", "model", "-o", "m.onnx", "--rows", "new"]) == 0
    assert "m.onnx: 80 images scored by both, largest difference" in capsys.readouterr().err
    fitted = alad.load("model")
    scores = scored(tmp_path / "m.onnx", fitted, "new")[0]
    np.testing.assert_allclose(scores, fitted.anomaly_score("new"), rtol=1e-9)


def test_the_verb_compares_pictures_behind_a_mask(tmp_path, monkeypatch, capsys):
    pillow = pytest.importorskip("PIL.Image")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").mkdir()
    for at, image in enumerate(images(20, 8, 8, 3)):
        pillow.fromarray(image).save(f"good/{at:02}.png")
    counts = np.zeros((8, 8), np.uint8)
    counts[:5] = 255
    pillow.fromarray(counts).save("mask.png")
    fit = ["fit", "good", "-o", "model", "--detector", "pca", "--mask", "mask.png", "--quiet"]
    export = ["export", "model", "-o", "m.onnx"]
    assert run(fit) == 0 and run([*export, "--rows", "good"]) == 2
    assert "was fitted on pictures with a mask; give it, too" in capsys.readouterr().err
    assert run([*export, "--mask", "mask.png"]) == 2
    assert "--mask is of the pictures of --rows" in capsys.readouterr().err
    assert run([*export, "--rows", "good", "--mask", "mask.png"]) == 0
    assert "40 images scored by both" in capsys.readouterr().err


def test_no_more_pictures_are_read_than_compared():
    given, new = input_of(alad.PCA().fit(images(60)).fitted_), images(40, seed=1)
    np.testing.assert_array_equal(given.read(new, 9), new[:9])
    np.testing.assert_array_equal(given.read(new), new)
    assert len(given.kept(9)) == 9


def test_images_of_another_size_are_refused():
    fitted = alad.PCA().fit(images(60)).fitted_
    with pytest.raises(InputError, match=r"images are 9 × 8 × 1, .* was fitted on 8 × 8 × 1"):
        inputs(fitted, images(3, 9, 8, 1))
