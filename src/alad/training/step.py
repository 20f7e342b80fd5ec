"""A training step: an update of both sides of an adversarial game, or down a single loss.

These steps in plain PyTorch are the reference for every faster one. A step is a pure function of
(state, number): it can be replayed, and interrupted training continues from its arrays alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Sequence

import torch
from torch import Tensor

from alad.networks.context import Context
from alad.networks.convolution_ops import PATCHES, PatchProducts
from alad.networks.interfaces import Networks
from alad.networks.weights import buffer_layout, initial_buffers, initial_weights, weight_layout
from alad.randomness import Purpose, stream
from alad.training.loop import Watch
from alad.training.noise import Batches, Order, StepNoise
from alad.training.optimizer import Optimiser, WeightGroup
from alad.training.rows import Rows, taken


class NetworkStep(ABC):
    """A step on the rows X [n, *shape] for all members and all groups of `networks`."""

    products: PatchProducts = PATCHES  # how products of convolutions are computed
    watch: Watch | None = None  # called before the first step and after every check
    at_once: int = 1  # steps that `run` is best asked for
    note: str | None = None  # why no faster step is used, if the game is the reason

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
        self.order: Batches = Order(seed, members, len(X), self.batch, groups=len(networks.groups))
        self.also_changes: dict[str, Tensor] = {}  # what `arrays` names beside weights
        self.steps_per_epoch = self.order.steps_per_epoch
        # weights of each optimiser, and statistics that depend on initial weights
        generators = [stream(self.seed, member, Purpose.WEIGHTS) for member in self.members]
        self.by_group: dict[str, WeightGroup] = {}
        views: dict[str, Tensor] = {}
        for group, layers in networks.groups.items():
            weights = initial_weights(weight_layout(layers), generators)
            views |= weight_layout(layers).views(weights)
            self.by_group[group] = WeightGroup(layers, weights.to(self.like), optimiser)
        self.buffers = initial_buffers(networks.layers, views, generators).to(self.like)
        self.buffer_views = buffer_layout(networks.layers).views(self.buffers)

    @property
    def engine(self) -> str:
        """The engine that trains."""
        return self.products.engine

    @abstractmethod
    def __call__(self, number: int) -> Tensor:
        """Make update `number` (from 0), and return losses [members, kinds]."""

    def run(self, first: int, count: int) -> Tensor:
        """Make so many updates from number `first` (from 0); losses [count, members, kinds]."""
        return torch.stack([self(number) for number in range(first, first + count)])

    def _noise(self, number: int) -> StepNoise:
        return StepNoise(self.seed, self.members, number, self.like)

    def _context(
        self, weights: dict[str, Tensor], noise: StepNoise, *, track: bool | Container[str]
    ) -> Context:
        how = {"training": True, "track_statistics": track, "products": self.products}
        return Context(weights, self.buffer_views, noise, **how)

    def _rows(self, number: int, turn: int) -> Tensor:
        """Select the batch of a step and turn, [members, batch, *shape]."""
        rows = taken(self.X, self.order.batch(number, turn).flatten())
        return rows.unflatten(0, (len(self.members), self.batch))

    def arrays(self) -> dict[str, Tensor]:
        """Name all that changes from step to step, by reference: enough to continue from."""
        arrays = {
            f"{group}.{name}": array
            for group, weights in self.by_group.items()
            for name, array in weights.arrays().items()
        }
        return arrays | {"buffers": self.buffers} | self.also_changes

    def scoring_arrays(self) -> dict[str, Tensor]:
        """Name the arrays that scores read, [members, size]: averages and running statistics."""
        averages = {group: weights.average for group, weights in self.by_group.items()}
        return averages | {"buffers": self.buffers}


# context, batch x [members, n, *shape] and the step's noise -> [members], each a mean over rows
Loss = Callable[[Context, Tensor, StepNoise], Tensor]


class LossStep(NetworkStep):
    """A step that moves all weights down one loss."""

    def __init__(
        self,
        X: Rows,
        networks: Networks,
        loss: Loss,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        super().__init__(X, networks, optimiser, seed=seed, members=members)
        self._loss = loss
        (self.weights,) = self.by_group.values()

    def __call__(self, number: int) -> Tensor:
        """Make update `number` (from 0), and return losses [members, 1]."""
        noise = self._noise(number)
        context = self._context(self.weights.leaves, noise, track=True)
        loss = self._loss(context, self._rows(number, 0), noise)
        self.weights.descend(loss.sum(), number)
        return loss.detach()[:, None]
