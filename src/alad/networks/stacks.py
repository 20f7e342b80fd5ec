"""Layers for rows and for images behind one interface: down to a code, up again, discriminators.

They make E and G of ALAD, and alike those of AnoGAN, of the autoencoders and of DAGMM, so that a
comparison is one of methods, not of networks. A method writes its networks once, with `Stacks`; its
architecture says whether they are for rows or images, and how wide.
This is `DenseStacks`, for rows; `alad.networks.image_stacks` has those for images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Protocol

from alad.networks.layers import (
    Activation,
    Chain,
    Conditioned,
    Dense,
    Discriminator,
    Periodic,
    chain,
)

Space = Literal["row", "code"]  # what a network sees: a row or an image, or a latent code


class Stacks(Protocol):
    """The parts of networks, the same for rows and images."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a row: (width,), or (height, width, channels)."""
        ...

    @property
    def latent(self) -> int: ...

    def down(self, name: str = "E", *, numbers: int = 1) -> Chain:
        """Build a row -> `numbers` for each number of the code, the last layer linear."""
        ...

    def up(self, name: str = "G", *, numbers: int = 1) -> Chain:
        """Build a code -> `numbers` for each number of the row.

        1 = the row itself, an image in [-1, 1]; 2 = its mean and its log variance, all means first
        along the last axis.
        """
        ...

    def discriminator(self, name: str, spaces: tuple[Space, ...]) -> Discriminator:
        """Build a discriminator of a row alone, or of a pair of these spaces."""
        ...


@dataclass(frozen=True)
class DenseStacks:
    """Dense layers for rows of numbers.

    encoder, generator: hidden widths. Of discriminators: the widths of one that sees a row alone,
    with a dropout rate for each layer; of one that sees a row and a code, the width of the branches
    (batch norm in that of the row, dropout in that of the code) and of the common layers; of one
    that sees two rows or two codes.
    """

    shape: tuple[int, ...]
    latent: int
    encoder: tuple[int, ...]
    generator: tuple[int, ...]
    activations: tuple[Activation, Activation] = ("leaky", "relu")  # hidden, down and up
    spectral: bool = False
    level: float | None = (
        None  # the noise level that E and G read at scoring; None = they read none
    )
    periods: int = 0  # frequencies of each column, whose sines and cosines E reads beside it
    period_deviation: float = 1.0  # of the frequencies, drawn from a normal distribution
    alone: tuple[int, ...] = ()
    alone_dropout: tuple[float, ...] = ()
    branch: int = 1
    joint: tuple[int, ...] = ()
    mixed_dropout: float = 0.0
    branch_batch_norm: bool = False
    rows: tuple[int, ...] = ()
    codes: tuple[int, ...] = ()
    alike_dropout: float = 0.0

    def down(self, name: str = "E", *, numbers: int = 1) -> Chain:
        inputs, first = self.shape[0] + self._levels, ()
        if self.periods:
            settings = inputs, self.shape[0], self.periods, self.period_deviation
            first = (Periodic(f"{name}.periods", *settings),)
            inputs = first[0].outputs
        widths = (inputs, *self.encoder, numbers * self.latent)
        made = chain(name, widths, self.activations[0], last="linear", spectral=self.spectral)
        return self._conditioned((*first, *made.layers))

    def up(self, name: str = "G", *, numbers: int = 1) -> Chain:
        widths = (self.latent + self._levels, *self.generator, numbers * self.shape[0])
        return self._conditioned(chain(name, widths, self.activations[1], last="linear").layers)

    @property
    def _levels(self) -> int:
        """The number of inputs of E and G that are a noise level."""
        return int(self.level is not None)

    def _conditioned(self, layers: tuple[Any, ...]) -> Chain:
        return Chain(layers) if self.level is None else Conditioned(layers, self.level)

    def discriminator(self, name: str, spaces: tuple[Space, ...]) -> Discriminator:
        inputs = [self.shape[0] if space == "row" else self.latent for space in spaces]
        if len(spaces) == 1:
            return self._of_one(name, inputs[0])
        if len(set(spaces)) == 2:
            branches = tuple(map(self._branch, (f"{name}.x", f"{name}.z"), ("row", "code")))
            branches = branches if spaces == ("row", "code") else branches[::-1]
            widths, dropout = (2 * self.branch, *self.joint), self.mixed_dropout
        else:
            branches, dropout = (Chain(), Chain()), self.alike_dropout
            widths = (sum(inputs), *(self.rows if spaces[0] == "row" else self.codes))
        hidden = {"last": "leaky", "dropout": dropout, "spectral": self.spectral}
        joint = chain(f"{name}.joint", widths, "leaky", **hidden)
        return Discriminator(branches, joint, Dense(f"{name}.logit", widths[-1], 1))

    def _of_one(self, name: str, inputs: int) -> Discriminator:
        sizes = zip(pairwise((inputs, *self.alone)), self.alone_dropout, strict=True)
        hidden = tuple(
            Dense(f"{name}.hidden.{at}", before, after, "leaky", dropout)
            for at, ((before, after), dropout) in enumerate(sizes)
        )
        return Discriminator((Chain(),), Chain(hidden), Dense(f"{name}.logit", self.alone[-1], 1))

    def _branch(self, name: str, space: Space) -> Chain:
        layer = Dense(name, self.shape[0], self.branch, "leaky", spectral=self.spectral)
        if space == "row":
            return Chain((replace(layer, batch_norm=self.branch_batch_norm),))
        return Chain((replace(layer, inputs=self.latent, dropout=self.mixed_dropout),))
