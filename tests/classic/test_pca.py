"""Principal components: by hand, by definition, as in scikit-learn, and the numeric case."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from classic_rows import RAW, far, line, rows
from numeric_cases import case
from sklearn import decomposition
from sklearn.exceptions import ConvergenceWarning

from alad.classic.kernel_pca import KernelPCA
from alad.classic.pca import PCA, RobustPCA
from alad.classic.principal_component_pursuit import pursue, row_space, shrink, shrink_singular
from alad.classic.subspace import components_to_keep
from alad.errors import InputError

# --- principal components -------------------------------------------------------------------------


def test_pca_by_hand():
    """Along the first axis variance 8/3, along the second 2/3: one direction of two is kept."""
    X = [[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]
    new = [[7.0, 0.0], [0.0, -3.0], [4.0, 3.0]]
    fitted = PCA(explained=0.8, **RAW).fit(X)
    np.testing.assert_allclose(fitted.anomaly_score(new), [0, 3, 3], atol=1e-12)
    lengths = PCA(explained=0.8, distance="mahalanobis", **RAW).fit(X).anomaly_score(new)
    by_hand = [49 / (8 / 3), 9 / (2 / 3), 16 / (8 / 3) + 9 / (2 / 3)]
    np.testing.assert_allclose(lengths, np.sqrt(by_hand), rtol=1e-12)


@pytest.mark.parametrize("kept", [1, 3, 4])
def test_pca_is_the_reconstruction_error_of_scikit_learn(kept: int):
    X = line(200)
    theirs = decomposition.PCA(kept, svd_solver="full").fit(X)
    missed = far() - theirs.inverse_transform(theirs.transform(far()))
    found = PCA(n_components=kept, **RAW).fit(X).anomaly_score(far())
    np.testing.assert_allclose(found, np.linalg.norm(missed, axis=1), rtol=1e-9)


def test_pca_mahalanobis_is_that_of_the_probabilistic_model():
    """scikit-learn's `get_precision` is the inverse covariance of the same model."""
    X = rows(200) * [4, 2, 1, 1, 0.5]  # powers of 2, which float32 holds
    theirs = decomposition.PCA(2, svd_solver="full").fit(X)
    away = far() - theirs.mean_
    squared = ((away @ theirs.get_precision()) * away).sum(axis=1)
    fitted = PCA(n_components=2, distance="mahalanobis", **RAW).fit(X)
    np.testing.assert_allclose(fitted.anomaly_score(far()), np.sqrt(squared), rtol=1e-9)


@pytest.mark.parametrize("distance", ["residual", "mahalanobis"])
def test_pca_alone_and_in_any_order(distance: str):
    fitted, X = PCA(distance=distance).fit(line(300)), rows(600, seed=4)
    together, order = fitted.anomaly_score(X), np.random.default_rng(0).permutation(600)
    np.testing.assert_array_equal(fitted.anomaly_score(X[order]), together[order])
    for place in (0, 5, 511, 512, 599):
        assert fitted.anomaly_score(X[[place]])[0] == together[place]


@pytest.mark.parametrize(
    ("variances", "explained", "kept"),
    [([6, 3, 1], 0.5, 1), ([6, 3, 1], 0.7, 2), ([6, 3, 1], 1.0, 2), ([0, 0, 0], 0.95, 0)],
)
def test_components_to_keep(variances: list[float], explained: float, kept: int):
    assert components_to_keep(np.array(variances, float), explained, most=2) == kept


def test_one_column_has_nothing_but_outside():
    fitted = PCA(**RAW).fit([[1.0], [2.0], [3.0]])
    np.testing.assert_allclose(fitted.anomaly_score([[2.0], [5.0]]), [0, 3], atol=1e-12)


def test_pca_leaves_out_a_direction_in_which_rows_vary():
    """A constant column and a category's last one vary in no row: their residual is rounding."""
    X = np.column_stack([rows(300, columns=3), np.full(300, 5.0)])
    fitted = PCA(**RAW).fit(X)
    assert fitted.training_["components"] == 2
    assert np.median(fitted.anomaly_score(X)) > 0.1


def test_pca_of_more_columns_than_rows():
    X = rows(10, columns=40)
    fitted = PCA(explained=1.0, **RAW).fit(X)
    np.testing.assert_allclose(fitted.anomaly_score(X), 0, atol=1e-6)
    assert (fitted.anomaly_score(rows(5, columns=40, seed=9)) > 1).all()


