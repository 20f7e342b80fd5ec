"""One update of the networks: of both players of the adversarial game, or down a single loss.

These are the plain PyTorch steps, the reference for every faster one. A step is asked for by its
number and is a pure function of (state, number): it can be replayed, and an interrupted training
goes on from its arrays alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Sequence
from typing import Protocol

import torch
from torch import Tensor

from alad.context import Context, Networks
from alad.game import (
    AnyArchitecture,
    AnyNetworks,
    Game,
    Logits,
    discriminator_loss,
    generator_encoder_loss,
    judge,
    make,
    networks_for,
    play,
)
from alad.players import Optimiser, Player
from alad.products import PATCHES, PatchProducts
from alad.randomness import Order, Purpose, StepNoise, stream
from alad.streamed import Rows, taken
from alad.weights import buffer_layout, initial_buffers, initial_weights, weight_layout


class NetworkStep(ABC):
    """One step on the rows X [n, *shape] for all members: a player for each group of `networks`."""

    products: PatchProducts = PATCHES  # what makes those of convolutions

    def __init__(
        self,
        X: Rows,
        networks: Networks,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        self.X, self.networks, self.seed, self.members = X, networks, seed, list(members)
        self.like = torch.empty(0, dtype=X.dtype, device=X.device)
        self.batch = min(optimiser.batch_size, len(X))
        self.order = Order(seed, members, len(X), self.batch, players=len(networks.groups))
        self.steps_per_epoch = self.order.steps_per_epoch
        self._initialise(networks, optimiser)

    def _initialise(self, networks: Networks, optimiser: Optimiser) -> None:
        generators = [stream(self.seed, member, Purpose.WEIGHTS) for member in self.members]
        self.by_group: dict[str, Player] = {}
        views: dict[str, Tensor] = {}
        for group, layers in networks.groups.items():
            weights = initial_weights(weight_layout(layers), generators)
            views |= weight_layout(layers).views(weights)
            self.by_group[group] = Player(layers, weights.to(self.like), optimiser)
        self.buffers = initial_buffers(networks.layers, views, generators).to(self.like)
        self.buffer_views = buffer_layout(networks.layers).views(self.buffers)

    @abstractmethod
    def __call__(self, number: int) -> Tensor:
        """Make update `number` (from 0); losses [members, kinds]."""

    def _noise(self, number: int) -> StepNoise:
        return StepNoise(self.seed, self.members, number, self.like)

    def _context(
        self, weights: dict[str, Tensor], noise: StepNoise, *, track: bool | Container[str]
    ) -> Context:
        how = {"training": True, "track_statistics": track, "products": self.products}
        return Context(weights, self.buffer_views, noise, **how)

    def _rows(self, number: int, player: int) -> Tensor:
        """[members, batch, *shape]."""
        rows = taken(self.X, self.order.batch(number, player).flatten())
        return rows.unflatten(0, (len(self.members), self.batch))

    def arrays(self) -> dict[str, Tensor]:
        """All that changes from step to step, by reference: enough to stop here and go on later."""
        arrays = {
            f"{group}.{name}": array
            for group, player in self.by_group.items()
            for name, array in player.arrays().items()
        }
        return arrays | {"buffers": self.buffers}

    def scoring_arrays(self) -> dict[str, Tensor]:
        """The part of `arrays` that a score reads, [members, size] each.

        These are the averaged weights and the running statistics.
        """
        averages = {group: player.average for group, player in self.by_group.items()}
        return averages | {"buffers": self.buffers}


class LossStep(NetworkStep):
    """One player goes down one loss.

    loss: context, batch x [members, n, *shape] and the step's noise -> [members], each the mean
    over its rows.
    """

    def __init__(
        self,
        X: Rows,
        networks: Networks,
        loss: Callable[[Context, Tensor, StepNoise], Tensor],
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        super().__init__(X, networks, optimiser, seed=seed, members=members)
        self._loss = loss
        (self.player,) = self.by_group.values()

    def __call__(self, number: int) -> Tensor:
        """One update; losses [members, 1]."""
        noise = self._noise(number)
        context = self._context(self.player.leaves, noise, track=True)
        loss = self._loss(context, self._rows(number, 0), noise)
        self.player.descend(loss.sum(), number)
        return loss.detach()[:, None]


class TwoPlayerNetworks(Networks, Protocol):
    """Groups `players` and `judges`; the players make rows from latent codes."""

    latent: int


class TwoPlayerStep(NetworkStep):
    """One step of an adversarial game: the judges move first, then the players."""

    networks: TwoPlayerNetworks

    def __init__(
        self,
        X: Rows,
        networks: TwoPlayerNetworks,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        super().__init__(X, networks, optimiser, seed=seed, members=members)
        self.players, self.judges = self.by_group["players"], self.by_group["judges"]

    @abstractmethod
    def _play(
        self, context: Context, x: Tensor, z: Tensor, *, constants: bool
    ) -> dict[str, Logits]:
        """The judges' logits, from which both sides read their loss."""

    def __call__(self, number: int) -> Tensor:
        """Update the judges, then the players; losses [members, 2].

        The two updates see independent batches and noise. Running statistics follow in the update
        of the player whose layers they belong to.
        """
        noise = self._noise(number)
        z = noise.normal(2, self.batch, self.networks.latent)

        context = self._context(
            self.players.views | self.judges.leaves, noise, track=self.judges.names
        )
        logits = self._play(context, self._rows(number, 0), z[:, 0], constants=True)
        judges_loss = discriminator_loss(logits)
        self.judges.descend(judges_loss.sum(), number)

        context = self._context(
            self.players.leaves | self.judges.views, noise, track=self.players.names
        )
        logits = self._play(context, self._rows(number, 1), z[:, 1], constants=False)
        players_loss = generator_encoder_loss(logits)
        self.players.descend(players_loss.sum(), number)
        return torch.stack([judges_loss, players_loss], dim=1).detach()


class GameStep(TwoPlayerStep):
    """One step of D_xz, D_xx, D_zz against E and G on the rows X [n, *shape] for all members."""

    networks: AnyNetworks
    share_batch: bool = False  # do both players see the same rows and noise?

    def __init__(
        self,
        X: Rows,
        game: Game,
        architecture: AnyArchitecture,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        networks = networks_for(tuple(X.shape[1:]), architecture, game)
        super().__init__(X, networks, optimiser, seed=seed, members=members)

    def _play(
        self, context: Context, x: Tensor, z: Tensor, *, constants: bool
    ) -> dict[str, Logits]:
        return play(self.networks, context, x, z, constants=constants)

    def __call__(self, number: int) -> Tensor:
        """Update the judges, then the players; losses [members, 2].

        With `share_batch` the judges are shown what E and G have just made, and E and G learn from
        it how the judges, updated, see it: E and G work once a step instead of twice.
        """
        if not self.share_batch:
            return super().__call__(number)
        noise = self._noise(number)
        x, z = self._rows(number, 0), noise.normal(self.batch, self.networks.latent)
        weights = self.players.leaves | self.judges.views
        context = self._context(weights, noise, track=self.players.names)
        made = make(self.networks, context, x, z)

        judging = self._context(self.judges.leaves, noise, track=self.judges.names)
        logits = judge(self.networks, judging, x, z, made.detached(), constants=True)
        judges_loss = discriminator_loss(logits)
        self.judges.descend(judges_loss.sum(), number)

        logits = judge(self.networks, context, x, z, made, constants=False)
        players_loss = generator_encoder_loss(logits)
        self.players.descend(players_loss.sum(), number)
        return torch.stack([judges_loss, players_loss], dim=1).detach()
