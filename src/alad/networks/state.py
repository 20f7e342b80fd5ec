"""What a forward pass reads beside its input: arrays, dropout, the behaviour of batch norm."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor


class Dropout(Protocol):
    """The source of dropout masks for layers in training."""

    def mask(self, rows: int, units: int, rate: float) -> Tensor:
        """Return [members, rows, units]: 0 with probability `rate`, else 1 / (1 - rate)."""
        ...


@dataclass
class ForwardState:
    """All that a forward pass needs beside its input.

    weights: name -> [members, ...], buffers: name -> [members, ...] (running statistics, singular
    vectors). dropout: None at evaluation. batches: the number of independent batches along the
    rows; batch norm in training normalises each by its own statistics. track_statistics: the layers
    whose running statistics follow the batches; True = all, False = none. measuring: whether
    convolutions at evaluation set their running statistics to those of their inputs. products:
    what multiplies in convolutions; None = `convolution_ops.PatchProducts`.
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
        """Tell whether the running statistics of this layer follow the batches."""
        tracked = self.track_statistics
        return tracked if isinstance(tracked, bool) else layer in tracked
