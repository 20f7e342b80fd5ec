"""The Gaussian mixture of DAGMM's score, in NumPy: fitted once, on all training rows.

Zong et al. 2018: phi [members, K], mu [members, K, D], and of Sigma the Cholesky factor and its
inverse, "factor" and "unmix" [members, K, D, D].
"""

from __future__ import annotations

import functools
import math

import numpy as np

from alad.networks.exact_product import ExactMatrix, exact_product
from alad.neural.score import Learnt, Results, total

RIDGE = 1e-3  # on the diagonal of every covariance, without which a component can be singular


def fit_mixture(results: Results) -> dict[str, np.ndarray]:
    """Fit a mixture to z [members, n, D], responsibilities [members, n, K] of all rows; eq. 5."""
    z = results["z"].astype(np.float64)
    gamma = results["responsibilities"].astype(np.float64)
    mass = np.maximum(gamma.sum(axis=1), 1e-12)
    mu = gamma.transpose(0, 2, 1) @ z / mass[..., np.newaxis]
    members, components, size = mu.shape
    factor = np.empty((members, components, size, size))
    for at in np.ndindex(members, components):
        member, component = at
        centred = z[member] - mu[at]
        scatter = (centred * gamma[member, :, component, np.newaxis]).T @ centred
        factor[at] = _cholesky(scatter / mass[at] + RIDGE * np.eye(size))
    phi = mass / z.shape[1]
    return {"phi": phi, "mu": mu, "factor": factor, "unmix": _inverse(factor)}


def _cholesky(sigma: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:  # not a number, which the stopping rule notices
        return np.full_like(sigma, np.nan)


def _inverse(factor: np.ndarray) -> np.ndarray:
    """Invert lower triangular matrices [..., D, D]."""
    from scipy.linalg import solve_triangular  # here alone: scoring does without

    inverse, eye = np.empty_like(factor), np.eye(factor.shape[-1])
    for at in np.ndindex(factor.shape[:-2]):
        inverse[at] = solve_triangular(factor[at], eye, lower=True, check_finite=False)
    return inverse


def mixture_energy(results: Results, learnt: Learnt) -> np.ndarray:
    """Compute -log of the density at z [members, n, D]: [members, n]; eq. 6."""
    names = ("phi", "mu", "factor", "unmix")
    members = zip(results["z"], *(learnt[name] for name in names), strict=True)
    return np.stack([_energy(*arrays) for arrays in members])


def _energy(
    z: np.ndarray, phi: np.ndarray, mu: np.ndarray, factor: np.ndarray, unmix: np.ndarray
) -> np.ndarray:
    """Compute one member's energy [n], by log-sum-exp and sums that do not depend on other rows."""
    half_log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    constants = np.log(np.maximum(phi, 1e-300)) - half_log_det
    constants -= 0.5 * mu.shape[1] * math.log(2.0 * math.pi)
    logs = []
    for centre, inverse, constant in zip(mu, unmix, constants, strict=True):
        unmixed = exact_product(z.astype(np.float64) - centre, ExactMatrix.of(inverse.T))
        logs.append(constant - 0.5 * total(np.square(unmixed)))
    most = functools.reduce(np.maximum, logs)
    sums = np.zeros_like(most)
    for log in logs:
        sums += np.exp(log - most)
    return -(most + np.log(sums))
