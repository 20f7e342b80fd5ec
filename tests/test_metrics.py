"""Metrics: numbers worked out by hand, ties included, and the identities of the protocols."""

import numpy as np
import pytest

from alad import metrics
from alad.errors import InputError

TIES = (
    [0.1, 0.35, 0.35, 0.4, 0.8, 0.8, 0.8, 0.55, 0.9, 0.2],
    [0, 0, 1, 0, 1, 0, 0, 0, 1, 0],
)
DISTINCT = (
    [0.91, 0.12, 0.33, 0.85, 0.47, 0.05, 0.66, 0.29, 0.74, 0.58],
    [1, 0, 0, 0, 0, 0, 0, 0, 1, 0],
)
CONSTANT = ([0.5] * 10, [0, 1, 0, 0, 1, 0, 0, 0, 0, 0])
# scores and labels, rows flagged at 80, then precision, recall, F1, AUROC, average precision
CASES = [
    (TIES, [4, 5, 6, 8], (1 / 2, 2 / 3, 4 / 7, 31 / 42, 5 / 8)),
    (DISTINCT, [0, 3], (1 / 2, 1 / 2, 1 / 2, 15 / 16, 5 / 6)),
    (CONSTANT, list(range(10)), (1 / 5, 1, 1 / 3, 1 / 2, 1 / 5)),
]


@pytest.mark.parametrize(("given", "flagged", "expected"), CASES, ids=["ties", "distinct", "equal"])
def test_hand_computed(given, flagged, expected):
    scores, labels = given
    result = metrics.evaluate(scores, labels, 80)
    names = ("precision", "recall", "f1", "auroc", "average_precision")
    assert np.flatnonzero(metrics.flags_at(scores, 80)).tolist() == flagged
    assert [result[name] for name in names] == pytest.approx(expected, abs=1e-12)
    assert (result["flagged"], result["anomalies"]) == (len(flagged), sum(labels))


@pytest.mark.parametrize(
    ("count", "percentile", "flagged", "anomalies"),
    [(247_011, 80, 49_403, 48_629), (226, 85, 34, 32)],
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
