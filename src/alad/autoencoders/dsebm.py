"""DSEBM: an energy that is low where normal rows lie, learnt by score matching."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from alad.autoencoders.architectures import (
    ENERGY_ARCHITECTURES,
    IMAGE_ENERGY_ARCHITECTURES,
    EnergyArchitecture,
    ImageEnergyArchitecture,
    image_energy_architecture_for,
)
from alad.networks.context import Context, Layer
from alad.networks.convolution import Convolution
from alad.networks.dense import Arrays, Dense
from alad.networks.patches import Window
from alad.networks.stacks import flattened
from alad.neural.detector import Architectures, NetworkDetector
from alad.neural.one_loss import OneLossModel, Trained
from alad.neural.score import Learnt, Score
from alad.parameters import Positive
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import LossStep


class EnergyNetwork:
    """E(x) = 0.5 norm(x - b')^2 - sum_j h_L(x)_j, with h_l = softplus(h_{l-1} W_l + b_l).

    Zhai et al. 2016, section 3.1. b' belongs to the model.
    """

    def __init__(self, hidden: Sequence[Any], shape: tuple[int, ...]):
        """hidden: linear layers, dense or convolutions; shape: of a row."""
        self.hidden = tuple(hidden)
        self.layers: tuple[Layer, ...] = (*self.hidden, Arrays("X", {"bias": (1, *shape)}))

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        return {"weights": self.layers}

    def _sums(self, context: Context, x: Tensor) -> list[Tensor]:
        """h_{l-1} W_l + b_l of every layer."""
        sums: list[Tensor] = []
        for layer in self.hidden:
            sums.append(layer(context, softplus(sums[-1]) if sums else x))
        return sums

    def energy(self, context: Context, x: Tensor) -> Tensor:
        """E(x), [members, n], float64: a difference of two large numbers far from the data."""
        top = softplus(self._sums(context, x)[-1])
        offset = (x - context.weights["X.bias"]).double()
        return 0.5 * offset.square().flatten(2).sum(dim=2) - top.double().sum(dim=2)

    def gradient(self, context: Context, x: Tensor) -> Tensor:
        """dE/dx [members, n, *shape]: back through the same weights, written out.

        So scoring needs no automatic derivative, and training only one.
        """
        back = torch.ones((), dtype=x.dtype, device=x.device)
        for layer, total in zip(self.hidden[::-1], self._sums(context, x)[::-1], strict=True):
            back = layer.back(context, back * torch.sigmoid(total))
        return x - context.weights["X.bias"] - back

    def measure(self, context: Context, x: Tensor) -> None:
        """Nothing: an energy of one row has no batch norm."""

    def reconstruct(self, context: Context, x: Tensor) -> Tensor:
        """r(x) = x - dE/dx."""
        return x - self.gradient(context, x)


def dense_layers(width: int, widths: Sequence[int], first: int = 0) -> list[Dense]:
    """Linear layers from rows of `width` numbers, numbered from `first` on."""
    pairs = enumerate(itertools.pairwise([width, *widths]), start=first)
    return [Dense(f"H.{number}", inputs, outputs) for number, (inputs, outputs) in pairs]


def image_layers(
    shape: tuple[int, ...], architecture: ImageEnergyArchitecture
) -> list[Convolution | Dense]:
    """Convolutions that halve an image each, then dense layers."""
    layers: list[Any] = []
    height, width, inputs = shape
    for at, outputs in enumerate(architecture.channels):
        window = Window((height, width), (architecture.kernel, architecture.kernel), 2)
        layers.append(Convolution(f"H.{at}", inputs, outputs, window, deviation=None))
        height, width, inputs = layers[-1].shape
    layers = flattened(layers)
    return [*layers, *dense_layers(height * width * inputs, architecture.dense, len(layers))]


def denoising_loss(network: EnergyNetwork, context: Context, x: Tensor, noise: Tensor) -> Tensor:
    """[members]: squared error of r(x + noise) as x, mean over elements: score matching.

    Vincent 2011; Zhai et al. 2016, eq. 8. The clean x is the target.
    """
    again = network.reconstruct(context, x + noise)
    return (x - again).square().flatten(1).mean(dim=1)


def energy(model: Trained, x: Tensor, learnt: Learnt) -> Tensor:
    return model.networks.energy(model.context, model.for_members(x))


def reconstruction(model: Trained, x: Tensor, learnt: Learnt) -> Tensor:
    """norm_2(x - r(x)), the length of dE/dx."""
    gradient = model.networks.gradient(model.context, model.for_members(x))
    return torch.linalg.vector_norm(gradient.flatten(2), dim=2)


@dataclass(frozen=True, eq=False)
class EnergyModel(OneLossModel):
    """The model of DSEBM: one energy, two ways to score."""

    kind: ClassVar[str] = "energy"
    offers: ClassVar[Mapping[str, Score[Trained]]] = {
        "energy": Score(energy),
        "reconstruction": Score(reconstruction),
    }

    def _reconstruction(self, x: Tensor) -> Tensor:
        return self.networks.reconstruct(self.context, self.reader.for_members(x))


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
        if isinstance(architecture, ImageEnergyArchitecture):
            return EnergyNetwork(image_layers(shape, architecture), shape)
        return EnergyNetwork(dense_layers(shape[0], architecture.hidden), shape)

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> LossStep:
        networks = self._networks(tuple(X.shape[1:]), architecture)

        def loss(context: Context, x: Tensor, noise: StepNoise) -> Tensor:
            return denoising_loss(networks, context, x, self.noise * noise.normal(*x.shape[1:]))

        return LossStep(X, networks, loss, optimiser, seed=seed, members=self._member_numbers())


@dataclass(kw_only=True, eq=False, repr=False)
class DSEBMe(DSEBMr):
    """Deep structured energy-based model, scored by its energy (Zhai et al. 2016).

    E(x), large = anomalous; energy and loss (section 3.1, eq. 8) as in `DSEBMr`.
    """

    name: ClassVar[str] = "dsebm-e"
    summary: ClassVar[str] = "deep structured energy, by energy (Zhai et al., ICML 2016)"
    own_score: ClassVar[str] = "energy"
