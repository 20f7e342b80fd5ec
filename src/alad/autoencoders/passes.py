"""The passes of one member's rows x [n, width] through the networks of tables, without PyTorch.

Each is written once, for NumPy in float64 and for C in float32; an argument says who multiplies
(`networks.numpy_forward.MakePass`). Its results, of which a score reads some:

| family   | results                                                                             |
|----------|-------------------------------------------------------------------------------------|
| codes    | code [n, latent], reconstruction [n, width]                                         |
| denoiser | reconstruction [n, width], at the noise level of scoring                            |
| vae      | mean, log_variance [n, latent], log_likelihood [n], reconstruction [n, width]       |
| energy   | energy [n], gradient, reconstruction [n, width]                                     |
| mixture  | reconstruction [n, width], z [n, latent + 2], responsibilities [n, K]               |

A log_likelihood is the mean of log p(x | z_l) over the model's draws (An & Cho 2015, algorithm 4);
a VAE's reconstruction the decoder's mean at the mean code. Of DSEBM (Zhai et al. 2016, section
3.1), with s_l = h_{l-1} W_l + b_l, h_l = softplus(s_l) and h_0 = x,

    E(x)  = 0.5 norm(x - b')^2 - sum_j h_L(x)_j
    dE/dx = x - b' - g_1 W_1',   g_l = sigmoid(s_l) (g_{l+1} W_{l+1}'),   g_L = sigmoid(s_L)

Of DAGMM (Zong et al. 2018) z = [E(x), norm(x - x') / norm(x), cos(x, x')], x' = D(E(x)).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.autoencoders.networks import (
    CENTRE,
    DRAWS,
    LEAST_NORM,
    LOG_TWO_PI,
    LOG_VARIANCE_LEAST,
    LOG_VARIANCE_MOST,
    CodeNetworks,
    DenoiserNetwork,
    EnergyNetwork,
    MixtureNetworks,
)
from alad.networks.numpy_forward import Affine, Arrays, MakePass, MemberPass, affine_chain
from alad.neural.score import length

# --- autoencoders ---------------------------------------------------------------------------------


class CodePass:
    """The pass through E and D."""

    def __init__(self, networks: CodeNetworks, arrays: Arrays, member: int, make: MakePass):
        self._encoder = make(affine_chain(networks.encoder, arrays, member))
        self._decoder = make(affine_chain(networks.decoder, arrays, member))

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        results = {"code": self._encoder(x)}
        if "reconstruction" in wanted:
            results["reconstruction"] = self._decoder(results["code"])
        return results


# --- denoising autoencoder ------------------------------------------------------------------------


class DenoiserPass:
    """The pass through the denoiser, at its noise level of scoring."""

    def __init__(self, network: DenoiserNetwork, arrays: Arrays, member: int, make: MakePass):
        self._denoise = make(affine_chain(network.chain, arrays, member))

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        return {"reconstruction": self._denoise(x)}


# --- VAE ------------------------------------------------------------------------------------------


class VAEPass:
    """The pass through E, and through D for every draw of the code."""

    def __init__(self, networks: CodeNetworks, arrays: Arrays, member: int, make: MakePass):
        self._encoder = make(affine_chain(networks.encoder, arrays, member))
        self._decoder = make(affine_chain(networks.decoder, arrays, member))
        self._draws = arrays[DRAWS][member]

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        mean, log_variance = halves(self._encoder(x))
        results = {"mean": mean, "log_variance": log_variance}
        if "log_likelihood" in wanted:
            results["log_likelihood"] = self._mean_log_likelihood(x, mean, log_variance)
        if "reconstruction" in wanted:
            results["reconstruction"] = halves(self._decoder(mean))[0]
        return results

    def _mean_log_likelihood(
        self, x: np.ndarray, mean: np.ndarray, log_variance: np.ndarray
    ) -> np.ndarray:
        """Average log p(x | z_l) over the draws, the same for every row: [n], float64."""
        deviation = np.exp(0.5 * log_variance)
        codes = (mean + deviation * draw for draw in self._draws)
        terms = (log_likelihood(x, *halves(self._decoder(code))) for code in codes)
        return sum(terms, np.zeros_like(x[:, 0], np.float64)) / len(self._draws)


def halves(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split outputs [n, 2 width] into means and log variances [n, width] each."""
    middle = both.shape[1] // 2
    log_variance = np.clip(both[:, middle:], LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST)
    return both[:, :middle].copy(), log_variance


