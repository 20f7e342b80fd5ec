"""Scorers for scikit-learn's searches that know which label is the anomaly.

`scoring="roc_auc"` takes 1 for normal, as outlier detectors predict it: with labels of which 1 is
the anomaly it would choose the worst.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alad.metrics.labels import anomalous
from alad.metrics.ranked import auroc, average_precision


def auroc_scorer(detector: Any, X: Any, y: ArrayLike) -> float:
    """Compute the AUROC of a fitted detector or pipeline, for `GridSearchCV(scoring=...)`.

    y [n]: 1, True or "anomaly" is an anomaly and 0 is normal; of -1 and 1, as scikit-learn has
    them, -1 is. Raises InputError for other labels, or if all are alike.
    """
    return auroc(-detector.score_samples(X), _truth(y))


def average_precision_scorer(detector: Any, X: Any, y: ArrayLike) -> float:
    """Compute the average precision likewise."""
    return average_precision(-detector.score_samples(X), _truth(y))


def _truth(y: ArrayLike) -> np.ndarray:
    """Read labels: bool [n], True = anomaly."""
    labels = np.asarray(y)
    if labels.dtype.kind in "if" and np.isin(labels, (-1, 1)).all() and (labels == -1).any():
        return labels == -1
    return anomalous(labels.tolist())
