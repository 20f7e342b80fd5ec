"""A plain generative adversarial network: G: z -> x, and a discriminator D that sees x alone.

Goodfellow et al. 2014; the networks are those of AnoGAN (Schlegl et al. 2017) in the tables of
Zenati et al. 2018. Real rows are the data, fake ones G(z), z ~ N(0, I).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from alad.context import Context, Layer, Networks
from alad.errors import InputError
from alad.game import Logits
from alad.layers import Chain, Dense, chain
from alad.players import Optimiser
from alad.randomness import Purpose, stream
from alad.steps import TwoPlayerStep
from alad.streamed import Rows
from alad.widths import Rate, SomeWidths, Width, Widths

START = "search.start"  # where every search in latent space begins, [members, 1, latent]


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


@dataclass(frozen=True)
class Discriminator:
    """Judges a row x alone; the activations before the logit are its features f(x)."""

    hidden: Chain
    logit: Any  # a layer

    def features(self, context: Context, x: Tensor) -> Tensor:
        """[members, n, *shape] -> [members, n, features]."""
        return self.hidden(context, x)

    def __call__(self, context: Context, x: Tensor) -> Tensor:
        """Logits [members, n]; large = looks like a row of the data."""
        return self.logit(context, self.features(context, x)).squeeze(2)

    def layers(self) -> tuple[Any, ...]:
        return (*self.hidden.layers, self.logit)


@dataclass(frozen=True)
class SearchStart:
    """A code z that belongs to the model as its weights do, and is never trained."""

    latent: int
    name: str = "search"
    spectral: bool = False

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {}

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        return {START: (1, self.latent)}


class Gan(Networks, Protocol):
    """G and D, and where searches start, whatever a row looks like."""

    latent: int
    generator: Chain
    judge: Discriminator


class GanNetworks:
    """G and D for rows of `width` numbers."""

    def __init__(self, width: int, shape: GanArchitecture):
        self.width, self.latent = width, shape.latent
        self.generator = chain("G", (shape.latent, *shape.generator, width), "relu", last="linear")
        self.judge = _discriminator(width, shape)

    @property
    def groups(self) -> dict[str, tuple[Dense, ...]]:
        """Layers by the player that moves their weights."""
        return {"players": self.generator.layers, "judges": self.judge.layers()}

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.generator.layers, *self.judge.layers(), SearchStart(self.latent))


def _discriminator(width: int, shape: GanArchitecture) -> Discriminator:
    inputs = (width, *shape.discriminator[:-1])
    sizes = zip(inputs, shape.discriminator, shape.dropout, strict=True)
    hidden = (
        Dense(f"D.hidden.{number}", before, after, "leaky", dropout)
        for number, (before, after, dropout) in enumerate(sizes)
    )
    return Discriminator(Chain(tuple(hidden)), Dense("D.logit", shape.discriminator[-1], 1))


def play(
    networks: Gan, context: Context, x: Tensor, z: Tensor, *, constants: bool = True
) -> dict[str, Logits]:
    """Logits of D on real rows x [members, n, *shape] and on fake ones G(z).

    z is [members, n, latent].

    Both players read their loss from them (`game.discriminator_loss` and the same with flipped
    labels). With `constants=False` the real rows are left out: G has no part in them.
    """
    generated = networks.generator(context, z)
    if not constants:
        return {"x": Logits(None, networks.judge(context, generated))}
    # in one product; what looks across rows, batch norm, keeps them apart
    both = networks.judge(replace(context, batches=2), torch.cat([x, generated], dim=1))
    return {"x": Logits(*both.split(x.shape[1], dim=1))}


class GanStep(TwoPlayerStep):
    """One step of D against G on the rows X [n, *shape] for all members."""

    networks: Gan

    def __init__(
        self,
        X: Rows,
        networks: Gan,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        super().__init__(X, networks, optimiser, seed=seed, members=members)
        for start, member in zip(self.buffer_views[START], self.members, strict=True):
            generator = stream(seed, member, Purpose.WEIGHTS, 1)
            drawn = generator.standard_normal(networks.latent).astype(np.float32)
            start.copy_(torch.from_numpy(drawn))

    def _play(
        self, context: Context, x: Tensor, z: Tensor, *, constants: bool
    ) -> dict[str, Logits]:
        return play(self.networks, context, x, z, constants=constants)
