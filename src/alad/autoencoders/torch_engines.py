"""The engines in PyTorch of autoencoders, VAE, DSEBM and DAGMM; results are those of `passes`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from alad.autoencoders.likelihood import halves, log_likelihood
from alad.autoencoders.networks import (
    DRAWS,
    CodeNetworks,
    DenoiserNetwork,
    EnergyNetwork,
    MixtureNetworks,
)
from alad.networks.context import Context
from alad.neural.torch_engine import TorchEngine


@dataclass(frozen=True)
class OneLossEngine(TorchEngine):
    """An engine of networks that send images through themselves (`measure`)."""

    def pass_by(self, context: Context, x: Tensor) -> None:
        self.networks.measure(context, self.for_members(x))


@dataclass(frozen=True)
class Codes(OneLossEngine):
    networks: CodeNetworks

    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        code = self.networks.encoder(self.context, self.for_members(x))
        return {"code": code, "reconstruction": self.networks.decoder(self.context, code)}


@dataclass(frozen=True)
class Denoiser(OneLossEngine):
    networks: DenoiserNetwork

    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        return {"reconstruction": self.networks(self.context, self.for_members(x))}


@dataclass(frozen=True)
class Variational(OneLossEngine):
    networks: CodeNetworks

    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        mean, log_variance = halves(self.networks.encoder(self.context, self.for_members(x)))
        results = {"mean": mean, "log_variance": log_variance}
        if "log_likelihood" in wanted:
            results["log_likelihood"] = self._mean_log_likelihood(x, mean, log_variance)
        if "reconstruction" in wanted:
            results["reconstruction"] = self._decoded(mean)[0]
        return results

    def _decoded(self, code: Tensor) -> tuple[Tensor, Tensor]:
        return halves(self.networks.decoder(self.context, code))

    def _mean_log_likelihood(self, x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Average log p(x | z_l) over the draws, the same for every row: [members, n], float64."""
        draws, x = self.context.buffers[DRAWS], self.for_members(x)  # draws [members, L, latent]
        terms = []
        for draw in draws.unbind(dim=1):
            code = mean + torch.exp(0.5 * log_variance) * draw[:, None]
            terms.append(log_likelihood(x, *self._decoded(code)).double())
        return sum(terms[1:], terms[0]) / len(terms)


@dataclass(frozen=True)
class Energy(OneLossEngine):
    networks: EnergyNetwork

    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        x, results = self.for_members(x), {}
        if "energy" in wanted:
            results["energy"] = self.networks.energy(self.context, x)
        if not {"gradient", "reconstruction"}.isdisjoint(wanted):
            results["gradient"] = self.networks.gradient(self.context, x)
            results["reconstruction"] = x - results["gradient"]
        return results


@dataclass(frozen=True)
class Mixtures(OneLossEngine):
    networks: MixtureNetworks

    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        again, z = self.networks.represent(self.context, self.for_members(x))
        results = {"reconstruction": again, "z": z}
        if "responsibilities" in wanted:
            results["responsibilities"] = self.networks.responsibilities(self.context, z)
        return results


codes, denoiser, vae = Codes.prepare, Denoiser.prepare, Variational.prepare
energy, mixture = Energy.prepare, Mixtures.prepare
