"""Neighbours: the search against brute force, k-NN and ratio by hand, LOF as scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from classic_rows import RAW, far, rows
from sklearn.neighbors import LocalOutlierFactor

from alad.classic.neighbour_search import Nearest
from alad.classic.neighbours import KNN, LOF, NeighbourRatio
from alad.errors import InputError

# --- the search -----------------------------------------------------------------------------------


def by_brute_force(stored: np.ndarray, X: np.ndarray, count: int) -> np.ndarray:
    gap = X[:, np.newaxis].astype(np.float64) - stored
    return np.sort(np.sqrt((gap**2).sum(axis=2)), axis=1)[:, :count]


@pytest.mark.parametrize("stored", [1, 2, 31, 32, 33, 300])
@pytest.mark.parametrize("size", [1e-20, 1.0, 1e8, 1e30])
def test_search_is_brute_force_to_the_last_bit(stored: int, size: float):
    """Lengths beyond 1e10 and below 1e-10 are searched in float64."""
    Y, X = (size * rows(n, 7, seed=n) for n in (stored, 150))
    Y, X = Y.astype(np.float32), X.astype(np.float32)
    for count in {1, min(5, stored), stored}:
        found = Nearest(Y).search(X, count)
        np.testing.assert_array_equal(found.distance, by_brute_force(Y, X, count))


def test_search_where_float32_cannot_tell_rows_apart():
    """Differences of 1e-3 between rows of length 1e4: products are rounded to a few units."""
    Y = (1e4 + 1e-3 * rows(200, 9)).astype(np.float32)
    found = Nearest(Y).search(Y[:50], 4)
    np.testing.assert_array_equal(found.distance, by_brute_force(Y, Y[:50], 4))


def test_search_among_rows_of_all_sizes_at_once():
    Y = (rows(300) * np.logspace(-8, 8, 300)[:, np.newaxis]).astype(np.float32)
    found = Nearest(Y).search(Y, 3)
    np.testing.assert_array_equal(found.distance, by_brute_force(Y, Y, 3))


def test_equal_rows_count_as_often_as_they_are_stored():
    stored = np.array([[1], [0], [0], [5], [-0.0], [1]], np.float32)
    nearest = Nearest(stored)
    assert nearest.rows.tolist() == [[1], [0], [5]]
    assert nearest.first.tolist() == [0, 1, 3] and nearest.copies.tolist() == [2, 3, 1]
    found = nearest.search(np.array([[0], [6]], np.float32), 6)
    np.testing.assert_array_equal(found.distance, [[0, 0, 0, 1, 1, 5], [1, 5, 5, 6, 6, 6]])
    np.testing.assert_array_equal(nearest.rows[found.row][0, :, 0], [0, 0, 0, 1, 1, 5])


def test_of_equally_near_rows_the_one_stored_first_is_found():
    stored = np.array([[3], [1], [2]], np.float32)
    assert Nearest(stored).search(np.array([[2]], np.float32), 2).row.tolist() == [[2, 0]]


def test_of_equally_near_rows_the_same_are_found_in_any_company():
    """Whole numbers on a grid: most distances occur many times."""
    grid = np.stack(np.meshgrid(*[np.arange(6.0)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)
    nearest = Nearest(grid)
    together = nearest.search(grid, 5)
    for place in (0, 17, 100, 215):
        alone = nearest.search(grid[[place]], 5)
        np.testing.assert_array_equal(alone.row[0], together.row[place])
        np.testing.assert_array_equal(alone.distance[0], together.distance[place])


# --- k nearest neighbours -------------------------------------------------------------------------

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
    farthest = KNN(n_neighbors=4, distance="kth", **RAW).fit(LINE)
    assert farthest.anomaly_score([[2.0], [0.0]]).tolist() == [5, 7]


def test_knn_is_the_mean_distance_unless_told_otherwise():
    """Of 2: 1, 1, 2, 5; of 0: 0, 1, 3, 7."""
    assert KNN(n_neighbors=4, **RAW).fit(LINE).anomaly_score([[2.0], [0.0]]).tolist() == [
        2.25,
        2.75,
    ]


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
    stored = fitted.model_.rows
    assert stored.shape == (50, 5)
    assert len(np.unique(stored, axis=0)) == 50  # without replacement


def test_ratio_needs_a_row_more_than_neighbours():
    with pytest.raises(InputError, match="at least 6 rows, X has n_samples=5; lower n_neigh"):
        NeighbourRatio().fit(rows(5))


@pytest.mark.parametrize("count", [1, 4])
def test_knn_needs_as_many_rows_as_neighbours(count: int):
    with pytest.raises(
        InputError, match=f"at least 5 rows, X has n_samples={count}; lower n_neigh"
    ):
        KNN().fit(rows(count))


# --- neighbour ratio ------------------------------------------------------------------------------


def test_ratio_by_hand():
    """Of 0, 1, 3, 7 and k = 2: the mean distances to the two nearest others are 2, 1.5, 2.5, 5.

    Of 2 the nearest are 1 and 3, at 1 and 1; of 10 they are 7 and 3, at 3 and 7.
    """
    fitted = NeighbourRatio(n_neighbors=2, **RAW).fit(LINE)
    np.testing.assert_array_equal(fitted.model_.distance, [2, 1.5, 2.5, 5])
    expected = [1 / np.sqrt((1.5 + 2.5) / 2), 5 / np.sqrt((5 + 2.5) / 2)]
    np.testing.assert_allclose(fitted.anomaly_score([[2.0], [10.0]]), expected, rtol=1e-6)


def test_ratio_grows_with_the_root_of_the_unit():
    """Ten times larger rows: ten times the distance over sqrt(10) times the root."""
    X, new = rows(100), far()
    plain, large = (NeighbourRatio(**RAW).fit(f * X).anomaly_score(f * new) for f in (1, 10))
    np.testing.assert_allclose(large, np.sqrt(10) * plain, rtol=1e-4)


def test_ratio_is_the_distance_where_all_rows_are_equally_far():
    """On a ring every row has the same neighbours' distances: the order is that of k-NN."""
    angle = 2 * np.pi * np.arange(64) / 64
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    new = rows(30, 2, seed=5) * 2
    ratio, knn = (
        kind.fit(ring).anomaly_score(new)
        for kind in (NeighbourRatio(**RAW), KNN(distance="mean", **RAW))
    )
    np.testing.assert_allclose(ratio / knn, (ratio / knn)[0], rtol=1e-5)


