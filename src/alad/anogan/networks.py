"""A plain generative adversarial network: G: z -> x, and a discriminator D that sees x alone.

Goodfellow et al. 2014; the networks are those of AnoGAN (Schlegl et al. 2017) in the tables of
Zenati et al. 2018. Real rows are the data, fake ones G(z), z ~ N(0, I).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from alad.anogan.architectures import GanArchitecture
from alad.networks.context import Context, Layer, Networks
from alad.networks.dense import Chain, Dense, chain

START = "search.start"  # where every search in latent space begins, [members, 1, latent]


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
