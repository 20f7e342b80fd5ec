"""DSEBM: an energy that is low where normal rows lie, learnt by score matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from alad.autoencoders.architectures import (
    ENERGY_ARCHITECTURES,
    IMAGE_ENERGY_ARCHITECTURES,
    EnergyArchitecture,
    ImageEnergyArchitecture,
    image_energy_architecture_for,
)
from alad.autoencoders.models import EnergyModel
from alad.autoencoders.networks import EnergyNetwork, energy_network
from alad.networks.context import Context
from alad.neural.choices import Architectures
from alad.neural.detector import NetworkDetector
from alad.parameters import Positive
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import LossStep


def denoising_loss(network: EnergyNetwork, context: Context, x: Tensor, noise: Tensor) -> Tensor:
    """Compute the squared error of r(x + noise) against the clean x: [members].

    The mean over all numbers of the batch; denoising score matching (Vincent 2011; Zhai et al.
    2016, eq. 8).
    """
    again = network.reconstruct(context, x + noise)
    return (x - again).square().flatten(1).mean(dim=1)


@dataclass(kw_only=True, eq=False, repr=False)
class DSEBMr(NetworkDetector):
    """Deep structured energy-based model, scored by reconstruction (Zhai et al. 2016).

    E(x) = 0.5 |x - b'|_2² - sum_j h_L(x)_j (section 3.1; h_L [widths of the last layer]), learnt by
    score matching as denoising: |x - r(x + noise)|_2², r(x) = x - dE/dx (eq. 8). Score, large =
    anomalous: |x - r(x)|_2 = |dE/dx|_2.
    """

    name: ClassVar[str] = "dsebm-r"
    summary: ClassVar[str] = "deep structured energy, by reconstruction (Zhai et al., ICML 2016)"
    own_score: ClassVar[str] = "reconstruction"
    model = EnergyModel
    tables = Architectures(
        EnergyArchitecture, ENERGY_ARCHITECTURES, lambda shape: ENERGY_ARCHITECTURES["kdd99"]
    )
    images = Architectures(
        ImageEnergyArchitecture, IMAGE_ENERGY_ARCHITECTURES, image_energy_architecture_for
    )

    noise: Positive = 1.0  # standard deviation of what is added in training, in encoded units

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> EnergyNetwork:
        return energy_network(shape, architecture)

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> LossStep:
        networks = self._networks(tuple(X.shape[1:]), architecture)

        def loss(context: Context, x: Tensor, noise: StepNoise) -> Tensor:
            return denoising_loss(networks, context, x, self.noise * noise.normal(*x.shape[1:]))

        return LossStep(X, networks, loss, optimiser, seed=seed, members=self.member_numbers())


@dataclass(kw_only=True, eq=False, repr=False)
class DSEBMe(DSEBMr):
    """Deep structured energy-based model, scored by its energy (Zhai et al. 2016).

    E(x), large = anomalous; energy and loss (section 3.1, eq. 8) as in `DSEBMr`.
    """

    name: ClassVar[str] = "dsebm-e"
    summary: ClassVar[str] = "deep structured energy, by energy (Zhai et al., ICML 2016)"
    own_score: ClassVar[str] = "energy"
