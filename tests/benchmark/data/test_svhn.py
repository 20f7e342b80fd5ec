"""SVHN, whose official files nobody has to have: the whole command on small files of its format."""

import json
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from alad.benchmark.data import image_sets, image_splits
from alad.cli import run


@pytest.fixture
def digits(tmp_path, monkeypatch) -> Path:
    """Official files in small: of each digit 30 training and 10 test images, each its own grey."""
    generator, sums = np.random.default_rng(0), {}
    for name, count in (("train_32x32.mat", 30), ("test_32x32.mat", 10)):
        labels = np.repeat(np.arange(1, 11), count)  # ten means zero
        grey = 20 * (labels % 10) + generator.integers(0, 20, (32, 32, 3, len(labels)))
        savemat(tmp_path / name, {"X": grey.astype(np.uint8), "y": labels[:, None]})
        sums[name] = md5((tmp_path / name).read_bytes()).hexdigest()
    monkeypatch.setattr(image_sets, "SVHN_MD5", sums)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    image_splits._read.cache_clear()
    yield tmp_path
    image_splits._read.cache_clear()


def bench(results: Path, *more: str) -> int:
    how = ["--protocol", "common", "--detector", "knn", "--dataset", "0"]
    return run(["bench", "svhn", *how, "--results", str(results), *more])


def test_the_command_measures_a_digit(digits, capsys):
    assert bench(digits / "results", "--json") == 0
    (line,) = map(json.loads, (digits / "results" / "svhn.jsonl").read_text().splitlines())
    assert (line["normal_class"], line["train_rows"], line["test_rows"]) == ("0", 30, 100)
    assert line["auroc"] > 0.99
    assert "1 to go, how long is not known yet" in capsys.readouterr().err


def test_another_file_is_refused_in_one_line(digits, capsys):
    with (digits / "test_32x32.mat").open("ab") as file:
        file.write(b" ")
    assert bench(digits / "results") == 2
    (*_, told) = capsys.readouterr().err.splitlines()
    assert "test_32x32.mat is not the official test_32x32.mat: its md5 is" in told
