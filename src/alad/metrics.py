"""How well scores find the anomalies. Scores are large for anomalies, labels 1 or True.

This is where test labels are read, once, after the scores exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alad.errors import InputError

ROUNDS = 1_000  # bootstrap samples
LEVEL = 0.95  # of the intervals
NORMAL = ("0", "false", "no", "normal", "inlier")  # what labels are taken for, capitals or not
ANOMALOUS = ("1", "true", "yes", "anomaly", "anomalous", "abnormal", "outlier")


@dataclass(frozen=True)
class AtShare:
    """What flagging a share of the rows finds; fractions, 0 where the denominator is 0."""

    precision: float
    recall: float
    f1: float
    flagged: int  # rows


@dataclass(frozen=True)
class Estimate:
    """A measure on the rows at hand, and the interval in which it varies with them."""

    value: float
    low: float
    high: float


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


# --- intervals ------------------------------------------------------------------------------------


def estimates(
    scores: ArrayLike, labels: ArrayLike, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Estimate]:
    """AUROC and average precision with bootstrap intervals (percentiles of LEVEL).

    Anomalies and normal rows are drawn anew, each among their own, so that every sample has both.
    """
    scores, anomalous = _checked(scores, labels)
    _both_classes(anomalous)
    group = np.unique(-scores, return_inverse=True)[1]  # equal scores together, largest first
    drawn = np.random.default_rng(seed)
    samples = [_resampled(group, anomalous, drawn) for _ in range(rounds)]
    edges = 100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2
    low, high = np.percentile(samples, edges, axis=0)
    whole = {"auroc": auroc(scores, labels), "average_precision": average_precision(scores, labels)}
    return {
        name: Estimate(value, float(low[at]), float(high[at]))
        for at, (name, value) in enumerate(whole.items())
    }


def _resampled(group: np.ndarray, anomalous: np.ndarray, drawn: np.random.Generator):
    """AUROC and average precision of one bootstrap sample."""
    groups = int(group.max()) + 1
    counts = []
    for own in (group[anomalous], group[~anomalous]):
        chosen = own[drawn.integers(len(own), size=len(own))]
        counts.append(np.bincount(chosen, minlength=groups))
    return ranking(counts[0], counts[1])


def ranking(hits: np.ndarray, misses: np.ndarray) -> tuple[float, float]:
    """AUROC and average precision from the anomalies and normal rows at each distinct score.

    hits, misses: int [distinct scores], largest score first.
    """
    found = np.cumsum(hits)
    pairs = (misses * (found - hits / 2)).sum()  # normal rows below an anomaly; a tie is one half
    flagged = np.maximum(found + np.cumsum(misses), 1)
    precision = (hits * found / flagged).sum() / found[-1]
    return float(pairs / (found[-1] * misses.sum())), float(precision)


# --- labels ---------------------------------------------------------------------------------------


def anomalous(labels: Sequence[Any], normal: Sequence[str] = ()) -> np.ndarray:
    """Bool [n], True = anomaly, from labels as tables have them: numbers, truth values, words.

    normal: the labels of normal rows, all others being anomalous; without it, those in NORMAL and
    ANOMALOUS are understood. Raises InputError for an empty or unknown label.
    """
    words = [_word(label) for label in labels]
    if "" in words:
        raise InputError(f"row {words.index('')} has no label; fill it in or remove the row")
    chosen = {_word(label) for label in normal}
    unseen = chosen - set(words)
    if unseen:
        raise InputError(f"no row has the normal label {min(unseen)!r}; {_there_are(words)}")
    unknown = set(words) - {*NORMAL, *ANOMALOUS}
    if unknown and not chosen:
        raise InputError(
            f"label {min(unknown)!r} is neither of {', '.join(NORMAL)} nor of "
            f"{', '.join(ANOMALOUS)}; say which labels are normal (--normal)"
        )
    usual = chosen or set(NORMAL)
    return np.array([word not in usual for word in words], dtype=bool)


def _word(label: Any) -> str:
    """A label as it is compared: 1, 1.0, "1 " and True are not told apart from "1" and "true"."""
    if label is None or label != label:
        return ""
    if isinstance(label, float) and label == int(label):
        label = int(label)
    return str(label).strip().lower()


def _there_are(words: list[str]) -> str:
    different = list(dict.fromkeys(words))
    more = " …" if len(different) > 8 else ""
    return f"there are: {', '.join(different[:8])}{more}"


# --- guards ---------------------------------------------------------------------------------------


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
