"""Anomaly scores of trained networks: rows in, one number a member and row out; larger = more odd.

Zenati et al. 2018, section III-D and table IV. With x' = G(E(x)), f the activations before the
logit of D_xx and l that logit:

| score    | formula                                                              |
|----------|----------------------------------------------------------------------|
| features | sum_j abs(f(x, x) - f(x, x'))_j  (eq. 9)                             |
| logits   | -log D_xx(x, x') = softplus(-l(x, x')), from the logit, in float64   |
| l1, l2   | sum_j abs(x - x')_j, and the root of the sum of squares              |
| whitened | Mahalanobis length of the compressed feature difference (ours)       |
| egbad    | 0.9 l1 + 0.1 features, the published score of BiGAN (Zenati 2018b)   |

BiGAN has no D_xx: there f(a, b) means the features of D_xz at (b, E(x)), and l(x, x') its logit at
(x', E(x)).
"""

from __future__ import annotations

import numpy as np

from alad.neural.score import (
    L1,
    L2,
    Learnt,
    Results,
    Score,
    l1,
    mahalanobis,
    minus_log_sigmoid,
    total,
    whitening,
)

EGBAD_FEATURE_WEIGHT = 0.1


def gap(results: Results) -> np.ndarray:
    """Compute f(x, x) - f(x, x'), [members, n, features]; exactly 0 where G(E(x)) = x."""
    return results["real"] - results["fake"]


def features(results: Results, learnt: Learnt) -> np.ndarray:
    values = gap(results)
    return total(np.abs(values, out=values))


def logits(results: Results, learnt: Learnt) -> np.ndarray:
    return minus_log_sigmoid(results["logit"])


def egbad(results: Results, learnt: Learnt) -> np.ndarray:
    weight = EGBAD_FEATURE_WEIGHT
    return (1 - weight) * l1(results, learnt) + weight * features(results, learnt)


def compress(gap: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Compute sign(g) log(1 + abs(g) / scale): no feature's heavy tail must drown the others."""
    size = np.abs(gap)
    size /= scale
    return np.copysign(np.log1p(size, out=size), gap)


def fit_whitened(gaps: np.ndarray) -> dict[str, np.ndarray]:
    """Fit scale and whitening to feature differences [members, n, features] of training rows."""
    sizes = np.abs(gaps)
    middle = (sizes.shape[1] - 1) // 2
    median = np.partition(sizes, middle, axis=1)[:, middle : middle + 1]
    # a feature that is mostly 0 has no median to speak of; its mean size serves
    scale = np.where(median > 0, median, sizes.mean(axis=1, keepdims=True))
    scale = np.maximum(scale, scale.dtype.type(1e-12))
    return {"scale": scale, **whitening(compress(gaps, scale))}


def whitened(results: Results, learnt: Learnt) -> np.ndarray:
    return mahalanobis(compress(gap(results), learnt["scale"]), learnt)


BOTH = ("real", "fake")
DENOISING_SCORE = "whitened"  # of the denoising form
SCORES: dict[str, Score] = {
    "features": Score(BOTH, features),
    "logits": Score(("logit",), logits),
    "l1": L1,
    "l2": L2,
    "whitened": Score(
        BOTH,
        whitened,
        learn=lambda results: fit_whitened(gap(results)),
        learns_from=BOTH,
        for_images=False,
        watched_as="features",
    ),
    "egbad": Score(("reconstruction", *BOTH), egbad),
}
