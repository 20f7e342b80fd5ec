"""A plain generative adversarial network: G: z -> x, and a discriminator D that sees x alone.

Goodfellow et al. 2014; for tables the networks are those of AnoGAN (Schlegl et al. 2017) in the
tables of Zenati et al. 2018, for images those with which the authors of ALAD ran it on CIFAR-10 and
SVHN:

| net | layers (32 × 32 × 3, width 128)                                                     |
|-----|-------------------------------------------------------------------------------------|
| G   | ALAD's: tconv 4×4 VALID 512 BN, 4×4/2 256 BN, 128 BN, ReLU each; 4×4/2 3 tanh       |
| D   | conv 4×4/2 128, 256 BN, 512 BN, LReLU each, the last one its features f(x); logit   |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alad.adversarial.game import Game, Term
from alad.anogan.architectures import AnyGanArchitecture
from alad.networks.description import described
from alad.networks.interfaces import Layer, Shapes
from alad.networks.layers import Chain, Discriminator

START = "search.start"  # where every search in latent space begins, [members, 1, latent]

GAN = Game((Term("x", ("x",), ("G(z)",), asks="is it a row of the data?"),))


@described("anogan.start")
@dataclass(frozen=True)
class SearchStart:
    """A code z that belongs to the model as its weights do, and is never trained."""

    latent: int
    name: str = "search"
    spectral: bool = False

    def shapes(self) -> Shapes:
        return {}

    def buffer_shapes(self) -> Shapes:
        return {START: (1, self.latent)}


@described("anogan.gan")
@dataclass(frozen=True)
class GanNetworks:
    """G and D for rows of `shape`, and where searches start."""

    shape: tuple[int, ...]
    latent: int
    generator: Chain
    discriminator: Discriminator
    start: SearchStart

    @property
    def discriminators(self) -> Mapping[str, Discriminator]:
        return {term.name: self.discriminator for term in GAN.terms}

    @property
    def groups(self) -> dict[str, tuple[Layer, ...]]:
        """Layers by the side of the game that moves their weights."""
        return {"generator": self.generator.layers, "discriminator": self.discriminator.layers}

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.generator.layers, *self.discriminator.layers, self.start)


def gan_networks(shape: tuple[int, ...], architecture: AnyGanArchitecture) -> GanNetworks:
    """Build G and D for rows of `shape`: (width,), or of an image."""
    stacks, latent = architecture.stacks(shape), architecture.latent
    discriminator = stacks.discriminator("D", ("row",))
    return GanNetworks(shape, latent, stacks.up(), discriminator, SearchStart(latent))
