"""Variational autoencoder: a row is anomalous if its own codes make it improbable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from alad.autoencoders.autoencoder import CODES, IMAGE_CODES
from alad.autoencoders.networks import CodeNetworks, code_networks
from alad.networks.context import Context
from alad.networks.layers import Arrays
from alad.neural.detector import NetworkDetector
from alad.neural.one_loss import OneLossModel, Trained
from alad.neural.score import Learnt, Score
from alad.parameters import Count, replaces
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import LossStep

# Log variances of a VAE are kept within: a constant column would drive one to minus infinity
LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST = -6.0, 6.0
LOG_TWO_PI = math.log(2.0 * math.pi)


def halves(both: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log variances [members, n, *] from what a network of two numbers gives."""
    mean, log_variance = both.chunk(2, dim=-1)
    return mean, log_variance.clamp(LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST)


def log_likelihood(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(x; mean, variance), summed over columns or pixels: [members, n]."""
    squares = (x - mean).square() * torch.exp(-log_variance)
    return -0.5 * (LOG_TWO_PI + log_variance + squares).flatten(2).sum(dim=2)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, I)), [members, n]."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=2)


def negative_bound(networks: CodeNetworks, context: Context, x: Tensor, noise: Tensor) -> Tensor:
    """[members, n]: minus the evidence lower bound, from one draw of the code a row.

    noise [members, n, latent]. Kingma & Welling 2014, eq. 10.
    """
    mean, log_variance = halves(networks.encoder(context, x))
    code = mean + torch.exp(0.5 * log_variance) * noise
    likelihood = log_likelihood(x, *halves(networks.decoder(context, code)))
    return divergence(mean, log_variance) - likelihood


def probability(model: Trained, x: Tensor, learnt: Learnt) -> Tensor:
    """Minus the mean of log p(x | z_l) over the model's draws: An & Cho 2015, algorithm 4."""
    x = model.for_members(x)
    return -_mean_log_likelihood(model, x, *halves(model.networks.encoder(model.context, x)))


def bound(model: Trained, x: Tensor, learnt: Learnt) -> Tensor:
    """Minus the evidence lower bound, from the model's draws."""
    x = model.for_members(x)
    mean, log_variance = halves(model.networks.encoder(model.context, x))
    likelihood = _mean_log_likelihood(model, x, mean, log_variance)
    return divergence(mean, log_variance).double() - likelihood


def _mean_log_likelihood(model: Trained, x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Over the model's draws, the same for every row: [members, n], float64."""
    draws = model.context.buffers["Z.draws.noise"]  # [members, L, latent]
    total = torch.zeros(x.shape[:2], dtype=torch.float64, device=x.device)
    for draw in draws.unbind(dim=1):
        code = mean + torch.exp(0.5 * log_variance) * draw[:, None]
        decoded = halves(model.networks.decoder(model.context, code))
        total += log_likelihood(x, *decoded).double()
    return total / draws.shape[1]


def distance_to_mean(model: Trained, x: Tensor, learnt: Learnt) -> Tensor:
    x, again = decoded_mean(model, x)
    return torch.linalg.vector_norm((x - again).flatten(2), dim=2)


def decoded_mean(model: Trained, x: Tensor) -> tuple[Tensor, Tensor]:
    """x, and the decoder's mean at the mean code."""
    x = model.for_members(x)
    code, _ = halves(model.networks.encoder(model.context, x))
    return x, halves(model.networks.decoder(model.context, code))[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class VAEModel(OneLossModel):
    """The model of the VAE; its draws of the code are among the buffers."""

    kind: ClassVar[str] = "vae"
    offers: ClassVar[Mapping[str, Score[Trained]]] = {
        "probability": Score(probability),
        "bound": Score(bound),
        "l2": Score(distance_to_mean),
    }

    def _reconstruction(self, x: Tensor) -> Tensor:
        return decoded_mean(self.reader, x)[1]


@dataclass(kw_only=True, eq=False, repr=False)
class VAE(NetworkDetector):
    """Variational autoencoder, scored by reconstruction probability (An & Cho 2015).

    Normal code and normal rows given the code, both with a learnt diagonal variance; trained by the
    evidence lower bound (Kingma, Welling 2014, eq. 10). Score, large = anomalous: minus the mean of
    log p(x | z_l) over L draws of the code (An & Cho's algorithm 4). The draws are made once, from
    the seed, and stored with the model.
    """

    name: ClassVar[str] = "vae"
    summary: ClassVar[str] = "variational autoencoder, reconstruction probability (An & Cho 2015)"
    own_score: ClassVar[str] = "probability"
    model = VAEModel
    tables, images = CODES, IMAGE_CODES

    latent_dim: Count | None = replaces("latent", None)  # width of the latent code
    draws: Count = 10  # how many codes a score averages over

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> CodeNetworks:
        draws = Arrays("Z", noise={"draws": (self.draws, architecture.latent)})
        return code_networks(shape, architecture, numbers=2, others=(draws,))

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> LossStep:
        networks = self._networks(tuple(X.shape[1:]), architecture)

        def loss(context: Context, x: Tensor, noise: StepNoise) -> Tensor:
            drawn = noise.normal(x.shape[1], networks.latent)
            return negative_bound(networks, context, x, drawn).mean(dim=1)

        return LossStep(X, networks, loss, optimiser, seed=seed, members=self._member_numbers())
