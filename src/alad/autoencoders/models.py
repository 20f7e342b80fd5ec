"""Models of the methods with one loss, and their scores; no PyTorch.

| model    | score          | formula                                                             |
|----------|----------------|---------------------------------------------------------------------|
| code     | l2, l1         | lengths of x - x', x' = D(E(x))                                     |
| denoiser | l2, l1         | the same, x' = D(x, log sigma) at the sigma that rows are scored at |
| denoiser | whitened       | Mahalanobis length of x - x' among those of training rows           |
| vae      | probability    | -mean_l log p(x | z_l) over the model's draws (An & Cho, alg. 4)    |
| vae      | bound          | KL(q(z | x) || N(0, I)) - that mean                                 |
| vae      | l2             | length of x - x', x' the decoder's mean at the mean code            |
| energy   | energy         | E(x) (Zhai et al. 2016, section 3.1)                                |
| energy   | reconstruction | norm_2(x - r(x)), the length of dE/dx                               |
| mixture  | energy         | -log of the mixture's density at z (Zong et al. 2018, eq. 6)        |
| mixture  | l2             | length of x - x', by the compression network alone                  |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alad.autoencoders.mixture import fit_mixture, mixture_energy
from alad.neural.engines import Engines
from alad.neural.model import NetworkModel
from alad.neural.score import (
    L1,
    L2,
    Learnt,
    Results,
    Score,
    flat,
    length,
    mahalanobis,
    missed,
    total,
    whitening,
)


def _engines(family: str) -> Engines:
    return {
        "c": ("alad.autoencoders.engines", "in_c", family),
        "torch": ("alad.autoencoders.torch_engines", family),
        "numpy": ("alad.autoencoders.engines", "in_numpy", family),
    }


@dataclass(frozen=True, eq=False, kw_only=True)
class CodeModel(NetworkModel):
    """The model of the autoencoders."""

    kind: ClassVar[str] = "code"
    offers: ClassVar[Mapping[str, Score]] = {"l2": L2, "l1": L1}
    engines: ClassVar[Engines] = _engines("codes")
    makes_rows: ClassVar[bool] = True


# --- denoising autoencoder ------------------------------------------------------------------------


def whitened(results: Results, learnt: Learnt) -> np.ndarray:
    """Compute the Mahalanobis length of x - x' among those of training rows, [members, n]."""
    return mahalanobis(missed(results), learnt)


@dataclass(frozen=True, eq=False, kw_only=True)
class DenoiserModel(NetworkModel):
    """The model of the denoising autoencoder."""

    kind: ClassVar[str] = "denoiser"
    offers: ClassVar[Mapping[str, Score]] = {
        "whitened": Score(
            ("reconstruction",),
            whitened,
            learn=lambda results: whitening(missed(results)),
            learns_from=("x", "reconstruction"),
            watched_as="l2",
        ),
        "l2": L2,
        "l1": L1,
    }
    engines: ClassVar[Engines] = _engines("denoiser")
    makes_rows: ClassVar[bool] = True


# --- VAE ------------------------------------------------------------------------------------------


def probability(results: Results, learnt: Learnt) -> np.ndarray:
    return -results["log_likelihood"]


def bound(results: Results, learnt: Learnt) -> np.ndarray:
    """Compute minus the evidence lower bound [members, n], from the model's draws."""
    return divergence(results["mean"], results["log_variance"]) - results["log_likelihood"]


def divergence(mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """Compute KL(N(mean, variance) || N(0, I)), [members, n], in float64."""
    mean, log_variance = mean.astype(np.float64), log_variance.astype(np.float64)
    return 0.5 * total(np.square(mean) + np.exp(log_variance) - 1.0 - log_variance)


@dataclass(frozen=True, eq=False, kw_only=True)
class VAEModel(NetworkModel):
    """The model of the VAE; its draws of the code are among the buffers."""

    kind: ClassVar[str] = "vae"
    offers: ClassVar[Mapping[str, Score]] = {
        "probability": Score(("log_likelihood",), probability),
        "bound": Score(("mean", "log_variance", "log_likelihood"), bound),
        "l2": L2,
    }
    engines: ClassVar[Engines] = _engines("vae")
    makes_rows: ClassVar[bool] = True


# --- DSEBM ----------------------------------------------------------------------------------------


def energy(results: Results, learnt: Learnt) -> np.ndarray:
    return results["energy"]


def slope(results: Results, learnt: Learnt) -> np.ndarray:
    """Compute norm_2(x - r(x)), the length of dE/dx: [members, n]."""
    return length(flat(results["gradient"]))


@dataclass(frozen=True, eq=False, kw_only=True)
class EnergyModel(NetworkModel):
    """The model of DSEBM: one energy, two ways to score."""

    kind: ClassVar[str] = "energy"
    offers: ClassVar[Mapping[str, Score]] = {
        "energy": Score(("energy",), energy),
        "reconstruction": Score(("gradient",), slope),
    }
    engines: ClassVar[Engines] = _engines("energy")
    makes_rows: ClassVar[bool] = True


# --- DAGMM ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class MixtureModel(NetworkModel):
    """The model of DAGMM; what its energy has learnt is the mixture of all training rows."""

    kind: ClassVar[str] = "mixture"
    offers: ClassVar[Mapping[str, Score]] = {
        "energy": Score(
            ("z",),
            mixture_energy,
            learn=fit_mixture,
            learns_from=("z", "responsibilities"),
            learns_from_all=True,
        ),
        "l2": L2,
    }
    engines: ClassVar[Engines] = _engines("mixture")
    makes_rows: ClassVar[bool] = True
