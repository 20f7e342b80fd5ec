"""What networks for images are made of: the encoder's way down, the generator's way up.

E and G of ALAD, and with them those of AnoGAN, of the autoencoders and of DAGMM, so that a
comparison of methods is none of networks. The rule is that of `image_networks`: every convolution
halves the image, until no side is longer than BOTTOM.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

from alad.errors import InputError
from alad.networks.convolution import Convolution
from alad.networks.dense import Activation, Chain
from alad.networks.patches import Window

DOWN = (4, 4)  # the kernel that halves an image
LEAST_SIDE, MOST_SIDE = 8, 512
BOTTOM = 4  # halved until neither side is longer
PUBLISHED_WIDTH = 128  # channels after the first halving
USUAL_WIDTH = 32  # a step costs a fifth of one with the published channels, which a CPU can bear
WIDEST = 4  # channels at most, as a multiple of those after the first halving


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


def count_halvings(shape: tuple[int, ...]) -> int:
    """How often an encoder halves images of shape (height, width, channels)."""
    return len(halvings((shape[0], shape[1]))) - 1


@dataclass(frozen=True)
class ImageLayers:
    """Layers for images of `shape` (height, width, channels).

    width: channels after the first halving; they double up to WIDEST times as many. dropout: of
    dense layers alone. deviation: of the normal distribution of the first weights.
    """

    shape: tuple[int, int, int]
    latent: int
    width: int
    spectral: bool = False
    dropout: float = 0.0
    deviation: float = 0.01

    @property
    def _sizes(self) -> list[tuple[int, int]]:
        return halvings((self.shape[0], self.shape[1]))

    @property
    def _channels(self) -> list[int]:
        """Before the first halving, and after each."""
        halved = range(len(self._sizes) - 1)
        return [self.shape[2], *(self.width * min(2**at, WIDEST) for at in halved)]

    def encoder(self, name: str = "E", *, numbers: int = 1) -> Chain:
        """x -> `numbers` for each of the code's, the last layer linear."""
        down = self.down(name, first_batch_norm=True)
        last = self.dense(f"{name}.code", math.prod(down[-1].shape), numbers * self.latent)
        return Chain((*down, plain(last)))

    def down(self, name: str, *, first_batch_norm: bool) -> list[Convolution]:
        """4 × 4 convolutions that halve the image to the bottom."""
        sizes, channels = self._sizes, self._channels
        return [
            self.layer(
                f"{name}.{at}",
                channels[at],
                channels[at + 1],
                Window(size, DOWN, 2),
                batch_norm=first_batch_norm or at > 0,
                dropout=0.0,
            )
            for at, size in enumerate(sizes[:-1])
        ]

    def generator(self, name: str = "G", *, numbers: int = 1, last: Activation = "tanh") -> Chain:
        """The encoder's way back, to `numbers` for each value of the image."""
        sizes, channels = self._sizes[::-1], self._channels[::-1]
        channels[-1] *= numbers
        seed = Window(sizes[0], sizes[0], 1, same=False)
        layers = [self._up(f"{name}.0", self.latent, channels[0], seed)]
        layers += [
            self._up(f"{name}.{at + 1}", channels[at], channels[at + 1], Window(size, DOWN, 2))
            for at, size in enumerate(sizes[1:])
        ]
        layers[-1] = replace(layers[-1], activation=last, batch_norm=False)
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
            deviation=self.deviation,
        )

    def layer(self, name: str, inputs: int, outputs: int, window: Window, **how) -> Convolution:
        """With what the hidden layers of E and of the discriminators have in common."""
        settings = {"dropout": self.dropout, "deviation": self.deviation, **how}
        return Convolution(
            name, inputs, outputs, window, "leaky", spectral=self.spectral, **settings
        )

    def dense(self, name: str, inputs: int, outputs: int) -> Convolution:
        """A 1 × 1 convolution of a 1 × 1 image."""
        return self.layer(name, inputs, outputs, Window((1, 1), (1, 1)), flat=True)

    def dense_chain(self, name: str, widths: tuple[int, ...]) -> Chain:
        pairs = enumerate(pairwise(widths))
        return Chain(
            tuple(self.dense(f"{name}.{at}", inputs, outputs) for at, (inputs, outputs) in pairs)
        )

    def logit(self, name: str, last: Convolution) -> Convolution:
        return plain(self.dense(f"{name}.logit", math.prod(last.shape), 1))


def plain(layer: Convolution) -> Convolution:
    """The layer without what a hidden one has: codes and logits are linear."""
    return replace(layer, activation="linear", spectral=False, dropout=0.0)


def flattened(layers: list[Convolution]) -> list[Convolution]:
    """The same layers, of which the last leaves rows [members, n, units]."""
    return [*layers[:-1], replace(layers[-1], flat=True)]
