"""The weights that one optimiser moves, their Adam moments and their moving average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from alad.networks.layers import Layer
from alad.networks.weights import weight_layout


@dataclass(frozen=True)
class Optimiser:
    """Adam (Kingma & Ba 2015), and the moving average of the weights that is used for scoring."""

    learning_rate: float
    batch_size: int
    beta1: float = 0.5
    beta2: float = 0.999
    epsilon: float = 1e-8
    ema_decay: float = 0.999


def ema_decay_at(update: int, decay: float) -> float:
    """Decay at update number `update` (from 0): 0.1, 0.18, 0.25, ... up to `decay`.

    It starts low so that initial weights are forgotten.
    """
    return min(decay, (1 + update) / (10 + update))


class WeightGroup:
    """The weights that one optimiser moves, their Adam moments and their moving average.

    All are flat, [members, size].
    """

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
        """Made when first used: it loads torch's compiler, which other engines can do without."""
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
        """One Adam update down `loss`, then the moving average.

        loss: a scalar, the sum over members, who share no weight.
        """
        gradients = torch.autograd.grad(loss, list(self.leaves.values()))
        copy = torch._foreach_copy_  # pyright: ignore[reportPrivateImportUsage]
        copy(self._gradient_views, list(gradients))
        adam = self._adam
        self._updates.fill_(update)
        adam.step()
        self.average.lerp_(self.weights, 1.0 - ema_decay_at(update, self.optimiser.ema_decay))

    def arrays(self) -> dict[str, Tensor]:
        return {
            "weights": self.weights,
            "average": self.average,
            "moment": self.moment,
            "square": self.square,
        }
