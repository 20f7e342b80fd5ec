"""Detectors on one's own table: who learns from which rows, what is told, and what fails alone."""

import subprocess
import sys
import warnings

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from alad import KNN, catalogue, metrics
from alad.benchmark import compare as comparison
from alad.benchmark.compare import compare, comparison_tables, rank_agreement
from alad.benchmark.division import ALL
from alad.errors import InputError
from alad.report.tables import text_of

NAMES = ("knn", "isolation-forest")


def table(rows: int = 120, anomalies: int = 20) -> pa.Table:
    """Two columns and a kind; the last rows lie far away and are labelled "bad"."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=(rows, 2))
    values[-anomalies:] += 6
    labels = ["good"] * (rows - anomalies) + ["bad"] * anomalies
    kinds = generator.choice(["x", "y"], rows)
    return pa.table({"a": values[:, 0], "b": values[:, 1], "kind": kinds, "label": labels})


def test_half_of_the_normal_rows_train_and_all_others_are_scored(monkeypatch):
    seen = []
    fit, score = KNN.fit, KNN.anomaly_score
    monkeypatch.setattr(KNN, "fit", lambda self, X: seen.append(X) or fit(self, X))
    monkeypatch.setattr(KNN, "anomaly_score", lambda self, X: seen.append(X) or score(self, X))
    whole = table()
    found = compare(whole, ["knn"], label="label", normal=["good"])
    train, test = seen
    assert train.column_names == test.column_names == ["a", "b", "kind"]
    assert (found.train_rows, found.test_rows, found.anomalies) == (50, 70, 20)
    assert (train.num_rows, test.num_rows) == (50, 70)
    together = sorted(train["a"].to_pylist() + test["a"].to_pylist())
    assert together == sorted(whole["a"].to_pylist())
    assert not set(train["a"].to_pylist()) & set(whole["a"].to_pylist()[-20:])


def test_with_labels_ranking_is_judged_and_the_untrained_stand_beside():
    labelled = compare(table(), ["knn", "alad"], label="label", normal=["good"], max_steps=3)
    shown = [(outcome.detector, outcome.trained) for outcome in labelled.outcomes]
    assert shown == [("knn", True), ("alad", True), ("alad, untrained", False)]
    knn = labelled.outcomes[0]
    assert knn.auroc and knn.auroc.low <= knn.auroc.value <= knn.auroc.high == 1
    assert len(labelled.agreement) == len(labelled.ranked) == 3


def test_without_labels_all_rows_train_and_are_scored():
    said = []
    found = compare(table(), NAMES, drop=["label"], say=said.append)
    assert (found.train_rows, found.test_rows, found.anomalies) == (120, 120, None)
    assert found.rows == ALL.format("row")
    assert all(outcome.auroc is None for outcome in found.outcomes)
    detectors = [catalogue.make(name, random_state=0) for name in NAMES]
    rows = table().drop_columns(["label"])
    scores = [detector.fit(rows).anomaly_score(rows) for detector in detectors]
    assert found.agreement[0][1] == pytest.approx(spearmanr(*scores).statistic)
    assert found.agreement[0][0] == pytest.approx(1)
    assert [line.split(":")[0] for line in said] == ["knn"] * 2 + ["isolation-forest"] * 2


def test_all_detectors_but_the_slow_unless_named():
    every = comparison._contenders((), 0, untrained=False, how={})
    assert set(every) == set(catalogue.DETECTORS) - set(comparison.SLOW)


def test_one_that_fails_does_not_end_the_others(monkeypatch):
    def broken(self, X):
        raise ArithmeticError("no\nway")

    monkeypatch.setattr(KNN, "fit", broken)
    found = compare(table(), NAMES, label="label", normal=["good"])
    assert [outcome.error for outcome in found.outcomes] == ["ArithmeticError: no way", None]
    assert found.ranked == ("isolation-forest",)
    sheet = comparison_tables(found)[0]
    assert sheet.rows[0][:2] == ["knn", "failed"] and len(sheet.rows[0]) == len(sheet.columns)
    assert any("no way" in note for note in sheet.notes)


def test_untrained_networks_are_columns_and_not_in_the_agreement():
    names = ["knn", "alad", "isolation-forest"]
    found = compare(table(), names, label="label", normal=["good"], max_steps=3)
    outcomes, agreement = comparison_tables(found)
    assert [row[0] for row in outcomes.rows] == names
    assert len(set(outcomes.columns)) == len(outcomes.columns)
    assert {len(row) for row in outcomes.rows} == {len(outcomes.columns)}
    at = outcomes.columns.index("untrained AUROC")
    (twin,) = (one for one in found.outcomes if not one.trained)
    assert twin.auroc and [text_of(row[at]) for row in outcomes.rows] == [
        "",
        f"{twin.auroc.value:.4f}",
        "",
    ]
    assert [row[0] for row in agreement.rows] == ["1 knn", "2 alad", "3 isolation-forest"]
    assert list(agreement.columns) == ["", "1", "2", "3"]
    assert [row[at] for at, row in enumerate(agreement.rows, 1)] == ["100"] * 3
    assert any("most alike" in note for note in agreement.notes)


def test_what_is_left_out_is_told_unless_detectors_are_named(monkeypatch):
    monkeypatch.setattr(catalogue, "DETECTORS", {
        name: catalogue.DETECTORS[name] for name in ("knn", "anogan", "autoencoder")
    })  # fmt: skip
    assert any(
        note.startswith("anogan: searches for every row")
        for note in comparison_tables(compare(table()))[0].notes
    )
    named = comparison_tables(compare(table(), ["knn"]))[0].notes
    assert not any(note.startswith("anogan") for note in named)


def test_agreement_by_hand():
    found = rank_agreement([np.array([1.0, 2, 3]), np.array([9.0, 4, 1]), np.array([5.0, 5, 5])])
    assert found[0] == pytest.approx((1, -1, None)) and found[2] == (None, None, None)
    tied = rank_agreement([np.array([1.0, 1, 2, 3]), np.array([1.0, 2, 3, 4])])
    assert tied[0][1] == pytest.approx(spearmanr([1, 1, 2, 3], [1, 2, 3, 4]).statistic)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"label": "nope"}, "no column 'nope'.*a, b, kind, label"),
        ({"label": "label"}, "'bad' is neither of .*--normal"),
        ({"label": "label", "normal": ["fine"]}, "no row has the normal label 'fine'"),
        ({"label": "label", "normal": ["good", "bad"]}, "all rows are labelled normal"),
        ({"drop": ["nope"]}, "no column named .nope. to drop"),
        ({"names": ["nope"]}, "no detector 'nope'"),
        ({"names": ["vae"], "max_steps": -1}, "max_steps is -1"),
        ({"drop": ["a", "b", "kind", "label"]}, "drop leaves no column"),
        ({"rows": 1}, "1 row is too few to compare on; give at least 2"),
        ({"rows": 0}, "the table is empty"),
        ({"rows": 23, "label": "label", "normal": ["good"]}, "1 rows to learn from.*at least 4"),
        ({"cells": {"a": float("inf")}}, r"column 'a' contains infinity \(row 1\)"),
    ],
)
def test_what_cannot_be_compared_is_refused(how, words):
    how = {"names": ["knn"], **how}
    rows = table(max(how["rows"], 20)).slice(0, how.pop("rows")) if "rows" in how else table()
    for name, value in how.pop("cells", {}).items():
        at = rows.column_names.index(name)
        cells = [value, *rows[name].to_pylist()[1:]]
        rows = rows.set_column(at, name, pa.array(cells))
    with pytest.raises(InputError, match=words):
        compare(rows, **how)


def test_the_first_detector_does_not_pay_for_what_all_load():
    code = (
        "import numpy as np, pyarrow as pa; from alad.benchmark.compare import compare;"
        "rows = pa.table({'a': np.arange(50.0)}); "
        "found = compare(rows, ['knn', 'vae'], max_steps=1);"
        "print(max(one.fit_seconds for one in found.outcomes))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.0


# --- labels and intervals, in metrics -------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "normal", "expected"),
    [
        (["0", "1", " 1"], [], [False, True, True]),
        ([0, 1.0, True], [], [False, True, True]),
        (["Normal", "ANOMALY", "no"], [], [False, True, False]),
        (["normal.", "smurf.", "normal."], ["normal."], [False, True, False]),
        ([1, -1, 1], ["1"], [False, True, False]),
    ],
)
def test_labels_as_tables_have_them(labels, normal, expected):
    assert metrics.anomalous(labels, normal).tolist() == expected


@pytest.mark.parametrize("empty", [None, "", " ", float("nan")])
def test_a_row_without_a_label_is_refused(empty):
    with pytest.raises(InputError, match="row 2 has no label"):
        metrics.anomalous(["0", empty, "1"])


def test_ranking_from_counts_equals_the_metrics():
    generator = np.random.default_rng(1)
    scores, labels = generator.integers(0, 9, 200), generator.random(200) < 0.3
    values = np.unique(scores)[::-1]
    hits = np.array([(labels & (scores == value)).sum() for value in values])
    misses = np.array([(~labels & (scores == value)).sum() for value in values])
    expected = metrics.auroc(scores, labels), metrics.average_precision(scores, labels)
    assert metrics.ranking(hits, misses) == pytest.approx(expected, abs=1e-12)


def test_intervals_have_the_width_that_theory_says():
    """Hanley and McNeil 1982: the standard error of AUROC from the numbers of both kinds."""
    generator = np.random.default_rng(0)
    labels = np.arange(600) < 200
    scores = generator.exponential(size=600) * np.where(labels, 3.0, 1.0)  # AUROC 3 / 4
    found = metrics.estimates(scores, labels, rounds=400)["auroc"]
    area = found.value
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + 199 * (first - area**2) + 399 * (second - area**2)
    expected = 2 * 1.96 * np.sqrt(variance / (200 * 400))
    assert found.high - found.low == pytest.approx(expected, rel=0.15)
    assert found.low < area < found.high


def test_what_has_steps_but_no_networks_has_no_untrained_self():
    how = {"label": "label", "normal": ["good"], "max_steps": 1}
    with warnings.catch_warnings(action="error"):  # steps of training are none of a pursuit
        found = compare(table(), ["robust-pca"], **how)
    assert [one.detector for one in found.outcomes] == ["robust-pca"]
    assert found.outcomes[0].error is None


def test_pictures_are_compared_by_a_backbones_features():
    images = np.random.default_rng(0).integers(0, 200, (40, 12, 12, 1), dtype=np.uint8)
    seen: list[tuple[int, ...]] = []

    def means(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels.shape[1:])
        return pixels.mean(axis=(1, 2)).repeat(3, axis=1) * np.arange(1, 4)

    found = compare(images, ["knn", "alad"], backbone=means, max_steps=2)
    assert [one.error for one in found.outcomes] == [None, None]
    assert set(seen) == {(12, 12, 1)}
