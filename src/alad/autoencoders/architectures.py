"""Widths of the networks of autoencoders, VAE, DAGMM and DSEBM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from alad.errors import InputError
from alad.networks.image_stacks import PUBLISHED_WIDTH, USUAL_WIDTH, ConvStacks, count_halvings
from alad.networks.layers import Activation
from alad.networks.stacks import DenseStacks
from alad.parameters import Positive, Rate, SomeWidths, Switch, Width, Widths, whole


@dataclass(frozen=True)
class CodeArchitecture(Widths):
    """Hidden widths of encoder and decoder, and the width of the latent code."""

    latent: Width
    encoder: tuple[Width, ...]
    decoder: tuple[Width, ...]
    activation: Activation = "relu"

    def stacks(self, shape: tuple[int, ...]) -> DenseStacks:
        """Give the layers of these widths for rows of `shape` (width,)."""
        both = (self.activation, self.activation)
        return DenseStacks(shape, self.latent, self.encoder, self.decoder, both)


# As wide as E and G of ALAD, so that a comparison is one of methods: their papers have no tables
CODE_ARCHITECTURES = {
    "kdd99": CodeArchitecture(32, (64,), (64, 128)),
    "arrhythmia": CodeArchitecture(64, (256, 128), (128, 256)),
}


def code_architecture_for(width: int) -> CodeArchitecture:
    """Choose the hidden widths for KDD99, and a code of a quarter of the row's numbers, 2 to 64."""
    return CodeArchitecture(min(64, max(2, width // 4)), (64,), (64, 128))


@dataclass(frozen=True)
class DenoiserArchitecture(Widths):
    """Hidden widths of a denoiser, which has no narrow code."""

    hidden: SomeWidths = (256, 256)
    activation: Activation = "relu"


# one for all tables (EXPERIMENTS.md)
DENOISER_ARCHITECTURES = {"usual": DenoiserArchitecture()}


@dataclass(frozen=True)
class EnergyArchitecture(Widths):
    """Widths of the hidden layers of an energy; the last one is summed."""

    hidden: SomeWidths


# Zenati et al. 2018, as in the authors' code (there 121-128-512-128-121 and 274-10-2-10-274, tied)
ENERGY_ARCHITECTURES = {
    "kdd99": EnergyArchitecture((128, 512)),
    "arrhythmia": EnergyArchitecture((10, 2)),
}


@dataclass(frozen=True)
class MixtureArchitecture(Widths):
    """Compression to a code and back, and the estimation network before `mixtures` components."""

    latent: Width
    encoder: tuple[Width, ...]
    decoder: tuple[Width, ...]
    estimation: tuple[Width, ...]
    mixtures: Width
    dropout: Rate = 0.5
    activation: Activation = "tanh"

    def stacks(self, shape: tuple[int, ...]) -> DenseStacks:
        """Give the layers of these widths for rows of `shape` (width,)."""
        both = (self.activation, self.activation)
        return DenseStacks(shape, self.latent, self.encoder, self.decoder, both)


# Zong et al. 2018, section 4.3 (the last layers of both halves and the code are linear)
MIXTURE_ARCHITECTURES = {
    "kdd99": MixtureArchitecture(1, (60, 30, 10), (10, 30, 60), (10,), 4),
    "arrhythmia": MixtureArchitecture(2, (10,), (10,), (10,), 2),
}


# For any table: a code of one number, as for KDD99, is too narrow for most
USUAL_MIXTURE_ARCHITECTURE = MixtureArchitecture(2, (60, 30, 10), (10, 30, 60), (10,), 4)


MOST_SIDE = 64  # of a kernel


@dataclass(frozen=True)
class ImageCodeArchitecture(Widths):
    """E to a latent code, G back: `width` channels after the first halving."""

    latent: Width = 100
    width: Width = PUBLISHED_WIDTH
    deviation: Positive = 0.01  # of the normal distribution of the first weights

    def stacks(self, shape: tuple[int, ...]) -> ConvStacks:
        """Give the layers of these channels for images of `shape` (height, width, channels)."""
        return ConvStacks(shape, self.latent, self.width, self.deviation)


@dataclass(frozen=True)
class ImageMixtureArchitecture(Widths):
    """E to a latent code, G back, and the estimation network before `mixtures` components.

    The code is narrow: a mixture of 100 numbers would need more images than a batch has.
    """

    latent: Width = 8
    width: Width = PUBLISHED_WIDTH
    estimation: tuple[Width, ...] = (10,)
    mixtures: Width = 4
    dropout: Rate = 0.5  # of the estimation network, as is the activation
    activation: Activation = "tanh"
    deviation: Positive = 0.01

    def stacks(self, shape: tuple[int, ...]) -> ConvStacks:
        """Give the layers of these channels for images of `shape` (height, width, channels)."""
        return ConvStacks(shape, self.latent, self.width, self.deviation)


def side(name: str, value: int) -> int:
    """Check a side of a kernel that halves an image: InputError unless 2 to MOST_SIDE."""
    if whole(name, value, 2) > MOST_SIDE:
        raise InputError(f"{name} is {value}; give at most {MOST_SIDE}")
    return value


Side = Annotated[int, side]


@dataclass(frozen=True)
class ImageEnergyArchitecture(Widths):
    """Channels of the convolutions of an energy, each halving the image; then dense layers.

    The outputs of the last layer are summed. mirrored: the image is pooled by 2 × 2 in between, and
    the outputs go back through the same layers to an image, whose numbers are summed.
    """

    channels: SomeWidths
    dense: tuple[Width, ...] = (128,)
    kernel: Side = 4
    mirrored: Switch = False


AnyMixtureArchitecture = MixtureArchitecture | ImageMixtureArchitecture
AnyCodeArchitecture = CodeArchitecture | ImageCodeArchitecture | AnyMixtureArchitecture
AnyEnergyArchitecture = EnergyArchitecture | ImageEnergyArchitecture


IMAGE_CODE_ARCHITECTURES = {
    "cifar10": ImageCodeArchitecture(),
    "svhn": ImageCodeArchitecture(),
    "narrow": ImageCodeArchitecture(width=16),
}


IMAGE_MIXTURE_ARCHITECTURES = {
    "cifar10": ImageMixtureArchitecture(),
    "svhn": ImageMixtureArchitecture(),
}


# the authors' code: conv 3×3/2 64, 128 dense. Theirs also pools, and goes all the way back
IMAGE_ENERGY_ARCHITECTURES = {
    "cifar10-paper": ImageEnergyArchitecture((64,), kernel=3, mirrored=True),
    "cifar10": ImageEnergyArchitecture((64,), kernel=3),
    "svhn": ImageEnergyArchitecture((64,), kernel=3),
}


def image_energy_architecture_for(shape: tuple[int, ...]) -> ImageEnergyArchitecture:
    """Choose as many and as wide convolutions as the encoder's of `image_architecture_for`."""
    return ImageEnergyArchitecture(
        tuple(USUAL_WIDTH * min(2**at, 4) for at in range(count_halvings(shape)))
    )
