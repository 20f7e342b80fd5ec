"""A border around most rows."""

from typing import Any, ClassVar

import numpy as np
from sklearn import svm

from alad.classic.sampling import sample
from alad.classic.stored import check_arrays
from alad.detector import Detector, share, whole
from alad.errors import InputError


class OneClassSVM(Detector):
    """Distance beyond a smooth border around most rows. Schölkopf et al. 2001.

    The kernel is exp(-gamma |x - s|²) with gamma = 1 / (width · variance of the encoded sample).
    Far from all rows it vanishes: of two distant anomalies it cannot tell which is farther.

    Parameters
    ----------
    nu : at most this share of the fitted rows lies outside, at least this share are support vectors
    max_rows : with more training rows it learns from a random sample of so many; its cost grows
        with the square of the rows
    scaling, drop : see `TableEncoder`
    contamination : share of the training rows to be flagged by `predict`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "oc-svm"
    summary: ClassVar[str] = "outside a smooth border around most rows (Schölkopf et al. 2001)"

    def __init__(
        self,
        *,
        nu: float = 0.5,
        max_rows: int = 5000,
        scaling: str = "standard",
        drop: Any = (),
        contamination: float = 0.05,
        random_state: Any = None,
    ):
        self.nu = nu
        self.max_rows = max_rows
        self.scaling = scaling
        self.drop = drop
        self.contamination = contamination
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        share("nu", self.nu, most=0.999)  # at 1 every row may lie outside, and there is no border
        whole("max_rows", self.max_rows)

    def _fit_matrix(self, X: np.ndarray) -> None:
        chosen = sample(self, X)
        spread = float(chosen.var(dtype=np.float64))
        gamma = 1 / (chosen.shape[1] * spread) if spread else 1.0  # as gamma="scale"
        settings: dict[str, Any] = {"nu": self.nu, "gamma": gamma}
        machine = svm.OneClassSVM(**settings)
        machine.random_state = 0  # without it, fit draws an unused seed from the global generator
        fitted = machine.fit(chosen.astype(np.float64))
        vectors = fitted.support_vectors_.astype(np.float32)  # exact: they are rows of the sample
        self._adopt(vectors, fitted.dual_coef_[0], gamma, float(fitted.intercept_[0]))

    def _adopt(self, vectors: np.ndarray, weights: np.ndarray, gamma: float, shift: float) -> None:
        self._vectors, self._weights, self._gamma, self._shift = vectors, weights, gamma, shift
        self._columns = np.ascontiguousarray(vectors.astype(np.float64).T)  # [width, vectors]
        self._squares = (self._columns**2).sum(axis=0)

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        x = X.astype(np.float64)
        squares = (x**2).sum(axis=1, keepdims=True)
        distance = np.maximum(squares - 2 * (x @ self._columns) + self._squares, 0)
        kernel = np.exp(-self._gamma * distance)  # [n, vectors]
        return -((kernel * self._weights).sum(axis=1) + self._shift)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        content = {"gamma": self._gamma, "shift": self._shift}
        return content, {"vectors": self._vectors, "weights": self._weights}

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"vectors": "f", "weights": "f"})
        vectors, weights = arrays["vectors"], arrays["weights"]
        if vectors.shape != (len(weights), self.encoder_.width_):
            raise InputError(f"the stored vectors have the shape {vectors.shape}; save them anew")
        self._adopt(vectors, weights, float(content["gamma"]), float(content["shift"]))
