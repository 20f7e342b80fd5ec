"""Directions in which normal rows vary; what lies outside them is anomalous."""

import warnings
from typing import Any, ClassVar, Unpack

import numpy as np
from sklearn import decomposition
from sklearn.exceptions import ConvergenceWarning

from alad.classic.principal_component_pursuit import pursue, row_space
from alad.classic.sampling import check_arrays, need, sample
from alad.classic.subspace import Subspace, check_count, components_to_keep, fitting_count
from alad.detector.constructors import Common
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.parameters import one_of, share, whole

LEAST_NOISE = 1e-9  # of the largest variance: where nothing varied, any difference is a large one


class PCA(Detector):
    """Length of a row outside the directions in which the training rows vary most.

    Score, large = anomalous: |c - P P' c|_2, c = x - mean, P [width, kept] the directions. This is
    the square root of the Q statistic (Jackson, Mudholkar 1979). The Mahalanobis length is that of
    the same model with noise of one variance in all other directions (Tipping, Bishop 1999, eq. 6
    to 8): it also counts how far a row lies out within the kept directions.

    Parameters
    ----------
    explained : the fewest directions that explain this share of the variance are kept, but one is
        always left out
    n_components : keep so many instead
    distance : "residual", the length outside, or "mahalanobis"
    scaling, drop : see `TableEncoder`
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : without effect, nothing is drawn
    """

    name: ClassVar[str] = "pca"
    summary: ClassVar[str] = "outside the main directions of the rows (Jackson, Mudholkar 1979)"

    def __init__(
        self,
        *,
        explained: float = 0.95,
        n_components: int | None = None,
        distance: str = "residual",
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.explained = explained
        self.n_components = n_components
        self.distance = distance

    def _check_parameters(self) -> None:
        super()._check_parameters()
        share("explained", self.explained)
        check_count(self.n_components)
        one_of("distance", self.distance, ("residual", "mahalanobis"))

    def _fit_matrix(self, X: np.ndarray) -> None:
        need(self, X, 2)
        centre, width = X.mean(axis=0, dtype=np.float64), X.shape[1]
        with np.errstate(invalid="ignore"):  # 0 / 0, the explained share where nothing varies
            fitted = decomposition.PCA(svd_solver="covariance_eigh").fit(X - centre)
        variances = fitted.explained_variance_
        if self.n_components is None:
            kept = components_to_keep(variances, self.explained, width - 1)
        else:
            kept = min(fitting_count(self.n_components, width), len(variances))
        least = LEAST_NOISE * variances[0] or 1.0
        self._noise = max(float(variances[kept:].sum()) / (width - kept), least)
        self._variances = np.maximum(variances[:kept], least)
        self._subspace = Subspace(
            centre, np.ascontiguousarray(np.asarray(fitted.components_)[:kept].T)
        )
        self.training_["components"] = kept

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        within, rest = self._subspace.coordinates_and_rest(X)
        if self.distance == "residual":
            return rest
        return np.sqrt((within**2 / self._variances).sum(axis=1) + rest**2 / self._noise)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"noise": self._noise}, self._subspace.arrays() | {"variances": self._variances}

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"centre": "f", "directions": "f", "variances": "f"})
        self._subspace = Subspace.stored(arrays, self.encoder_.width_)
        self._variances, self._noise = arrays["variances"], float(content["noise"])
        if self._variances.shape != self._subspace.directions.shape[1:]:
            raise InputError("there is not one stored variance for each direction; save it anew")


class RobustPCA(Detector):
    """Length of a row outside the row space of the low-rank part of the training rows.

    Rows minus their column medians = low rank + sparse, by principal component pursuit (Candès, Li,
    Ma, Wright 2009, eq. 1.1): single wrong cells go into the sparse part and do not turn the
    directions. A new row has no part in that division; it is projected on the row space of the
    low-rank part, and the length of what is left, sparse or not, is its score, large = anomalous.

    Parameters
    ----------
    n_components : keep so many directions, those of the largest singular values; None = all with at
        least 0.001 of the largest; one is always left out
    tolerance, max_steps : the pursuit ends when so small a share of the rows is in neither part
        (the Frobenius norm's), or with a warning after so many steps
    max_rows : with more training rows it learns from a random sample of so many
    scaling, drop : see `TableEncoder`
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "robust-pca"
    summary: ClassVar[str] = "outside the low-rank part of the rows (Candès et al. 2009)"

    def __init__(
        self,
        *,
        n_components: int | None = None,
        tolerance: float = 1e-5,
        max_steps: int = 1000,
        max_rows: int = 5000,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.n_components = n_components
        self.tolerance = tolerance
        self.max_steps = max_steps
        self.max_rows = max_rows

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_count(self.n_components)
        share("tolerance", self.tolerance)
        whole("max_steps", self.max_steps)
        whole("max_rows", self.max_rows, least=2)

    def _fit_matrix(self, X: np.ndarray) -> None:
        need(self, X, 2)
        rows = sample(self, X).astype(np.float64)
        centre = np.median(rows, axis=0)
        found = pursue(rows - centre, tolerance=self.tolerance, max_steps=self.max_steps)
        if found.gap >= self.tolerance:
            text = f"the pursuit has a gap of {found.gap:.1e} after {found.steps} steps"
            warnings.warn(f"{text}; raise max_steps or tolerance", ConvergenceWarning, stacklevel=3)
        directions, width = row_space(found.low_rank), rows.shape[1]
        count = width - 1
        if self.n_components is not None:
            count = fitting_count(self.n_components, width)
        self._subspace = Subspace(centre, np.ascontiguousarray(directions[:, :count]))
        sparse = float((found.sparse != 0).mean())
        facts = {"components": self._subspace.directions.shape[1], "steps": found.steps}
        self.training_ |= facts | {"rank": directions.shape[1], "sparse_share": round(sparse, 4)}

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        return self._subspace.coordinates_and_rest(X)[1]

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {}, self._subspace.arrays()

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"centre": "f", "directions": "f"})
        self._subspace = Subspace.stored(arrays, self.encoder_.width_)
