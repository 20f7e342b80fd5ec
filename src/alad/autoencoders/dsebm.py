"""DSEBM: an energy that is low where normal rows lie, learnt by score matching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from alad.autoencoders.architectures import (
    ENERGY_ARCHITECTURES,
    IMAGE_ENERGY_ARCHITECTURES,
    EnergyArchitecture,
    ImageEnergyArchitecture,
    image_energy_architecture_for,
)
from alad.autoencoders.networks import EnergyNetwork, energy_network
from alad.networks.context import Context
from alad.neural.one_loss import Descending, Trained
from alad.neural.score import Fitted, Score
from alad.parameters import positive
from alad.training.noise import StepNoise


def denoising_loss(network: EnergyNetwork, context: Context, x: Tensor, noise: Tensor) -> Tensor:
    """[members]: squared error of r(x + noise) as x, mean over elements: score matching.

    Vincent 2011; Zhai et al. 2016, eq. 8. The clean x is the target.
    """
    again = network.reconstruct(context, x + noise)
    return (x - again).square().flatten(1).mean(dim=1)


def energy(model: Trained, x: Tensor, fitted: Fitted) -> Tensor:
    return model.networks.energy(model.context, model.for_members(x))


def reconstruction(model: Trained, x: Tensor, fitted: Fitted) -> Tensor:
    """norm_2(x - r(x)), the length of dE/dx."""
    gradient = model.networks.gradient(model.context, model.for_members(x))
    return torch.linalg.vector_norm(gradient.flatten(2), dim=2)


class DSEBM(Descending):
    """The body of DSEBM: one energy, two ways to score (Zhai et al. 2016).

    E(x) = 0.5 |x - b'|_2² - sum_j h_L(x)_j (section 3.1; h_L [widths of the last layer]), learnt by
    score matching as denoising: |x - r(x + noise)|_2², r(x) = x - dE/dx (eq. 8).

    Parameters, beside those of `Neural`
    ----------
    noise : standard deviation of the noise that is added in training, in encoded units
    """

    scores: ClassVar[Mapping[str, Score[Trained]]] = {
        "energy": Score(energy),
        "reconstruction": Score(reconstruction),
    }
    architectures = ENERGY_ARCHITECTURES
    architecture_type = EnergyArchitecture
    image_architectures = IMAGE_ENERGY_ARCHITECTURES
    image_architecture_type = ImageEnergyArchitecture
    sees_images = True
    streams_images = True

    def __init__(self, *, noise: float = 1.0, **common: Any):
        super().__init__(**common)
        self.noise = noise

    def _check_parameters(self) -> None:
        super()._check_parameters()
        positive("noise", self.noise)

    def _usual_architecture(self, shape: tuple[int, ...]) -> Any:
        if len(shape) > 1:
            return image_energy_architecture_for(shape)
        return ENERGY_ARCHITECTURES["kdd99"]

    def _networks_for(self, shape: tuple[int, ...]) -> EnergyNetwork:
        return energy_network(shape, self._architecture(shape))

    def _loss(self, networks: EnergyNetwork) -> Callable[[Context, Tensor, StepNoise], Tensor]:
        def loss(context: Context, x: Tensor, noise: StepNoise) -> Tensor:
            return denoising_loss(networks, context, x, self.noise * noise.normal(*x.shape[1:]))

        return loss

    def _reconstruction(self, x: Tensor) -> Tensor:
        return self._model.networks.reconstruct(self._model.context, self._model.for_members(x))


class DSEBMr(DSEBM):
    """Deep structured energy-based model, scored by reconstruction (Zhai et al. 2016).

    |x - r(x)|_2 = |dE/dx|_2, large = anomalous; energy and loss (section 3.1, eq. 8) as in `DSEBM`.
    """

    name: ClassVar[str] = "dsebm-r"
    summary: ClassVar[str] = "deep structured energy, by reconstruction (Zhai et al., ICML 2016)"
    own_score = "reconstruction"


class DSEBMe(DSEBM):
    """Deep structured energy-based model, scored by its energy (Zhai et al. 2016).

    E(x), large = anomalous; energy and loss (section 3.1, eq. 8) as in `DSEBM`.
    """

    name: ClassVar[str] = "dsebm-e"
    summary: ClassVar[str] = "deep structured energy, by energy (Zhai et al., ICML 2016)"
    own_score = "energy"
