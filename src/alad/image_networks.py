"""E, G, D_xz, D_xx and D_zz for images: the published networks for 32 × 32, a rule for any size.

Zenati et al. 2018, table IX, and the authors' code where it differs (32 × 32 × 3, width 128):

| net  | layers                                                                        |
|------|-------------------------------------------------------------------------------|
| E    | conv 4×4/2 128 SN BN, 256 SN BN, 512 SN BN, LReLU each; 4×4 VALID 100          |
| G    | tconv 4×4 VALID 512 BN, 4×4/2 256 BN, 128 BN, ReLU each; 4×4/2 3 tanh          |
| D_xz | x: conv 4×4/2 128 SN, 256 SN BN, 512 SN BN, LReLU each; z: 1×1 512 SN LReLU    |
|      | dropout, twice; joined: 1×1 1024 SN LReLU dropout; logit                      |
| D_xx | both images, one above the other: conv 5×5/2 64 SN, 128 SN, LReLU dropout each |
| D_zz | 64 SN, 32 SN, LReLU dropout each                                              |
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from alad.convolutions import Convolution
from alad.errors import InputError
from alad.layers import Chain
from alad.networks import PairDiscriminator
from alad.windows import Window

Stacking = Literal["height", "channels"]

DOWN, CYCLE_DOWN = (4, 4), (5, 5)  # kernels that halve an image
LEAST_SIDE, MOST_SIDE = 8, 512
BOTTOM = 4  # halved until neither side is longer
HEIGHT_AXIS, CHANNEL_AXIS = 2, 4  # of [members, n, height, width, channels]


@dataclass(frozen=True)
class ImageArchitecture:
    """Channels of the five networks. At every halving they double, up to four times the first.

    stacking: how D_xx sees two images: one above the other as in the authors' code, whose kernels
    then meet both only at the seam; or as channels of one image.
    """

    latent: int = 100
    width: int = 128  # channels after the first halving
    xz_code: tuple[int, ...] = (512, 512)
    xz_joint: int = 1024
    xx: tuple[int, ...] = (64, 128)
    zz: tuple[int, ...] = (64, 32)
    stacking: Stacking = "height"
    dropout: float = 0.2
    deviation: float = 0.01  # of the normal distribution of the first weights


class ImageNetworks:
    """The five networks for images of `shape` (height, width, channels)."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        architecture: ImageArchitecture,
        *,
        spectral: bool = False,
        xx: bool = True,
        zz: bool = True,
    ):
        self.shape, self.latent = shape, architecture.latent
        build = _Builder(shape, architecture, spectral)
        self.encoder, self.generator = build.encoder(), build.generator()
        self.xz = build.xz()
        self.xx = build.xx() if xx else None
        self.zz = build.zz() if zz else None
        judges = [judge for judge in (self.xz, self.xx, self.zz) if judge is not None]
        self.player_layers = (*self.encoder.layers, *self.generator.layers)
        self.judge_layers = tuple(layer for judge in judges for layer in judge.layers())

    @property
    def groups(self) -> dict[str, tuple[Convolution, ...]]:
        return {"players": self.player_layers, "judges": self.judge_layers}

    @property
    def layers(self) -> tuple[Convolution, ...]:
        return (*self.player_layers, *self.judge_layers)


