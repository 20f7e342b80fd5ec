"""The one-class tables: whole, split as said, and their published neighbours' scores come out."""

import os
from pathlib import Path

import numpy as np
import pytest

from alad import catalogue, metrics
from alad.benchmark.data.adbench import STEMS, adbench
from alad.benchmark.data.official import checksum_of
from alad.benchmark.data.one_class import CHECKSUMS, TABLES, one_class, read_one_class
from alad.benchmark.data.protocols import PROTOCOLS
from alad.errors import InputError

FOLDER = Path(os.environ.get("ALAD_DATA") or ".") / "one_class"
needs_tables = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="ALAD_DATA names no folder with the one-class tables"
)


def test_all_tables_have_a_name_of_their_own_and_three_halves():
    assert len(TABLES) == len(set(TABLES)) == 63
    assert PROTOCOLS["one-class"]["random"].tables == dict.fromkeys(TABLES, (0, 1, 2))
    assert set(PROTOCOLS["one-class"]["published"].tables) == set(STEMS)


@needs_tables
def test_no_table_is_there_that_is_not_listed():
    there = {path.stem: checksum_of(path, "sha256") for path in FOLDER.glob("*.npz")}
    assert there == CHECKSUMS


@needs_tables
def test_a_random_half_of_the_normal_rows_trains_and_all_else_is_scored():
    rows, anomalous = read_one_class("car")
    split = one_class("car", seed=1)
    assert len(split.train) == (~anomalous).sum() // 2
    assert len(split.test) == len(rows) - len(split.train)
    assert split.test_anomalous.sum() == anomalous.sum() == 134
    assert not np.array_equal(split.train, one_class("car", seed=2).train)


@needs_tables
def test_large_tables_are_capped_and_the_share_of_anomalies_stays():
    split, (_, anomalous) = one_class("shuttle"), read_one_class("shuttle")
    assert (len(split.train), len(split.test)) == (3_000, 10_000)
    whole = anomalous.sum() / (len(anomalous) - (~anomalous).sum() // 2)
    assert split.test_anomalous.mean() == pytest.approx(whole, abs=0.01)
    assert split.percentile == pytest.approx(100 * (1 - whole), abs=0.01)


@needs_tables
def test_the_published_protocol_is_that_of_adbench():
    ours, theirs = one_class("glass", "published", 2), adbench("glass", "published", 2)
    np.testing.assert_array_equal(ours.train, theirs.train)


@needs_tables
@pytest.mark.parametrize(
    ("table", "knn", "ratio"), [("car", 0.946, 0.948), ("mfeat_zernike", 0.876, 0.918)]
)
def test_neighbours_score_as_the_makers_of_the_tables_found(table: str, knn: float, ratio: float):
    """Their README prints means of three other halves."""
    how = {"calibration_fraction": 0.0, "novelty": False, "random_state": 0}
    for name, extra, expected in (
        ("knn", {"distance": "mean"}, knn),
        ("neighbour-ratio", {}, ratio),
    ):
        found = []
        for seed in range(3):
            split = one_class(table, seed=seed)
            scores = catalogue.make(name, **how, **extra).fit(split.train).anomaly_score(split.test)
            found.append(metrics.auroc(scores, split.test_anomalous))
        assert np.mean(found) == pytest.approx(expected, abs=0.015)


def test_a_table_that_is_not_there_is_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("ALAD_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"one_class/car.npz is neither .*--dataset") as refusal:
        read_one_class("car")
    assert "no address serves it" in str(refusal.value)


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="one-class has no dataset 'cars'; choose one of: annthyr"):
        read_one_class("cars")
    with pytest.raises(InputError, match="one-class has no protocol 'first'"):
        one_class("car", "first")
