"""The energy of DAGMM's mixture in NumPy, without torch (Zong et al. 2018).

z = [E(x), norm(x - x') / norm(x), cos(x, x')], x' = D(E(x)); the energy is -log of the density of a
Gaussian mixture at z (eq. 6), fitted on the training rows.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Protocol

import numpy as np

from alad.autoencoders.numpy_codes import CodeNetworks
from alad.networks.exact_product import ExactMatrix, exact_product
from alad.networks.numpy_forward import (
    Arrays,
    NumpyEngine,
    dtype_of,
    frozen_chain,
    members_of,
    through,
)

LEAST_NORM = 1e-3  # below which a row's length is taken for this, as its relative error has none

NAMES = ("reconstruction", "z", "energy")


class MixtureNetworks(Protocol):
    """The compression network; the estimation network is for training alone."""

    @property
    def compression(self) -> CodeNetworks: ...


def prepare_mixture(networks: MixtureNetworks, arrays: Arrays, mixture: Arrays) -> NumpyEngine:
    """Prepare the engine of DAGMM.

    mixture: phi [members, K], mu [members, K, D], the Cholesky factor of Sigma and its inverse,
    "factor" and "unmix" [members, K, D, D]. Results: reconstruction [members, n, width],
    z [members, n, D], energy [members, n], float64.
    """
    passes = (MemberMixture(networks, arrays, mixture, member) for member in members_of(arrays))
    return NumpyEngine(NAMES, tuple(passes), dtype_of(arrays), frozenset({"energy"}))


class MemberMixture:
    """One member's pass of rows x [n, width]."""

    def __init__(self, networks: MixtureNetworks, arrays: Arrays, mixture: Arrays, member: int):
        self._encoder = frozen_chain(networks.compression.encoder, arrays, member)
        self._decoder = frozen_chain(networks.compression.decoder, arrays, member)
        self._density = Density(*(mixture[name][member] for name in Density.NAMES))

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        code = through(self._encoder, x)
        again = through(self._decoder, code)
        z = np.concatenate([code, misses(x, again)], axis=1)
        found = {"reconstruction": again, "z": z}
        if "energy" in wanted:
            found["energy"] = self._density.energy(z)
        return found


class Density:
    """A Gaussian mixture: phi [K], mu [K, D], Sigma's Cholesky factor and its inverse [K, D, D]."""

    NAMES = ("phi", "mu", "factor", "unmix")

    def __init__(self, phi: np.ndarray, mu: np.ndarray, factor: np.ndarray, unmix: np.ndarray):
        self._mu = np.asarray(mu, np.float64)
        self._unmix = [ExactMatrix.of(np.asarray(each.T, np.float64)) for each in unmix]
        half_log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1, dtype=np.float64)
        log_phi = np.log(np.maximum(np.asarray(phi, np.float64), 1e-300))
        self._constants = log_phi - half_log_det - 0.5 * mu.shape[1] * math.log(2.0 * math.pi)

    def energy(self, z: np.ndarray) -> np.ndarray:
        """Compute -log of the density at z [n, D] by log-sum-exp: [n]; Zong et al. 2018, eq. 6."""
        logs = []
        for mu, unmix, constant in zip(self._mu, self._unmix, self._constants, strict=True):
            unmixed = exact_product(z - mu, unmix)
            logs.append(constant - 0.5 * np.square(unmixed).sum(axis=1))
        most = np.maximum.reduce(logs)
        total = np.zeros_like(most)
        for log in logs:
            total += np.exp(log - most)
        return -(most + np.log(total))


def misses(x: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Compute norm(x - x') / norm(x) and cos(x, x'), [n, 2]: what a row's code leaves out."""
    length = np.maximum(_norm(x), LEAST_NORM)
    other = np.maximum(_norm(again), LEAST_NORM)
    cosine = (x * again).sum(axis=1) / (length * other)
    return np.stack([_norm(x - again) / length, cosine], axis=1)


def _norm(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(x).sum(axis=1))
