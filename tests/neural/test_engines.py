"""Engines of every detector with networks: they agree, know no company, and come without torch."""

from __future__ import annotations

import copy
import functools
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from every_detector import QUICK, quick, rows

import alad
from alad import catalogue, cli
from alad.errors import EngineError, InputError
from alad.native import build
from alad.neural import engines
from alad.neural.detector import NetworkDetector

WITH_NETWORKS = [
    name for name in QUICK if issubclass(catalogue.detector_class(name), NetworkDetector)
]
every_network = pytest.mark.parametrize("name", WITH_NETWORKS)
ENGINES = ("c", "torch", "numpy")
SAYS = {"c": "native", "torch": "torch", "numpy": "numpy"}  # what an engine calls itself

# Engines round differently: scores of two of them differ by less than this share of the largest
# score. AnoGAN's search amplifies it, step by step; here it takes five steps.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@functools.cache
def stored(name: str, folder: Path) -> Path:
    """A small model of two members, stored."""
    place = folder / name
    quick(name, members=2).fit(rows(80)).save(place)
    return place


def loaded(name: str, folder: Path, engine: str | None) -> Any:
    if engine == "c" and (reason := build.problem()) is not None:
        if shutil.which("cc") is None:
            pytest.skip("no C compiler")
        pytest.fail(reason)  # with a compiler, what fails to build is a bug
    return alad.load(stored(name, folder), engine=engine)


def scores_of(name: str, model: Any, X: np.ndarray) -> dict[str, np.ndarray]:
    found = {score: model.member_scores(X, score) for score in model.score_names()}
    return {**found, "reconstruct": model.reconstruct(X)[np.newaxis], "explained": explained(model)}


def explained(model: Any) -> np.ndarray:
    return model.explain(rows(2, seed=3)).contributions.sum(axis=1)[np.newaxis]


@every_network
def test_engines_agree(name: str, folder: Path):
    others = {engine: loaded(name, folder, engine) for engine in ENGINES}
    far = rows(40, seed=5) * np.logspace(0, 3, 40)[:, np.newaxis]
    for X in (rows(200, seed=4), far, rows(1, seed=6)):
        found = {engine: scores_of(name, model, X) for engine, model in others.items()}
        for engine in ("c", "numpy"):
            assert others[engine].model_.scored_by() == SAYS[engine]
            for score, expected in found["torch"].items():
                size = np.abs(expected).max()
                got = found[engine][score]
                assert got.shape == expected.shape
                np.testing.assert_allclose(
                    got, expected, rtol=0, atol=TOLERANCE * size, err_msg=f"{engine} {score}"
                )


@every_network
@pytest.mark.parametrize("engine", ENGINES)
def test_a_row_is_its_own_in_any_company(name: str, engine: str, folder: Path):
    model, X = loaded(name, folder, engine), rows(700, seed=4)
    order = np.random.default_rng(0).permutation(len(X))
    before = torch.get_num_threads()
    try:
        for score in model.score_names():
            torch.set_num_threads(1)
            together = model.member_scores(X, score)
            nothing = np.zeros((0, 7), np.float32)
            assert model.model_.member_scores(nothing, score).shape == (2, 0)
            torch.set_num_threads(1 if engine == "torch" else 3)
            np.testing.assert_array_equal(model.member_scores(X[order], score), together[:, order])
            for start, end in [(0, 1), (5, 6), (699, 700), (40, 51), (3, 600)]:
                part = model.member_scores(X[start:end], score)
                np.testing.assert_array_equal(part, together[:, start:end])
    finally:
        torch.set_num_threads(before)


