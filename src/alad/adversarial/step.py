"""One update of both sides of the adversarial game: the discriminators, then E and G."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from alad.adversarial.game import (
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
from alad.networks.context import Context, Networks
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import NetworkStep


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
