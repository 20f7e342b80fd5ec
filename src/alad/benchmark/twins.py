"""ALAD's controls: the same networks without a game, and a game judged by features of chance.

They are rows of a benchmark, not detectors: what they score tells how much of ALAD's accuracy is
owed to its networks alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from alad.adversarial.alad import ALAD
from alad.adversarial.game import Game
from alad.adversarial.play import make, squared_distance
from alad.adversarial.step import GameStep
from alad.networks.weights import initial_weights, weight_layout
from alad.neural.model import NetworkModel
from alad.randomness import Purpose, stream
from alad.training.rows import Rows
from alad.training.step import NetworkStep


class GamelessStep(GameStep):
    """A step of E and G down the game's penalties alone; discriminators stay as they were drawn.

    A game without a penalty has the cycle, the squared distance of x and G(E(x)).
    """

    def __call__(self, number: int) -> Tensor:
        """Make update `number` (from 0); return losses [members, 1]."""
        noise = self._noise(number)
        sampled = self._samples(1, noise)[0]
        weights = self.generator.leaves | self.discriminator.views
        context = self._context(weights, noise, track=self.generator.names)
        made = make(self.networks, context, self.game, self._drawn(number, 0, sampled))
        loss = sum_of_penalties(self, made)
        self.generator.descend(loss.sum(), number)
        return loss.detach()[:, None]


def sum_of_penalties(step: GameStep, made: Mapping[str, Tensor]) -> Tensor:
    """Sum up the penalties that read no logits, or give the cycle if there is none: [members]."""
    parts = [
        penalty.weight * penalty.value(*(made[symbol] for symbol in penalty.of))
        for penalty in step.game.penalties
        if "generator" in penalty.sides and penalty.made == penalty.of
    ]
    if not parts:
        return squared_distance(made["x"], made["G(E(x))"])
    return torch.stack(parts).sum(dim=0)


@dataclass(kw_only=True, eq=False, repr=False)
class WithoutGame(ALAD):
    """ALAD's networks, E and G trained without discriminators, which score as they were drawn."""

    def _engine(self, X: Rows, game: Game) -> type[GameStep]:
        return GamelessStep


@dataclass(kw_only=True, eq=False, repr=False)
class RandomFeatures(ALAD):
    """ALAD trained as ever; scores read discriminators that are drawn anew and know nothing."""

    def _model(
        self, step: NetworkStep, arrays: Mapping[str, Any], shape: tuple[int, ...]
    ) -> NetworkModel:
        generators = [stream(step.seed, member, Purpose.WEIGHTS, 1) for member in step.members]
        layers = step.networks.groups["discriminator"]
        drawn = initial_weights(weight_layout(layers), generators).to(step.like)
        return super()._model(step, {**arrays, "discriminator": drawn}, shape)


TWINS: dict[str, type[ALAD]] = {
    "without-game": WithoutGame,
    "random-features": RandomFeatures,
}
