"""What is common to networks that go down one loss: the autoencoders, VAE, DSEBM, DAGMM."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from alad.networks.context import Context
from alad.neural.model import NetworkModel


@dataclass(frozen=True)
class Trained:
    """Networks at evaluation, and their weights: what the scores read."""

    networks: Any
    context: Context
    engine: str = "torch"

    def for_members(self, x: Tensor) -> Tensor:
        """Give every member rows x [n, *shape]: [members, n, *shape]."""
        return x.expand(len(next(iter(self.context.weights.values()))), *x.shape)

    def measure(self, x: Tensor) -> None:
        """Set batch norm's statistics to those of images x [n, *shape] on their way to a score."""
        self.networks.measure(replace(self.context, measuring=True), self.for_members(x))


@dataclass(frozen=True, eq=False, kw_only=True)
class OneLossModel(NetworkModel):
    """The body of the models whose scores read networks and weights alone."""

    makes_rows: ClassVar[bool] = True

    def _reader(self, context: Context) -> Trained:
        return Trained(self.networks, context)