@pytest.mark.parametrize("detector", [PCA(n_components=5), RobustPCA(n_components=5)])
def test_a_direction_has_to_be_left_out(detector):
    complaint = "n_components is 5, .* n_features=5, .*; give at most 4"
    with pytest.raises(InputError, match=complaint):
        detector.fit(line(50))


# --- kernel principal components ------------------------------------------------------------------


def feature_space_error(X: np.ndarray, new: np.ndarray, kept: int, gamma: float) -> np.ndarray:
    """By scikit-learn's coordinates and the definition of centring, without shortcuts."""
    fitted = decomposition.KernelPCA(kept, kernel="rbf", gamma=gamma, eigen_solver="dense").fit(X)
    kernel = np.exp(-gamma * ((new[:, np.newaxis] - X) ** 2).sum(axis=2))
    among = np.exp(-gamma * ((X[:, np.newaxis] - X) ** 2).sum(axis=2))
    length = 1 - 2 * kernel.mean(axis=1) + among.mean()
    return length - (fitted.transform(new) ** 2).sum(axis=1)


@pytest.mark.parametrize("kept", [1, 10, 60])
def test_kernel_pca_is_the_reconstruction_error_in_feature_space(kept: int):
    X, gamma = rows(120), 1 / (5 * rows(120).var())
    found = KernelPCA(n_components=kept, **RAW).fit(X).anomaly_score(far())
    np.testing.assert_allclose(found, feature_space_error(X, far(), kept, gamma), atol=1e-10)


def test_kernel_pca_of_two_rows_by_hand():
    """Rows 0 and 1, k = exp(-gamma) between them: all variance lies along their difference.

    With a = k(x, 0), b = k(x, 1), k = k(0, 1): k'(x, x) = 1 - (a + b) + (1 + k) / 2, and the
    squared coordinate is (a - b)² / (2 (1 - k)).
    """
    fitted = KernelPCA(gamma=0.5, **RAW).fit([[0.0], [1.0]])
    assert fitted.training_["components"] == 1
    k, a, b = np.exp(-0.5), np.exp(-0.5 * 4), np.exp(-0.5)  # x = 2
    expected = 1 - (a + b) + (1 + k) / 2 - (a - b) ** 2 / (2 * (1 - k))
    np.testing.assert_allclose(fitted.anomaly_score([[2.0], [0.0]]), [expected, 0], atol=1e-12)


def test_kernel_pca_explains_the_share_asked_for():
    X = rows(100)
    gamma = 1 / (5 * X.var())
    kernel = np.exp(-gamma * ((X[:, np.newaxis] - X) ** 2).sum(axis=2))
    centring = np.eye(100) - 1 / 100
    values = np.sort(np.linalg.eigvalsh(centring @ kernel @ centring))[::-1]
    kept = KernelPCA(explained=0.8, **RAW).fit(X).training_["components"]
    assert values[: kept - 1].sum() < 0.8 * values.sum() <= values[:kept].sum()


# --- robust principal components ------------------------------------------------------------------


def test_pursuit_as_in_the_case():
    given = case("rpca")
    expected, tolerance = given["expected"], given["tolerance"]["relative_frobenius_L_and_S"]
    M = np.array(given["given"]["M"])
    for matrix, turned in ((M, False), (M.T, True)):
        found = pursue(matrix)
        low_rank, sparse = (part.T if turned else part for part in found[:2])
        for part, key in ((low_rank, "L"), (sparse, "S")):
            due = np.array(expected[key])
            assert np.linalg.norm(part - due) < tolerance * np.linalg.norm(due)
        np.testing.assert_array_equal(np.abs(sparse) > 1e-3, np.array(expected["S"]) != 0)
        assert row_space(low_rank).shape == (12, expected["rank"]) and found.gap < 1e-7
        objective = np.linalg.norm(low_rank, "nuc") + np.abs(sparse).sum() / np.sqrt(20)
        np.testing.assert_allclose(objective, expected["objective"], rtol=1e-6)