def test_ratio_is_higher_beside_a_dense_cluster_than_as_far_from_a_thin_one():
    table = np.vstack([0.1 * rows(200), 3 * rows(200, seed=1) + 30])
    beside = np.array([[1.0] * 5, [30.0 + 3 * 2.0] * 5])
    ratio, knn = NeighbourRatio(**RAW).fit(table), KNN(distance="mean", **RAW).fit(table)
    assert np.diff(knn.anomaly_score(beside)) > 0 > np.diff(ratio.anomaly_score(beside))


@pytest.mark.filterwarnings("ignore:of .* rows? some hold what no learnt one did")
def test_ratio_of_copies_stays_finite():
    fitted = NeighbourRatio(**RAW).fit(np.zeros((30, 2)))
    np.testing.assert_array_equal(fitted.anomaly_score(np.zeros((2, 2))), 0.0)
    np.testing.assert_allclose(fitted.anomaly_score([[3.0, 4.0]]), 5 / np.sqrt(1e-6), rtol=1e-6)


# --- local outlier factor -------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "neighbours"), [(200, 20), (200, 3), (600, 50)])
def test_lof_scores_as_scikit_learn(n: int, neighbours: int):
    X = rows(n)
    ours = LOF(n_neighbors=neighbours, **RAW).fit(X)
    theirs = LocalOutlierFactor(n_neighbors=neighbours, novelty=True).fit(X)
    np.testing.assert_allclose(ours.score_samples(far()), theirs.score_samples(far()), rtol=1e-10)


