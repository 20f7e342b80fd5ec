"""Reconstructions by autoencoders, and the likelihoods of a VAE, in NumPy without torch.

Networks are those of `autoencoders.networks.code_networks`, of tables.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Protocol

import numpy as np

from alad.networks.numpy_forward import (
    Arrays,
    DenseChain,
    MemberPass,
    NumpyEngine,
    dtype_of,
    frozen_chain,
    members_of,
    through,
)

# log variances of a VAE are kept within, as in training
LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST = -6.0, 6.0
LOG_TWO_PI = math.log(2.0 * math.pi)
DRAWS = "Z.draws.noise"  # [members, L, latent], the codes' noise, stored with the model

VAE_NAMES = ("mean", "log_variance", "log_likelihood", "reconstruction")


class CodeNetworks(Protocol):
    """E: x -> code and D: code -> x."""

    @property
    def encoder(self) -> DenseChain: ...
    @property
    def decoder(self) -> DenseChain: ...


def prepare_codes(networks: CodeNetworks, arrays: Arrays) -> NumpyEngine:
    """Prepare the engine of an autoencoder.

    Results: code [members, n, latent] and reconstruction [members, n, width].
    """

    def member_pass(member: int) -> MemberPass:
        encoder = frozen_chain(networks.encoder, arrays, member)
        decoder = frozen_chain(networks.decoder, arrays, member)

        def run(x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
            found = {"code": through(encoder, x)}
            if "reconstruction" in wanted:
                found["reconstruction"] = through(decoder, found["code"])
            return found

        return run

    passes = tuple(map(member_pass, members_of(arrays)))
    return NumpyEngine(("code", "reconstruction"), passes, dtype_of(arrays))


def prepare_vae(networks: CodeNetworks, arrays: Arrays) -> NumpyEngine:
    """Prepare the engine of a variational autoencoder.

    Results: mean and log_variance of the code [members, n, latent]; log_likelihood [members, n],
    float64: the mean of log p(x | z_l) over the model's draws (An & Cho 2015, algorithm 4);
    reconstruction [members, n, width]: the decoder's mean at the mean code.
    """
    passes = (MemberVAE(networks, arrays, member) for member in members_of(arrays))
    return NumpyEngine(VAE_NAMES, tuple(passes), dtype_of(arrays), frozenset({"log_likelihood"}))


class MemberVAE:
    """One member's pass of rows x [n, width]."""

    def __init__(self, networks: CodeNetworks, arrays: Arrays, member: int):
        self._encoder = frozen_chain(networks.encoder, arrays, member)
        self._decoder = frozen_chain(networks.decoder, arrays, member)
        self._draws = np.asarray(arrays[DRAWS][member], np.float64)

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        mean, log_variance = halves(through(self._encoder, x))
        found = {"mean": mean, "log_variance": log_variance}
        if "log_likelihood" in wanted:
            found["log_likelihood"] = self._mean_log_likelihood(x, mean, log_variance)
        if "reconstruction" in wanted:
            found["reconstruction"] = halves(through(self._decoder, mean))[0]
        return found

    def _mean_log_likelihood(
        self, x: np.ndarray, mean: np.ndarray, log_variance: np.ndarray
    ) -> np.ndarray:
        """Average log p(x | z_l) over the draws, the same for every row: [n]."""
        deviation, total = np.exp(0.5 * log_variance), np.zeros(len(x))
        for draw in self._draws:
            total += log_likelihood(x, *halves(through(self._decoder, mean + deviation * draw)))
        return total / len(self._draws)


def halves(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split outputs [n, 2 width] into means and log variances [n, width] each."""
    middle = both.shape[1] // 2
    log_variance = np.clip(both[:, middle:], LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST)
    return np.ascontiguousarray(both[:, :middle]), log_variance


def log_likelihood(x: np.ndarray, mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """Compute log N(x; mean, variance), summed over columns: [n]."""
    terms = np.square(x - mean) * np.exp(-log_variance)
    terms += log_variance
    terms += LOG_TWO_PI
    return -0.5 * terms.sum(axis=1)
