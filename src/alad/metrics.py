"""How well scores find the anomalies. Scores are large for anomalies, labels 1 or True.

This is where test labels are read, once, after the scores exist.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alad.errors import InputError


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
    scores, anomalous = _checked(scores, labels)
    flagged = flags_at(scores, percentile)
    hits, count, anomalies = (flagged & anomalous).sum(), flagged.sum(), anomalous.sum()
    return AtShare(
        precision=_ratio(hits, count),
        recall=_ratio(hits, anomalies),
        f1=_ratio(2 * hits, count + anomalies),  # the harmonic mean of the two, without 0 / 0
        flagged=int(count),
    )


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Share of (anomaly, normal) pairs in the right order; a tie counts one half."""
    from sklearn.metrics import roc_auc_score

    scores, anomalous = _checked(scores, labels)
    _both_classes(anomalous)
    return float(roc_auc_score(anomalous, scores))


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Sum over distinct thresholds, descending, of recall gained times precision there."""
    from sklearn.metrics import average_precision_score

    scores, anomalous = _checked(scores, labels)
    _both_classes(anomalous)
    return float(average_precision_score(anomalous, scores))


@dataclass(frozen=True)
class Curve:
    """A way through all thresholds, from the strictest on: x and y [points], fractions."""

    x: np.ndarray
    y: np.ndarray


def roc(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """Recall (y) over the share of normal rows flagged (x); from (0, 0) to (1, 1)."""
    from sklearn.metrics import roc_curve

    scores, anomalous = _checked(scores, labels)
    _both_classes(anomalous)
    false_alarms, recall, _ = roc_curve(anomalous, scores)
    return Curve(false_alarms, recall)


def precision_recall(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """Precision (y) over recall (x), one point a distinct score, the strictest threshold first."""
    from sklearn.metrics import precision_recall_curve

    scores, anomalous = _checked(scores, labels)
    _both_classes(anomalous)
    precision, recall, _ = precision_recall_curve(anomalous, scores)
    return Curve(recall[-2::-1], precision[-2::-1])  # the last point, (0, 1), is of no threshold


@dataclass(frozen=True)
class Share:
    """`hits` of `count` rows, and the exact (Clopper–Pearson 1934) interval of the true share."""

    hits: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return _ratio(self.hits, self.count)


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
    _, anomalous = _checked(flagged, labels)
    counts = [(flagged & anomalous), (~flagged & anomalous), (flagged & ~anomalous)]
    hits, misses, false_alarms = (int(found.sum()) for found in counts)
    return Confusion(hits, misses, false_alarms, len(flagged) - hits - misses - false_alarms)


def evaluate(scores: ArrayLike, labels: ArrayLike, percentile: float) -> dict[str, float | int]:
    """Every number of a results line: precision, recall, f1, flagged, anomalies, auroc, …"""
    share = at_share(scores, labels, percentile)
    return {
        **vars(share),
        "anomalies": int(np.asarray(labels).astype(bool).sum()),
        "auroc": auroc(scores, labels),
        "average_precision": average_precision(scores, labels),
    }


def _ratio(part, whole) -> float:
    return float(part / whole) if whole else 0.0


def _checked(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Scores float64 [n] and anomalous bool [n], refused where no rank or no answer exists."""
    scores, labels = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if scores.ndim != 1 or scores.shape != labels.shape or not len(scores):
        shapes = f"{scores.shape} and {labels.shape}"
        raise InputError(f"scores and labels have the shapes {shapes}; give one of each per row")
    if not np.isfinite(scores).all():
        count = (~np.isfinite(scores)).sum()
        raise InputError(f"{count} scores are NaN or infinite and have no rank; mend the detector")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("labels other than 0 and 1 (1 = anomaly); recode them")
    return scores, labels.astype(bool)


def _both_classes(anomalous: np.ndarray) -> None:
    if anomalous.all() or not anomalous.any():
        raise InputError("the labels are all alike, so there is nothing to rank; give both kinds")
