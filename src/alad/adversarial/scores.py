"""Anomaly scores of trained networks: rows in, one number a member and row out; larger = more odd.

Zenati et al. 2018, section III-D and table IV. With x' = G(E(x)), f the activations before the
logit of D_xx and l that logit:

| score            | formula                                                           |
|------------------|-------------------------------------------------------------------|
| features         | sum_j abs(f(x, x) - f(x, x'))_j  (eq. 9)                          |
| logits           | -log D_xx(x, x') = softplus(-l(x, x')), from the logit, in        |
|                  | float64                                                           |
| l1, l2           | sum_j abs(x - x')_j, and the root of the sum of squares           |
| whitened         | Mahalanobis length of the compressed feature difference (ours)    |
| joint            | Mahalanobis length of f(x, x) - f(x, x'), f(x, x) and E(x) side   |
|                  | by side, each in units of its own deviation (ours)                |
| joint-projected  | joint of images: the two of D_xx along the 200 directions in      |
|                  | which each varies most; learnt from more images (ours)            |
| projected        | Mahalanobis length of f(x, x) - f(x, x') along the 100 directions |
|                  | in which it varies most, and E(x), side by side as in joint:      |
|                  | for images (ours)                                                 |
| features-row     | Mahalanobis length of f(x, x) - f(x, x') and x side by side: for  |
|                  | rows too wide to be seen whole by f and E (ours)                  |
| joint-neighbours | joint times the neighbour ratio of x among kept training rows:    |
|                  | its mean distance to the 5 nearest over the root of theirs (ours) |
| joint-projected- | joint-projected times the neighbour ratio among what it reads of  |
| neighbours       | kept training images (ours)                                       |
| egbad            | 0.9 l1 + 0.1 features, the published score of BiGAN (Zenati       |
|                  | 2018b)                                                            |

BiGAN has no D_xx: there f(a, b) means the features of D_xz at (b, E(x)), and l(x, x') its logit at
(x', E(x)).
"""

from __future__ import annotations

import numpy as np

from alad.adversarial.joint_scores import (
    features_row,
    fit_features_row,
    fit_image_neighbours,
    fit_joint,
    fit_joint_neighbours,
    fit_joint_projected,
    fit_projected,
    image_neighbours,
    joint,
    joint_neighbours,
    joint_projected,
    projected,
    with_ratio,
    with_ratios,
)
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


def features(results: Results, learnt: Learnt) -> np.ndarray:
    return total(np.abs(results["gap"]))


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
    return mahalanobis(compress(results["gap"], learnt["scale"]), learnt)


GAP = ("gap",)  # f(x, x) - f(x, x'); exactly 0 where G(E(x)) = x
JOINT = ("gap", "real", "code")
DENOISING_SCORE = "joint"  # of the denoising form
WIDE_SCORE = "features-row"  # of the same, for wide rows of a backbone
IMAGE_SCORE = "projected"  # of ALAD on images, unless the published form is asked for
SCORES: dict[str, Score] = {
    "features": Score(GAP, features),
    "logits": Score(("logit",), logits),
    "l1": L1,
    "l2": L2,
    "whitened": Score(
        GAP,
        whitened,
        learn=lambda results: fit_whitened(results["gap"]),
        learns_from=GAP,
        for_images=False,
        watched_as="features",
    ),
    "joint": Score(JOINT, joint, learn=fit_joint, learns_from=JOINT, for_images=False),
    "features-row": Score(
        GAP,
        features_row,
        learn=fit_features_row,
        learns_from=("x", *GAP),
        for_images=False,
        watched_as="features",
        only_own=True,
    ),
    "projected": Score(
        JOINT,
        projected,
        learn=fit_projected,
        learns_from=JOINT,
        for_tables=False,  # there `joint` has all directions
        watched_as="features",
    ),
    "joint-projected": Score(
        JOINT,
        joint_projected,
        learn=fit_joint_projected,
        learns_from=JOINT,
        sample="learnt_by_large_scores",
        for_tables=False,
        watched_as="features",
        only_own=True,
    ),
    "joint-projected-neighbours": Score(
        JOINT,
        image_neighbours,
        learn=fit_image_neighbours,
        learns_from=JOINT,
        sample="learnt_by_large_scores",
        for_tables=False,
        watched_as="features",
        only_own=True,
        keeps=True,
        made_ready=with_ratios,
    ),
    "joint-neighbours": Score(
        JOINT,
        joint_neighbours,
        learn=fit_joint_neighbours,
        learns_from=("x", *JOINT),
        for_images=False,
        watched_as="joint",
        only_own=True,
        keeps=True,
        made_ready=with_ratio,
    ),
    "egbad": Score(("reconstruction", *GAP), egbad),
}
