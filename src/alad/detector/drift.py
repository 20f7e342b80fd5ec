"""Do new scores still look like those of calibration? Promises of `calibration` hold only then.

A batch is compared as a whole; a stream is watched score by score. Arrays in, no detector known.
"""

import math
import warnings
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from alad.detector.calibration import Calibration, between_0_and_1, marginal_rank, numbers_of
from alad.errors import InputError

LEVEL = 0.001  # how seldom drift is seen in a batch where there is none
MOST_OUTSIDE = 0.5  # share of trimmed rows beyond which a batch has drifted, whatever the rest
ROUNDING = 1e-9  # relative, below which two gaps are the same
MOST_SAMPLED = 1 << 18  # scores of a stream that are looked at for drift
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
    pair = _Pair.of(scores, calibration, trim)
    statistic, p_value, higher = _two_samples(pair.new, pair.usual)
    many = pair.mostly_above and pair.chance_of_so_many_above() < level
    drifted = p_value < level or many
    return Drift(pair.count, statistic, p_value, pair.above / pair.count, higher, drifted)


class ScoreSample:
    """Scores of a stream for `drift`: all of them, or of more than `most` an even random sample.

    The test compares them with a few thousand at most: more scores would tell it no more.
    """

    def __init__(self, most: int = MOST_SAMPLED, seed: int = 0):
        self._most, self._generator = most, np.random.default_rng(seed)
        self._parts: list[np.ndarray] = []
        self._share = 1.0  # of the scores that are kept

    def add(self, scores: np.ndarray) -> None:
        """Take in the next scores [n]."""
        self._parts.append(scores if self._share == 1.0 else self._thinned(scores, self._share))
        while sum(map(len, self._parts)) > self._most:
            self._parts = [self._thinned(np.concatenate(self._parts), 0.5)]
            self._share /= 2

    def _thinned(self, scores: np.ndarray, share: float) -> np.ndarray:
        return scores[self._generator.random(len(scores)) < share]

    def scores(self) -> np.ndarray:
        """Give the sample, float64 [n], in the order of the stream."""
        return np.concatenate([np.zeros(0), *self._parts])


def ruled_out(scores: ArrayLike, calibration: Calibration, *, trim: float = 0.0) -> bool:
    """Tell whether `drift` of these certainly finds none, without loading what computes it.

    A gap as large at the very place among all scores where it is largest here is one of the ways to
    have one as large anywhere: the chance of that one, hypergeometric, is below the p-value.
    """
    pair = _Pair.of(scores, calibration, trim)
    return not pair.mostly_above and pair.chance_of_gap_there() >= LEVEL


@dataclass(frozen=True)
class _Pair:
    """New scores beside those of calibration, ascending, both without the highest."""

    new: np.ndarray
    usual: np.ndarray
    above: int  # new scores that were left out
    rank: int  # of the calibration score where those begin
    calibrated: int  # scores of calibration

    @classmethod
    def of(cls, scores: ArrayLike, calibration: Calibration, trim: float) -> Self:
        new, usual = numbers_of(scores), calibration.with_repeated()
        trim = between_0_and_1("trim", trim) if trim else 0.0
        if not len(new):
            raise InputError("there is no score to look for drift in; give at least one")
        limit = usual.threshold(trim) if trim else math.inf
        rank = (marginal_rank(len(usual), trim) if trim else None) or len(usual) + 1
        kept = np.sort(new[new <= limit])  # as all calibration scores below it, given the limit
        return cls(kept, usual.scores[: rank - 1], len(new) - len(kept), rank, len(usual))

    @property
    def count(self) -> int:
        """How many scores are new."""
        return len(self.new) + self.above

    @property
    def mostly_above(self) -> bool:
        """Whether more new scores were left out than `MOST_OUTSIDE` of them."""
        return self.above > MOST_OUTSIDE * self.count

    def chance_of_so_many_above(self) -> float:
        """Compute the chance that so many or more lie above the rank-th smallest of calibration.

        The share above it is Beta(calibrated + 1 - rank, rank), for a continuous law.
        """
        from scipy.stats import betabinom

        beta = self.calibrated + 1 - self.rank, self.rank
        return float(betabinom.sf(self.above - 1, self.count, *beta))

    def chance_of_gap_there(self) -> float:
        """Compute the chance of as large a gap, or a larger one, at the place of the largest."""
        n, m = len(self.new), len(self.usual)
        if not n or not m:
            return 1.0
        places = np.concatenate([self.new, self.usual])
        below, usual_below = (
            np.searchsorted(sample, places, side="right") for sample in (self.new, self.usual)
        )
        gaps = np.abs(below / n - usual_below / m)
        at = int(gaps.argmax())
        together = int(below[at] + usual_below[at])
        of_new = np.arange(max(0, together - m), min(n, together) + 1)
        far = np.abs(of_new / n - (together - of_new) / m) >= gaps[at] * (1 - ROUNDING)
        log = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + m + 1)))])  # of factorials
        ways = log[n] - log[of_new] - log[n - of_new]
        ways += log[m] - log[together - of_new] - log[m - together + of_new]
        ways -= log[n + m] - log[together] - log[n + m - together]
        return float(np.exp(ways[far]).sum())


def _two_samples(new: np.ndarray, usual: np.ndarray) -> tuple[float, float, bool]:
    """Compute the KS statistic, its p-value, and whether `new` is the higher one."""
    from scipy.stats import ks_2samp

    if not len(new) or not len(usual):
        return 0.0, 1.0, True
    with warnings.catch_warnings():  # that it turns to the asymptotic law where the exact one fails
        warnings.simplefilter("ignore", RuntimeWarning)
        found: Any = ks_2samp(new, usual)
    return float(found.statistic), float(found.pvalue), bool(found.statistic_sign < 0)


def uniformity(p_values: ArrayLike) -> tuple[float, float]:
    """Test independent p-values against the uniform law: Kolmogorov-Smirnov statistic, its p-value.

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
        """Begin after calibration. seed: of the draws that rank a score among its equals."""
        self._past = calibration.with_repeated().scores.tolist()
        self._generator = np.random.default_rng(seed)
        self._shares = np.full(len(self.BETS), 1 / len(self.BETS))  # of the capital, by bet
        self.log10_capital = 0.0

    def update(self, scores: ArrayLike) -> np.ndarray:
        """Bet on each of the scores, in their order: float64 [n], log10 of the capital after it."""
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
