"""Measures of decisions: the rows that are flagged, compared with the labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alad.metrics.labels import checked


@dataclass(frozen=True)
class AtShare:
    """Measures when a share of the rows is flagged; fractions, 0 where the denominator is 0."""

    precision: float
    recall: float
    f1: float
    flagged: int  # rows


def flags_at(scores: ArrayLike, percentile: float) -> np.ndarray:
    """Flag scores at or above the percentile (linear interpolation), the authors' rule: bool [n].

    Where scores equal the threshold it flags more rows than the percentile says.
    """
    scores = np.asarray(scores, dtype=np.float64)
    return scores >= np.percentile(scores, percentile)


def at_share(scores: ArrayLike, labels: ArrayLike, percentile: float) -> AtShare:
    """Compute precision, recall and F1 of the rows that `flags_at` flags."""
    scores, anomalous = checked(scores, labels)
    flagged = flags_at(scores, percentile)
    hits, count, anomalies = (flagged & anomalous).sum(), flagged.sum(), anomalous.sum()
    return AtShare(
        precision=ratio(hits, count),
        recall=ratio(hits, anomalies),
        f1=ratio(2 * hits, count + anomalies),  # the harmonic mean of the two, without 0 / 0
        flagged=int(count),
    )


@dataclass(frozen=True)
class EstimatedShare:
    """`hits` of `count` rows, and the exact (Clopper–Pearson 1934) interval of the true share."""

    hits: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return ratio(self.hits, self.count)


def share_of(hits: int, count: int, level: float = 0.95) -> EstimatedShare:
    """Compute a share and its interval at confidence `level`; from 0 to 1 where there is no row."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = beta.ppf(tail, hits, count - hits + 1) if hits else 0.0
    high = beta.ppf(1 - tail, hits + 1, count - hits) if hits < count else 1.0
    return EstimatedShare(int(hits), int(count), float(low), float(high))


@dataclass(frozen=True)
class Confusion:
    """Numbers of rows by label and decision."""

    hits: int  # anomalous and flagged
    misses: int  # anomalous, not flagged
    false_alarms: int  # normal and flagged
    passed: int  # normal, not flagged

    @property
    def recall(self) -> EstimatedShare:
        return share_of(self.hits, self.hits + self.misses)

    @property
    def precision(self) -> EstimatedShare:
        return share_of(self.hits, self.hits + self.false_alarms)

    @property
    def false_alarm_rate(self) -> EstimatedShare:
        return share_of(self.false_alarms, self.false_alarms + self.passed)


def confusion(flagged: ArrayLike, labels: ArrayLike) -> Confusion:
    """Count rows by decision, bool [n], and label [n]."""
    flagged = np.asarray(flagged, dtype=bool)
    _, anomalous = checked(flagged, labels)
    return Confusion(
        hits=int((flagged & anomalous).sum()),
        misses=int((~flagged & anomalous).sum()),
        false_alarms=int((flagged & ~anomalous).sum()),
        passed=int((~flagged & ~anomalous).sum()),
    )


def ratio(part, whole) -> float:
    """Divide; 0 where the denominator is 0."""
    return float(part / whole) if whole else 0.0
