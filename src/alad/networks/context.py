"""What a forward pass needs beside its input, and what has weights."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor


class Dropout(Protocol):
    """Where a layer in training gets its dropout mask from."""

    def mask(self, rows: int, units: int, rate: float) -> Tensor:
        """Return [members, rows, units]: 0 with probability `rate`, else 1 / (1 - rate)."""
        ...


@dataclass
class Context:
    """All that a forward pass needs beside its input.

    weights: name -> [members, ...], buffers: name -> [members, ...] (running statistics, singular
    vectors). dropout is None at evaluation. `batches` says how many independent batches lie one
    after the other along the rows: batch norm in training normalises each with its own statistics.
    `track_statistics` says whose running statistics follow: all, none, or the layers named.
    `measuring`, at evaluation, lets convolutions set theirs to what passes through them.
    `products` makes the products of convolutions (`products.PatchProducts`, which None stands for).
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


class Layer(Protocol):
    """What has weights: arrays by name, [members, *shape] each. It may be no more than that."""

    @property
    def name(self) -> str: ...

    @property
    def spectral(self) -> bool:
        """Whether `{name}.weight` is spectrally normalised, and `{name}.u` among the buffers."""
        ...

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the weights that an optimiser moves."""
        ...

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of what else a forward pass reads."""
        ...


class Networks(Protocol):
    """Networks that are trained together, as far as weights go."""

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        """By the name of the flat array [members, size] that holds their weights.

        One optimiser moves one array. The buffers of all lie in an array `buffers`.
        """
        ...

    @property
    def layers(self) -> Sequence[Layer]:
        """All, in the order of their buffers."""
        ...
