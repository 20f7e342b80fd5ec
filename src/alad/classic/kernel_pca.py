"""Kernel PCA: rows far outside the main directions in the feature space are anomalous."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn import decomposition

from alad.classic.kernel import Gamma, Gaussian, bandwidth
from alad.classic.models import KernelDirections
from alad.classic.sampling import sample
from alad.classic.subspace import components_to_keep
from alad.detector.contract import Detector, Fit
from alad.parameters import Count, Share


@dataclass(kw_only=True, eq=False, repr=False)
class KernelPCA(Detector):
    """Squared length outside the main directions, in the feature space of a Gaussian kernel.

    Hoffmann: Kernel PCA for novelty detection, 2007: with k'(x) the kernels of x with the sampled
    rows, centred, and f_l(x) its coordinate along the l-th direction, the score is
    k'(x, x) - sum_l f_l(x)² (eq. 8 and 9), large = anomalous. The directions are the
    leading eigenvectors of the centred kernel matrix, which the iterative kernel PCA of Günter,
    Schraudolph, Vishwanathan 2007 approaches step by step; here the matrix of a sample is
    decomposed at once.
    """

    name: ClassVar[str] = "kernel-pca"
    summary: ClassVar[str] = "outside the main directions in a kernel's space (Hoffmann 2007)"
    model = KernelDirections
    streams_rows = True

    explained: Share = 0.95  # the fewest directions that explain this share of the variance
    n_components: Count | None = None  # number of directions instead, if there are so many
    # of the kernel exp(-gamma |x - y|²); None = 1 / (width · variance of the encoded sample)
    gamma: Gamma = None
    # learn from at most this many rows, a random sample; the cost grows with the cube of it
    max_rows: Count = 2000

    def _learn(self, X: np.ndarray, fit: Fit) -> KernelDirections:
        rows = sample(self, X, fit)
        kernel = Gaussian(rows, bandwidth(self.gamma, rows))
        matrix = kernel(rows)
        fitted = decomposition.KernelPCA(kernel="precomputed", eigen_solver="dense").fit(matrix)
        values = fitted.eigenvalues_  # descending; zeros are left out
        if self.n_components is None:
            kept = components_to_keep(values, self.explained, len(values))
        else:
            kept = min(self.n_components, len(values))
        fit.facts["components"] = kept
        weights = np.asarray(fitted.eigenvectors_)[:, :kept] / np.sqrt(values[:kept])
        shift = matrix.mean(axis=0) @ weights
        return KernelDirections(rows, weights, shift, kernel.gamma, float(matrix.mean()))
