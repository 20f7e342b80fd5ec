"""Networks for images as rows of tables: the published channels, and a rule for any size.

E and G of every method are those of ALAD, and as wide, so that a comparison is one of methods. The
authors' code has image networks of AnoGAN and of DSEBM beside ALAD's; of the others there are none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from alad.errors import InputError
from alad.image_gan import ImageGanArchitecture
from alad.image_layers import halvings
from alad.image_networks import ImageArchitecture
from alad.layers import Activation
from alad.parameters import whole
from alad.widths import Positive, Rate, SomeWidths, Width, Widths

PUBLISHED_WIDTH = 128
MOST_SIDE = 64  # of a kernel
USUAL_WIDTH = 32  # a step costs a fifth of one with the published channels, which a CPU can bear


@dataclass(frozen=True)
class ImageCodeArchitecture(Widths):
    """E to a latent code, G back: `width` channels after the first halving."""

    latent: Width = 100
    width: Width = PUBLISHED_WIDTH
    deviation: Positive = 0.01  # of the normal distribution of the first weights


@dataclass(frozen=True)
class ImageMixtureArchitecture(Widths):
    """The same, and the estimation network before `mixtures` components.

    A mixture of the whole code of 100 numbers would need more images than a batch has.
    """

    latent: Width = 8
    width: Width = PUBLISHED_WIDTH
    estimation: tuple[Width, ...] = (10,)
    mixtures: Width = 4
    dropout: Rate = 0.5  # of the estimation network, as is the activation
    activation: Activation = "tanh"
    deviation: Positive = 0.01


def side(name: str, value: int) -> int:
    """`value` as a side of a kernel that halves an image, else InputError."""
    if whole(name, value, 2) > MOST_SIDE:
        raise InputError(f"{name} is {value}; give at most {MOST_SIDE}")
    return value


Side = Annotated[int, side]


@dataclass(frozen=True)
class ImageEnergyArchitecture(Widths):
    """Channels of the convolutions of an energy, each halving the image; then dense layers.

    The outputs of the last layer are summed.
    """

    channels: SomeWidths
    dense: tuple[Width, ...] = (128,)
    kernel: Side = 4


# Zenati et al. 2018, table IX; the authors' files for SVHN and CIFAR-10 are identical
IMAGE_ARCHITECTURES = {
    "cifar10": ImageArchitecture(),
    "svhn": ImageArchitecture(),
    # an eighth of those channels, for a pass of minutes
    "narrow": ImageArchitecture(
        width=16,
        xz_code=(64, 64),
        xz_joint=128,
        xx=(16, 32),
        stacking="channels",
        deviation=0.02,
    ),
}
IMAGE_GAN_ARCHITECTURES = {"cifar10": ImageGanArchitecture(), "svhn": ImageGanArchitecture()}
IMAGE_CODE_ARCHITECTURES = {
    "cifar10": ImageCodeArchitecture(),
    "svhn": ImageCodeArchitecture(),
    "narrow": ImageCodeArchitecture(width=16),
}
IMAGE_MIXTURE_ARCHITECTURES = {
    "cifar10": ImageMixtureArchitecture(),
    "svhn": ImageMixtureArchitecture(),
}
# the authors' code: conv 3×3/2 64, 128 dense. Theirs also pools by 2 × 2 in between
IMAGE_ENERGY_ARCHITECTURES = {
    "cifar10": ImageEnergyArchitecture((64,), kernel=3),
    "svhn": ImageEnergyArchitecture((64,), kernel=3),
}


def image_architecture_for(shape: tuple[int, ...]) -> ImageArchitecture:
    """Channels for images of shape (height, width, channels): a quarter of the published ones.

    D_xx halves the image once less often than E, and sees two images as channels of one: so it asks
    for more exact reconstructions than as the authors had it (EXPERIMENTS.md). First weights twice
    as large as theirs learn sooner.
    """
    xx = tuple(min(16 * 2**at, 64) for at in range(max(1, _halved(shape) - 1)))
    how = {"xx": xx, "stacking": "channels", "deviation": 0.02}
    return ImageArchitecture(width=USUAL_WIDTH, xz_code=(128, 128), xz_joint=256, **how)


def image_energy_architecture_for(shape: tuple[int, ...]) -> ImageEnergyArchitecture:
    """Convolutions as many and as wide as the encoder's of `image_architecture_for`."""
    return ImageEnergyArchitecture(
        tuple(USUAL_WIDTH * min(2**at, 4) for at in range(_halved(shape)))
    )


def _halved(shape: tuple[int, ...]) -> int:
    """How often E halves an image of that shape."""
    return len(halvings((shape[0], shape[1]))) - 1
