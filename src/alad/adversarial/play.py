"""The game played: the outputs of E and G, the discriminators' logits, and each side's loss.

One formula serves both sides, with opposite signs. What E and G make, and which discriminator sees
it, is read from the table of the game (`alad.adversarial.game`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import softplus

from alad.adversarial.game import CODE, NOISY_ROW, ROW, Game, Noise, Side, leaf_of
from alad.networks.context import Context
from alad.networks.interfaces import Networks
from alad.networks.layers import Discriminator
from alad.training.noise import StepNoise

NETWORKS = {"E": "encoder", "G": "generator"}  # symbol -> attribute


class PlayedNetworks(Networks, Protocol):
    """Networks of a game: groups `generator` and `discriminator`, and E and G as it needs them."""

    @property
    def latent(self) -> int: ...

    @property
    def discriminators(self) -> Mapping[str, Discriminator]:
        """Discriminators by the names of their terms."""
        ...


@dataclass(frozen=True)
class Logits:
    """Logits of one discriminator, [members, n] each; a constant `real` may be left out (None)."""

    real: Tensor | None
    fake: Tensor


@dataclass(frozen=True)
class Drawn:
    """The leaves of a game: arrays by symbol, and the level ln sigma [members, n] of x~ if any."""

    leaves: Mapping[str, Tensor]
    level: Tensor | None = None


@dataclass(frozen=True)
class Samples:
    """What is drawn for a turn beside its rows: z [members, n, latent], and the noise of x~.

    level [members, n] is ln sigma, noise [members, n, *shape] ~ N(0, 1).
    """

    z: Tensor
    level: Tensor | None = None
    noise: Tensor | None = None


def samples(
    turns: int, n: int, latent: int, shape: tuple[int, ...], noise: Noise | None, random: StepNoise
) -> list[Samples]:
    """Draw what each of the turns of a step needs."""
    z = random.normal(turns, n, latent)
    if noise is None:
        return [Samples(z[:, turn]) for turn in range(turns)]
    low, high = math.log(noise.low), math.log(noise.high)
    level = low + (high - low) * random.uniform(turns, n)
    normal = random.normal(turns, n, *shape)
    return [Samples(z[:, turn], level[:, turn], normal[:, turn]) for turn in range(turns)]


def drawn(x: Tensor, given: Samples) -> Drawn:
    """Take rows x [members, n, *shape] and what was drawn beside them; add x~ if there is noise."""
    leaves = {ROW: x, CODE: given.z}
    if given.level is None or given.noise is None:
        return Drawn(leaves)
    sigma = given.level.exp().reshape(*given.level.shape, *(1,) * (x.ndim - 2))
    return Drawn({**leaves, NOISY_ROW: x + sigma * given.noise}, given.level)


Made = dict[str, Tensor]  # symbol -> [members, n, *]


def make(networks: PlayedNetworks, context: Context, game: Game, given: Drawn) -> Made:
    """Run E and G once on all that the game asks for; return leaves and outputs by symbol."""
    made = dict(given.leaves)
    for symbol, arguments in game.passes:
        network = getattr(networks, NETWORKS[symbol])
        inputs = [made[argument] for argument in arguments]
        level = (_levels(arguments, given, game.noise),) if game.level is not None else ()
        if len(inputs) == 1:
            outputs = (network(context, inputs[0], *level),)
        else:
            # in one product; what looks across rows, batch norm, keeps them apart
            stacked = torch.cat(inputs, dim=1)
            stacked = network(replace(context, batches=len(inputs)), stacked, *level)
            outputs = stacked.split(inputs[0].shape[1], dim=1)
        named = zip(arguments, outputs, strict=True)
        made |= {f"{symbol}({argument})": output for argument, output in named}
    return made


def _levels(arguments: tuple[str, ...], given: Drawn, noise: Noise | None) -> Tensor:
    """Join the noise levels of all inputs: that drawn where one begins with x~, else the lowest."""
    assert given.level is not None and noise is not None  # noqa: S101  (for type checkers)
    lowest = torch.full_like(given.level, math.log(noise.low))
    noisy = [leaf_of(argument) == NOISY_ROW for argument in arguments]
    return torch.cat([given.level if is_noisy else lowest for is_noisy in noisy], dim=1)


def judge(
    networks: PlayedNetworks, context: Context, game: Game, made: Made, *, constants: bool = True
) -> dict[str, Logits]:
    """Show every discriminator its real and its fake input; return logits by term.

    With `constants=False` real inputs that do not depend on E and G, such as (x, x), are left out:
    they have no gradient for the generator side.
    """
    logits = {}
    for term in game.terms:
        real = None if term.real_is_constant and not constants else term.real
        inputs = [tuple(made[symbol] for symbol in side) for side in (real, term.fake) if side]
        logits[term.name] = _judged(networks.discriminators[term.name], context, inputs)
    return logits


def _judged(
    discriminator: Discriminator, context: Context, inputs: list[tuple[Tensor, ...]]
) -> Logits:
    """Judge real and fake inputs in one pass, two batches for batch norm."""
    if len(inputs) == 1:
        return Logits(None, discriminator(context, *inputs[0]))
    stacked = [torch.cat(sides, dim=1) for sides in zip(*inputs, strict=True)]
    both = discriminator(replace(context, batches=2), *stacked)
    return Logits(*both.split(inputs[0][0].shape[1], dim=1))


def play(
    networks: PlayedNetworks, context: Context, game: Game, given: Drawn, *, constants: bool = True
) -> tuple[Made, dict[str, Logits]]:
    """Make everything and judge it: the arrays and logits that a side reads its loss from."""
    made = make(networks, context, game, given)
    return made, judge(networks, context, game, made, constants=constants)


def loss(game: Game, side: Side, made: Made, logits: dict[str, Logits]) -> Tensor:
    """Give one side's loss [members]: that of its logits, and the penalties on this side."""
    losses = {"discriminator": discriminator_loss, "generator": generator_encoder_loss}
    total = losses[side](logits)
    for penalty in game.penalties:
        if side in penalty.sides:
            arrays = (_read(symbol, made, logits) for symbol in penalty.of)
            total = total + penalty.weight * penalty.value(*arrays)
    return total


def discriminator_loss(logits: dict[str, Logits]) -> Tensor:
    """Compute minus the value V of the paper, summed over the terms: [members].

    Real inputs are labelled 1, fake ones 0.
    """
    return _loss(logits, 1.0)


def generator_encoder_loss(logits: dict[str, Logits]) -> Tensor:
    """Compute the loss of E and G [members]: every label flipped (non-saturating)."""
    return _loss(logits, -1.0)


def _loss(logits: dict[str, Logits], label: float) -> Tensor:
    terms = [softplus(label * pair.fake).mean(dim=1) for pair in logits.values()]
    real = [pair.real for pair in logits.values() if pair.real is not None]
    terms += [softplus(-label * logit).mean(dim=1) for logit in real]
    return torch.stack(terms).sum(dim=0)


def _read(symbol: str, made: Made, logits: dict[str, Logits]) -> Tensor:
    """Give an argument of a penalty: a symbol's array, or logits of a term such as "xz.fake"."""
    if symbol in made:
        return made[symbol]
    term, _, which = symbol.partition(".")
    return getattr(logits[term], which)


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    """Compute the squared distance of a and b [members, n, *], mean over rows: [members].

    As a penalty it asks for cycle consistency.
    """
    return (a - b).square().flatten(2).sum(dim=2).mean(dim=1)
