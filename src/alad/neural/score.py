"""Scores: formulas in NumPy of an engine's results, and what they learn after training.

The formula is the same for every engine. It treats each row by itself, so a row's score does not
depend on the others, to the last bit; hence the sums below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.networks.exact_product import ExactMatrix, exact_product

# what an engine computed, by name: [members, n, ...] each; and "x", the rows [n, *shape]
Results = Mapping[str, np.ndarray]
Learnt = Mapping[str, np.ndarray]  # what a score learns from training rows, [members, ...] each

LONG = 1_024  # numbers in a row beyond which a float32 sum of them loses digits
RIDGE = 0.01  # of the mean eigenvalue, added to a covariance before it is inverted


@dataclass(frozen=True)
class Score:
    """value(results, learnt) -> [members, n], larger = more anomalous.

    reads: the engine's results that it needs. learn(results) learns from those named in
    `learns_from`, of a sample of training rows or of all. sample: which amount of `row_kinds` says
    of how many; None = as many as members' scales are learnt from. for_images: False where features
    of images are too many to learn how they vary together. watched_as: the score that the stopping
    rule uses in its place, if this one costs too much at every check.

    only_own: what it learns is large, so it is learnt only where it is the detector's own.
    keeps: it keeps training rows: learn(results, places), which of the sample to keep.
    made_ready(learnt): what `value` gets in the place of the arrays, made once a model.
    """

    reads: tuple[str, ...]
    value: Callable[[Results, Learnt], np.ndarray]
    learn: Callable[..., dict[str, np.ndarray]] | None = None
    learns_from: tuple[str, ...] = ()
    learns_from_all: bool = False
    sample: str | None = None
    for_images: bool = True
    for_tables: bool = True
    watched_as: str | None = None
    only_own: bool = False
    keeps: bool = False
    made_ready: Callable[[Learnt], Mapping[str, Any]] | None = None


def learnt_parts(learnt: Mapping[str, np.ndarray], score: str) -> dict[str, np.ndarray]:
    """Give what a score has learnt, by part; nothing if it has not."""
    start = f"{score}/"
    return {
        path.removeprefix(start): array for path, array in learnt.items() if path.startswith(start)
    }


# --- formulas that several methods share ----------------------------------------------------------


def total(values: np.ndarray) -> np.ndarray:
    """Sum up the last axis of values [members, n, m], each row by itself."""
    kind = np.float64 if values.shape[-1] > LONG else values.dtype
    return np.einsum("...j->...", values.astype(kind, order="C", copy=False))


def length(values: np.ndarray) -> np.ndarray:
    """Compute norm_2 along the last axis of values [members, n, m], in float64."""
    wide = values.astype(np.float64, order="C", copy=False)
    return np.sqrt(np.einsum("...j,...j->...", wide, wide))


def missed(results: Results) -> np.ndarray:
    """Compute x - x' [members, n, numbers of a row], x' the reconstruction of x."""
    return flat(results["x"] - results["reconstruction"])


def flat(values: np.ndarray) -> np.ndarray:
    """Turn values [members, n, *shape] into [members, n, numbers of a row]."""
    return values.reshape(*values.shape[:2], math.prod(values.shape[2:]))


def l1(results: Results, learnt: Learnt) -> np.ndarray:
    """Compute the reconstruction error sum_j abs(x - x')_j, [members, n]."""
    return total(np.abs(missed(results)))


def l2(results: Results, learnt: Learnt) -> np.ndarray:
    """Compute the reconstruction error norm_2(x - x'), [members, n]."""
    return length(missed(results))


L1, L2 = Score(("reconstruction",), l1), Score(("reconstruction",), l2)


def minus_log_sigmoid(logits: np.ndarray) -> np.ndarray:
    """Compute softplus(-l) in float64, without overflow."""
    wide = logits.astype(np.float64)
    return np.maximum(-wide, 0.0) + np.log1p(np.exp(-np.abs(wide)))


# --- how values vary together ---------------------------------------------------------------------


def whitening(values: np.ndarray) -> dict[str, np.ndarray]:
    """Compute mean and inverse Cholesky factor, in float64, of values [members, n, features].

    The covariance has the divisor n, and a ridge is added to it. On one thread: with another number
    of them BLAS adds up in another order, and the same seed would give another model.
    """
    from scipy.linalg import solve_triangular  # here alone: scoring does without
    from threadpoolctl import threadpool_limits

    values = values.astype(np.float64)
    mean = values.mean(axis=1, keepdims=True)
    centred = values - mean
    eye = np.eye(values.shape[2])
    unmix = np.empty((len(values), *eye.shape))
    with threadpool_limits(1, user_api="blas"):
        for member, rows in enumerate(centred):
            matrix = rows.T @ rows / len(rows)
            # features that never differ leave nothing to invert
            ridge = max(RIDGE * np.diagonal(matrix).mean(), 1e-12)
            factor = np.linalg.cholesky(matrix + ridge * eye)
            unmix[member] = solve_triangular(factor, eye, lower=True)
    return {"mean": mean, "unmix": unmix}


def principal(values: np.ndarray, most: int) -> np.ndarray:
    """Find the orthonormal directions along which values [members, n, features] vary most.

    float32 [members, features, most], or fewer directions, of fewer features or rows. On one
    thread, as `whitening`.
    """
    from threadpoolctl import threadpool_limits

    centred = values - values.mean(axis=1, keepdims=True, dtype=np.float64)
    rows, features = values.shape[1:]
    with threadpool_limits(1, user_api="blas"):
        if features <= rows:
            turned = np.linalg.eigh(centred.swapaxes(1, 2) @ centred)[1][:, :, ::-1]
        else:  # the smaller of the two matrices has all that differs from 0
            sizes, turned = np.linalg.eigh(centred @ centred.swapaxes(1, 2))
            lengths = np.sqrt(np.maximum(sizes, 1e-12))[:, np.newaxis]
            turned = (centred.swapaxes(1, 2) @ (turned / lengths))[:, :, ::-1]
    return np.ascontiguousarray(turned[:, :, :most], np.float32)


def mahalanobis(values: np.ndarray, learnt: Learnt) -> np.ndarray:
    """Compute the length [members, n] of values [members, n, features] under `whitening`.

    Not its square; by exact sums, as a row's length must not depend on the other rows.
    """
    centred = values - learnt["mean"]  # float64
    members = zip(centred, learnt["unmix"], strict=True)
    return length(np.stack([exact_product(rows, ExactMatrix.of(a.T)) for rows, a in members]))