def log_likelihood(x: np.ndarray, mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """Compute log N(x; mean, variance), summed over columns: [n]."""
    terms = x - mean
    np.square(terms, out=terms)
    terms *= np.exp(-log_variance)
    terms += log_variance
    terms += LOG_TWO_PI
    return -0.5 * np.einsum("nj->n", terms)


# --- DSEBM ----------------------------------------------------------------------------------------


class EnergyPass:
    """The pass through the layers, and back through the same weights."""

    def __init__(self, network: EnergyNetwork, arrays: Arrays, member: int, make: MakePass):
        layers = [Affine.of(layer, arrays, member) for layer in network.hidden]
        self._layers = [make([layer]) for layer in layers]
        self._back = [make([layer.back()]) for layer in layers]
        self._centre = arrays[CENTRE][member, 0]

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        back = not {"gradient", "reconstruction"}.isdisjoint(wanted)
        h, sums = x, []
        for layer in self._layers:
            sums.append(layer(h))
            if layer is not self._layers[-1] or "energy" in wanted:
                h = softplus(sums[-1])
        offset, results = x - self._centre, {}
        if "energy" in wanted:  # far from the data a difference of two large numbers
            wide = offset.astype(np.float64)
            results["energy"] = 0.5 * np.einsum("nj,nj->n", wide, wide)
            results["energy"] -= np.einsum("nj->n", h.astype(np.float64))
        if back:
            g = sigmoid(sums.pop())
            for layer in self._back[:0:-1]:
                g = layer(g)
                g *= sigmoid(sums.pop())
            back_again = self._back[0](g)
            results["gradient"] = offset - back_again
            results["reconstruction"] = self._centre + back_again  # x - dE/dx
        return results


def softplus(sums: np.ndarray) -> np.ndarray:
    """Compute log(1 + e^s) of sums s [n, units], without overflow."""
    value = np.abs(sums)
    np.negative(value, out=value)
    np.log1p(np.exp(value, out=value), out=value)
    value += np.maximum(sums, 0.0)
    return value


def sigmoid(sums: np.ndarray) -> np.ndarray:
    """Compute 1 / (1 + e^-s) of sums s [n, units], in their place: the derivative of softplus."""
    sums *= 0.5
    np.tanh(sums, out=sums)
    sums += 1.0
    sums *= 0.5
    return sums


# --- DAGMM ----------------------------------------------------------------------------------------


class MixturePass:
    """The pass through the compression network and, where wanted, the estimation network."""

    def __init__(self, networks: MixtureNetworks, arrays: Arrays, member: int, make: MakePass):
        compression = networks.compression
        self._encoder = make(affine_chain(compression.encoder, arrays, member))
        self._decoder = make(affine_chain(compression.decoder, arrays, member))
        self._estimation = make(affine_chain(networks.estimation, arrays, member))

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        code = self._encoder(x)
        again = self._decoder(code)
        results = {"reconstruction": again}
        if not {"z", "responsibilities"}.isdisjoint(wanted):
            results["z"] = np.concatenate([code, misses(x, again).astype(code.dtype)], axis=1)
        if "responsibilities" in wanted:
            results["responsibilities"] = softmax(self._estimation(results["z"]))
        return results


def misses(x: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Compute the reconstruction errors norm(x - x') / norm(x) and cos(x, x'), [n, 2]."""
    norm, norm_again = (np.maximum(length(rows), LEAST_NORM) for rows in (x, again))
    product = (a.astype(np.float64, order="C", copy=False) for a in (x, again))
    cosine = np.einsum("nj,nj->n", *product) / (norm * norm_again)
    return np.stack([length(x - again) / norm, cosine], axis=1)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits [n, K] into shares that sum up to 1, in float64."""
    wide = logits.astype(np.float64)
    shares = np.exp(wide - wide.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


# --- all of them ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """A pass, the names of its results, and which of them are float64 whatever the weights are."""

    kind: Callable[[Any, Arrays, int, MakePass], MemberPass]
    names: tuple[str, ...]
    double: frozenset[str] = frozenset()


FAMILIES = {
    "codes": Family(CodePass, ("code", "reconstruction")),
    "denoiser": Family(DenoiserPass, ("reconstruction",)),
    "vae": Family(
        VAEPass,
        ("mean", "log_variance", "log_likelihood", "reconstruction"),
        frozenset({"log_likelihood"}),
    ),
    "energy": Family(EnergyPass, ("energy", "gradient", "reconstruction"), frozenset({"energy"})),
    "mixture": Family(
        MixturePass, ("reconstruction", "z", "responsibilities"), frozenset({"responsibilities"})
    ),
}
