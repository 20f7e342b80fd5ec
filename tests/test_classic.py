"""Classic detectors: as scikit-learn has them, and by hand."""

import numpy as np
import pytest
from sklearn import ensemble, svm

from alad.classic.forest import IsolationForest, _rounded_down, average_path_length
from alad.classic.neighbours import KNN
from alad.classic.svm import OneClassSVM
from alad.errors import InputError

RAW = {"scaling": "none"}  # the encoder passes numbers on, so that scikit-learn sees the same


def rows(n: int, columns: int = 5, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, columns)).astype(np.float32).astype(np.float64)


@pytest.fixture
def far() -> np.ndarray:
    """Normal rows, and ten that lie off in some direction."""
    return np.vstack([rows(90, seed=1), rows(10, seed=2) * 8])


# --- isolation forest -----------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "samples"), [(2, 256), (100, 64), (600, 256), (600, 600)])
def test_forest_scores_as_scikit_learn(n: int, samples: int, far: np.ndarray):
    X = rows(n)
    ours = IsolationForest(n_estimators=30, max_samples=samples, random_state=3, **RAW).fit(X)
    theirs = ensemble.IsolationForest(
        n_estimators=30, max_samples=min(n, samples), random_state=3
    ).fit(X)
    for table in (X, far):
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
    forest = IsolationForest(n_estimators=3, random_state=0).fit(rows(50))
    content, arrays = forest._state()
    arrays = {key: array.copy() for key, array in arrays.items()}
    arrays[name].flat[0] = bound
    with pytest.raises(InputError, match="point outside"):
        forest._restore(content, arrays)


# --- one-class SVM --------------------------------------------------------------------------------


@pytest.mark.parametrize("nu", [0.05, 0.5, 0.9])
def test_svm_decides_as_scikit_learn(nu: float, far: np.ndarray):
    X = rows(200)
    ours, theirs = OneClassSVM(nu=nu, **RAW).fit(X), svm.OneClassSVM(nu=nu).fit(X)
    scale = np.abs(theirs.decision_function(X)).max()
    for table in (X, far):
        np.testing.assert_allclose(
            ours.anomaly_score(table), -theirs.decision_function(table), atol=1e-11 * scale
        )


def test_svm_of_one_row_by_hand():
    """One support vector s of weight nu and a border through it: score nu (1 - exp(-|x - s|²))."""
    fitted = OneClassSVM(nu=0.25, **RAW).fit([[2.0]])
    expected = 0.25 - 0.25 * np.exp(-np.array([0.0, 1.0, 4.0]))
    np.testing.assert_allclose(fitted.anomaly_score([[2.0], [3.0], [0.0]]), expected, atol=1e-12)


def test_svm_learns_from_a_sample_of_the_stated_size():
    fitted = OneClassSVM(nu=0.99, max_rows=40, random_state=0).fit(rows(200))
    assert fitted.training_["rows"] == 200
    assert fitted.training_["rows_used"] == 40
    assert fitted._state()[1]["vectors"].shape == (40, 5)  # with nu = 0.99 every row is one


# --- nearest neighbours ---------------------------------------------------------------------------

LINE = [[0.0], [1.0], [3.0], [7.0]]


@pytest.mark.parametrize(
    ("neighbours", "distance", "expected"),
    [(1, "kth", [1, 0, 3]), (2, "kth", [1, 1, 7]), (3, "mean", [4 / 3, 4 / 3, 19 / 3])],
)
def test_knn_by_hand(neighbours: int, distance: str, expected: list[float]):
    """Of 2: 1, 1, 2, 5; of 0: 0, 1, 3, 7; of 10: 3, 7, 9, 10."""
    fitted = KNN(n_neighbors=neighbours, distance=distance, **RAW).fit(LINE)
    found = fitted.anomaly_score([[2.0], [0.0], [10.0]])
    np.testing.assert_array_equal(found, expected)


def test_knn_with_all_rows_as_neighbours():
    assert KNN(n_neighbors=4, **RAW).fit(LINE).anomaly_score([[2.0], [0.0]]).tolist() == [5, 7]


def test_knn_is_exact_where_the_fast_search_is_rounded():
    """Far from the origin squares cancel: 1e4 ± 1 has neighbours at distances 0 and 1, exactly."""
    X = np.full((20, 3), 1e4)
    X[10:, 0] += 1
    fitted = KNN(n_neighbors=10, **RAW).fit(X)
    np.testing.assert_array_equal(fitted.anomaly_score(X), np.zeros(20))
    np.testing.assert_array_equal(fitted.anomaly_score(X[:1] - [[1, 0, 0]]), [1.0])


def test_knn_looks_at_a_sample_of_the_stated_size():
    fitted = KNN(n_neighbors=2, max_rows=50, random_state=0, **RAW).fit(rows(300))
    assert fitted.training_ == fitted.training_ | {"rows": 300, "rows_used": 50, "seed": 0}
    stored = fitted._state()[1]["rows"]
    assert stored.shape == (50, 5)
    assert len(np.unique(stored, axis=0)) == 50  # without replacement


@pytest.mark.parametrize("count", [1, 4])
def test_knn_needs_as_many_rows_as_neighbours(count: int):
    with pytest.raises(
        InputError, match=f"at least 5 rows, X has n_samples={count}; lower n_neigh"
    ):
        KNN().fit(rows(count))


# --- all three ------------------------------------------------------------------------------------


@pytest.mark.parametrize("detector", [IsolationForest(random_state=0), OneClassSVM(), KNN()])
def test_what_lies_off_is_found(detector, far: np.ndarray):
    scores = detector.fit(rows(300)).anomaly_score(far)
    assert np.sort(scores[90:])[1] > np.quantile(scores[:90], 0.95)


@pytest.mark.parametrize(
    ("detector", "complaint"),
    [
        (IsolationForest(n_estimators=0), "n_estimators is 0; give a whole number of at least 1"),
        (IsolationForest(max_samples=1), "max_samples is 1; give a whole number of at least 2"),
        (IsolationForest(n_estimators=2.5), "n_estimators is 2.5"),  # type: ignore[arg-type]
        (OneClassSVM(nu=0), "nu is 0; give a number above 0 and at most 0.999"),
        (OneClassSVM(nu=1), "nu is 1;"),
        (OneClassSVM(max_rows=0), "max_rows is 0"),
        (KNN(n_neighbors=0), "n_neighbors is 0"),
        (KNN(n_neighbors=True), "n_neighbors is True"),
        (KNN(distance="median"), "distance is 'median'; choose one of: kth, mean"),
        (KNN(n_neighbors=9, max_rows=8), "max_rows is 8; give a whole number of at least 9"),
    ],
)
def test_parameters_are_checked_at_fit(detector, complaint: str):
    with pytest.raises(InputError, match=complaint):
        detector.fit(rows(20))
