"""What is trained: layers as holders of weights, and networks as holders of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

Shapes = dict[str, tuple[int, ...]]  # by name, without the leading axis `members`


class Layer(Protocol):
    """A holder of weights: arrays by name, [members, *shape] each. It need not compute anything."""

    @property
    def name(self) -> str: ...

    @property
    def spectral(self) -> bool:
        """Whether `{name}.weight` is spectrally normalised, and `{name}.u` among the buffers."""
        ...

    def shapes(self) -> Shapes:
        """Give the shapes of the weights that an optimiser moves."""
        ...

    def buffer_shapes(self) -> Shapes:
        """Give the shapes of the buffers that a forward pass reads beside the weights."""
        ...


class Networks(Protocol):
    """Networks that are trained together, as holders of weights."""

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        """Layers by the name of the flat array [members, size] that holds their weights.

        One optimiser moves one array. The buffers of all lie in an array `buffers`.
        """
        ...

    @property
    def layers(self) -> Sequence[Layer]:
        """All layers, in the order of their buffers."""
        ...
