"""Protocols: the authors' split to the row, and splits that share no row."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import alad
from alad import metrics
from alad.benchmark import published
from alad.benchmark.data.adbench import SMALL, STEMS, adbench, read_adbench
from alad.benchmark.data.arrhythmia import arrhythmia
from alad.benchmark.data.kdd99 import (
    KDD99_CATEGORIES,
    _kdd99_half,
    authors_half,
    distinct,
    kdd99,
    kdd99_development,
    one_hot,
    thinned,
)
from alad.benchmark.data.official import read_arrhythmia, read_kdd99
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.data.splits import Split, fewer, half_of_normal
from alad.errors import InputError


def as_set(rows: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in rows}


@pytest.mark.parametrize("count", [1, 2, 5, 7, 494_021])
def test_the_half_is_the_one_that_pandas_draws(count):
    sampled = pd.DataFrame(index=range(count)).sample(frac=0.5, random_state=42)
    assert authors_half(count).tolist() == sampled.index.tolist()


def test_numbers_come_first_and_indicators_are_in_order_of_value():
    table = pa.table({"kind": ["b", "a", "b"], "size": [3, 4, 5], "seen": [1, 0, 0]})
    encoded = one_hot(table, ("seen", "kind"))
    #           size, seen=0, seen=1, kind=a, kind=b
    assert encoded.tolist() == [[3, 0, 1, 0, 1], [4, 1, 0, 1, 0], [5, 1, 0, 0, 1]]


def test_of_equal_rows_the_first_stays_and_of_contradicting_ones_none():
    table = pa.table({"a": [1, 1, 2, 3, 3, 1], "b": ["x", "x", "x", "x", "x", "y"]})
    anomalous = np.array([True, True, False, True, False, True])
    kept = distinct(table, anomalous)
    assert kept.tolist() == [True, False, True, False, False, True]


def test_thinning_keeps_all_normal_rows_and_a_fifth_of_anomalies():
    anomalous = np.arange(30) % 2 == 0
    chosen = np.arange(2, 30)
    thin = thinned(chosen, anomalous, np.random.default_rng(0))
    assert set(chosen[~anomalous[chosen]]) <= set(thin) <= set(chosen)
    assert anomalous[thin].sum() == 3 and (~anomalous[thin]).sum() == 14


def test_too_few_anomalies_to_thin_are_refused():
    with pytest.raises(InputError, match=r"1 anomalies .* 2 are needed"):
        thinned(np.arange(9), np.arange(9) == 0, np.random.default_rng(0))


def test_kdd99_paper_has_the_papers_counts(data_dir):
    split = kdd99("paper", data_dir)
    assert split.train.shape == (198_361, 121) and split.test.shape == (247_011, 121)
    assert split.test_anomalous.sum() == 48_629
    assert split.train.dtype == split.test.dtype == np.float32


def test_kdd99_paper_is_what_the_authors_route_over_pandas_gives(data_dir):
    frame = read_kdd99(data_dir).to_pandas()
    normal = frame.pop("label") == "normal."
    numbers = frame.drop(columns=list(KDD99_CATEGORIES))
    dummies = [pd.get_dummies(frame[name]) for name in KDD99_CATEGORIES]
    rows = pd.concat([numbers, *dummies], axis=1).set_axis(range(121), axis=1).astype(np.float32)
    sampled = rows.sample(frac=0.5, random_state=42)
    rest = rows.drop(sampled.index)
    split = kdd99("paper", data_dir)
    assert np.array_equal(split.train, sampled[~normal[sampled.index]].to_numpy())
    assert np.array_equal(split.test, rest.to_numpy())
    assert np.array_equal(split.test_anomalous, normal[rest.index].to_numpy())


def test_kdd99_clean_holds_no_row_twice(data_dir):
    split = kdd99("clean", data_dir)
    train, test = as_set(split.train), as_set(split.test)
    assert (len(train), len(test)) == (len(split.train), len(split.test)) == (28_807, 36_181)
    assert not train & test
    assert split.test_anomalous.sum() == 7_236  # a quarter of 28,945 distinct attacks


@pytest.mark.parametrize("protocol", ["paper", "clean"])
def test_development_uses_rows_of_the_training_half_only(protocol, data_dir):
    rows, anomalous, train, test = _kdd99_half(protocol, data_dir)
    assert not set(train) & set(test)
    split = kdd99_development(protocol, data_dir)
    attacks = as_set(rows[train[~anomalous[train]]])
    discarded = as_set(rows[train[anomalous[train]]])
    assert as_set(split.train) <= attacks
    assert as_set(split.test[~split.test_anomalous]) <= attacks
    assert as_set(split.test[split.test_anomalous]) <= discarded
    assert len(split.train) + (~split.test_anomalous).sum() == (~anomalous[train]).sum()
    assert split.test_anomalous.mean() == pytest.approx(0.2, abs=1e-4)


def test_arrhythmia_paper_trains_on_its_anomalies(data_dir):
    split = arrhythmia("paper", data_dir=data_dir)
    rows, anomalous = read_arrhythmia(data_dir)
    anomalies = as_set(rows[anomalous].astype(np.float32))
    assert split.train.shape == split.test.shape == (226, 274)
    assert sum(row.tobytes() in anomalies for row in split.train) == 34
    assert split.test_anomalous.sum() == 32


def test_arrhythmia_clean_trains_on_normal_rows_of_twenty_different_halves(data_dir):
    rows, anomalous = read_arrhythmia(data_dir)
    normal = as_set(rows[~anomalous].astype(np.float32))
    protocol = PROTOCOLS["arrhythmia"]["clean"]
    splits = [protocol.split(seed, data_dir) for seed in protocol.seeds]
    assert len({split.test.tobytes() for split in splits}) == 20
    for split in splits:
        assert as_set(split.train) <= normal and not as_set(split.train) & as_set(split.test)
        assert len(split.train) == 226 - (66 - split.test_anomalous.sum())


def test_an_unknown_protocol_names_the_known_ones():
    with pytest.raises(InputError, match="'fast'; choose one of: paper, clean"):
        arrhythmia("fast")


# --- ADBench --------------------------------------------------------------------------------------


def test_adbench_published_takes_the_first_half_of_the_normal_rows(data_dir):
    rows, anomalous = read_adbench("cardio", data_dir)
    split = adbench("cardio", "published", 3, data_dir)
    normal = np.flatnonzero(~anomalous)
    assert np.array_equal(split.train, rows[normal[: len(normal) // 2]])
    assert len(split.train) + len(split.test) == len(rows) == 1831
    assert split.test_anomalous.sum() == anomalous.sum() == 176
    scores = np.random.default_rng(0).normal(size=len(split.test))
    assert metrics.flags_at(scores, split.percentile).sum() == 176


def test_adbench_random_halves_differ_and_hold_no_anomaly(data_dir):
    _, anomalous = read_adbench("wilt", data_dir)
    halves = [adbench("wilt", "random", seed, data_dir) for seed in (0, 0, 1)]
    assert np.array_equal(halves[0].train, halves[1].train)
    assert not np.array_equal(halves[0].train, halves[2].train)
    for split in halves:
        assert len(split.train) == (~anomalous).sum() // 2
        assert split.test_anomalous.sum() == anomalous.sum()


def test_only_small_tables_are_resampled_and_only_by_the_published_protocol(data_dir):
    counts = {name: len(read_adbench(name, data_dir)[0]) for name in STEMS}
    assert {name for name, count in counts.items() if count < 1000} == set(SMALL)
    for protocol, total in (("published", 1000), ("random", counts["glass"])):
        split = adbench("glass", protocol, 0, data_dir)
        assert len(split.train) + len(split.test) == total


@pytest.mark.filterwarnings("ignore:.*hold what no learnt one did:UserWarning")
def test_published_knn_is_reproduced(data_dir):
    split = adbench("cardio", "published", 0, data_dir)
    how = {"distance": "kth", "calibration_fraction": 0, "novelty": False}
    knn = alad.KNN(max_rows=10**9, **how).fit(split.train)
    found = metrics.auroc(knn.anomaly_score(split.test), split.test_anomalous)
    assert found == pytest.approx(published.one_class()["kNN"].auroc["cardio"], abs=0.001)


def test_of_the_largest_table_50_000_rows_are_drawn(data_dir):
    splits = [adbench("cover", "published", seed, data_dir) for seed in (0, 1)]
    assert [len(split.train) + len(split.test) for split in splits] == [50_000] * 2
    assert not np.array_equal(splits[0].train, splits[1].train)
    assert PROTOCOLS["adbench"]["published"].tables["cover"] == (0, 1, 2, 3, 4)


def test_half_of_normal_by_hand():
    anomalous = np.array([0, 1, 0, 0, 1, 0, 0], bool)
    assert half_of_normal(anomalous).tolist() == [0, 2]
    drawn = half_of_normal(anomalous, 0)
    assert len(drawn) == 2 and not anomalous[drawn].any() and sorted(drawn) == list(drawn)


def test_fewer_rows_keep_their_labels():
    rows = np.arange(30, dtype=np.float32)[:, None]
    split = Split(rows, rows, rows[:, 0] % 2 == 0, 80.0)
    small = fewer(split, 10, 20)
    assert (len(small.train), len(small.test)) == (10, 20)
    assert np.array_equal(small.test_anomalous, small.test[:, 0] % 2 == 0)
    assert np.array_equal(fewer(split, None, 100).test, rows)
