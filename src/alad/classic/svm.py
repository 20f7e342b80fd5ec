"""The one-class SVM: exact on a sample of rows, or approximate on all of them."""

import functools
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from sklearn import svm
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM

from alad.classic.kernel import Gamma, Gaussian, bandwidth
from alad.classic.models import BorderModel
from alad.classic.sampling import draw, global_generator_kept, sample, seed_for
from alad.detector.contract import Detector, Fit
from alad.detector.model import block_rows
from alad.parameters import Count, share

Nu = Annotated[float, functools.partial(share, most=0.999)]  # at 1 there may be no border


@dataclass(kw_only=True, eq=False, repr=False)
class OneClassSVM(Detector):
    """One-class SVM: distance beyond a smooth border around most rows. Schölkopf et al. 2001.

    min |w|² / 2 + sum_i xi_i / (nu n) - rho, subject to w·phi(x_i) >= rho - xi_i and xi_i >= 0: the
    paper's primal problem. Score, large = anomalous: rho - sum_i alpha_i k(x_i, x), above 0 outside
    the border, by the dual's alpha. The kernel is k(s, x) = exp(-gamma |x - s|²). Far from all rows
    it vanishes, so two distant anomalies get the same score, however far each is.
    """

    name: ClassVar[str] = "oc-svm"
    summary: ClassVar[str] = "outside a smooth border around most rows (Schölkopf et al. 2001)"
    model = BorderModel
    streams_rows = True

    # at most this share of the training rows lies outside, and at least it are support vectors
    nu: Nu = 0.5
    # of the kernel exp(-gamma |x - y|²); None = 1 / (width · variance of the encoded sample)
    gamma: Gamma = None
    # learn from at most this many rows, a random sample; the cost grows with the square of it
    max_rows: Count = 5000

    def _learn(self, X: np.ndarray, fit: Fit) -> BorderModel:
        rows = sample(self, X, fit)
        gamma = bandwidth(self.gamma, rows)
        settings: dict[str, Any] = {"nu": self.nu, "gamma": gamma}
        machine = svm.OneClassSVM(**settings)
        machine.random_state = 0  # without it, fit draws an unused seed from the global generator
        fitted = machine.fit(rows.astype(np.float64))
        vectors = fitted.support_vectors_.astype(np.float32)  # exact: they are rows of the sample
        return BorderModel(vectors, fitted.dual_coef_[0], gamma, float(fitted.intercept_[0]))


@dataclass(kw_only=True, eq=False, repr=False)
class OneClassSVMSGD(Detector):
    """The one-class SVM learnt from all rows, in an approximate feature space.

    The problem of Schölkopf et al. 2001 (see `OneClassSVM`); the score is large = anomalous, and
    above 0 outside the border.
    Nyström's features of a row (Williams, Seeger 2001) are its kernels with a sample of the rows,
    made orthonormal, phi(x) = K^(-1/2) k(x) [rows of the sample]; in them the border is a plane,
    found by stochastic gradient descent over all rows (scikit-learn's `SGDOneClassSVM`). They are
    linear in the kernels, so a score is a weighted sum of kernels like that of the exact machine,
    over the sampled rows.
    """

    name: ClassVar[str] = "oc-svm-sgd"
    summary: ClassVar[str] = "the one-class SVM on all rows: Nyström features, gradient descent"
    model = BorderModel

    nu: Nu = 0.5  # about this share of the training rows lies outside
    # of the kernel exp(-gamma |x - y|²); None = 1 / (width · variance of the encoded rows)
    gamma: Gamma = None
    # number of sampled rows, and of features; a fit holds the features of all rows in float32
    n_components: Count = 300
    max_epochs: Count = 1000  # most passes over the rows; warns if the loss still falls after them

    def _learn(self, X: np.ndarray, fit: Fit) -> BorderModel:
        seed = seed_for(self, fit)
        kernel = Gaussian(draw(X, self.n_components, seed), bandwidth(self.gamma, X))
        to_features = _orthonormal(kernel)
        features = np.empty((len(X), len(kernel.rows)), np.float32)
        rows = block_rows(X.shape[1:])
        for at in range(0, len(X), rows):
            features[at : at + rows] = kernel(X[at : at + rows]) @ to_features.T
        plane = SGDOneClassSVM(nu=self.nu, max_iter=self.max_epochs, random_state=seed)
        with global_generator_kept():  # fit draws an unused seed from it, whatever random_state
            plane.fit(features)
        fit.facts |= {"components": len(kernel.rows), "epochs": int(plane.n_iter_)}
        normal, offset = np.asarray(plane.coef_, np.float64), np.asarray(plane.offset_)
        return BorderModel(kernel.rows, normal @ to_features, kernel.gamma, -float(offset[0]))


def _orthonormal(kernel: Gaussian) -> np.ndarray:
    """Compute Nyström's map [features, rows] from kernels with the rows to features."""
    count, rows = len(kernel.rows), kernel.rows.astype(np.float64)
    nystroem = Nystroem(gamma=kernel.gamma, n_components=count, random_state=0).fit(rows)
    order = np.argsort(nystroem.component_indices_)  # scikit-learn has shuffled the rows
    return nystroem.normalization_[:, order]
