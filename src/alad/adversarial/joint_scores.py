"""Scores of ALAD that read several results side by side, whitened; formulas in `scores`.

Of a table they read all features of D_xx, of images those along the directions in which they vary
most. Some multiply by the neighbour ratio among what is kept of training rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alad.classic.neighbour_models import RatioModel
from alad.errors import InputError
from alad.networks.exact_product import ExactMatrix, exact_product
from alad.neural.score import Learnt, Results, mahalanobis, principal, whitening

NEIGHBOURS = 5  # among kept rows
DIRECTIONS = 100  # of feature differences, in score projected
JOINT_DIRECTIONS = 200  # of feature differences, and of features, in score joint-projected


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


def along(values: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Compute values [members, n, features] along directions [members, features, .]."""
    members = zip(values, directions, strict=True)
    return np.stack([exact_product(rows, ExactMatrix.of(turned)) for rows, turned in members])


def projected_parts(results: Results, directions: np.ndarray) -> tuple[np.ndarray, ...]:
    """List f(x, x) - f(x, x') along the directions [members, features, .], and E(x)."""
    return along(results["gap"], directions), results["code"]


def fit_projected(results: Results) -> dict[str, np.ndarray]:
    """Fit the directions, and what `fit_beside` does."""
    directions = principal(results["gap"], DIRECTIONS)
    return {"directions": directions, **fit_beside(projected_parts(results, directions))}


def projected(results: Results, learnt: Learnt) -> np.ndarray:
    parts = projected_parts(results, learnt["directions"])
    return mahalanobis(beside(parts, learnt["units"]), learnt)


def joint_projected_parts(results: Results, learnt: Learnt) -> tuple[np.ndarray, ...]:
    """List f(x, x) - f(x, x') and f(x, x) along each one's directions, and E(x)."""
    difference, real, code = parts(results)
    return along(difference, learnt["gap"]), along(real, learnt["real"]), code


def fit_joint_projected(results: Results) -> dict[str, np.ndarray]:
    """Fit both parts' directions, and what `fit_beside` does."""
    difference, real, _ = parts(results)
    directions = {
        "gap": principal(difference, JOINT_DIRECTIONS),
        "real": principal(real, JOINT_DIRECTIONS),
    }
    return {**directions, **fit_beside(joint_projected_parts(results, directions))}


def joint_projected(results: Results, learnt: Learnt) -> np.ndarray:
    return mahalanobis(beside(joint_projected_parts(results, learnt), learnt["units"]), learnt)


def fit_image_neighbours(results: Results, kept: np.ndarray) -> dict[str, np.ndarray]:
    """Fit `joint-projected`, and keep what it reads of the images at places `kept`."""
    require_neighbours(kept, "joint-projected-neighbours")
    learnt = fit_joint_projected(results)
    side = beside(joint_projected_parts(results, learnt), learnt["units"])
    ratios = [RatioModel.of(rows, NEIGHBOURS) for rows in side[:, kept].astype(np.float32)]
    rows, distance = zip(*((ratio.rows, ratio.distance) for ratio in ratios), strict=True)
    return {**learnt, "rows": np.stack(rows), "distance": np.stack(distance)}


def with_ratios(learnt: Learnt) -> dict[str, Any]:
    """Make each member's search among the kept images."""
    kept = enumerate(zip(learnt["rows"], learnt["distance"], strict=True))
    ratios = {f"ratio {at}": RatioModel(*of_member, NEIGHBOURS) for at, of_member in kept}
    return {**learnt, **ratios}


def image_neighbours(results: Results, ready: Mapping[str, Any]) -> np.ndarray:
    side = beside(joint_projected_parts(results, ready), ready["units"])
    of_members = enumerate(side.astype(np.float32))
    ratios = [ready[f"ratio {at}"].scores(rows) for at, rows in of_members]
    return mahalanobis(side, ready) * np.concatenate(ratios)


def require_neighbours(kept: np.ndarray, score: str) -> None:
    """Raise InputError unless more rows are kept than are looked for."""
    if len(kept) <= NEIGHBOURS:
        raise InputError(
            f"score {score} keeps {len(kept)} rows; give at least {NEIGHBOURS + 1}, or another "
            "score"
        )


def fit_joint_neighbours(results: Results, kept: np.ndarray) -> dict[str, np.ndarray]:
    """Fit `joint`, and keep rows: at places `kept`, of at least one row more than neighbours."""
    require_neighbours(kept, "joint-neighbours")
    ratio = RatioModel.of(np.ascontiguousarray(results["x"][0, kept], np.float32), NEIGHBOURS)
    shared = {"rows": ratio.rows[np.newaxis], "distance": ratio.distance[np.newaxis]}
    return {**fit_joint(results), **shared}  # the same rows for all members


def with_ratio(learnt: Learnt) -> dict[str, Any]:
    """Make the search among the kept rows."""
    ratio = RatioModel(learnt["rows"][0], learnt["distance"][0], NEIGHBOURS)
    return {**learnt, "ratio": ratio}


def joint_neighbours(results: Results, ready: Mapping[str, Any]) -> np.ndarray:
    return joint(results, ready) * ready["ratio"].scores(results["x"])