def test_lof_by_hand():
    """Rows 0, 1, 3, k = 1. Reach 1, 1, 2; density at 0 and 1: 1 / max(1, 1), at 3: 1 / max(1, 2).

    At -1 the nearest is 0: density 1 / max(1, 1), score 1 / 1. At 5 it is 3: 1 / max(2, 2) = 1/2,
    score (1/2) / (1/2). At 11 the density is 1/8, the score (1/2) / (1/8) = 4.
    """
    fitted = LOF(n_neighbors=1, **RAW).fit([[0.0], [1.0], [3.0]])
    found = fitted.anomaly_score([[-1.0], [5.0], [11.0]])
    np.testing.assert_allclose(found, [1, 1, 4], rtol=1e-9)


@pytest.mark.filterwarnings("ignore:of .* rows? some hold what no learnt one did")
def test_lof_of_copies_and_what_lies_beside_them():
    """Copies count once; where all rows are copies, the smallest reach keeps scores finite."""
    two = np.repeat([[0.0, 0.0], [1.0, 1.0]], 30, axis=0)
    fitted = LOF(n_neighbors=10, **RAW).fit(two)
    assert fitted.training_ == fitted.training_ | {"distinct_rows": 2, "neighbours": 1}
    np.testing.assert_array_equal(fitted.anomaly_score(two), 1.0)
    # both rows have the reach sqrt(2); (3, 3) is 2 sqrt(2) away from the nearer one
    beside, far_off = fitted.anomaly_score([[0.0, 1e-3], [3.0, 3.0]])
    assert beside == 1.0 and far_off == pytest.approx(2.0, rel=1e-9)
    one = np.repeat([[0.0, 0.0]], 60, axis=0)
    fitted = LOF(n_neighbors=10, **RAW).fit(one)
    np.testing.assert_array_equal(fitted.anomaly_score(one), 1.0)
    np.testing.assert_allclose(fitted.anomaly_score([[0.0, 1e-3]]), 1e-3 / 1e-10, rtol=1e-6)


def test_lof_with_fewer_rows_than_neighbours():
    fitted = LOF(**RAW).fit(rows(12))
    assert fitted.training_["neighbours"] == 11
    theirs = LocalOutlierFactor(n_neighbors=11, novelty=True).fit(rows(12))
    np.testing.assert_allclose(fitted.score_samples(far()), theirs.score_samples(far()), rtol=1e-10)


def test_lof_sees_what_lies_between_clusters_of_two_densities():
    """A row as far from a dense cluster as rows of a thin one are from each other."""
    dense, thin = 0.1 * rows(200), 3 * rows(200, seed=1) + 30
    table = np.vstack([dense, thin])
    odd = np.array([[1.0] * 5])
    lof, knn = LOF(**RAW).fit(table), KNN(**RAW).fit(table)
    assert lof.anomaly_score(odd) > lof.anomaly_score(table).max()
    assert knn.anomaly_score(odd) < knn.anomaly_score(table).max()


@pytest.mark.parametrize(
    ("kind", "name"),
    [(LOF, "rows"), (LOF, "reach"), (LOF, "density"), (NeighbourRatio, "distance")],
)
def test_arrays_that_do_not_fit_together_are_refused(kind, name: str):
    model = kind(random_state=0).fit(rows(50)).model_
    with pytest.raises(InputError, match="shape"):
        replace(model, **{name: getattr(model, name)[:-1]})


@pytest.mark.parametrize(
    ("detector", "complaint"),
    [
        (KNN(n_neighbors=0), "n_neighbors is 0"),
        (KNN(n_neighbors=True), "n_neighbors is True"),
        (KNN(distance="median"), "distance is 'median'; choose one of: kth, mean"),
        (KNN(n_neighbors=9, max_rows=8), "max_rows is 8; give a whole number of at least 9"),
        (NeighbourRatio(n_neighbors=9, max_rows=9), "max_rows is 9; give a whole number of at"),
        (LOF(n_neighbors=0), "n_neighbors is 0"),
        (LOF(n_neighbors=9, max_rows=9), "max_rows is 9; give a whole number of at least 10"),
    ],
)
def test_parameters_are_checked_at_fit(detector, complaint: str):
    with pytest.raises(InputError, match=complaint):
        detector.fit(rows(20))
