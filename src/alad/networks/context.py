"""The engine of PyTorch: runs layers, with the weights and all else a forward pass needs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from alad.networks import convolution, dense
from alad.networks.layers import Convolution, Dense, Periodic
from alad.networks.state import ForwardState

# A forked process has none of the threads that PyTorch waits for: it computes with its own alone
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


@dataclass
class Context(ForwardState):
    """A forward pass in PyTorch, and the reference of every other engine."""

    def dense(self, layer: Dense, x: Tensor) -> Tensor:
        return dense.forward(layer, self, x)

    def dense_back(self, layer: Dense, g: Tensor) -> Tensor:
        return dense.back(layer, self, g)

    def convolution(self, layer: Convolution, x: Tensor) -> Tensor:
        return convolution.forward(layer, self, x)

    def convolution_back(self, layer: Convolution, g: Tensor) -> Tensor:
        return convolution.back(layer, self, g)

    def joined(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        return torch.cat(list(parts), dim=axis)

    def periodic(self, layer: Periodic, x: Tensor) -> Tensor:
        return dense.periodic(layer, self, x)

    def with_level(self, x: Tensor, level: Tensor | float) -> Tensor:
        shape = (*x.shape[:-1], 1)
        if not isinstance(level, Tensor):
            return torch.cat([x, x.new_full(shape, level)], dim=-1)
        ones = (1,) * (x.ndim - 2)
        return torch.cat([x, level.reshape(*level.shape, *ones).expand(shape)], dim=-1)
