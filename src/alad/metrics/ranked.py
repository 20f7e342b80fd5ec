"""How well scores rank: every threshold at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alad.metrics.labels import both_kinds, checked


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Share of (anomaly, normal) pairs in the right order; a tie counts one half."""
    from sklearn.metrics import roc_auc_score

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    return float(roc_auc_score(anomalous, scores))


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Sum over distinct thresholds, descending, of recall gained times precision there."""
    from sklearn.metrics import average_precision_score

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    return float(average_precision_score(anomalous, scores))


@dataclass(frozen=True)
class Curve:
    """A way through all thresholds, from the strictest on: x and y [points], fractions."""

    x: np.ndarray
    y: np.ndarray


def roc(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """Recall (y) over the share of normal rows flagged (x); from (0, 0) to (1, 1)."""
    from sklearn.metrics import roc_curve

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    false_alarms, recall, _ = roc_curve(anomalous, scores)
    return Curve(false_alarms, recall)


def precision_recall(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """Precision (y) over recall (x), one point a distinct score, the strictest threshold first."""
    from sklearn.metrics import precision_recall_curve

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    precision, recall, _ = precision_recall_curve(anomalous, scores)
    return Curve(recall[-2::-1], precision[-2::-1])  # the last point, (0, 1), is of no threshold


def ranking(hits: np.ndarray, misses: np.ndarray) -> tuple[float, float]:
    """AUROC and average precision from the anomalies and normal rows at each distinct score.

    hits, misses: int [distinct scores], largest score first.
    """
    found = np.cumsum(hits)
    pairs = (misses * (found - hits / 2)).sum()  # normal rows below an anomaly; a tie is one half
    flagged = np.maximum(found + np.cumsum(misses), 1)
    precision = (hits * found / flagged).sum() / found[-1]
    return float(pairs / (found[-1] * misses.sum())), float(precision)
