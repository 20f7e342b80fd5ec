"""Variational autoencoder: a row is anomalous if improbable given its own codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from alad.autoencoders.autoencoder import CODES, IMAGE_CODES
from alad.autoencoders.likelihood import divergence, halves, log_likelihood
from alad.autoencoders.models import VAEModel
from alad.autoencoders.networks import CodeNetworks, code_networks
from alad.networks.context import Context
from alad.networks.layers import Arrays
from alad.neural.detector import NetworkDetector
from alad.parameters import Count, replaces
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import LossStep


def negative_bound(networks: CodeNetworks, context: Context, x: Tensor, noise: Tensor) -> Tensor:
    """Compute minus the evidence lower bound [members, n], from one draw of the code a row.

    noise: [members, n, latent]. Kingma & Welling 2014, eq. 10.
    """
    mean, log_variance = halves(networks.encoder(context, x))
    code = mean + torch.exp(0.5 * log_variance) * noise
    likelihood = log_likelihood(x, *halves(networks.decoder(context, code)))
    return divergence(mean, log_variance) - likelihood


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

        return LossStep(X, networks, loss, optimiser, seed=seed, members=self.member_numbers())