@every_network
@pytest.mark.parametrize("engine", ENGINES)
def test_scores_survive_copies_pickles_and_threads(name: str, engine: str, folder: Path):
    model, X = loaded(name, folder, engine), rows(50, seed=4)
    expected = model.anomaly_score(X)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.anomaly_score(X), expected)
    found: list[np.ndarray] = []
    fresh = alad.load(stored(name, folder), engine=engine)
    workers = [threading.Thread(target=lambda: found.append(fresh.anomaly_score(X))) for _ in "12"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 2 and all(np.array_equal(each, expected) for each in found)


@every_network
@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_who_asked_for_an_engine_gets_it_again(name: str, engine: str, folder: Path, tmp_path):
    model, X = loaded(name, folder, engine), rows(30, seed=4)
    model.save(tmp_path / "model")
    again = alad.load(tmp_path / "model")
    assert again.model_.scored_by() == engine
    np.testing.assert_array_equal(again.anomaly_score(X), model.anomaly_score(X))


@pytest.mark.parametrize("name", ["alad", "bigan", "anogan"])
def test_what_was_fitted_by_torch_scores_by_torch(name: str, tmp_path):
    X = rows(60)
    detector = quick(name, engine="torch").fit(X)
    assert detector.training_["scoring_engine"] == "torch"
    detector.save(tmp_path / "model")
    again = alad.load(tmp_path / "model")
    assert again.model_.scored_by() == "torch"
    np.testing.assert_array_equal(again.anomaly_score(X), detector.anomaly_score(X))
    assert alad.load(tmp_path / "model", engine="numpy").model_.scored_by() == "numpy"


# --- without torch --------------------------------------------------------------------------------

SCORE = """
import sys
import numpy as np
import alad
for folder in sys.argv[2:]:
    model = alad.load(folder, engine=sys.argv[1])
    for score in model.score_names():
        assert np.isfinite(model.score_as(np.ones((3, 7)), score)).all()
    for ask in (model.predict, model.explain, model.reconstruct):
        ask(np.ones((3, 7)))
    print(model.name, model.model_.scored_by(), *(("torch",) if "torch" in sys.modules else ()))
"""


@pytest.mark.parametrize("engine", ["numpy", "c", "auto"])
def test_every_model_of_a_table_is_loaded_and_scored_without_torch(engine: str, folder: Path):
    if engine == "c" and build.problem() is not None:
        pytest.skip("no C compiler")
    folders = [str(stored(name, folder)) for name in WITH_NETWORKS]
    command = [sys.executable, "-c", SCORE, engine, *folders]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    fastest = "numpy" if build.problem() else "native"
    scored_by = {"numpy": "numpy", "c": "native", "auto": fastest}[engine]
    assert run.stdout.split() == [word for name in WITH_NETWORKS for word in (name, scored_by)]
    assert len(WITH_NETWORKS) == 11


def test_c_and_torch_share_their_threads(folder: Path):
    """C loads PyTorch's OpenMP by itself, and PyTorch finds it loaded."""
    if (reason := build.problem()) is not None:
        pytest.skip(reason)
    code = """
import sys
import alad, numpy as np
model = alad.load(sys.argv[1], engine="c")
before = model.anomaly_score(np.ones((5, 7)))
import torch
from pathlib import Path
assert np.array_equal(model.anomaly_score(np.ones((5, 7))), before)
torch.ones(500, 500) @ torch.ones(500, 500)
maps = Path("/proc/self/maps")
if maps.exists():
    found = {line.split()[-1] for line in maps.read_text().splitlines() if "libgomp" in line}
    print(*(path for path in found if "scikit" not in path))
"""
    command = [sys.executable, "-c", code, str(stored("alad", folder))]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.split()) <= 1


# --- which engine ---------------------------------------------------------------------------------


def no_library() -> None:
    raise build.BuildError("no C compiler")


@every_network
def test_without_a_compiler_numpy_scores_and_says_so_once(name: str, folder: Path, monkeypatch):
    X, place = rows(30, seed=4), stored(name, folder)
    expected = alad.load(place, engine="numpy").anomaly_score(X)
    monkeypatch.setattr(build, "library", no_library)
    monkeypatch.setattr(build, "tell", functools.cache(build.tell.__wrapped__))
    with pytest.warns(UserWarning, match="slower ones do their work: no C compiler"):
        model = alad.load(place)
    assert model.model_.scored_by() == "numpy"
    np.testing.assert_array_equal(model.anomaly_score(X), expected)
    with pytest.raises(InputError, match="engine='c' cannot score this: no C compiler"):
        alad.load(place, engine="c")


