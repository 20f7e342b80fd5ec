"""What a decision finds: the rows that are flagged, held against the labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alad.metrics.labels import checked


@dataclass(frozen=True)
class AtShare:
    """What flagging a share of the rows finds; fractions, 0 where the denominator is 0."""

    precision: float
    recall: float
    f1: float
    flagged: int  # rows


def flags_at(scores: ArrayLike, percentile: float) -> np.ndarray:
    """The authors' rule: flag scores AT or above the percentile (linear interpolation). bool [n]

    With ties at the cut it flags more rows than the share says.
    """
    scores = np.asarray(scores, dtype=np.float64)
    return scores >= np.percentile(scores, percentile)


def at_share(scores: ArrayLike, labels: ArrayLike, percentile: float) -> AtShare:
    """Precision, recall and F1 of the rows that `flags_at` flags."""
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
class Share:
    """`hits` of `count` rows, and the exact (Clopper–Pearson 1934) interval of the true share."""

    hits: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return ratio(self.hits, self.count)


def share_of(hits: int, count: int, level: float = 0.95) -> Share:
    """The share with its interval at confidence `level`; 0 to 1 where there is no row."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = beta.ppf(tail, hits, count - hits + 1) if hits else 0.0
    high = beta.ppf(1 - tail, hits + 1, count - hits) if hits < count else 1.0
    return Share(int(hits), int(count), float(low), float(high))


@dataclass(frozen=True)
class Confusion:
    """What a decision got right and wrong, in rows."""

    hits: int  # anomalous and flagged
    misses: int  # anomalous, not flagged
    false_alarms: int  # normal and flagged
    passed: int  # normal, not flagged

    @property
    def recall(self) -> Share:
        return share_of(self.hits, self.hits + self.misses)

    @property
    def precision(self) -> Share:
        return share_of(self.hits, self.hits + self.false_alarms)

    @property
    def false_alarm_rate(self) -> Share:
        return share_of(self.false_alarms, self.false_alarms + self.passed)


def confusion(flagged: ArrayLike, labels: ArrayLike) -> Confusion:
    """Flagged bool [n] against labels [n]."""
    flagged = np.asarray(flagged, dtype=bool)
    _, anomalous = checked(flagged, labels)
    counts = [(flagged & anomalous), (~flagged & anomalous), (flagged & ~anomalous)]
    hits, misses, false_alarms = (int(found.sum()) for found in counts)
    return Confusion(hits, misses, false_alarms, len(flagged) - hits - misses - false_alarms)


def ratio(part, whole) -> float:
    return float(part / whole) if whole else 0.0
