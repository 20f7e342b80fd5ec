"""Measures of how well scores detect anomalies; scores are large for anomalies, labels 1 or True.

Only here are test labels read, once, after the scores exist.
"""

import numpy as np
from numpy.typing import ArrayLike

from alad.metrics.flagged import (
    AtShare,
    Confusion,
    EstimatedShare,
    at_share,
    confusion,
    flags_at,
    share_of,
)
from alad.metrics.intervals import LEVEL, ROUNDS, Estimate, estimates
from alad.metrics.labels import ANOMALOUS, NORMAL, anomalous
from alad.metrics.ranked import Curve, auroc, average_precision, precision_recall, ranking, roc
from alad.metrics.scorers import auroc_scorer, average_precision_scorer

__all__ = [
    "ANOMALOUS",
    "LEVEL",
    "NORMAL",
    "ROUNDS",
    "AtShare",
    "Confusion",
    "Curve",
    "Estimate",
    "EstimatedShare",
    "anomalous",
    "at_share",
    "auroc",
    "auroc_scorer",
    "average_precision",
    "average_precision_scorer",
    "confusion",
    "estimates",
    "evaluate",
    "flags_at",
    "precision_recall",
    "ranking",
    "roc",
    "share_of",
]


def evaluate(scores: ArrayLike, labels: ArrayLike, percentile: float) -> dict[str, float | int]:
    """Compute all numbers of a results line: precision, recall, f1, flagged, anomalies, auroc, …"""
    share = at_share(scores, labels, percentile)
    return {
        **vars(share),
        "anomalies": int(np.asarray(labels).astype(bool).sum()),
        "auroc": auroc(scores, labels),
        "average_precision": average_precision(scores, labels),
    }
