"""Verbs that use a model load no library that only training needs: the first score comes soon."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import alad
from alad import cli
from alad.data.writing import write_table

RUN = """
import sys
from alad.cli import run
code = run(sys.argv[1:])
print("loaded:", *sorted({"torch", "sklearn", "scipy"} & sys.modules.keys()), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A table of numbers and categories, and a model of it in `model`."""
    folder = tmp_path_factory.mktemp("loading")
    generator = np.random.default_rng(0)
    columns = {name: generator.normal(size=400) for name in "abcd"}
    table = pa.table(columns | {"kind": generator.choice(["tcp", "udp"], 400)})
    write_table(table.slice(0, 300), str(folder / "rows.csv"))
    write_table(table.slice(300), str(folder / "new.csv"))  # of which no drift is to be told
    fit = f"fit {folder}/rows.csv -o {folder}/model --max-steps 10 -q"
    assert cli.run(fit.split()) == 0
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "score model new.csv -o scored.csv",
        "explain model new.csv -o reasons.csv",
        "calibrate model new.csv",
        "info model",
    ],
)
def test_a_verb_loads_nothing_that_only_training_needs(folder: Path, command: str):
    argv = [sys.executable, "-c", RUN, *command.split()]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "loaded:"


CLASSIC = (
    *("knn", "neighbour-ratio", "lof", "kcm", "pca", "robust-pca", "kernel-pca"),
    *("oc-svm", "oc-svm-sgd", "isolation-forest"),
)
SHORT = {"max_steps": 2}


@pytest.mark.parametrize(
    ("detector", "settings"),
    [*((name, {}) for name in CLASSIC), ("autoencoder", SHORT), ("vae", SHORT), ("dagmm", SHORT)],
)
def test_no_detector_loads_more_to_score(
    folder: Path, tmp_path: Path, detector: str, settings: dict[str, Any]
):
    alad.catalogue.make(detector, **settings).fit(folder / "rows.csv").save(tmp_path / "model")
    argv = ["score", str(tmp_path / "model"), "new.csv", "-o", str(tmp_path / "scored.csv")]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *argv], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "loaded:"
