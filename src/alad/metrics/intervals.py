"""Confidence intervals of measures, by resampling the test rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from alad.metrics.labels import both_kinds, checked
from alad.metrics.ranked import auroc, average_precision, ranking

ROUNDS = 1_000  # bootstrap samples
LEVEL = 0.95  # of the intervals


@dataclass(frozen=True)
class Estimate:
    """A measure on the test rows, and its confidence interval."""

    value: float
    low: float
    high: float


def estimates(
    scores: ArrayLike, labels: ArrayLike, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Estimate]:
    """Estimate AUROC and average precision with bootstrap intervals (percentiles of LEVEL).

    Anomalies and normal rows are resampled separately, so that every sample has both.
    """
    scores, anomalous = checked(scores, labels)
    both_kinds(anomalous)
    group = np.unique(-scores, return_inverse=True)[1]  # equal scores together, largest first
    generator = np.random.default_rng(seed)
    samples = [_resampled(group, anomalous, generator) for _ in range(rounds)]
    edges = 100 * (1 - LEVEL) / 2, 100 * (1 + LEVEL) / 2
    low, high = np.percentile(samples, edges, axis=0)
    whole = {"auroc": auroc(scores, labels), "average_precision": average_precision(scores, labels)}
    return {
        name: Estimate(value, float(low[at]), float(high[at]))
        for at, (name, value) in enumerate(whole.items())
    }


def _resampled(group: np.ndarray, anomalous: np.ndarray, generator: np.random.Generator):
    """Compute AUROC and average precision of a bootstrap sample."""
    groups = int(group.max()) + 1
    counts = []
    for members in (group[anomalous], group[~anomalous]):
        chosen = members[generator.integers(len(members), size=len(members))]
        counts.append(np.bincount(chosen, minlength=groups))
    return ranking(counts[0], counts[1])
