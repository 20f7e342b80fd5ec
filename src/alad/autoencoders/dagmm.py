"""DAGMM: a Gaussian mixture over an autoencoder's code and its reconstruction error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from alad.autoencoders.architectures import (
    IMAGE_MIXTURE_ARCHITECTURES,
    MIXTURE_ARCHITECTURES,
    USUAL_MIXTURE_ARCHITECTURE,
    ImageMixtureArchitecture,
    MixtureArchitecture,
)
from alad.autoencoders.autoencoder import squared_error
from alad.autoencoders.mixture import RIDGE
from alad.autoencoders.models import MixtureModel
from alad.autoencoders.networks import MixtureNetworks, mixture_networks
from alad.networks.context import Context
from alad.networks.image_stacks import USUAL_WIDTH
from alad.neural.choices import Architectures
from alad.neural.detector import NetworkDetector
from alad.parameters import PositiveOrZero, Scaling
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import LossStep


@dataclass(frozen=True)
class Mixture:
    """phi [members, K], mu [members, K, D], and Sigma's Cholesky factor [members, K, D, D]."""

    phi: Tensor
    mu: Tensor
    factor: Tensor

    @classmethod
    def of(cls, z: Tensor, responsibilities: Tensor, ridge: float = RIDGE) -> Mixture:
        """Fit to z [members, n, D] with responsibilities [members, n, K]; Zong et al. 2018, eq. 5.

        The divisor of a covariance is the sum of the responsibilities.
        """
        mass, mu = _first_moments(z, responsibilities)
        return cls.from_moments(
            mass / z.shape[1], mu, _scatter(z, responsibilities, mu) / _column(mass), ridge
        )

    @classmethod
    def from_moments(cls, phi: Tensor, mu: Tensor, sigma: Tensor, ridge: float = RIDGE) -> Mixture:
        eye = torch.eye(sigma.shape[-1], dtype=sigma.dtype, device=sigma.device)
        factor, failed = torch.linalg.cholesky_ex(sigma + ridge * eye)
        # not a number, so that the training loop sees it and says what to do
        return cls(phi, mu, torch.where((failed == 0)[..., None, None], factor, math.nan))

    def energy(self, z: Tensor) -> Tensor:
        """Compute -log of the density at z [members, n, D], by log-sum-exp: [members, n]; eq. 6."""
        centred = z[:, None] - self.mu[:, :, None]  # [members, K, n, D]
        unmixed = torch.linalg.solve_triangular(self.factor, centred.transpose(2, 3), upper=False)
        return _energy(unmixed.square().sum(dim=2), self.phi, self.factor)

    def penalty(self) -> Tensor:
        """Sum 1 / Sigma_jj over components and dimensions, against their collapse: [members]."""
        variances = self.factor.square().sum(dim=3)  # the diagonal of L L'
        return (1.0 / variances).sum(dim=(1, 2))


def _energy(squares: Tensor, phi: Tensor, factor: Tensor) -> Tensor:
    """Compute the energy [members, n]; squares: squared Mahalanobis lengths [members, K, n]."""
    half_log_det = factor.diagonal(dim1=2, dim2=3).log().sum(dim=2)
    constant = phi.clamp_min(1e-300).log() - half_log_det
    constant = constant - 0.5 * factor.shape[-1] * math.log(2.0 * math.pi)
    return -torch.logsumexp(constant[:, :, None] - 0.5 * squares, dim=1)


def _first_moments(z: Tensor, responsibilities: Tensor) -> tuple[Tensor, Tensor]:
    """Compute sums of responsibilities [members, K] and weighted means [members, K, D]."""
    mass = responsibilities.sum(dim=1).clamp_min(1e-12)
    return mass, responsibilities.transpose(1, 2) @ z / mass[..., None]


def _scatter(z: Tensor, responsibilities: Tensor, mu: Tensor) -> Tensor:
    """Compute sum_i gamma_ik (z_i - mu_k)(z_i - mu_k)', [members, K, D, D]."""
    centred = z[:, None] - mu[:, :, None]
    weighted = centred * responsibilities.transpose(1, 2)[..., None]
    return weighted.transpose(2, 3) @ centred


def _column(mass: Tensor) -> Tensor:
    return mass[..., None, None]


@dataclass(kw_only=True, eq=False, repr=False)
class DAGMM(NetworkDetector):
    """Deep autoencoding Gaussian mixture model (Zong et al. 2018).

    Compression and estimation networks are trained together; the loss (eq. 7) depends on the
    mixture of the batch through phi, mu and Sigma (eq. 5). After training the mixture is that of
    all training rows. Score, large = anomalous: the energy (eq. 6) of z = [E(x), misses], which
    has latent + 2 numbers.
    """

    name: ClassVar[str] = "dagmm"
    summary: ClassVar[str] = "deep autoencoding Gaussian mixture (Zong et al., ICLR 2018)"
    own_score: ClassVar[str] = "energy"
    model = MixtureModel
    tables = Architectures(
        MixtureArchitecture, MIXTURE_ARCHITECTURES, lambda shape: USUAL_MIXTURE_ARCHITECTURE
    )
    images = Architectures(
        ImageMixtureArchitecture,
        IMAGE_MIXTURE_ARCHITECTURES,
        lambda shape: ImageMixtureArchitecture(width=USUAL_WIDTH),
    )
    # each batch has to determine a mixture
    usual: ClassVar[Mapping[str, Any]] = {**NetworkDetector.usual, "batch_size": 256}

    # "minmax" is usual here: `misses` divides by a row's length, and where columns are centred on
    # what is usual the odd rows are the long ones (EXPERIMENTS.md)
    scaling: Scaling = "minmax"
    energy_weight: PositiveOrZero = 0.1  # weight of the mixture's energy, lambda_1 of eq. 7
    penalty_weight: PositiveOrZero = 0.005  # against collapse of a component, lambda_2 of eq. 7

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> MixtureNetworks:
        return mixture_networks(shape, architecture)

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> LossStep:
        networks = self._networks(tuple(X.shape[1:]), architecture)

        def loss(context: Context, x: Tensor, noise: StepNoise) -> Tensor:
            again, z = networks.represent(context, x)
            gamma = networks.responsibilities(context, z)
            return squared_error(x, again) + self._regulariser(z.double(), gamma).to(x)

        return LossStep(X, networks, loss, optimiser, seed=seed, members=self.member_numbers())

    def _regulariser(self, z: Tensor, gamma: Tensor, ridge: float = RIDGE) -> Tensor:
        """Compute lambda_1 mean energy + lambda_2 penalty of these rows' mixture: [members]."""
        mixture = Mixture.of(z, gamma, ridge)
        energy = mixture.energy(z).mean(dim=1)
        return self.energy_weight * energy + self.penalty_weight * mixture.penalty()
