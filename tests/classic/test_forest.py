"""Isolation Forest: as scikit-learn has it, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from classic_rows import RAW, far, rows
from sklearn import ensemble

from alad.classic.forest import IsolationForest, _rounded_down, average_path_length
from alad.errors import InputError


@pytest.mark.parametrize(("n", "samples"), [(2, 256), (100, 64), (600, 256), (600, 600)])
def test_forest_scores_as_scikit_learn(n: int, samples: int):
    X = rows(n)
    ours = IsolationForest(n_estimators=30, max_samples=samples, random_state=3, **RAW).fit(X)
    theirs = ensemble.IsolationForest(
        n_estimators=30, max_samples=min(n, samples), random_state=3
    ).fit(X)
    for table in (X, far()):
        np.testing.assert_allclose(
            ours.score_samples(table), theirs.score_samples(table), rtol=1e-12
        )


def test_forest_on_rows_that_lie_on_thresholds():
    """Whole numbers, many of them equal: x <= threshold is decided as in float64."""
    X = np.random.default_rng(0).integers(0, 4, size=(300, 3)).astype(float)
    ours = IsolationForest(random_state=0, **RAW).fit(X)
    theirs = ensemble.IsolationForest(max_samples=256, random_state=0).fit(X)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-12)


def test_forest_of_two_rows_by_hand():
    """One cut between 0 and 1 isolates both: path 1, mean path of a search among two rows 1."""
    forest = IsolationForest(n_estimators=5, random_state=0, **RAW).fit([[0.0], [1.0]])
    np.testing.assert_allclose(forest.anomaly_score([[0.0], [1.0], [9.0]]), 0.5, rtol=1e-15)


def test_average_path_length_by_hand():
    """c(n) = 2 H(n - 1) - 2 (n - 1) / n with H(k) taken as ln k + 0.5772156649."""
    found = average_path_length(np.array([0, 1, 2, 3, 256]))
    by_hand = [0, 0, 1, 2 * (0.6931471806 + 0.5772156649) - 4 / 3, 10.244770920116851]
    np.testing.assert_allclose(found, by_hand, rtol=1e-9)


def test_rounding_down_never_moves_a_row():
    thresholds = np.array([0.1, -0.1, 1 / 3, 1e-30, np.inf, 0.5, 16777217.0])
    rounded = _rounded_down(thresholds)
    assert rounded.dtype == np.float32
    assert (rounded <= thresholds).all()
    above = np.nextafter(rounded[:4], np.float32(np.inf))
    assert (above.astype(np.float64) > thresholds[:4]).all()
    assert rounded[5] == 0.5 and rounded[4] == np.inf


@pytest.mark.parametrize(
    ("name", "bound"), [("feature", 5), ("children", 10**6), ("root", -1), ("children", -2)]
)
def test_forest_that_points_outside_is_refused(name: str, bound: int):
    model = IsolationForest(n_estimators=3, random_state=0).fit(rows(50)).model_
    array = getattr(model, name).copy()
    array.flat[0] = bound
    with pytest.raises(InputError, match="point outside"):
        replace(model, **{name: array})


@pytest.mark.parametrize(
    ("detector", "complaint"),
    [
        (IsolationForest(n_estimators=0), "n_estimators is 0; give a whole number of at least 1"),
        (IsolationForest(max_samples=1), "max_samples is 1; give a whole number of at least 2"),
        (IsolationForest(n_estimators=2.5), "n_estimators is 2.5"),  # type: ignore[arg-type]
    ],
)
def test_parameters_are_checked_at_fit(detector, complaint: str):
    with pytest.raises(InputError, match=complaint):
        detector.fit(rows(20))


@pytest.mark.parametrize("name", ["feature", "threshold", "path_length", "children"])
def test_trees_of_several_sizes_are_refused(name):
    """One row may not reach the node that lacks, so that no first score tells."""
    model = IsolationForest(n_estimators=3, random_state=0).fit(np.eye(20)).checked().model_
    with pytest.raises(InputError, match="of several sizes"):
        replace(model, **{name: getattr(model, name)[:-1]})
