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
from alad.data.reading import read_table
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


PROGRAM = """
import sys
from alad.cli import main

sys.argv[0] = "alad"
try:
    main()
finally:
    print("loaded:", *{"pandas"} & sys.modules.keys(), file=sys.stderr)
"""


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "arrow"])
def test_the_program_scores_without_pandas(folder: Path, tmp_path: Path, suffix: str):
    new, out = tmp_path / f"new.{suffix}", tmp_path / f"scored.{suffix}"
    write_table(read_table(folder / "new.csv"), new)
    argv = [sys.executable, "-c", PROGRAM, "score", str(folder / "model"), str(new), "-o", str(out)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "loaded:"
    scores = alad.load(folder / "model").anomaly_score(folder / "new.csv")
    np.testing.assert_array_equal(np.float64(read_table(out)["anomaly_score"]), scores)


LATER = """
from alad.cli.quick_start import quicken

quicken()
import pyarrow as pa
import sys

finders = {type(finder).__name__ for finder in sys.meta_path}
assert pa.array(["a", None]).null_count == 1 and "pandas" not in sys.modules
import pandas as pd

frame = pd.DataFrame({"when": pd.to_datetime(["2020-01-01", None]), "kind": ["a", "b"]})
table = pa.Table.from_pandas(frame)
assert table["kind"].to_pylist() == ["a", "b"] and table["when"].null_count == 1
pd.testing.assert_frame_equal(table.to_pandas(), frame)
assert pa.array(frame["when"]).null_count == 1
print(*finders & {"_ArrowAlone", "_NoPandas"})
"""


def test_whatever_needs_pandas_later_has_it():
    argv = [sys.executable, "-W", "error", "-c", LATER]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


HELD = """
import pandas, sys
from alad.cli.quick_start import quicken

before = list(sys.meta_path)
quicken()
assert sys.meta_path == before
import pyarrow as pa

assert pa.array(pandas.Series([1.0, float("nan")])).null_count == 1
"""


def test_a_process_that_has_pandas_already_keeps_it():
    argv = [sys.executable, "-c", HELD]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_verb_loads_its_own_module_only():
    code = "import sys; from alad.cli import run; run(['score', '--help']); print(sys.modules)"
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "'alad.cli.scoring'" in done.stdout and "'alad.cli.models'" not in done.stdout
    assert not {"'numpy'", "'pyarrow'"} & set(done.stdout.replace(":", "").split())


def test_every_verb_has_its_module():
    verbs: list[Any] = [command.callback for command in cli.app.registered_commands]
    assert [verb.__name__ for verb in verbs] == list(cli.VERBS)
    homes = [f"alad.cli.{home}" for home in cli.VERBS.values()]
    assert [verb.__module__ for verb in verbs] == homes
