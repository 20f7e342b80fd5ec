"""Widths of E, G and the discriminators: the published ones as rows, a rule for others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from alad.networks.image_stacks import (
    CHANNEL_AXIS,
    HEIGHT_AXIS,
    USUAL_WIDTH,
    ConvStacks,
    count_halvings,
)
from alad.networks.stacks import DenseStacks, Stacks
from alad.parameters import CountOrZero, Positive, Rate, SomeWidths, Width, Widths


@dataclass(frozen=True)
class Architecture(Widths):
    """Hidden widths of the five networks: one row of the paper's tables X and XI.

    xz_branch is the width of both branches of D_xz, xz_joint that of its common layers.
    """

    latent: Width
    encoder: tuple[Width, ...]
    generator: tuple[Width, ...]
    xz_branch: Width
    xz_joint: SomeWidths
    xx: SomeWidths
    zz: SomeWidths
    xz_dropout: Rate = 0.5
    cycle_dropout: Rate = 0.2
    xz_batch_norm: bool = True
    # frequencies of each column, whose sines and cosines E reads beside it, and their deviation
    periods: CountOrZero = 0
    period_deviation: Positive = 0.5

    def stacks(self, shape: tuple[int, ...], *, spectral: bool, level: float | None) -> Stacks:
        """Give the layers of these widths for rows of `shape` (width,)."""
        return DenseStacks(
            shape,
            self.latent,
            self.encoder,
            self.generator,
            spectral=spectral,
            level=level,
            periods=self.periods,
            period_deviation=self.period_deviation,
            branch=self.xz_branch,
            joint=self.xz_joint,
            mixed_dropout=self.xz_dropout,
            branch_batch_norm=self.xz_batch_norm,
            rows=self.xx,
            codes=self.zz,
            alike_dropout=self.cycle_dropout,
        )


Stacking = Literal["height", "channels"]


@dataclass(frozen=True)
class ImageArchitecture(Widths):
    """Channels of the five networks. At every halving they double, up to four times the first.

    stacking: how D_xx sees two images: one above the other as in the authors' code, whose kernels
    then meet both only at the seam; or as channels of one image.
    """

    latent: Width = 100
    width: Width = 128  # channels after the first halving
    xz_code: tuple[Width, ...] = (512, 512)
    xz_joint: Width = 1024
    xx: SomeWidths = (64, 128)
    zz: SomeWidths = (64, 32)
    stacking: Stacking = "height"
    dropout: Rate = 0.2
    deviation: Positive = 0.01  # of the normal distribution of the first weights

    def stacks(self, shape: tuple[int, ...], *, spectral: bool, level: float | None) -> Stacks:
        """Give the layers of these channels for images of `shape` (height, width, channels)."""
        return ConvStacks(
            shape,
            self.latent,
            self.width,
            self.deviation,
            spectral,
            level,
            self.dropout,
            branch=self.xz_code,
            joint=self.xz_joint,
            rows=self.xx,
            codes=self.zz,
            pair_axis=HEIGHT_AXIS if self.stacking == "height" else CHANNEL_AXIS,
        )


AnyArchitecture = Architecture | ImageArchitecture


# Zenati et al. 2018, tables X and XI (hidden widths; logits and latent codes are linear)
ARCHITECTURES = {
    "kdd99": Architecture(
        latent=32,
        encoder=(64,),
        generator=(64, 128),
        xz_branch=128,
        xz_joint=(128,),
        xx=(128,),
        zz=(32,),
    ),
    "arrhythmia": Architecture(
        latent=64,
        encoder=(256, 128),
        generator=(128, 256),
        xz_branch=128,
        xz_joint=(256,),
        xx=(256, 128),
        zz=(64, 32),
    ),
}


def architecture_for(width: int) -> Architecture:
    """Choose widths for rows of `width` numbers: the paper's for KDD99, but for the latent code.

    The code has a quarter of the row's numbers, from 2 to 64.
    """
    latent = min(64, max(2, width // 4))
    return Architecture(
        latent=latent,
        encoder=(64,),
        generator=(64, 128),
        xz_branch=128,
        xz_joint=(128,),
        xx=(128,),
        zz=(max(8, latent),),
    )


WIDE = 128  # numbers of a row, of which E's code and D_xx's features see no more than a part
PERIODS = 6  # frequencies of each column, in the denoising form
MOST_PERIODIC_INPUTS = 1_200  # of E; wider rows have fewer frequencies, or none


def denoising_architecture_for(width: int) -> Architecture:
    """Choose widths for rows of `width` numbers that noise is taken away from.

    E and G are as wide whatever the row: to take noise away from one column of five takes no fewer
    units than from one of fifty.
    """
    return Architecture(
        latent=WIDE,
        encoder=(128,),
        generator=(128,),
        xz_branch=128,
        xz_joint=(128,),
        xx=(WIDE,),
        zz=(32,),
        xz_dropout=0.2,
        cycle_dropout=0.2,
        xz_batch_norm=False,
        periods=min(PERIODS, MOST_PERIODIC_INPUTS // (2 * width)),
    )


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


def image_architecture_for(shape: tuple[int, ...]) -> ImageArchitecture:
    """Choose channels for images (height, width, channels): a quarter of the published ones.

    D_xx halves the image once less often than E, and sees two images as channels of one: so it asks
    for more exact reconstructions than the authors' (EXPERIMENTS.md). First weights twice as large
    as theirs learn sooner.
    """
    xx = tuple(min(16 * 2**at, 64) for at in range(max(1, count_halvings(shape) - 1)))
    return ImageArchitecture(
        width=USUAL_WIDTH,
        xz_code=(128, 128),
        xz_joint=256,
        xx=xx,
        stacking="channels",
        deviation=0.02,
    )
