"""Widths of the networks of AnoGAN."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alad.adversarial.architectures import architecture_for
from alad.errors import InputError
from alad.networks.image_stacks import ConvStacks
from alad.networks.stacks import DenseStacks
from alad.parameters import Positive, Rate, SomeWidths, Width, Widths


@dataclass(frozen=True)
class GanArchitecture(Widths):
    """Hidden widths of G and D; a dropout rate for each of D's layers."""

    latent: Width
    generator: tuple[Width, ...]
    discriminator: SomeWidths
    dropout: tuple[Rate, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.dropout) != len(self.discriminator):
            raise InputError(
                f"architecture: discriminator has widths {self.discriminator} and dropout "
                f"{self.dropout}; give one rate for each layer"
            )

    def stacks(self, shape: tuple[int, ...]) -> DenseStacks:
        """Give the layers of these widths for rows of `shape` (width,)."""
        return DenseStacks(
            shape,
            self.latent,
            (),
            self.generator,
            alone=self.discriminator,
            alone_dropout=self.dropout,
        )


@dataclass(frozen=True)
class ImageGanArchitecture(Widths):
    """Channels of G and D after the first halving, from which the others follow."""

    latent: Width = 100
    width: Width = 128
    deviation: Positive = 0.01  # of the normal distribution of the first weights

    def stacks(self, shape: tuple[int, ...]) -> ConvStacks:
        """Give the layers of these channels for images of `shape` (height, width, channels)."""
        return ConvStacks(shape, self.latent, self.width, self.deviation)


AnyGanArchitecture = GanArchitecture | ImageGanArchitecture


IMAGE_GAN_ARCHITECTURES = {"cifar10": ImageGanArchitecture(), "svhn": ImageGanArchitecture()}


# AnoGAN's, as the authors of ALAD ran it (their code; G as in ALAD)
GAN_ARCHITECTURES = {
    "kdd99": GanArchitecture(
        latent=32, generator=(64, 128), discriminator=(256, 128, 128), dropout=(0.2, 0.2, 0.2)
    ),
    "arrhythmia": GanArchitecture(
        latent=64, generator=(128, 256), discriminator=(256, 128), dropout=(0.2, 0.5)
    ),
}


def gan_architecture_for(width: int) -> GanArchitecture:
    """Choose the widths for KDD99, with the latent code of `architecture_for`."""
    return replace(GAN_ARCHITECTURES["kdd99"], latent=architecture_for(width).latent)
