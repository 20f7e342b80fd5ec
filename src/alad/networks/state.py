"""What a forward pass reads beside its input: arrays, randomness, how batch norm behaves."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor


class Dropout(Protocol):
    """Where a layer in training gets its dropout mask from."""

    def mask(self, rows: int, units: int, rate: float) -> Tensor:
        """Return [members, rows, units]: 0 with probability `rate`, else 1 / (1 - rate)."""
        ...


@dataclass
class ForwardState:
    """All that a forward pass needs beside its input.

    weights: name -> [members, ...], buffers: name -> [members, ...] (running statistics, singular
    vectors). dropout is None at evaluation. `batches` says how many independent batches lie one
    after the other along the rows: batch norm in training normalises each with its own statistics.
    `track_statistics` says whose running statistics follow: all, none, or the layers named.
    `measuring`, at evaluation, lets convolutions set theirs to what passes through them.
    `products` makes the products of convolutions (`convolution_ops.PatchProducts`, which None
    stands for).
    """

    weights: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor] = field(default_factory=dict)
    dropout: Dropout | None = None
    training: bool = False
    track_statistics: bool | Container[str] = False
    batches: int = 1
    measuring: bool = False
    products: Any = None

    def tracks(self, layer: str) -> bool:
        """Do the running statistics of this layer follow?"""
        tracked = self.track_statistics
        return tracked if isinstance(tracked, bool) else layer in tracked
