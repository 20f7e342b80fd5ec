"""Denoising autoencoder: rows that it changes otherwise than usual rows are anomalous."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from alad.autoencoders.architectures import DENOISER_ARCHITECTURES, DenoiserArchitecture
from alad.autoencoders.autoencoder import squared_error
from alad.autoencoders.models import DenoiserModel
from alad.autoencoders.networks import DenoiserNetwork, denoiser_network
from alad.errors import InputError
from alad.networks.context import Context
from alad.neural.choices import Architectures
from alad.neural.detector import NetworkDetector
from alad.parameters import Count, Positive
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import LossStep


def denoising_loss(
    network: DenoiserNetwork, context: Context, x: Tensor, level: Tensor, noise: Tensor
) -> Tensor:
    """Compute |x - D(x + sigma n, log sigma)|_2², mean over rows: [members].

    x, noise n [members, n, width]; level [members, n], the log sigma of each row.
    """
    return squared_error(x, network(context, x + level.exp()[..., None] * noise, level))


def _rising_noise(detector: DenoisingAutoencoder) -> None:
    """Require a range of noise."""
    if detector.least_noise > detector.most_noise:
        raise InputError(
            f"least_noise is {detector.least_noise!r}; give at most most_noise, "
            f"{detector.most_noise!r}"
        )


@dataclass(kw_only=True, eq=False, repr=False)
class DenoisingAutoencoder(NetworkDetector):
    """Denoising autoencoder (Vincent et al. 2008) for noise of many sizes, which it is told.

    The loss is the mean over rows of |x - D(x + sigma n, log sigma)|_2², n ~ N(0, I), sigma drawn
    evenly on a logarithmic scale. A row is scored as it is, at one sigma: x - D(x, log sigma) nears
    -sigma² times the gradient of log p (Alain, Bengio 2014). Score, large = anomalous: the
    Mahalanobis length of that residual among those of training rows; "l2" is its plain length.
    Images are rows of pixels to it.
    """

    name: ClassVar[str] = "denoising-autoencoder"
    summary: ClassVar[str] = "what a denoiser takes off a row (Vincent et al., ICML 2008)"
    own_score: ClassVar[str] = "whitened"
    model = DenoiserModel
    tables = Architectures(
        DenoiserArchitecture, DENOISER_ARCHITECTURES, lambda shape: DENOISER_ARCHITECTURES["usual"]
    )
    sees_images = streams_images = False
    usual: ClassVar[Mapping[str, Any]] = {**NetworkDetector.usual, "batch_size": 128}
    rules = (*NetworkDetector.rules, _rising_noise)

    # checks without improvement before a member stops; None = it is trained to the end: the rule
    # of the other methods stops it too early where columns are drawn independently
    patience: Count | None = None
    least_noise: Positive = 0.02  # least standard deviation of the noise, in encoded units
    most_noise: Positive = 1.0  # and the greatest
    scoring_noise: Positive = 0.05  # that a row is said to have when it is scored

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> DenoiserNetwork:
        return denoiser_network(shape, architecture, math.log(self.scoring_noise))

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> LossStep:
        networks = self._networks(tuple(X.shape[1:]), architecture)
        least, most = math.log(self.least_noise), math.log(self.most_noise)

        def loss(context: Context, x: Tensor, noise: StepNoise) -> Tensor:
            level = least + (most - least) * noise.uniform(x.shape[1])
            return denoising_loss(networks, context, x, level, noise.normal(*x.shape[1:]))

        return LossStep(X, networks, loss, optimiser, seed=seed, members=self.member_numbers())
