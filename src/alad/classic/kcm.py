"""KCM: rows that a kernel-weighted mean of the training rows does not give back are anomalous."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alad.classic.kernel import Gaussian, weights
from alad.classic.models import KernelMeanModel, gamma_of
from alad.classic.sampling import need, sample
from alad.detector.contract import Detector, Fit
from alad.parameters import Count, Positive

BANDWIDTHS = np.logspace(-1, 1, 21)  # tried, times the scale of the rows
LEAST_FACTOR = 1e-3  # of the rule of thumb


@dataclass(kw_only=True, eq=False, repr=False)
class KCM(Detector):
    """Kernel contraction matching: distance of a row from a kernel-weighted mean of training rows.

    De Melo Costa, Popineau, Rimmel, Doan, CIKM 2026: |x - m(x)|_2, large = anomalous, with
    m(x) = sum_i k(x, x_i) x_i / sum_i k(x, x_i) (Nadaraya 1964; Watson 1964) and the kernel
    k(x, y) = exp(-|x - y|² / (2 h²)). m is the least-squares denoiser of the training rows at the
    noise h. Where every kernel underflows, m(x) is the nearest row; the authors' code has the
    origin there.
    """

    name: ClassVar[str] = "kcm"
    summary: ClassVar[str] = "far from a kernel mean of training rows (De Melo Costa et al. 2026)"
    model = KernelMeanModel
    streams_rows = True

    # h, in encoded units; None = that of 21 which gives training rows best from the others
    bandwidth: Positive | None = None
    # learn from at most this many rows, a random sample; the cost of None grows with its square
    max_rows: Count = 2_000

    def _learn(self, X: np.ndarray, fit: Fit) -> KernelMeanModel:
        need(self, X, fit, 2)
        rows = sample(self, X, fit)
        bandwidth = self.bandwidth or least_error_bandwidth(rows)
        fit.facts["bandwidth"] = float(bandwidth)
        return KernelMeanModel(rows, float(bandwidth))


def least_error_bandwidth(rows: np.ndarray) -> float:
    """Choose the bandwidth whose means of the other rows are nearest to the rows [m, width].

    Of 21 values over two decades around sqrt(s d), s Silverman's rule of thumb for so many rows and
    columns, d the median distance of different rows.
    """
    squared = Gaussian(rows, 1.0).squared_distances(rows)
    count, width = rows.shape
    different = squared[squared > 0]
    if not len(different):
        return 1.0
    factor = (4 / (width + 2) / count) ** (1 / (width + 4))
    scale = np.sqrt(max(factor, LEAST_FACTOR) * np.sqrt(np.median(different)))
    errors = left_out_errors(rows.astype(np.float64), squared, scale * BANDWIDTHS)
    return float(scale * BANDWIDTHS[np.argmin(errors)])


def left_out_errors(
    rows: np.ndarray, squared_distances: np.ndarray, bandwidths: np.ndarray
) -> list[float]:
    """Compute the mean of |x_i - m(x_i)|², m without x_i, for each bandwidth.

    rows: float64 [m, width]; squared_distances: of each to each, [m, m].
    """
    others = squared_distances.copy()
    np.fill_diagonal(others, np.inf)
    return [
        float(((rows - weights(others, gamma_of(h)) @ rows) ** 2).sum(axis=1).mean())
        for h in bandwidths
    ]
