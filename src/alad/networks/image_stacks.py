"""Stacks of convolutions for images: the same interface as for rows, `alad.networks.stacks`.

The rule is the paper's (Zenati et al. 2018, table IX): every convolution halves the image, until no
side is longer than BOTTOM, and doubles its channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from alad.errors import InputError
from alad.networks.layers import Chain, Conditioned, Convolution, Discriminator
from alad.networks.patches import PatchGeometry
from alad.networks.stacks import Space

DOWN, PAIR_DOWN = (4, 4), (5, 5)  # the kernels that halve an image, and a pair of them in D_xx
LEAST_SIDE, MOST_SIDE = 8, 512
BOTTOM = 4  # halved until neither side is longer
PUBLISHED_WIDTH = 128  # channels after the first halving
USUAL_WIDTH = 32  # a step costs a fifth of one with the published channels, which a CPU can bear
WIDEST = 4  # channels at most, as a multiple of those after the first halving
HEIGHT_AXIS, CHANNEL_AXIS = 2, 4  # of [members, n, height, width, channels]


def halvings(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Halve the sizes (height, width) of an image, rounding up, until no side is above BOTTOM.

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


def count_halvings(shape: tuple[int, ...]) -> int:
    """Count how often an encoder halves images of shape (height, width, channels)."""
    return len(halvings((shape[0], shape[1]))) - 1


@dataclass(frozen=True)
class ConvStacks:
    """Convolutions for images of `shape` (height, width, channels).

    width: channels after the first halving; they double up to WIDEST times as many. dropout: of
    layers of discriminators, but for those that halve one image. deviation: of the normal
    distribution of the first weights. Of discriminators: widths of the branch of a code and of the
    common layer; channels of one that sees two images, one above the other or as channels of one
    (`pair_axis`); widths of one that sees two codes.
    """

    shape: tuple[int, ...]
    latent: int
    width: int
    deviation: float = 0.01
    spectral: bool = False
    level: float | None = (
        None  # the noise level that E and G read at scoring; None = they read none
    )
    dropout: float = 0.0
    branch: tuple[int, ...] = ()
    joint: int = 1
    rows: tuple[int, ...] = ()
    codes: tuple[int, ...] = ()
    pair_axis: int = CHANNEL_AXIS

    @property
    def _sizes(self) -> list[tuple[int, int]]:
        return halvings((self.shape[0], self.shape[1]))

    @property
    def _channels(self) -> list[int]:
        """Numbers of channels before the first halving, and after each."""
        halved = range(len(self._sizes) - 1)
        return [self.shape[2], *(self.width * min(2**at, WIDEST) for at in halved)]

    def down(self, name: str = "E", *, numbers: int = 1) -> Chain:
        hidden = self._halving(name, first_batch_norm=True)
        if self.level is not None:
            hidden[0] = replace(hidden[0], inputs=hidden[0].inputs + 1)
        last = self._dense(f"{name}.code", math.prod(hidden[-1].shape), numbers * self.latent)
        layers = (*hidden, _plain(last))
        return Chain(layers) if self.level is None else Conditioned(layers, self.level)

    def up(self, name: str = "G", *, numbers: int = 1) -> Chain:
        sizes, channels = self._sizes[::-1], self._channels[::-1]
        channels[-1] *= numbers
        whole = PatchGeometry(sizes[0], sizes[0], 1, same=False)
        layers = [self._up(f"{name}.0", self.latent + (self.level is not None), channels[0], whole)]
        layers += [
            self._up(
                f"{name}.{at + 1}", channels[at], channels[at + 1], PatchGeometry(size, DOWN, 2)
            )
            for at, size in enumerate(sizes[1:])
        ]
        # pixels lie in [-1, 1]; a log variance need not
        last = "tanh" if numbers == 1 else "linear"
        layers[-1] = replace(layers[-1], activation=last, batch_norm=False)
        made = tuple(layers)
        return Chain(made) if self.level is None else Conditioned(made, self.level)

    def discriminator(self, name: str, spaces: tuple[Space, ...]) -> Discriminator:
        if len(spaces) == 1:
            joint = flattened(self._halving(f"{name}.hidden", first_batch_norm=False))
            return self._discriminator(name, (Chain(),), joint)
        if len(set(spaces)) == 2:
            row = Chain(tuple(flattened(self._halving(f"{name}.x", first_batch_norm=False))))
            code = Chain(tuple(self._dense_layers(f"{name}.z", (self.latent, *self.branch))))
            units = math.prod(row.layers[-1].shape) + (self.latent, *self.branch)[-1]
            branches = (row, code) if spaces == ("row", "code") else (code, row)
            return self._discriminator(
                name, branches, [self._dense(f"{name}.joint", units, self.joint)]
            )
        if spaces[0] == "row":
            return self._of_two_images(name)
        joint = self._dense_layers(f"{name}.joint", (2 * self.latent, *self.codes))
        return self._discriminator(name, (Chain(), Chain()), joint)

    def _of_two_images(self, name: str) -> Discriminator:
        height, width, channels = self.shape
        upright = self.pair_axis == HEIGHT_AXIS
        height, channels = (2 * height, channels) if upright else (height, 2 * channels)
        layers: list[Convolution] = []
        for at, outputs in enumerate(self.rows):
            geometry = PatchGeometry((height, width), PAIR_DOWN, 2)
            layers.append(self._layer(f"{name}.{at}", channels, outputs, geometry))
            height, width, channels = layers[-1].shape
        return self._discriminator(name, (Chain(), Chain()), flattened(layers), self.pair_axis)

    def _discriminator(
        self, name: str, branches: tuple[Chain, ...], joint: list[Convolution], axis: int = 2
    ) -> Discriminator:
        logit = _plain(self._dense(f"{name}.logit", math.prod(joint[-1].shape), 1))
        return Discriminator(branches, Chain(tuple(joint)), logit, axis)

    def _halving(self, name: str, *, first_batch_norm: bool) -> list[Convolution]:
        """Build the 4 × 4 convolutions that halve the image to the bottom."""
        sizes, channels = self._sizes, self._channels
        return [
            self._layer(
                f"{name}.{at}",
                channels[at],
                channels[at + 1],
                PatchGeometry(size, DOWN, 2),
                batch_norm=first_batch_norm or at > 0,
                dropout=0.0,
            )
            for at, size in enumerate(sizes[:-1])
        ]

    def _up(self, name: str, inputs: int, outputs: int, geometry: PatchGeometry) -> Convolution:
        settings = {"batch_norm": True, "transposed": True, "deviation": self.deviation}
        return Convolution(name, inputs, outputs, geometry, "relu", **settings)

    def _layer(
        self, name: str, inputs: int, outputs: int, geometry: PatchGeometry, **changes
    ) -> Convolution:
        """Build a hidden layer of E or of a discriminator."""
        settings = {"dropout": self.dropout, "deviation": self.deviation, **changes}
        return Convolution(
            name, inputs, outputs, geometry, "leaky", spectral=self.spectral, **settings
        )

    def _dense(self, name: str, inputs: int, outputs: int) -> Convolution:
        """Build a dense layer: a 1 × 1 convolution of a 1 × 1 image."""
        return self._layer(name, inputs, outputs, PatchGeometry((1, 1), (1, 1)), flat=True)

    def _dense_layers(self, name: str, widths: tuple[int, ...]) -> list[Convolution]:
        pairs = enumerate(pairwise(widths))
        return [self._dense(f"{name}.{at}", inputs, outputs) for at, (inputs, outputs) in pairs]


def _plain(layer: Convolution) -> Convolution:
    """Strip a hidden layer of activation, dropout and spectral norm: for codes and logits."""
    return replace(layer, activation="linear", spectral=False, dropout=0.0)


def flattened(layers: list[Convolution]) -> list[Convolution]:
    """Let the last of these layers give flat outputs [members, n, units]."""
    return [*layers[:-1], replace(layers[-1], flat=True)]