def test_shrinking_by_hand():
    np.testing.assert_array_equal(shrink(np.array([3.0, -2.0, 0.5]), 1.0), [2, -1, 0])
    tall = np.array([[3.0, 0.0], [0.0, 0.5], [0.0, 0.0]])
    np.testing.assert_allclose(shrink_singular(tall, 1.0), [[2, 0], [0, 0], [0, 0]], atol=1e-12)


@pytest.mark.parametrize("shape", [(30, 6), (6, 30)])
def test_shrinking_is_that_of_the_singular_value_decomposition(shape: tuple[int, int]):
    M = np.random.default_rng(0).normal(size=shape)
    left, singular, right = np.linalg.svd(M, full_matrices=False)
    by = float(np.median(singular))
    expected = left @ np.diag(np.maximum(singular - by, 0)) @ right
    np.testing.assert_allclose(shrink_singular(M, by), expected, atol=1e-12)


def test_wrong_cells_do_not_turn_the_directions():
    """Rows on a line; every twentieth cell is grossly wrong. Plain PCA follows those cells."""
    generator = np.random.default_rng(0)
    X = line(300)
    X[generator.random(X.shape) < 0.05] += 40
    true = np.array([3.0, -2.0, 1.0, 0.5, 2.0]) / np.linalg.norm([3.0, -2.0, 1.0, 0.5, 2.0])
    robust, plain = (
        detector.fit(X).model_.directions[:, 0]
        for detector in (RobustPCA(n_components=1, **RAW), PCA(n_components=1, **RAW))
    )
    assert abs(robust @ true) > 0.98 > 0.9 > abs(plain @ true)


def test_robust_pca_measures_what_lies_outside_the_row_space():
    fitted = RobustPCA(random_state=0, **RAW).fit(line(200))
    model = fitted.model_
    V = model.directions
    np.testing.assert_allclose(V.T @ V, np.eye(V.shape[1]), atol=1e-12)
    outside = (np.eye(5) - V @ V.T) @ (far() - model.centre).T
    np.testing.assert_allclose(fitted.anomaly_score(far()), np.linalg.norm(outside, axis=0))


def test_a_pursuit_that_does_not_arrive_warns():
    with pytest.warns(ConvergenceWarning, match="gap of .* after 2 steps; raise max_steps"):
        RobustPCA(max_steps=2).fit(line(50))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RobustPCA().fit(line(50))


def test_a_pursuit_of_nothing():
    found = pursue(np.zeros((4, 3)))
    assert not found.low_rank.any() and not found.sparse.any() and found.gap == 0


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("detector", [RobustPCA(max_rows=40), KernelPCA(max_rows=40)])
def test_a_sample_of_the_stated_size_is_learnt_from(detector):
    training = detector.set_params(random_state=0, calibration_fraction=0).fit(line(200)).training_
    assert training == training | {"rows": 200, "rows_used": 40, "seed": 0}


@pytest.mark.parametrize("detector", [PCA(), RobustPCA(), KernelPCA()])
def test_arrays_that_do_not_fit_together_are_refused(detector):
    model = detector.fit(line(50)).model_
    arrays = {name: array for name, array in vars(model).items() if isinstance(array, np.ndarray)}
    assert len(arrays) >= 2
    for name, array in arrays.items():
        with pytest.raises(InputError, match=r"shape|for each"):
            replace(model, **{name: array[:-1]})


@pytest.mark.parametrize(
    ("detector", "complaint"),
    [
        (PCA(explained=0), "explained is 0; give a number above 0 and at most 1"),
        (PCA(n_components=0), "n_components is 0; give a whole number of at least 1"),
        (PCA(distance="cosine"), "distance is 'cosine'; choose one of: residual, mahalanobis"),
        (RobustPCA(n_components=1.5), "n_components is 1.5"),  # type: ignore[arg-type]
        (RobustPCA(tolerance=0), "tolerance is 0"),
        (RobustPCA(max_steps=0), "max_steps is 0"),
        (RobustPCA(max_rows=1), "max_rows is 1; give a whole number of at least 2"),
        (KernelPCA(explained=1.5), "explained is 1.5"),
        (KernelPCA(gamma=-1), "gamma is -1"),
        (KernelPCA(max_rows=0), "max_rows is 0"),
    ],
)
def test_parameters_are_checked_at_fit(detector, complaint: str):
    with pytest.raises(InputError, match=complaint):
        detector.fit(rows(20))
