"""Networks of the methods with one loss: E: x -> code and D: code -> x, energies, mixtures.

For images E and D are E and G of ALAD. PyTorch is loaded by the functions that need it, so that
networks can be read from a file without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from alad.autoencoders import mirror
from alad.autoencoders.architectures import (
    AnyCodeArchitecture,
    AnyEnergyArchitecture,
    AnyMixtureArchitecture,
    DenoiserArchitecture,
    EnergyArchitecture,
)
from alad.errors import InputError
from alad.networks.description import described
from alad.networks.image_stacks import flattened
from alad.networks.interfaces import Layer
from alad.networks.layers import Arrays, Chain, Conditioned, Convolution, Dense, Engine, chain
from alad.networks.patches import PatchGeometry

if TYPE_CHECKING:
    from torch import Tensor

CENTRE = "X.bias"  # b' of an energy, [members, 1, *shape of a row]
UP = "X.up"  # bias on the way up of a mirrored energy, [members, 1, units]
DRAWS = "Z.draws.noise"  # of a VAE's code, the same for every row: [members, L, latent]
# Log variances of a VAE are kept within: a constant column would drive one to minus infinity
LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST = -6.0, 6.0
LOG_TWO_PI = math.log(2.0 * math.pi)
LEAST_NORM = 1e-3  # least length of a row that a relative error is divided by


@described("autoencoders.code")
@dataclass(frozen=True)
class CodeNetworks:
    """Encoder and decoder, and other holders of arrays of the model."""

    encoder: Chain
    decoder: Chain
    latent: int
    others: tuple[Layer, ...] = ()

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.encoder.layers, *self.decoder.layers, *self.others)

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        return {"weights": self.layers}

    def __call__(self, context: Engine, x: Any) -> Any:
        """Compute x' = D(E(x)), [members, n, *shape]; for one number for each output."""
        return self.decoder(context, self.encoder(context, x))

    def measure(self, context: Engine, x: Any) -> None:
        """Send images through E and D, by the code's mean, for `context` to measure."""
        self.decoder(context, self.encoder(context, x)[..., : self.latent])


def code_networks(
    shape: tuple[int, ...],
    architecture: AnyCodeArchitecture,
    *,
    numbers: int = 1,
    others: tuple[Layer, ...] = (),
) -> CodeNetworks:
    """Build E and D for rows of `shape`: (width,), or of an image.

    numbers: for each output, 1 = the output itself, 2 = its mean and its log variance, all means
    first along the last axis.
    """
    stacks = architecture.stacks(shape)
    encoder, decoder = stacks.down("E", numbers=numbers), stacks.up("D", numbers=numbers)
    return CodeNetworks(encoder, decoder, architecture.latent, others)


@described("autoencoders.denoiser")
@dataclass(frozen=True)
class DenoiserNetwork:
    """x~, log sigma -> the clean row; the chain's level is the log sigma of scoring."""

    chain: Conditioned

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self.chain.layers

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        return {"weights": self.layers}

    def __call__(self, context: Engine, x: Any, level: Any = None) -> Any:
        """Compute x' [members, n, width]; level [members, n], None = that of scoring."""
        return self.chain(context, x, level)


def denoiser_network(
    shape: tuple[int, ...], architecture: DenoiserArchitecture, level: float
) -> DenoiserNetwork:
    """Build a denoiser of rows of `shape` (width,), scored at the log sigma `level`."""
    widths = (shape[0] + 1, *architecture.hidden, shape[0])
    layers = chain("D", widths, architecture.activation, last="linear").layers
    return DenoiserNetwork(Conditioned(layers, level))


