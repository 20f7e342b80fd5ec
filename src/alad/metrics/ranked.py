"""Measures of how well scores rank rows, over all thresholds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alad.metrics.labels import both_kinds, checked


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Compute the share of (anomaly, normal) pairs in the right order; a tie counts one half."""
    from sklearn.metrics import roc_auc_score

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    return float(roc_auc_score(anomalous, scores))


def average_precision(scores: ArrayLike, labels: ArrayLike) -> float:
    """Sum, over descending distinct thresholds, the recall gained times the precision there."""
    from sklearn.metrics import average_precision_score

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    return float(average_precision_score(anomalous, scores))


@dataclass(frozen=True)
class Curve:
    """A curve over all thresholds, the strictest first: x and y [points], fractions."""

    x: np.ndarray
    y: np.ndarray


def roc(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """Compute recall (y) over the false alarm rate (x), from (0, 0) to (1, 1)."""
    from sklearn.metrics import roc_curve

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    false_alarms, recall, _ = roc_curve(anomalous, scores)
    return Curve(false_alarms, recall)


def precision_recall(scores: ArrayLike, labels: ArrayLike) -> Curve:
    """Compute precision (y) over recall (x), a point per distinct score, strictest first."""
    from sklearn.metrics import precision_recall_curve

    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    precision, recall, _ = precision_recall_curve(anomalous, scores)
    return Curve(recall[-2::-1], precision[-2::-1])  # the last point, (0, 1), has no threshold


def ranking(hits: np.ndarray, misses: np.ndarray) -> tuple[float, float]:
    """Compute AUROC and average precision from counts of rows at each distinct score.

    hits, misses: numbers of anomalies and of normal rows, int [scores], largest score first.
    """
    detected = np.cumsum(hits)
    pairs = (misses * (detected - hits / 2)).sum()  # normal below an anomaly; a tie is one half
    flagged = np.maximum(detected + np.cumsum(misses), 1)
    precision = (hits * detected / flagged).sum() / detected[-1]
    return float(pairs / (detected[-1] * misses.sum())), float(precision)
