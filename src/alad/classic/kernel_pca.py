"""Directions in the feature space of a kernel; what lies outside them is anomalous."""

from typing import Any, ClassVar, Unpack

import numpy as np
from sklearn import decomposition

from alad.classic.kernel import Gaussian, bandwidth, check_gamma
from alad.classic.sampling import check_arrays, check_rows, sample
from alad.classic.subspace import check_count, components_to_keep
from alad.detector.constructors import Common
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.parameters import share, whole


class KernelPCA(Detector):
    """Squared length outside the main directions, in the feature space of a Gaussian kernel.

    Hoffmann: Kernel PCA for novelty detection, 2007: with k'(x) the kernels of x with the sampled
    rows, centred, and f_l(x) its coordinate along the l-th direction, the score is
    k'(x, x) - sum_l f_l(x)² (eq. 8 and 9), large = anomalous. The directions are the
    leading eigenvectors of the centred kernel matrix, which the iterative kernel PCA of Günter,
    Schraudolph, Vishwanathan 2007 approaches step by step; here the matrix of a sample is
    decomposed at once.

    Parameters
    ----------
    explained : the fewest directions that explain this share of the variance in feature space
    n_components : keep so many instead, at most as many as there are
    gamma : of the kernel exp(-gamma |x - y|²); None = 1 / (width · variance of the encoded sample)
    max_rows : with more training rows it learns from a random sample of so many; its cost grows
        with their third power
    scaling, drop : see `TableEncoder`
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "kernel-pca"
    summary: ClassVar[str] = "outside the main directions in a kernel's space (Hoffmann 2007)"

    def __init__(
        self,
        *,
        explained: float = 0.95,
        n_components: int | None = None,
        gamma: float | None = None,
        max_rows: int = 2000,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.explained = explained
        self.n_components = n_components
        self.gamma = gamma
        self.max_rows = max_rows

    def _check_parameters(self) -> None:
        super()._check_parameters()
        share("explained", self.explained)
        check_count(self.n_components)
        check_gamma(self.gamma)
        whole("max_rows", self.max_rows)

    def _fit_matrix(self, X: np.ndarray) -> None:
        rows = sample(self, X)
        kernel = Gaussian(rows, bandwidth(self.gamma, rows))
        matrix = kernel(rows)
        fitted = decomposition.KernelPCA(kernel="precomputed", eigen_solver="dense").fit(matrix)
        values = fitted.eigenvalues_  # descending; those of 0 are left out
        if self.n_components is None:
            kept = components_to_keep(values, self.explained, len(values))
        else:
            kept = min(self.n_components, len(values))
        weights = np.asarray(fitted.eigenvectors_)[:, :kept] / np.sqrt(values[:kept])
        self._adopt(kernel, weights, matrix.mean(axis=0) @ weights, float(matrix.mean()))
        self.training_["components"] = kept

    def _adopt(self, kernel: Gaussian, weights: np.ndarray, shift: np.ndarray, mean: float) -> None:
        self._kernel, self._weights, self._shift, self._mean = kernel, weights, shift, mean

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        """Weights of a direction add up to 0, so only the rows' own means are left to subtract."""
        kernel = self._kernel(X)  # [n, rows]
        coordinates = kernel @ self._weights - self._shift  # f_l(x), [n, kept]
        whole_length = 1 - 2 * kernel.mean(axis=1) + self._mean  # k'(x, x)
        return whole_length - (coordinates**2).sum(axis=1)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        arrays = {"rows": self._kernel.rows, "weights": self._weights, "shift": self._shift}
        return {"gamma": self._kernel.gamma, "mean": self._mean}, arrays

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"rows": "f", "weights": "f", "shift": "f"})
        rows, weights, shift = arrays["rows"], arrays["weights"], arrays["shift"]
        check_rows(rows, self.encoder_.width_)
        if weights.shape != (len(rows), len(shift)) or shift.ndim != 1:
            raise InputError(
                f"the model holds {len(rows)} rows, weights of the shape {weights.shape} and "
                f"shifts of the shape {shift.shape}; save it anew"
            )
        self._adopt(Gaussian(rows, float(content["gamma"])), weights, shift, float(content["mean"]))
