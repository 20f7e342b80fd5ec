"""A smooth border around most rows: the one-class SVM, exact on a sample or approximate on all."""

from typing import Any, ClassVar, Unpack

import numpy as np
from sklearn import svm
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM

from alad.classic.kernel import Gaussian, bandwidth, check_gamma
from alad.classic.sampling import (
    check_arrays,
    check_rows,
    draw,
    global_generator_kept,
    sample,
    seed_for,
)
from alad.detector.constructors import Common
from alad.detector.contract import Detector
from alad.detector.rows import block_rows
from alad.errors import InputError
from alad.parameters import share, whole


class KernelBorder(Detector):
    """A border is where a weighted sum of kernels with some rows, and a shift, is 0."""

    nu: float
    gamma: float | None

    def _check_parameters(self) -> None:
        super()._check_parameters()
        share("nu", self.nu, most=0.999)  # at 1 every row may lie outside, and there is no border
        check_gamma(self.gamma)

    def _adopt(self, kernel: Gaussian, weights: np.ndarray, shift: float) -> None:
        self._kernel, self._weights, self._shift = kernel, weights, shift

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        kernel = self._kernel(X)
        kernel *= self._weights
        return -(kernel.sum(axis=1) + self._shift)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        content = {"gamma": self._kernel.gamma, "shift": self._shift}
        return content, {"vectors": self._kernel.rows, "weights": self._weights}

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"vectors": "f", "weights": "f"})
        vectors, weights = arrays["vectors"], arrays["weights"]
        check_rows(vectors, self.encoder_.width_)
        if weights.shape != (len(vectors),):
            raise InputError(
                f"the model holds {len(vectors)} vectors and weights of the shape {weights.shape}; "
                f"save it anew"
            )
        self._adopt(Gaussian(vectors, float(content["gamma"])), weights, float(content["shift"]))


class OneClassSVM(KernelBorder):
    """Distance beyond a smooth border around most rows. Schölkopf et al. 2001.

    min |w|² / 2 + sum_i xi_i / (nu n) - rho, subject to w·phi(x_i) >= rho - xi_i and xi_i >= 0: the
    paper's primal problem. Score, large = anomalous: rho - sum_i alpha_i k(x_i, x), above 0 outside
    the border, by the dual's alpha. The kernel is k(s, x) = exp(-gamma |x - s|²). Far from all rows
    it vanishes: of two distant anomalies it cannot tell which is farther.

    Parameters
    ----------
    nu : at most this share of the fitted rows lies outside, at least this share are support vectors
    gamma : of the kernel; None = 1 / (width · variance of the encoded sample)
    max_rows : with more training rows it learns from a random sample of so many; its cost grows
        with the square of the rows
    scaling, drop : see `TableEncoder`
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "oc-svm"
    summary: ClassVar[str] = "outside a smooth border around most rows (Schölkopf et al. 2001)"

    def __init__(
        self,
        *,
        nu: float = 0.5,
        gamma: float | None = None,
        max_rows: int = 5000,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.nu = nu
        self.gamma = gamma
        self.max_rows = max_rows

    def _check_parameters(self) -> None:
        super()._check_parameters()
        whole("max_rows", self.max_rows)

    def _fit_matrix(self, X: np.ndarray) -> None:
        rows = sample(self, X)
        gamma = bandwidth(self.gamma, rows)
        settings: dict[str, Any] = {"nu": self.nu, "gamma": gamma}
        machine = svm.OneClassSVM(**settings)
        machine.random_state = 0  # without it, fit draws an unused seed from the global generator
        fitted = machine.fit(rows.astype(np.float64))
        vectors = fitted.support_vectors_.astype(np.float32)  # exact: they are rows of the sample
        self._adopt(Gaussian(vectors, gamma), fitted.dual_coef_[0], float(fitted.intercept_[0]))


class OneClassSVMSGD(KernelBorder):
    """The one-class SVM learnt from all rows, in an approximate feature space.

    The problem of Schölkopf et al. 2001 (see `OneClassSVM`); the score is large = anomalous, and
    above 0 outside the border.
    Nyström's features of a row (Williams, Seeger 2001) are its kernels with a sample of the rows,
    made orthonormal, phi(x) = K^(-1/2) k(x) [rows of the sample]; in them the border is a plane,
    found by stochastic gradient descent over all rows (scikit-learn's `SGDOneClassSVM`). They are
    linear in the kernels, so a score is a weighted sum of kernels like that of the exact machine,
    over the sampled rows.

    Parameters
    ----------
    nu : about this share of the fitted rows lies outside
    gamma : of the kernel; None = 1 / (width · variance of the encoded rows)
    n_components : rows sampled, and features; while fitting, the features of all rows are held in
        float32
    max_epochs : passes over the rows, at most; it warns if the loss still falls then
    scaling, drop : see `TableEncoder`
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : of the sample and of the order of rows: None, an integer or a RandomState
    """

    name: ClassVar[str] = "oc-svm-sgd"
    summary: ClassVar[str] = "the one-class SVM on all rows: Nyström features, gradient descent"

    def __init__(
        self,
        *,
        nu: float = 0.5,
        gamma: float | None = None,
        n_components: int = 300,
        max_epochs: int = 1000,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.nu = nu
        self.gamma = gamma
        self.n_components = n_components
        self.max_epochs = max_epochs

    def _check_parameters(self) -> None:
        super()._check_parameters()
        whole("n_components", self.n_components)
        whole("max_epochs", self.max_epochs)

    def _fit_matrix(self, X: np.ndarray) -> None:
        seed = seed_for(self)
        kernel = Gaussian(draw(X, self.n_components, seed), bandwidth(self.gamma, X))
        to_features = _orthonormal(kernel)
        features = np.empty((len(X), len(kernel.rows)), np.float32)
        rows = block_rows(X.shape[1:])
        for at in range(0, len(X), rows):
            features[at : at + rows] = kernel(X[at : at + rows]) @ to_features.T
        plane = SGDOneClassSVM(nu=self.nu, max_iter=self.max_epochs, random_state=seed)
        with global_generator_kept():  # fit draws an unused seed from it, whatever random_state
            plane.fit(features)
        self.training_ |= {"components": len(kernel.rows), "epochs": int(plane.n_iter_)}
        normal, offset = np.asarray(plane.coef_, np.float64), np.asarray(plane.offset_)
        self._adopt(kernel, normal @ to_features, -float(offset[0]))


def _orthonormal(kernel: Gaussian) -> np.ndarray:
    """[features, rows]: what makes features of kernels with the rows."""
    count, rows = len(kernel.rows), kernel.rows.astype(np.float64)
    nystroem = Nystroem(gamma=kernel.gamma, n_components=count, random_state=0).fit(rows)
    in_their_order = np.argsort(nystroem.component_indices_)  # it has shuffled them
    return nystroem.normalization_[:, in_their_order]
