"""Verbs that use a model load no library that only training needs: the first score comes soon."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

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
