"""A folder of pictures through `alad fit`, `score` and `info`, for every detector there is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

import alad
from alad import catalogue
from alad.catalogue import DETECTORS
from alad.cli import run
from alad.presets import ANOGAN_PRESETS

NETWORKS = [name for name in DETECTORS if catalogue.detector_class(name).sees_images]


def stripes(n: int, seed: int) -> np.ndarray:
    """Waves from top to bottom, 12 × 9, in colour."""
    generator = np.random.default_rng(seed)
    phase = generator.uniform(size=(n, 1, 1, 1))
    waves = np.sin(2 * np.pi * (np.arange(12)[:, None, None] / 6 + phase))
    pixels = waves * [1.0, 0.5, 0.2] + generator.normal(0, 0.1, (n, 12, 9, 3))
    return (127.5 * (1 + np.clip(pixels, -1, 1))).astype(np.uint8)


def written(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for at, pixels in enumerate(images):
        Image.fromarray(pixels).save(folder / f"{at:03}.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Good pictures, and new ones of which the second half is noise."""
    place = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(5).integers(0, 256, (10, 12, 9, 3), np.uint8)
    new = np.concatenate([stripes(10, seed=1), noise])
    return written(place / "good", stripes(60, seed=0)), written(place / "new", new)


@pytest.mark.parametrize("name", DETECTORS)
def test_fit_score_and_info(name, folders: tuple[Path, Path], tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(ANOGAN_PRESETS, "images", ANOGAN_PRESETS["images"] | {"search_steps": 3})
    good, new = folders
    model, scored = str(tmp_path / "model"), str(tmp_path / "scored.csv")
    steps = ["--max-steps", "2"] if name in NETWORKS else []
    fit = ["fit", str(good), "-o", model, "--detector", name, *steps, "-q"]
    assert run(fit) == run(["score", model, str(new), "-o", scored, "-q"]) == 0
    table = pyarrow.csv.read_csv(scored).to_pydict()
    assert table["file"] == [f"{at:03}.png" for at in range(20)]
    loaded = alad.load(model)
    pixels = np.stack([np.asarray(Image.open(new / file)) for file in table["file"]])
    np.testing.assert_array_equal(table["anomaly_score"], loaded.anomaly_score(pixels))
    if name not in NETWORKS:  # they need no training of minutes to tell noise
        assert roc_auc_score(np.repeat([0, 1], 10), table["anomaly_score"]) > 0.95
    capsys.readouterr()
    assert run(["info", model, "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)["content"]
    assert stored["encoder"]["shape"] == [12, 9, 3]
    if name in NETWORKS:
        assert stored["model"]["row_shape"] == [12, 9, 3]
        preset = catalogue.detector_class(name).from_preset("images")
        assert stored["params"]["batch_size"] == preset.batch_size


def test_few_pictures_are_not_learnt_for_2_000_steps(folders, tmp_path, monkeypatch):
    """At most 100 passes, unless something else is asked for."""
    fitted = {}
    monkeypatch.setattr(alad.ALAD, "fit", lambda self, X: fitted.update(self.get_params()) or 1 / 0)
    fit = ["fit", str(folders[0]), "-o", str(tmp_path / "model"), "-q"]
    for asked, found in (
        ([], (100, 2_000)),
        (["--epochs", "300"], (300, None)),
        (["--max-steps", "7", "--engine", "bfloat16"], (None, 7)),
        (["--preset", "images-quick"], (None, 200)),
    ):
        with pytest.raises(ZeroDivisionError):
            run([*fit, *asked])
        assert (fitted["epochs"], fitted["max_steps"]) == found
        assert fitted["engine"] == ("bfloat16" if "--engine" in asked else "auto")


def test_options_of_tables_are_refused_for_pictures(folders: tuple[Path, Path], tmp_path, capsys):
    good, model = str(folders[0]), str(tmp_path / "model")
    fit = ["fit", good, "-o", model, "--detector", "knn", "-q"]
    assert run([*fit, "--drop", "a", "--scaling", "robust"]) == 2
    assert "holds pictures; leave out --drop and --scaling" in capsys.readouterr().err
    assert run(fit) == 0
    assert run(["score", model, good, "-o", str(tmp_path / "s.csv"), "--drop", "a"]) == 2
    assert "holds pictures; leave out --drop" in capsys.readouterr().err


def test_messages_about_pictures_speak_of_images(folders: tuple[Path, Path], tmp_path, capsys):
    good, model = written(tmp_path / "few", stripes(15, seed=2)), str(tmp_path / "model")
    assert run(["fit", str(good), "-o", model, "--detector", "pca"]) == 0
    assert run(["report", model, str(good), "-o", str(tmp_path / "page.html")]) == 0
    assert run(["score", model, str(good), "--false-alarm-rate", "0.1"]) == 2
    assert run(["calibrate", model, str(good)]) == 2
    assert run(["calibrate", model, str(folders[1])]) == 0
    assert run(["score", model, str(good), "--false-alarm-rate", "0.01"]) == 2
    assert run(["score", model, str(good), "-o", str(tmp_path / "s.csv"), "--fdr", "0.05"]) == 0
    err = capsys.readouterr().err
    assert "takes 19 images" in err and "of 15 images and 20 calibration images" in err
    assert "MORE_PICTURES/" in err and "all of these 15 images" in err
    assert "row" not in err


def test_fit_counts_patches_and_tiles_apart_from_pictures(folders, tmp_path, capsys):
    good, model = str(folders[0]), str(tmp_path / "model")
    quick = ["--backbone", "texture", "--max-steps", "2"]
    assert run(["fit", good, "-o", model, *quick]) == 0
    assert run(["fit", good, "-o", f"{model}2", *quick, "--tile", "16"]) == 0
    assert run(["info", model]) == 0
    out, err = capsys.readouterr()
    assert err.count(" patches of ") == 2 and "watched" not in err
    assert " patches of " in out


def test_where_most_pictures_are_flagged_a_fair_threshold_is_named(folders, tmp_path, capsys):
    good, _ = folders
    model, few = str(tmp_path / "model"), written(tmp_path / "few", stripes(30, seed=3))
    with pytest.warns(UserWarning, match="up to all of them; give more, or calibrate with 19"):
        alad.KNN(random_state=0).fit(alad.Pictures(few)).save(model)
    hint = f"the threshold comes from the images learnt from; to mend: alad calibrate {model}"
    scored = ["score", model, str(good), "-o", str(tmp_path / "scored.csv")]
    assert run(scored) == 0 and hint in capsys.readouterr().err
    assert run(["score", model, str(few), *scored[3:]]) == 0  # which it knows
    assert "most are flagged" not in capsys.readouterr().err
    assert run(["calibrate", model, str(good)]) == 0
    assert run(["score", model, str(good), *scored[3:]]) == 0
    assert "most are flagged" not in capsys.readouterr().err
