"""What the engines of PyTorch share: arrays in, tensors on the device, arrays out.

They are the reference of the other engines, and the only ones for images and on other devices.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.native_convolution import scoring_products


@dataclass(frozen=True)
class TorchEngine(ABC):
    """Trained networks at evaluation.

    A subclass computes results for rows, and sends images through to measure statistics.
    """

    scores: ClassVar[frozenset[str]] = frozenset()

    networks: Any
    context: Context
    settings: Any = None

    @classmethod
    def prepare(
        cls,
        networks: Any,
        arrays: Mapping[str, np.ndarray],
        settings: Any = None,
        *,
        device: str = "cpu",
        products_in_c: bool = False,
    ) -> Self:
        """Make an engine of arrays by name; products_in_c: whether convolutions may be in C.

        Raises InputError if there is no such device.
        """
        return cls(networks, context_of(networks, arrays, device, products_in_c), settings)

    @property
    def name(self) -> str:
        products = self.context.products
        return "torch" if products is None else products.engine

    # the order of PyTorch's sums depends on the number of rows: hence blocks of one size
    @property
    def rows_at_once(self) -> int | None:
        return None

    @property
    def filled_up(self) -> int | None:
        return None

    @property
    def members(self) -> int:
        return len(next(iter(self.context.weights.values())))

    @torch.no_grad()
    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        results = self.read(self.tensor(x), frozenset(wanted))
        return {name: results[name].contiguous().cpu().numpy() for name in wanted}

    def tensor(self, x: np.ndarray) -> Tensor:
        """Move rows to a tensor on the device of the networks."""
        return torch.from_numpy(np.asarray(x)).to(next(iter(self.context.weights.values())).device)

    def for_members(self, x: Tensor) -> Tensor:
        """Give every member rows x [n, *shape]: [members, n, *shape]."""
        return x.expand(self.members, *x.shape)

    @abstractmethod
    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """Compute results for rows x [n, *shape], those wanted at least: [members, n, ...]."""

    @abstractmethod
    def pass_by(self, context: Context, x: Tensor) -> None:
        """Send images x [n, *shape] through all convolutions that scores depend on."""

    @torch.no_grad()
    def measured(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Measure batch norm's statistics on images [n, *shape]: new buffers by name.

        The running statistics of training belong to the last weights, not the averaged ones, and
        with ALAD partly to generated rows; after a few hundred steps they still hold a share of
        their first values.
        """
        buffers = {name: buffer.clone() for name, buffer in self.context.buffers.items()}
        measuring = replace(self.context, buffers=buffers, measuring=True)
        self.pass_by(measuring, self.tensor(images))
        return arrays_of(buffers)


def context_of(
    networks: Any, arrays: Mapping[str, np.ndarray], device: str, products_in_c: bool = False
) -> Context:
    """Make the context of weights and buffers on a device; products_in_c: as for `prepare`."""
    where = device_named(device)
    parts = []
    for shapes in (
        [layer.shapes() for layer in networks.layers],
        [layer.buffer_shapes() for layer in networks.layers],
    ):
        names = [name for of_layer in shapes for name in of_layer]
        parts.append({name: torch.from_numpy(arrays[name]).to(where) for name in names})
    if not products_in_c:
        return Context(*parts)
    return Context(*parts, products=scoring_products(next(iter(parts[0].values()))))


def arrays_of(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Return tensors as arrays, by the same names."""
    return {name: value.detach().cpu().numpy() for name, value in tensors.items()}


def device_named(name: Any) -> torch.device:
    """Return the device of that name; InputError if it is none that can be used here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise InputError(f"device is {name!r}; give 'cpu', 'cuda' or 'auto'") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device is {name!r}; give 'cpu', 'cuda' or 'auto'")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError("device is 'cuda', but there is none here; give 'cpu' or 'auto'")
    return device
