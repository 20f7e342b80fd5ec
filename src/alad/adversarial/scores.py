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
| projected        | Mahalanobis length of f(x, x) - f(x, x') along the 100 directions |
|                  | in which it varies most, and E(x), side by side as in joint:      |
|                  | for images (ours)                                                 |
| features-row     | Mahalanobis length of f(x, x) - f(x, x') and x side by side: for  |
|                  | rows too wide to be seen whole by f and E (ours)                  |
| joint-neighbours | joint times the neighbour ratio of x among kept training rows:    |
|                  | its mean distance to the 5 nearest over the root of theirs (ours) |
| egbad            | 0.9 l1 + 0.1 features, the published score of BiGAN (Zenati       |
|                  | 2018b)                                                            |

BiGAN has no D_xx: there f(a, b) means the features of D_xz at (b, E(x)), and l(x, x') its logit at
(x', E(x)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alad.classic.neighbour_models import RatioModel
from alad.errors import InputError
from alad.networks.exact_product import ExactMatrix, exact_product
from alad.neural.score import (
    L1,
    L2,
    Learnt,
    Results,
    Score,
    l1,
    mahalanobis,
    minus_log_sigmoid,
    principal,
    total,
    whitening,
)

EGBAD_FEATURE_WEIGHT = 0.1
NEIGHBOURS = 5  # among kept rows
DIRECTIONS = 100  # of feature differences, in score projected


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


def parts(results: Results) -> tuple[np.ndarray, ...]:
    """List f(x, x) - f(x, x'), f(x, x) and E(x), [members, n, .] each."""
    return results["gap"], results["real"], results["code"]


def beside(parts: Sequence[np.ndarray], units: np.ndarray) -> np.ndarray:
    """Put the parts side by side, each divided by its unit [members, parts]."""
    scaled = [part / units[:, at, None, None] for at, part in enumerate(parts)]
    return np.concatenate(scaled, axis=2)


def fit_beside(parts: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Fit a unit for each part, its root mean square about the mean, and the whitening of all."""
    variances = [part.var(axis=1, dtype=np.float64).mean(axis=1) for part in parts]
    units = np.maximum(np.sqrt(np.stack(variances, axis=1)), 1e-12)
    learnt = whitening(beside(parts, units))
    # in float32 half the size to store, and products of one slice
    return {"units": units, "mean": learnt["mean"], "unmix": learnt["unmix"].astype(np.float32)}


def fit_joint(results: Results) -> dict[str, np.ndarray]:
    return fit_beside(parts(results))


def joint(results: Results, learnt: Learnt) -> np.ndarray:
    return mahalanobis(beside(parts(results), learnt["units"]), learnt)


def gap_and_row(results: Results) -> tuple[np.ndarray, ...]:
    """List f(x, x) - f(x, x') and x, [members, n, .] each."""
    difference, x = results["gap"], results["x"]
    return difference, np.broadcast_to(x, (len(difference), *x.shape[-2:]))


def fit_features_row(results: Results) -> dict[str, np.ndarray]:
    return fit_beside(gap_and_row(results))


def features_row(results: Results, learnt: Learnt) -> np.ndarray:
    return mahalanobis(beside(gap_and_row(results), learnt["units"]), learnt)


def projected_parts(results: Results, directions: np.ndarray) -> tuple[np.ndarray, ...]:
    """List f(x, x) - f(x, x') along the directions [members, features, .], and E(x)."""
    members = zip(results["gap"], directions, strict=True)
    along = [exact_product(rows, ExactMatrix.of(turned)) for rows, turned in members]
    return np.stack(along), results["code"]


def fit_projected(results: Results) -> dict[str, np.ndarray]:
    """Fit the directions, and what `fit_beside` does."""
    directions = principal(results["gap"], DIRECTIONS)
    return {"directions": directions, **fit_beside(projected_parts(results, directions))}


def projected(results: Results, learnt: Learnt) -> np.ndarray:
    parts = projected_parts(results, learnt["directions"])
    return mahalanobis(beside(parts, learnt["units"]), learnt)


def fit_joint_neighbours(results: Results, kept: np.ndarray) -> dict[str, np.ndarray]:
    """Fit `joint`, and keep rows: at places `kept`, of at least one row more than neighbours."""
    if len(kept) <= NEIGHBOURS:
        raise InputError(
            f"score joint-neighbours keeps {len(kept)} rows; give at least {NEIGHBOURS + 1}, or "
            "another score"
        )
    ratio = RatioModel.of(np.ascontiguousarray(results["x"][0, kept], np.float32), NEIGHBOURS)
    shared = {"rows": ratio.rows[np.newaxis], "distance": ratio.distance[np.newaxis]}
    return {**fit_joint(results), **shared}  # the same rows for all members


def with_ratio(learnt: Learnt) -> dict[str, Any]:
    """Make the search among the kept rows."""
    ratio = RatioModel(learnt["rows"][0], learnt["distance"][0], NEIGHBOURS)
    return {**learnt, "ratio": ratio}


def joint_neighbours(results: Results, ready: Mapping[str, Any]) -> np.ndarray:
    return joint(results, ready) * ready["ratio"].scores(results["x"])


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
