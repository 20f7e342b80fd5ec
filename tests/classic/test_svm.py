"""One-class SVMs: as scikit-learn has them, and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from classic_rows import RAW, far, rows
from sklearn import svm
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM

from alad.classic.svm import OneClassSVM, OneClassSVMSGD
from alad.errors import InputError


@pytest.mark.parametrize("nu", [0.05, 0.5, 0.9])
def test_svm_decides_as_scikit_learn(nu: float):
    X = rows(200)
    ours, theirs = OneClassSVM(nu=nu, **RAW).fit(X), svm.OneClassSVM(nu=nu).fit(X)
    scale = np.abs(theirs.decision_function(X)).max()
    for table in (X, far()):
        np.testing.assert_allclose(
            ours.anomaly_score(table), -theirs.decision_function(table), atol=1e-11 * scale
        )


@pytest.mark.filterwarnings("ignore:of .* rows? some hold what no learnt one did")
def test_svm_of_one_row_by_hand():
    """One support vector s of weight nu and a border through it: score nu (1 - exp(-|x - s|²))."""
    fitted = OneClassSVM(nu=0.25, **RAW).fit([[2.0]])
    expected = 0.25 - 0.25 * np.exp(-np.array([0.0, 1.0, 4.0]))
    np.testing.assert_allclose(fitted.anomaly_score([[2.0], [3.0], [0.0]]), expected, atol=1e-12)


def test_svm_learns_from_a_sample_of_the_stated_size():
    fitted = OneClassSVM(nu=0.99, max_rows=40, random_state=0, **RAW).fit(rows(200))
    assert fitted.training_["rows"] == 200
    assert fitted.training_["rows_used"] == 40
    assert fitted.model_.vectors.shape == (40, 5)  # with nu = 0.99 every row is one


def test_a_bandwidth_may_be_given():
    X = rows(200)
    ours, theirs = OneClassSVM(gamma=0.02, **RAW).fit(X), svm.OneClassSVM(gamma=0.02).fit(X)
    found, expected = ours.anomaly_score(far()), -theirs.decision_function(far())
    np.testing.assert_allclose(found, expected, atol=1e-11 * np.abs(expected).max())


def test_sgd_decides_as_scikit_learn_on_the_same_features():
    """With every row in the sample there is one set of features, in whatever order."""
    X = rows(300)
    ours = OneClassSVMSGD(nu=0.2, n_components=300, random_state=3, **RAW).fit(X)
    gamma = 1 / (5 * X.var())
    features = Nystroem(gamma=gamma, n_components=300, random_state=0).fit(X)
    theirs = SGDOneClassSVM(nu=0.2, random_state=3).fit(features.transform(X).astype(np.float32))
    for table in (X, far()):
        expected = theirs.decision_function(features.transform(table))
        np.testing.assert_allclose(
            ours.score_samples(table), expected, atol=1e-5 * np.abs(expected).max()
        )


def test_sgd_ranks_like_the_exact_machine():
    """A plane in 100 features of 2,000 rows, against the machine that sees all kernels."""
    X, new = rows(2000), rows(500, seed=5) * np.linspace(0.2, 4, 500)[:, np.newaxis]
    exact = OneClassSVM(nu=0.5, **RAW).fit(X).anomaly_score(new)
    close = OneClassSVMSGD(nu=0.5, n_components=100, random_state=0, **RAW).fit(X)
    ranks = [np.argsort(np.argsort(scores)) for scores in (exact, close.anomaly_score(new))]
    assert np.corrcoef(ranks)[0, 1] > 0.95
    assert close.training_["components"] == 100 and close.training_["rows"] == 2000


def test_sgd_learns_from_all_rows_and_samples_some():
    fitted = OneClassSVMSGD(n_components=40, random_state=0).fit(rows(200))
    model = fitted.model_
    assert model.vectors.shape == (40, 5) and model.weights.shape == (40,)
    assert len(np.unique(model.vectors, axis=0)) == 40


@pytest.mark.parametrize("name", ["vectors", "weights"])
def test_arrays_that_do_not_fit_together_are_refused(name: str):
    model = OneClassSVM(random_state=0).fit(rows(50)).model_
    with pytest.raises(InputError, match="shape"):
        replace(model, **{name: getattr(model, name)[:-1]})


@pytest.mark.parametrize(
    ("detector", "complaint"),
    [
        (OneClassSVM(nu=0), "nu is 0; give a number above 0 and at most 0.999"),
        (OneClassSVM(nu=1), "nu is 1;"),
        (OneClassSVM(max_rows=0), "max_rows is 0"),
        (OneClassSVM(gamma=0), "gamma is 0; give a number above 0, or None for the rule"),
        (OneClassSVM(gamma="scale"), "gamma is 'scale'"),  # type: ignore[arg-type]
        (OneClassSVMSGD(gamma=float("inf")), "gamma is inf"),
        (OneClassSVMSGD(nu=1.5), "nu is 1.5"),
        (OneClassSVMSGD(n_components=0), "n_components is 0"),
        (OneClassSVMSGD(max_epochs=0), "max_epochs is 0"),
    ],
)
def test_parameters_are_checked_at_fit(detector, complaint: str):
    with pytest.raises(InputError, match=complaint):
        detector.fit(rows(20))