@described("autoencoders.mixture")
@dataclass(frozen=True)
class MixtureNetworks:
    """Compression E, D and the estimation network: z = [E(x), misses] -> responsibilities."""

    compression: CodeNetworks
    estimation: Chain

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.compression.layers, *self.estimation.layers)

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        return {"weights": self.layers}

    def measure(self, context: Engine, x: Any) -> None:
        self.compression.measure(context, x)

    def represent(self, context: Engine, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute x' [members, n, *shape] and z [members, n, latent + 2]."""
        code = self.compression.encoder(context, x)
        again = self.compression.decoder(context, code)
        return again, context.joined([code, misses(x, again)], 2)

    def responsibilities(self, context: Engine, z: Tensor) -> Tensor:
        """Compute each row's shares of the components [members, n, K], float64, summing up to 1."""
        return self.estimation(context, z).double().softmax(dim=2)


def misses(x: Tensor, again: Tensor) -> Tensor:
    """Compute the reconstruction errors norm(x - x') / norm(x) and cos(x, x'), [members, n, 2]."""
    import torch

    x, again = x.flatten(2), again.flatten(2)
    length = torch.linalg.vector_norm(x, dim=2).clamp_min(LEAST_NORM)
    other = torch.linalg.vector_norm(again, dim=2).clamp_min(LEAST_NORM)
    distance = torch.linalg.vector_norm(x - again, dim=2) / length
    return torch.stack([distance, (x * again).sum(dim=2) / (length * other)], dim=2)


def mixture_networks(shape: tuple[int, ...], chosen: AnyMixtureArchitecture) -> MixtureNetworks:
    """Build compression and estimation networks for rows of `shape`: (width,), or of an image."""
    widths = (chosen.latent + 2, *chosen.estimation, chosen.mixtures)
    estimation = chain("M", widths, chosen.activation, last="linear", dropout=chosen.dropout)
    return MixtureNetworks(code_networks(shape, chosen), estimation)


@described("autoencoders.energy")
@dataclass(frozen=True)
class EnergyNetwork:
    """E(x) = 0.5 norm(x - b')^2 - sum_j h_L(x)_j, with h_l = softplus(h_{l-1} W_l + b_l).

    Zhai et al. 2016, section 3.1. b' belongs to the model. hidden: linear layers, dense or
    convolutions; shape: of a row.
    """

    hidden: tuple[Any, ...]
    shape: tuple[int, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.hidden, Arrays("X", {"bias": (1, *self.shape)}))

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        return {"weights": self.layers}

    def _sums(self, context: Any, x: Tensor) -> list[Tensor]:
        """Compute h_{l-1} W_l + b_l of every layer."""
        from torch.nn.functional import softplus

        sums: list[Tensor] = []
        for layer in self.hidden:
            sums.append(layer(context, softplus(sums[-1]) if sums else x))
        return sums

    def energy(self, context: Any, x: Tensor) -> Tensor:
        """Compute E(x), [members, n], float64: a difference of large numbers far from the data."""
        from torch.nn.functional import softplus

        top = softplus(self._sums(context, x)[-1])
        offset = (x - context.weights[CENTRE]).double()
        return 0.5 * offset.square().flatten(2).sum(dim=2) - top.double().sum(dim=2)

    def gradient(self, context: Any, x: Tensor) -> Tensor:
        """Compute dE/dx [members, n, *shape], back through the same weights.

        It is written out, so scoring needs no automatic derivative, and training only one.
        """
        back = x.new_ones(())
        for layer, total in zip(self.hidden[::-1], self._sums(context, x)[::-1], strict=True):
            back = layer.back(context, back * total.sigmoid())
        return x - context.weights[CENTRE] - back

    def measure(self, context: Any, x: Tensor) -> None:
        """Do nothing: an energy has no batch norm to measure."""

    def reconstruct(self, context: Any, x: Tensor) -> Tensor:
        """Compute r(x) = x - dE/dx, [members, n, *shape]."""
        return x - self.gradient(context, x)


@described("autoencoders.mirrored_energy")
@dataclass(frozen=True)
class MirroredEnergyNetwork(EnergyNetwork):
    """E(x) = 0.5 norm(x - b')^2 - sum_j g(x)_j, g an autoencoder: the ALAD authors' DSEBM.

    g goes down through the convolution, softplus, the largest of 2 × 2 pixels, a dense layer and
    softplus, and up through the same weights: dense, softplus, each pixel at the upper left of
    2 × 2, convolution, softplus. hidden: the convolution and the dense layer.
    """

    def _down(self, context: Any, x: Tensor) -> list[Any]:
        """Compute the sums before each softplus; second comes the mask of what was largest."""
        from torch.nn.functional import softplus

        convolution, dense = self.hidden
        first = convolution(context, x)
        small, mask = mirror.pooled(softplus(first))
        second = dense(context, small.flatten(2))
        third = dense.back(context, softplus(second)) + context.weights[UP]
        again = mirror.unpooled(softplus(third).reshape(small.shape))
        return [first, mask, second, third, convolution.back(context, again)]

    @property
    def layers(self) -> tuple[Layer, ...]:
        holder = {"bias": (1, *self.shape), "up": (1, self.hidden[1].inputs)}
        return (*self.hidden, Arrays("X", holder))

    def energy(self, context: Any, x: Tensor) -> Tensor:
        from torch.nn.functional import softplus

        top = softplus(self._down(context, x)[-1])
        offset = (x - context.weights[CENTRE]).double()
        return (0.5 * offset.square() - top.double()).flatten(2).sum(dim=2)

    def gradient(self, context: Any, x: Tensor) -> Tensor:
        first, mask, second, third, last = self._down(context, x)
        convolution, dense = self.hidden
        g = mirror.linear(convolution, context, last.sigmoid())
        g = mirror.unpooled_back(g).flatten(2) * third.sigmoid()
        g = mirror.linear(dense, context, g) * second.sigmoid()
        g = dense.back(context, g).reshape(mask[:, :, :, :, 0].shape)
        g = mirror.pooled_back(g, mask) * first.sigmoid()
        return x - context.weights[CENTRE] - convolution.back(context, g)


def energy_network(shape: tuple[int, ...], architecture: AnyEnergyArchitecture) -> EnergyNetwork:
    """Build an energy of rows of `shape`: convolutions that halve an image each, dense layers."""
    if isinstance(architecture, EnergyArchitecture):
        return EnergyNetwork(_dense_layers(shape[0], architecture.hidden), shape)
    layers: list[Convolution] = []
    (height, width, inputs), kernel = shape, (architecture.kernel, architecture.kernel)
    for at, outputs in enumerate(architecture.channels):
        geometry = PatchGeometry((height, width), kernel, 2)
        layers.append(Convolution(f"H.{at}", inputs, outputs, geometry, deviation=None))
        height, width, inputs = layers[-1].shape
    if architecture.mirrored:
        return _mirrored(layers, architecture.dense, shape)
    dense = _dense_layers(height * width * inputs, architecture.dense, len(layers))
    return EnergyNetwork((*flattened(layers), *dense), shape)


def _mirrored(
    layers: list[Convolution], dense: tuple[int, ...], shape: tuple[int, ...]
) -> MirroredEnergyNetwork:
    """Put a convolution and a dense layer together; InputError if an image cannot be pooled."""
    height, width, channels = layers[-1].shape
    if len(layers) > 1 or len(dense) != 1 or height % 2 or width % 2:
        raise InputError(
            f"a mirrored energy has one convolution, one dense layer and images whose halves have "
            f"even sides; channels are {len(layers)}, dense {len(dense)}, images {shape[0]} × "
            f"{shape[1]}; give images of another size (--size 32), or other layers"
        )
    units = height * width * channels // 4
    return MirroredEnergyNetwork((layers[0], Dense("H.1", units, dense[0])), shape)


def _dense_layers(width: int, widths: Sequence[int], first: int = 0) -> tuple[Dense, ...]:
    """Build linear layers from rows of `width` numbers, numbered from `first` on."""
    pairs = enumerate(pairwise([width, *widths]), start=first)
    return tuple(Dense(f"H.{number}", inputs, outputs) for number, (inputs, outputs) in pairs)
