"""Principal component pursuit: decompose a matrix into a low-rank and a sparse part.

Candès, Li, Ma, Wright: Robust principal component analysis?, 2009 (Journal of the ACM 2011).
"""

from typing import NamedTuple

import numpy as np

RANK_SHARE = 1e-3  # singular values below this share of the largest count as zero


class Pursuit(NamedTuple):
    """M = low_rank + sparse up to `gap`, the relative Frobenius norm of the difference."""

    low_rank: np.ndarray
    sparse: np.ndarray
    steps: int
    gap: float


def pursue(M: np.ndarray, *, tolerance: float = 1e-7, max_steps: int = 1000) -> Pursuit:
    """Minimise |L|_* + lambda |S|_1 subject to L + S = M [n, m], eq. 1.1; float64.

    lambda = 1 / sqrt(max(n, m)). Alternating directions, algorithm 1 of the paper, with its step
    mu = n m / (4 |M|_1); it ends at gap < tolerance or after max_steps.
    """
    size, length = np.abs(M).mean(), np.linalg.norm(M)
    sparse = dual = np.zeros_like(M)
    if not size:
        return Pursuit(M, sparse, 0, 0.0)
    step, weight = 1 / (4 * size), 1 / np.sqrt(max(M.shape))
    steps, gap, low_rank = 0, np.inf, sparse
    while gap >= tolerance and steps < max_steps:
        low_rank = shrink_singular(M - sparse + dual / step, 1 / step)
        sparse = shrink(M - low_rank + dual / step, weight / step)
        missing = M - low_rank - sparse
        dual = dual + step * missing
        steps, gap = steps + 1, float(np.linalg.norm(missing) / length)
    return Pursuit(low_rank, sparse, steps, gap)


def shrink(M: np.ndarray, by: float) -> np.ndarray:
    """Move each entry towards 0 by `by`: the proximal map of by |M|_1."""
    return M - np.clip(M, -by, by)


def shrink_singular(M: np.ndarray, by: float) -> np.ndarray:
    """Move each singular value towards 0 by `by`: the proximal map of by |M|_*.

    Uses the eigenvectors of the smaller of M'M and MM', which loses singular values below 1e-8 of
    the largest; they are far below any `by` in use.
    """
    if M.shape[0] < M.shape[1]:
        return shrink_singular(M.T, by).T
    values, vectors = np.linalg.eigh(M.T @ M)
    singular = np.sqrt(np.maximum(values, 0))
    kept = singular > by
    vectors = vectors[:, kept]
    return (M @ (vectors * (1 - by / singular[kept]))) @ vectors.T


def row_space(M: np.ndarray) -> np.ndarray:
    """Find an orthonormal basis [columns, rank], by descending singular value."""
    values, vectors = np.linalg.eigh(M.T @ M)
    rank = int((values > RANK_SHARE**2 * max(values[-1], 0)).sum())
    return vectors[:, ::-1][:, :rank]
