"""One update of both sides of the adversarial game: the discriminators, then E and G."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from alad.adversarial.game import SIDES, Game
from alad.adversarial.play import (
    Drawn,
    PlayedNetworks,
    Samples,
    drawn,
    judge,
    loss,
    make,
    play,
    samples,
)
from alad.training.noise import StepNoise
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import NetworkStep


class GameStep(NetworkStep):
    """One step of a game on the rows X [n, *shape] for all members: the discriminators move first.

    The plain PyTorch step, which can play every game.
    """

    networks: PlayedNetworks
    share_batch: bool = False  # whether both sides see the same rows and noise

    def __init__(
        self,
        X: Rows,
        networks: PlayedNetworks,
        game: Game,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        super().__init__(X, networks, optimiser, seed=seed, members=members)
        self.game = game
        self.discriminator, self.generator = (self.by_group[side] for side in SIDES)

    def __call__(self, number: int) -> Tensor:
        """Update the discriminators, then E and G; return losses [members, 2].

        The two updates see independent batches and noise, unless `share_batch`. Running statistics
        follow in the update of the side whose layers they belong to.
        """
        noise = self._noise(number)
        if self.share_batch:
            losses = self._on_one_batch(number, noise)
        else:
            losses = self._on_two_batches(number, noise)
        return torch.stack(losses, dim=1).detach()

    def _on_two_batches(self, number: int, noise: StepNoise) -> list[Tensor]:
        sampled, losses = self._samples(2, noise), []
        for turn, side in enumerate(SIDES):
            moving, still = self.by_group[side], self.by_group[SIDES[1 - turn]]
            context = self._context(moving.leaves | still.views, noise, track=moving.names)
            given = self._drawn(number, turn, sampled[turn])
            constants = side == "discriminator"
            made, logits = play(self.networks, context, self.game, given, constants=constants)
            losses.append(loss(self.game, side, made, logits))
            moving.descend(losses[-1].sum(), number)
        return losses

    def _on_one_batch(self, number: int, noise: StepNoise) -> list[Tensor]:
        """Run E and G once a step instead of twice.

        The discriminators learn from the outputs of E and G; E and G learn from the updated
        discriminators' logits of the same outputs.
        """
        given = self._drawn(number, 0, self._samples(1, noise)[0])
        weights = self.generator.leaves | self.discriminator.views
        context = self._context(weights, noise, track=self.generator.names)
        made = make(self.networks, context, self.game, given)

        weights, constant = self.discriminator.leaves, {k: v.detach() for k, v in made.items()}
        judging = self._context(weights, noise, track=self.discriminator.names)
        logits = judge(self.networks, judging, self.game, constant)
        of_discriminators = loss(self.game, "discriminator", constant, logits)
        self.discriminator.descend(of_discriminators.sum(), number)

        logits = judge(self.networks, context, self.game, made, constants=False)
        of_generators = loss(self.game, "generator", made, logits)
        self.generator.descend(of_generators.sum(), number)
        return [of_discriminators, of_generators]

    def _samples(self, turns: int, noise: StepNoise) -> list[Samples]:
        shape = tuple(self.X.shape[1:])
        return samples(turns, self.batch, self.networks.latent, shape, self.game.noise, noise)

    def _drawn(self, number: int, turn: int, sampled: Samples) -> Drawn:
        return drawn(self._rows(number, turn), sampled)
