"""Metrics: independently computed numbers, ties included, and the identities of the protocols."""

import numpy as np
import pytest
from numeric_cases import case

from alad import metrics
from alad.errors import InputError

CASE = case("metrics")
MEASURES = ("precision", "recall", "f1", "auroc", "average_precision")


@pytest.mark.parametrize("name", ["ties", "distinct", "constant"])
def test_the_numeric_cases(name):
    given, expected = CASE["given"][name], CASE["expected"][name]
    scores, labels = given["scores"], given["labels"]
    result = metrics.evaluate(scores, labels, 80)
    due = expected | expected["at_or_above_percentile"]
    assert np.flatnonzero(metrics.flags_at(scores, 80)).tolist() == due["flagged"]
    assert [result[m] for m in MEASURES] == pytest.approx([due[m] for m in MEASURES], abs=1e-12)
    assert (result["flagged"], result["anomalies"]) == (len(due["flagged"]), sum(labels))


def test_ties_worked_out_by_hand():
    # positives .9, .8, .35 beat 7, 5 + 2/2 and 2 + 1/2 of the 7 negatives
    result = metrics.evaluate(**CASE["given"]["ties"], percentile=80)
    expected = [1 / 2, 2 / 3, 4 / 7, 31 / 42, 5 / 8]
    assert [result[m] for m in MEASURES] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("count", "percentile", "flagged", "anomalies"),
    [
        (row["n"], row["percentile"], row["flagged"], row["anomalies"])
        for row in CASE["expected"]["flag_counts_without_ties"]
    ],
)
def test_precision_over_recall_is_fixed_by_the_protocol(count, percentile, flagged, anomalies):
    generator = np.random.default_rng(3)
    scores = generator.permutation(count).astype(float)
    labels = np.arange(count) < anomalies
    share = metrics.at_share(scores, labels, percentile)
    assert share.flagged == flagged
    assert share.precision / share.recall == pytest.approx(anomalies / flagged, abs=1e-12)


def test_nothing_changes_when_scores_are_stretched_or_rows_shuffled():
    generator = np.random.default_rng(0)
    scores, labels = generator.normal(size=200), generator.random(200) < 0.2
    order = generator.permutation(200)
    expected = metrics.evaluate(scores, labels, 85)
    # ranks decide, so the percentile itself may fall elsewhere between the same two scores
    assert metrics.evaluate(np.exp(scores), labels, 85) == pytest.approx(expected)
    assert metrics.evaluate(scores[order], labels[order], 85) == pytest.approx(expected)


def test_the_reversed_score_has_the_complementary_auroc():
    generator = np.random.default_rng(1)
    scores, labels = generator.integers(0, 9, 100), generator.random(100) < 0.3
    assert metrics.auroc(scores, labels) + metrics.auroc(-scores, labels) == pytest.approx(1)


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([1.0, np.nan, -np.inf], [0, 1, 1], "2 scores are NaN or infinite"),
        ([1.0, 2.0], [0, 1, 1], "shapes"),
        ([], [], "shapes"),
        ([[1.0], [2.0]], [[0], [1]], "shapes"),
        ([1.0, 2.0], [0, 2], "labels other than 0 and 1"),
        ([1.0, 2.0], [0, 0], "all alike"),
    ],
)
def test_what_has_no_answer_is_refused(scores, labels, words):
    with pytest.raises(InputError, match=words):
        metrics.evaluate(scores, labels, 80)


def test_labels_are_the_same_in_every_spelling():
    """pandas writes 0.0 and 1.0 after a merge; a CSV gives them as text."""
    for spelled in ([0, 1], [0.0, 1.0], ["0.0", "1.0"], ["0", " 1"], ["0.", "1.00"], [False, True]):
        assert metrics.anomalous(spelled).tolist() == [False, True]
    with pytest.raises(InputError, match=r"label '0\.5' is neither"):
        metrics.anomalous(["0.5", "1.0"])
    with pytest.raises(InputError, match="label 'inf' is neither"):
        metrics.anomalous([np.inf, 1.0])


# --- curves and decisions -------------------------------------------------------------------------


def test_curves_by_hand():
    """Scores 4 > 3 > 2 > 1 of anomaly, normal, anomaly, normal."""
    scores, labels = [4.0, 3.0, 2.0, 1.0], [1, 0, 1, 0]
    roc, pr = metrics.roc(scores, labels), metrics.precision_recall(scores, labels)
    assert list(zip(roc.x, roc.y, strict=True)) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert pr.x.tolist() == [0.5, 0.5, 1.0, 1.0]
    assert pr.y == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])


def test_areas_under_the_curves_are_the_numbers():
    generator = np.random.default_rng(0)
    labels = generator.random(300) < 0.3
    scores = np.round(generator.normal(size=300) + labels, 1)  # with ties
    roc, pr = metrics.roc(scores, labels), metrics.precision_recall(scores, labels)
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(metrics.auroc(scores, labels))
    gained = np.diff(pr.x, prepend=0.0)
    assert (gained * pr.y).sum() == pytest.approx(metrics.average_precision(scores, labels))


def test_confusion_by_hand():
    found = metrics.confusion([1, 1, 0, 0, 0], [1, 0, 1, 0, 0])
    assert (found.hits, found.misses, found.false_alarms, found.passed) == (1, 1, 1, 2)
    assert found.recall.value == found.precision.value == 0.5
    assert found.false_alarm_rate.value == pytest.approx(1 / 3)


def test_exact_intervals():
    """0 of n: up to 1 - (0.05 / 2)^(1 / n); 5 of 10: as tables of Clopper and Pearson have it."""
    none = metrics.share_of(0, 10)
    assert (none.low, none.high) == (0.0, pytest.approx(1 - 0.025**0.1))
    half = metrics.share_of(5, 10)
    assert (half.low, half.high) == (pytest.approx(0.187, abs=5e-4), pytest.approx(0.813, abs=5e-4))
    every = metrics.share_of(10, 10)
    assert (every.low, every.high) == (pytest.approx(0.025**0.1), 1.0)
    assert (metrics.share_of(0, 0).low, metrics.share_of(0, 0).high) == (0.0, 1.0)


def test_labels_that_are_all_alike_have_no_curve():
    for curve in (metrics.roc, metrics.precision_recall):
        with pytest.raises(InputError, match="all alike"):
            curve([1.0, 2.0], [0, 0])
