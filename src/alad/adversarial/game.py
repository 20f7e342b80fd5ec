"""The adversarial game: which pairs each discriminator sees, and the one loss both players read.

Zenati et al. 2018, section III. For x from the data and z ~ N(0, I):

| discriminator | real pair    | fake pair         | methods            |
|---------------|--------------|-------------------|--------------------|
| D_xz          | (x, E(x))    | (G(z), z)         | BiGAN, ALICE, ALAD |
| D_xx          | (x, x)       | (x, G(E(x)))      | ALICE, ALAD        |
| D_zz          | (z, z)       | (z, E(G(z)))      | ALAD               |
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import softplus

from alad.adversarial.architectures import Architecture, ImageArchitecture
from alad.adversarial.image_networks import ImageNetworks
from alad.adversarial.networks import DenseNetworks, PairDiscriminator
from alad.networks.context import Context


@dataclass(frozen=True)
class Game:
    """Which cycle terms are played beside D_xz; whether the layers are spectrally normalised."""

    xx: bool = False
    zz: bool = False
    spectral: bool = False


FAMILY = {
    "bigan": Game(),
    "alice": Game(xx=True),
    "alad": Game(xx=True, zz=True, spectral=True),
}


AnyArchitecture = Architecture | ImageArchitecture
AnyNetworks = DenseNetworks | ImageNetworks


def networks_for(shape: tuple[int, ...], architecture: AnyArchitecture, game: Game) -> AnyNetworks:
    """E, G and the game's discriminators for rows of `shape`: (width,), or of an image."""
    terms = {"spectral": game.spectral, "xx": game.xx, "zz": game.zz}
    if isinstance(architecture, Architecture):
        (width,) = shape
        return DenseNetworks(width, architecture, **terms)
    height, width, channels = shape
    return ImageNetworks((height, width, channels), architecture, **terms)


@dataclass(frozen=True)
class Logits:
    """Logits of one discriminator, [members, n] each; a constant `real` may be left out (None)."""

    real: Tensor | None
    fake: Tensor


@dataclass(frozen=True)
class Made:
    """What E and G make of x and z, [members, n, *] each."""

    encoded: Tensor  # E(x)
    generated: Tensor  # G(z)
    latent_cycle: Tensor  # E(G(z))
    cycle: Tensor | None  # G(E(x)), where D_xx asks for it

    def detached(self) -> Made:
        """The same as constants."""
        cycle = None if self.cycle is None else self.cycle.detach()
        return Made(
            self.encoded.detach(), self.generated.detach(), self.latent_cycle.detach(), cycle
        )


def play(
    networks: AnyNetworks, context: Context, x: Tensor, z: Tensor, *, constants: bool = True
) -> dict[str, Logits]:
    """Logits of every discriminator on its real and its fake pairs.

    x [members, n, *shape], z [members, n, latent]; constants: see `judge`.
    """
    return judge(networks, context, x, z, make(networks, context, x, z), constants=constants)


def make(networks: AnyNetworks, context: Context, x: Tensor, z: Tensor) -> Made:
    """The players' part."""
    generated = networks.generator(context, z)
    # E on x and on G(z) in one product; what looks across rows, batch norm, keeps them apart
    codes = networks.encoder(replace(context, batches=2), torch.cat([x, generated], dim=1))
    encoded, latent_cycle = codes.split(x.shape[1], dim=1)
    cycle = None if networks.xx is None else networks.generator(context, encoded)
    return Made(encoded, generated, latent_cycle, cycle)


def judge(
    networks: AnyNetworks, context: Context, x: Tensor, z: Tensor, made: Made, *, constants: bool
) -> dict[str, Logits]:
    """The judges' part.

    With `constants=False` the real pairs (x, x) and (z, z) are left out: they do not depend on E
    and G, so the players need not pay for them.
    """
    logits = {"xz": _judge(networks.xz, context, (x, made.encoded), (made.generated, z))}
    if networks.xx is not None and made.cycle is not None:
        real = (x, x) if constants else None
        logits["xx"] = _judge(networks.xx, context, real, (x, made.cycle))
    if networks.zz is not None:
        real = (z, z) if constants else None
        logits["zz"] = _judge(networks.zz, context, real, (z, made.latent_cycle))
    return logits


Pair = tuple[Tensor, Tensor]


def _judge(judge: PairDiscriminator, context: Context, real: Pair | None, fake: Pair) -> Logits:
    """Real and fake pairs in one pass over stacked rows; batch norm still sees two batches."""
    if real is None:
        return Logits(None, judge(context, *fake))
    stacked = [torch.cat(sides, dim=1) for sides in zip(real, fake, strict=True)]
    both = judge(replace(context, batches=2), *stacked)
    return Logits(*both.split(fake[0].shape[1], dim=1))


def discriminator_loss(logits: dict[str, Logits]) -> Tensor:
    """[members]: minus the value V of the paper, summed over the games.

    Real pairs are labelled 1, fake ones 0.
    """
    return _loss(logits, 1.0)


def generator_encoder_loss(logits: dict[str, Logits]) -> Tensor:
    """[members]: the same with every label flipped, for E and G together (non-saturating)."""
    return _loss(logits, -1.0)


def _loss(logits: dict[str, Logits], label: float) -> Tensor:
    terms = [softplus(label * pair.fake).mean(dim=1) for pair in logits.values()]
    real = [pair.real for pair in logits.values() if pair.real is not None]
    terms += [softplus(-label * logit).mean(dim=1) for logit in real]
    return torch.stack(terms).sum(dim=0)
