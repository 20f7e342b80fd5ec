"""The optimiser: Adam, and a moving average of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from alad.networks.interfaces import Layer
from alad.networks.weights import weight_layout


@dataclass(frozen=True)
class Optimiser:
    """Settings of Adam (Kingma & Ba 2015) and of the moving average that scores use."""

    learning_rate: float
    batch_size: int
    beta1: float = 0.5
    beta2: float = 0.999
    epsilon: float = 1e-8
    ema_decay: float = 0.999


def ema_decay_at(update: int, decay: float) -> float:
    """Compute the decay at an update (from 0): 0.1, 0.18, 0.25, ... up to `decay`.

    It starts low so that initial weights are forgotten.
    """
    return min(decay, (1 + update) / (10 + update))


class WeightGroup:
    """The weights of an optimiser, their Adam moments and moving average, flat [members, size]."""

    def __init__(self, layers: Sequence[Layer], weights: Tensor, optimiser: Optimiser):
        self.optimiser = optimiser
        self.names = frozenset(layer.name for layer in layers)
        self.layout = weight_layout(layers)
        self.weights = weights
        self.views = self.layout.views(weights)
        self.leaves = {name: view.detach().requires_grad_() for name, view in self.views.items()}
        self.average = weights.clone()
        self._gradient = torch.zeros_like(weights)
        self._gradient_views = list(self.layout.views(self._gradient).values())
        self.moment, self.square = torch.zeros_like(weights), torch.zeros_like(weights)

    @cached_property
    def _adam(self) -> torch.optim.Adam:
        """Torch's Adam, made when first used: it loads a compiler, needed by no other engine."""
        parameter = torch.nn.Parameter(self.weights)
        parameter.grad = self._gradient
        settings = self.optimiser
        betas = (settings.beta1, settings.beta2)
        adam = torch.optim.Adam(
            [parameter], settings.learning_rate, betas, settings.epsilon, fused=True
        )
        # the number of updates made; fused Adam wants it on the weights' device
        self._updates = torch.zeros((), device=self.weights.device)
        adam.state[parameter] = {
            "step": self._updates,
            "exp_avg": self.moment,
            "exp_avg_sq": self.square,
        }
        return adam

    def descend(self, loss: Tensor, update: int) -> None:
        """Make an Adam update down a loss, and update the moving average.

        loss: a scalar, the sum over members, which share no weight.
        """
        gradients = torch.autograd.grad(loss, list(self.leaves.values()))
        copy = torch._foreach_copy_  # pyright: ignore[reportPrivateImportUsage]
        copy(self._gradient_views, list(gradients))
        adam = self._adam
        self._updates.fill_(update)
        adam.step()
        self.average.lerp_(self.weights, 1.0 - ema_decay_at(update, self.optimiser.ema_decay))

    def arrays(self) -> dict[str, Tensor]:
        """Name all that changes from step to step, by reference."""
        return {
            "weights": self.weights,
            "average": self.average,
            "moment": self.moment,
            "square": self.square,
        }
