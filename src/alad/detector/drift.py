"""Do new scores still look like those of calibration? Promises of `calibration` hold only then.

A batch is compared as a whole; a stream is watched score by score. Arrays in, no detector known.
"""

import math
import warnings
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alad.detector.calibration import Calibration, between_0_and_1, marginal_rank, numbers_of
from alad.errors import InputError

LEVEL = 0.001  # how seldom drift is seen in a batch where there is none
MOST_OUTSIDE = 0.5  # share of trimmed rows beyond which a batch has drifted, whatever the rest
JUMP = 0.01  # share of a martingale's capital that is bet anew at each score


@dataclass(frozen=True)
class Drift:
    """How a batch differs from calibration."""

    rows: int
    statistic: float  # largest gap between the two distribution functions, 0 to 1
    p_value: float  # of the gap, if there is no drift
    outside: float  # share of the rows that were left out as high
    higher: bool  # are the scores higher than at calibration, where the gap is largest?
    drifted: bool

    def __str__(self) -> str:
        if self.outside > MOST_OUTSIDE:
            return f"{self.outside:.0%} score higher than nearly all of calibration"
        side = "higher" if self.higher else "lower"
        return (
            f"scores are {side} than at calibration "
            f"(distance {self.statistic:.2f}, p = {self.p_value:.2g})"
        )


def drift(
    scores: ArrayLike, calibration: Calibration, *, trim: float = 0.0, level: float = LEVEL
) -> Drift:
    """Do the scores of a batch of normal rows look like those of calibration?

    Two-sample Kolmogorov-Smirnov, which knows that the calibration set is a sample too. trim: share
    of the highest calibration scores to leave out, and with them all new scores as high: so that
    anomalies among the new rows are not taken for drift. If more than half of the new rows are left
    out, and that is no chance, it is drift as well. Rows that were left out of calibration, because
    they equal a learnt one, count here. Raises InputError if there is no score, or none is left.
    """
    level = between_0_and_1("level", level)
    new, usual = numbers_of(scores), calibration.with_repeated()
    trim = between_0_and_1("trim", trim) if trim else 0.0
    if not len(new):
        raise InputError("there is no score to look for drift in; give at least one")
    limit = usual.threshold(trim) if trim else math.inf
    rank = (marginal_rank(len(usual), trim) if trim else None) or len(usual) + 1
    kept = new[new <= limit]  # as all calibration scores below the limit, given the limit
    statistic, p_value, higher = _two_samples(kept, usual.scores[: rank - 1])
    above = len(new) - len(kept)
    many = above > MOST_OUTSIDE * len(new) and _chance(above, len(new), rank, len(usual)) < level
    return Drift(len(new), statistic, p_value, above / len(new), higher, p_value < level or many)


def _chance(above: int, count: int, rank: int, usual: int) -> float:
    """That so many or more of `count` scores lie above the rank-th smallest of `usual` others.

    The share above it is Beta(usual + 1 - rank, rank), for a continuous law.
    """
    from scipy.stats import betabinom

    return float(betabinom.sf(above - 1, count, usual + 1 - rank, rank))


def _two_samples(new: np.ndarray, usual: np.ndarray) -> tuple[float, float, bool]:
    """KS statistic, its p-value, and whether `new` is the higher one."""
    from scipy.stats import ks_2samp

    if not len(new) or not len(usual):
        return 0.0, 1.0, True
    with warnings.catch_warnings():  # that it turns to the asymptotic law where the exact one fails
        warnings.simplefilter("ignore", RuntimeWarning)
        found: Any = ks_2samp(new, usual)
    return float(found.statistic), float(found.pvalue), bool(found.statistic_sign < 0)


def uniformity(p_values: ArrayLike) -> tuple[float, float]:
    """Kolmogorov-Smirnov statistic of independent p-values against the uniform law; its p-value.

    Conformal p-values of one batch are not independent: for them ask `drift`.
    """
    from scipy.stats import ks_1samp, uniform

    found: Any = ks_1samp(p_values, uniform.cdf, method="exact")
    return float(found.statistic), float(found.pvalue)


class Martingale:
    """Watches a stream: a capital that grows if scores stop being exchangeable with calibration.

    It starts at 1 and bets against each score being uniformly ranked among all before it. Without
    drift it ever reaches 1 / a with probability at most a (Ville), however long the stream: a
    capital of 100 is a warning that is wrong once in a hundred streams. It also falls again when
    the past has become the new normal. Up to about a tenth of anomalies do not raise it.

    The simple jumper of Vovk et al. 2021 (Retrain or not retrain), over smoothed p-values.
    """

    BETS = np.array([-1.0, 0.0, 1.0])  # on small p-values (high scores), nothing, and large ones

    def __init__(self, calibration: Calibration, seed: int = 0):
        """seed: of the draws that rank a score among its equals."""
        self._past = calibration.with_repeated().scores.tolist()
        self._generator = np.random.default_rng(seed)
        self._shares = np.full(len(self.BETS), 1 / len(self.BETS))  # of the capital, by bet
        self.log10_capital = 0.0

    def update(self, scores: ArrayLike) -> np.ndarray:
        """Float64 [n]: log10 of the capital after each of the scores, in their order."""
        return np.array([self._one(float(score)) for score in numbers_of(scores)])

    def _one(self, score: float) -> float:
        p = self._smoothed_p_value(score)
        shares = (1 - JUMP) * self._shares + JUMP / len(self.BETS)
        shares = shares * (1 + self.BETS * (p - 0.5))
        growth = float(shares.sum())
        self._shares = shares / growth
        self.log10_capital += math.log10(growth)
        return self.log10_capital

    def _smoothed_p_value(self, score: float) -> float:
        """Uniform and independent of all before, if the scores are exchangeable."""
        low, high = bisect_left(self._past, score), bisect_right(self._past, score)
        above, equal = len(self._past) - high, high - low + 1
        insort(self._past, score)
        return (above + equal * float(self._generator.random())) / len(self._past)