def test_an_engine_is_known_by_its_names(folder: Path):
    place = stored("autoencoder", folder)
    assert alad.load(place, engine="native").model_.scored_by() == SAYS["c"]
    with pytest.raises(InputError, match="engine is 'cuda'; choose one of: auto, c, torch, numpy"):
        alad.load(place, engine="cuda")
    with pytest.raises(InputError, match="device is 'tpu'"):
        alad.load(place, device="tpu")


@pytest.mark.parametrize(
    "name", [name for name in WITH_NETWORKS if catalogue.detector_class(name).sees_images]
)
def test_images_are_torch_s(name: str, tmp_path, monkeypatch):
    X = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    detector = quick(name, max_steps=2, batch_size=8).fit(X)
    detector.save(tmp_path / "model")
    expected = {}
    for engine in ("c", "auto", "torch"):
        if engine == "c" and build.problem() is not None:
            continue
        model = alad.load(tmp_path / "model", engine=engine)
        assert model.model_.scored_by() == ("torch" if engine == "torch" else "native")
        expected[engine] = model.anomaly_score(X)
        np.testing.assert_array_equal(model.anomaly_score(X[3:4]), expected[engine][3:4])
        size = np.abs(expected[engine]).max()
        np.testing.assert_allclose(expected[engine], detector.anomaly_score(X), atol=1e-5 * size)
    with pytest.raises(InputError, match="engine='numpy' is not for images; use 'auto' or 'torch'"):
        alad.load(tmp_path / "model", engine="numpy")
    monkeypatch.setattr("alad.networks.native_convolution.library", no_library)
    monkeypatch.setattr(build, "library", no_library)
    with pytest.raises(InputError, match="engine='c' cannot score this: no C compiler"):
        alad.load(tmp_path / "model", engine="c")


def test_another_engine_does_what_one_cannot(monkeypatch):
    """Of a table of engines the first that can; by name it is that one or none."""
    made_of: list[Any] = []

    def refusing(*_: Any) -> None:
        raise EngineError("it knows dense layers, not Spline")

    def able(*given: Any, device: str) -> str:
        made_of.extend(given)
        return f"torch on {device}"

    table = {name: (__name__, f"_{name}") for name in ENGINES}
    monkeypatch.setitem(globals(), "_c", refusing)
    monkeypatch.setitem(globals(), "_numpy", refusing)
    monkeypatch.setitem(globals(), "_torch", able)
    monkeypatch.setattr(build, "tell", lambda *_: None)
    assert engines.prepared(table, "auto", "cpu", False, "networks", "arrays") == "torch on cpu"
    assert made_of == ["networks", "arrays"]
    for named in ("c", "numpy"):
        with pytest.raises(InputError, match=f"'{named}' cannot score this: it knows dense"):
            engines.prepared(table, named, "cpu", False, "networks", "arrays")
    del table["c"]
    assert engines.prepared(table, "auto", "cpu", False) == "torch on cpu"
    with pytest.raises(InputError, match="engine is 'c'; choose one of: auto, torch, numpy"):
        engines.prepared(table, "c", "cpu", False)


def test_a_classic_detector_has_one_engine(tmp_path):
    alad.PCA().fit(rows(50)).save(tmp_path / "model")
    model = alad.load(tmp_path / "model", engine="numpy")
    assert np.isfinite(model.anomaly_score(rows(3))).all()


def test_the_command_line_takes_an_engine(tmp_path, folder: Path, capsys):
    table = tmp_path / "rows.csv"
    lines = [",".join(map(str, row)) for row in rows(20, seed=4)]
    names = [f"column {i}" for i in range(7)]
    table.write_text("\n".join([",".join(names), *lines]))
    detector = quick("alad").fit(pd.DataFrame(rows(60), columns=names))
    detector.save(tmp_path / "model")
    where = str(tmp_path / "model"), str(table)
    for verb, *others in (("score", "-o", str(tmp_path / "o.csv")), ("calibrate",), ("explain",)):
        assert cli.run([verb, *where, *others, "--engine", "numpy"]) == 0, capsys.readouterr().err
    assert cli.run(["score", *where, "--engine", "numpi"]) == 2
    assert "engine is 'numpi'" in capsys.readouterr().err
