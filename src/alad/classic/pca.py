"""PCA and robust PCA: rows far outside the directions in which normal rows vary are anomalous."""

import functools
import warnings
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from sklearn import decomposition
from sklearn.exceptions import ConvergenceWarning

from alad.classic.models import PrincipalModel, RowSpaceModel
from alad.classic.principal_component_pursuit import pursue, row_space
from alad.classic.sampling import need, sample
from alad.classic.subspace import components_to_keep, fitting_count
from alad.detector.contract import Detector, Fit
from alad.parameters import Count, Share, whole

LEAST_NOISE = (
    1e-9  # share of the largest variance: where rows did not vary, small differences count
)


@dataclass(kw_only=True, eq=False, repr=False)
class PCA(Detector):
    """Length of a row outside the main directions of the training rows.

    Score, large = anomalous: |c - P P' c|_2, c = x - mean, P [width, kept] the directions. This is
    the square root of the Q statistic (Jackson, Mudholkar 1979). The Mahalanobis length is that of
    the same model with noise of one variance in all other directions (Tipping, Bishop 1999, eq. 6
    to 8): it also counts how far out a row lies within the kept directions. Nothing is random.
    """

    name: ClassVar[str] = "pca"
    summary: ClassVar[str] = "outside the main directions of the rows (Jackson, Mudholkar 1979)"
    model = PrincipalModel

    # keep the fewest directions that explain this share of the variance, but not all of them
    explained: Share = 0.95
    n_components: Count | None = None  # number of directions instead
    # "residual" (length outside the directions) or "mahalanobis"
    distance: Literal["residual", "mahalanobis"] = "residual"

    def _learn(self, X: np.ndarray, fit: Fit) -> PrincipalModel:
        need(self, X, fit, 2)
        centre, width = X.mean(axis=0, dtype=np.float64), X.shape[1]
        with np.errstate(invalid="ignore"):  # 0 / 0, the explained share where nothing varies
            # for fewer rows than columns, the cost of "full" does not grow with the columns cubed
            solver = "covariance_eigh" if width <= len(X) else "full"
            fitted = decomposition.PCA(svd_solver=solver).fit(X - centre)
        variances = fitted.explained_variance_
        if self.n_components is None:
            # directions in which no row varies would leave nothing but rounding as the score
            varying = int((variances > LEAST_NOISE * variances[0]).sum())
            most = (varying if varying > 1 and width < len(X) else width) - 1
            kept = components_to_keep(variances, self.explained, most)
        else:
            kept = min(fitting_count(self.n_components, width), len(variances))
        fit.facts["components"] = kept
        least = LEAST_NOISE * variances[0] or 1.0
        return PrincipalModel(
            centre=centre,
            directions=np.ascontiguousarray(np.asarray(fitted.components_)[:kept].T),
            variances=np.maximum(variances[:kept], least),
            noise=max(float(variances[kept:].sum()) / (width - kept), least),
            distance=self.distance,
        )


@dataclass(kw_only=True, eq=False, repr=False)
class RobustPCA(Detector):
    """Length of a row outside the row space of the low-rank part of the training rows.

    Rows minus their column medians = low rank + sparse, by principal component pursuit (Candès, Li,
    Ma, Wright 2009, eq. 1.1): single wrong cells go into the sparse part and do not turn the
    directions. A new row has no part in that division; it is projected on the row space of the
    low-rank part, and the length of what is left, sparse or not, is its score, large = anomalous.
    """

    name: ClassVar[str] = "robust-pca"
    summary: ClassVar[str] = "outside the low-rank part of the rows (Candès et al. 2009)"
    model = RowSpaceModel
    streams_rows = True

    # number of directions, those of the largest singular values; None = those of at least 0.001
    # times the largest, but not all directions
    n_components: Count | None = None
    tolerance: Share = 1e-5  # the pursuit ends when less than this share of the rows is unexplained
    max_steps: Count = 1000  # or after this many steps, with a warning
    # learn from at most this many rows, a random sample
    max_rows: Annotated[int, functools.partial(whole, least=2)] = 5000

    def _learn(self, X: np.ndarray, fit: Fit) -> RowSpaceModel:
        need(self, X, fit, 2)
        rows = sample(self, X, fit).astype(np.float64)
        centre = np.median(rows, axis=0)
        parts = pursue(rows - centre, tolerance=self.tolerance, max_steps=self.max_steps)
        if parts.gap >= self.tolerance:
            text = f"the pursuit has a gap of {parts.gap:.1e} after {parts.steps} steps"
            warnings.warn(f"{text}; raise max_steps or tolerance", ConvergenceWarning, stacklevel=4)
        directions, width = row_space(parts.low_rank), rows.shape[1]
        count = width - 1
        if self.n_components is not None:
            count = fitting_count(self.n_components, width)
        kept = np.ascontiguousarray(directions[:, :count])
        facts = {"components": kept.shape[1], "steps": parts.steps}
        sparse = float((parts.sparse != 0).mean())
        fit.facts |= facts | {"rank": directions.shape[1], "sparse_share": round(sparse, 4)}
        return RowSpaceModel(centre, kept)