def halvings(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Sizes (height, width) of an image halved, rounding up, until no side is longer than BOTTOM.

    Raises InputError for images that are too small or too large.
    """
    if min(size) < LEAST_SIDE or max(size) > MOST_SIDE:
        raise InputError(
            f"images are {size[0]} × {size[1]}; the networks take sides from {LEAST_SIDE} to "
            f"{MOST_SIDE} pixels: resize them (alad fit --size 64)"
        )
    sizes = [size]
    while max(sizes[-1]) > BOTTOM:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


@dataclass(frozen=True)
class _Builder:
    shape: tuple[int, int, int]
    architecture: ImageArchitecture
    spectral: bool

    @property
    def _sizes(self) -> list[tuple[int, int]]:
        return halvings((self.shape[0], self.shape[1]))

    @property
    def _channels(self) -> list[int]:
        """Before the first halving, and after each."""
        width = self.architecture.width
        return [self.shape[2], *(width * min(2**at, 4) for at in range(len(self._sizes) - 1))]

    def encoder(self) -> Chain:
        down = self._down("E", first_batch_norm=True)
        last = self._dense("E.code", math.prod(down[-1].shape), self.architecture.latent)
        return Chain((*down, replace(last, activation="linear", spectral=False, dropout=0.0)))

    def _down(self, name: str, *, first_batch_norm: bool) -> list[Convolution]:
        """4 × 4 convolutions that halve the image to the bottom."""
        sizes, channels = self._sizes, self._channels
        return [
            self._layer(
                f"{name}.{at}",
                channels[at],
                channels[at + 1],
                Window(size, DOWN, 2),
                batch_norm=first_batch_norm or at > 0,
                dropout=0.0,
            )
            for at, size in enumerate(sizes[:-1])
        ]

    def generator(self) -> Chain:
        """The encoder's way back."""
        sizes, channels = self._sizes[::-1], self._channels[::-1]
        seed = Window(sizes[0], sizes[0], 1, same=False)
        layers = [self._up("G.0", self.architecture.latent, channels[0], seed)]
        layers += [
            self._up(f"G.{at + 1}", channels[at], channels[at + 1], Window(size, DOWN, 2))
            for at, size in enumerate(sizes[1:])
        ]
        layers[-1] = replace(layers[-1], activation="tanh", batch_norm=False)
        return Chain(tuple(layers))

    def _up(self, name: str, inputs: int, outputs: int, window: Window) -> Convolution:
        return Convolution(
            name,
            inputs,
            outputs,
            window,
            "relu",
            batch_norm=True,
            transposed=True,
            deviation=self.architecture.deviation,
        )

    def xz(self) -> PairDiscriminator:
        shape = self.architecture
        x = self._down("Dxz.x", first_batch_norm=False)
        x[-1] = replace(x[-1], flat=True)
        widths = (shape.latent, *shape.xz_code)
        z = self._dense_chain("Dxz.z", widths)
        inputs = math.prod(x[-1].shape) + widths[-1]
        joint = self._dense("Dxz.joint", inputs, shape.xz_joint)
        return PairDiscriminator(Chain(tuple(x)), z, Chain((joint,)), self._logit("Dxz", joint))

    def xx(self) -> PairDiscriminator:
        height, width, channels = self.shape
        upright = self.architecture.stacking == "height"
        height, channels = (2 * height, channels) if upright else (height, 2 * channels)
        layers: list[Convolution] = []
        for at, outputs in enumerate(self.architecture.xx):
            window = Window((height, width), CYCLE_DOWN, 2)
            layers.append(self._layer(f"Dxx.{at}", channels, outputs, window))
            height, width, channels = layers[-1].shape
        layers[-1] = replace(layers[-1], flat=True)
        logit = self._logit("Dxx", layers[-1])
        axis = HEIGHT_AXIS if upright else CHANNEL_AXIS
        return PairDiscriminator(Chain(()), Chain(()), Chain(tuple(layers)), logit, axis)

    def zz(self) -> PairDiscriminator:
        joint = self._dense_chain(
            "Dzz.joint", (2 * self.architecture.latent, *self.architecture.zz)
        )
        return PairDiscriminator(Chain(()), Chain(()), joint, self._logit("Dzz", joint.layers[-1]))

    def _layer(self, name: str, inputs: int, outputs: int, window: Window, **how) -> Convolution:
        """With what the hidden layers of E and of the discriminators have in common."""
        shape = self.architecture
        settings = {"dropout": shape.dropout, "deviation": shape.deviation, **how}
        return Convolution(
            name, inputs, outputs, window, "leaky", spectral=self.spectral, **settings
        )

    def _dense(self, name: str, inputs: int, outputs: int) -> Convolution:
        """A 1 × 1 convolution of a 1 × 1 image."""
        return self._layer(name, inputs, outputs, Window((1, 1), (1, 1)), flat=True)

    def _dense_chain(self, name: str, widths: tuple[int, ...]) -> Chain:
        pairs = enumerate(pairwise(widths))
        return Chain(
            tuple(self._dense(f"{name}.{at}", inputs, outputs) for at, (inputs, outputs) in pairs)
        )

    def _logit(self, name: str, last: Convolution) -> Convolution:
        layer = self._dense(f"{name}.logit", math.prod(last.shape), 1)
        return replace(layer, activation="linear", spectral=False, dropout=0.0)
