"""Encoder, generator and discriminators of a game, built by an architecture.

Zenati et al. 2018, tables IX to XI, and the authors' code where it differs. For images of
32 × 32 × 3, width 128:

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

from collections.abc import Mapping
from dataclasses import dataclass

from alad.adversarial.architectures import AnyArchitecture
from alad.adversarial.game import Game
from alad.networks.description import described
from alad.networks.interfaces import Layer
from alad.networks.layers import Chain, Discriminator


@described("adversarial.game")
@dataclass(frozen=True)
class GameNetworks:
    """E: x -> z, G: z -> x and a discriminator for each term, for rows of `shape`."""

    shape: tuple[int, ...]
    latent: int
    encoder: Chain
    generator: Chain
    discriminators: Mapping[str, Discriminator]  # by the term's name

    @property
    def groups(self) -> dict[str, tuple[Layer, ...]]:
        """Layers by the side of the game that moves their weights."""
        discriminators = self.discriminators.values()
        return {
            "generator": (*self.encoder.layers, *self.generator.layers),
            "discriminator": tuple(layer for network in discriminators for layer in network.layers),
        }

    @property
    def layers(self) -> tuple[Layer, ...]:
        return tuple(layer for layers in self.groups.values() for layer in layers)


def game_networks(
    shape: tuple[int, ...], architecture: AnyArchitecture, game: Game
) -> GameNetworks:
    """Build E, G and the game's discriminators for rows of `shape`: (width,), or of an image."""
    stacks = architecture.stacks(shape, spectral=game.spectral, level=game.level)
    discriminators = {
        term.name: stacks.discriminator(f"D{term.name}", term.spaces) for term in game.terms
    }
    return GameNetworks(shape, stacks.latent, stacks.down(), stacks.up(), discriminators)
