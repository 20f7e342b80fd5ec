"""The energy of DSEBM and its gradient in NumPy, without torch.

Zhai et al. 2016, section 3.1. With s_l = h_{l-1} W_l + b_l, h_l = softplus(s_l) and h_0 = x,

    E(x)  = 0.5 norm(x - b')^2 - sum_j h_L(x)_j
    dE/dx = x - b' - g_1 W_1',   g_l = sigmoid(s_l) (g_{l+1} W_{l+1}'),   g_L = sigmoid(s_L)
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from alad.networks.exact_product import exact_product
from alad.networks.numpy_forward import (
    Affine,
    Arrays,
    DenseLayer,
    FrozenLayer,
    NumpyEngine,
    dtype_of,
    members_of,
)

CENTRE = "X.bias"  # b' [members, 1, width]


class EnergyNetwork(Protocol):
    """The linear layers of an energy, whose softplus is taken outside them."""

    @property
    def hidden(self) -> Sequence[DenseLayer]: ...


def prepare_energy(network: EnergyNetwork, arrays: Arrays) -> NumpyEngine:
    """Prepare the engine of DSEBM.

    Results: energy [members, n], float64, and gradient dE/dx [members, n, width].
    """
    passes = (MemberEnergy(network, arrays, member) for member in members_of(arrays))
    return NumpyEngine(
        ("energy", "gradient"), tuple(passes), dtype_of(arrays), frozenset({"energy"})
    )


class MemberEnergy:
    """One member's pass of rows x [n, width]."""

    def __init__(self, network: EnergyNetwork, arrays: Arrays, member: int):
        self._layers = [FrozenLayer.of(layer, arrays, member) for layer in network.hidden]
        affine = (Affine.of(layer, arrays, member) for layer in network.hidden)
        self._back = [layer.transposed() for layer in affine]
        self._centre = np.asarray(arrays[CENTRE][member, 0], np.float64)

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        h, slopes = x, []
        for layer in self._layers:
            h, slope = softplus(layer.sums(h))
            slopes.append(slope)
        offset = x - self._centre
        found = {"energy": 0.5 * np.square(offset).sum(axis=1) - h.sum(axis=1)}
        if "gradient" in wanted:
            back = slopes.pop()
            for weight in self._back[:0:-1]:
                back = exact_product(back, weight)
                back *= slopes.pop()
            found["gradient"] = offset - exact_product(back, self._back[0])
        return found


def softplus(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute log(1 + e^s) and its derivative sigmoid(s) of sums s [n, units], without overflow."""
    small = np.exp(-np.abs(sums))  # in (0, 1]
    value = np.maximum(sums, 0.0) + np.log1p(small)
    return value, np.where(sums >= 0, 1.0, small) / (1.0 + small)
