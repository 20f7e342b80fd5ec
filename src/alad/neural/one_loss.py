"""The body of detectors whose networks go down one loss: the autoencoders, VAE, DSEBM, DAGMM."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from alad.networks.context import Context
from alad.neural.detector import Neural
from alad.training.noise import StepNoise
from alad.training.rows import Rows
from alad.training.step import LossStep, NetworkStep


@dataclass(frozen=True)
class Trained:
    """Networks at evaluation, and their weights: what the scores of a `Descending` read."""

    networks: Any
    context: Context

    def for_members(self, x: Tensor) -> Tensor:
        """x [n, *shape], shared by all members: [members, n, *shape]."""
        return x.expand(len(next(iter(self.context.weights.values()))), *x.shape)

    def measure(self, x: Tensor) -> None:
        """Set batch norm's statistics to those of images x [n, *shape] on their way to a score."""
        self.networks.measure(replace(self.context, measuring=True), self.for_members(x))


class Descending(Neural):
    """The body of detectors whose networks go down one loss, by Adam with betas (0.9, 0.999)."""

    @abstractmethod
    def _loss(self, networks: Any) -> Callable[[Context, Tensor, StepNoise], Tensor]:
        """context, x [members, n, *shape], noise -> [members], the mean over rows."""

    def _make_step(self, X: Rows, seed: int) -> NetworkStep:
        networks = self._networks_for(X.shape[1:])
        how = self._optimiser(beta1=0.9)
        return LossStep(X, networks, self._loss(networks), how, seed=seed, members=self._members())

    def _make_model(self, networks: Any, context: Context) -> Trained:
        return Trained(networks, context)
