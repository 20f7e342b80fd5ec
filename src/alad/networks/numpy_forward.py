"""The forward pass of dense layers at evaluation in NumPy: scoring without torch.

Weights are those of `weights.scoring_weights`: spectral norms are already divided out. All products
are exact sums (`exact_product`), everything else is done number by number or row by row; so what a
row gets does not depend on its company to the last bit. Sums are float64 all the way; results have
the type of the weights, float32 as a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from alad.networks.exact_product import ExactMatrix, exact_product
from alad.networks.layers import BATCH_NORM_EPSILON, SLOPES, Activation

BLOCK_ROWS = 256  # rows at a time, so that activations stay in the cache

Arrays = Mapping[str, np.ndarray]  # name -> [members, ...]: weights, running statistics, draws


class DenseLayer(Protocol):
    """The description of x -> activation(x W + b); `networks.dense.Dense` is one."""

    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def activation(self) -> Activation: ...
    @property
    def dropout(self) -> float: ...
    @property
    def batch_norm(self) -> bool: ...
    @property
    def spectral(self) -> bool: ...


class DenseChain(Protocol):
    """Layers one after the other; `networks.dense.Chain` is one."""

    @property
    def layers(self) -> Sequence[DenseLayer]: ...


# --- one member's layers --------------------------------------------------------------------------


@dataclass(frozen=True)
class Affine:
    """weight [inputs, outputs] and bias [outputs] in float64, batch norm worked in."""

    weight: np.ndarray
    bias: np.ndarray
    activation: Activation
    slices: int  # of `ExactMatrix`

    @classmethod
    def of(cls, layer: DenseLayer, arrays: Arrays, member: int) -> Affine:
        def wide(kind: str) -> np.ndarray:
            return np.asarray(arrays[f"{layer.name}.{kind}"][member], np.float64)

        weight, bias = wide("weight"), wide("bias")[0]
        if layer.batch_norm:
            scale = (wide("gamma") / np.sqrt(wide("variance") + BATCH_NORM_EPSILON))[0]
            weight, bias = weight * scale, (bias - wide("mean")[0]) * scale + wide("beta")[0]
        single = arrays[f"{layer.name}.weight"].dtype == np.float32
        return cls(weight, bias, layer.activation, 1 if single else 2)

    def matrix(self, rows: slice = slice(None)) -> ExactMatrix:
        """Slice the weight, or some rows of it, for exact products."""
        return ExactMatrix.of(self.weight[rows], self.slices)

    def transposed(self) -> ExactMatrix:
        """Slice W' [outputs, inputs], for the way back."""
        return ExactMatrix.of(np.ascontiguousarray(self.weight.T), self.slices)


@dataclass(frozen=True)
class FrozenLayer:
    """A layer of one member, ready for rows [n, inputs] -> [n, outputs]."""

    weight: ExactMatrix
    bias: np.ndarray
    activation: Activation

    @classmethod
    def of(cls, layer: DenseLayer, arrays: Arrays, member: int) -> FrozenLayer:
        affine = Affine.of(layer, arrays, member)
        return cls(affine.matrix(), affine.bias, affine.activation)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return activate(self.activation, self.sums(x))

    def sums(self, x: np.ndarray) -> np.ndarray:
        """Compute x W + b."""
        h = exact_product(x, self.weight)
        h += self.bias
        return h


def activate(activation: Activation, h: np.ndarray) -> np.ndarray:
    """Apply the activation to h [n, units], in place."""
    if activation == "tanh":
        return np.tanh(h, out=h)
    if activation == "relu":
        return np.maximum(h, 0.0, out=h)
    if activation == "leaky":
        return np.maximum(h, SLOPES["leaky"] * h, out=h)
    return h


def frozen_chain(chain: DenseChain, arrays: Arrays, member: int) -> tuple[FrozenLayer, ...]:
    """Prepare the layers of one member."""
    return tuple(FrozenLayer.of(layer, arrays, member) for layer in chain.layers)


def through(layers: Sequence[FrozenLayer], x: np.ndarray) -> np.ndarray:
    """Send rows x [n, inputs] through one member's layers, one after the other: [n, outputs]."""
    for layer in layers:
        x = layer(x)
    return x


# --- all members, any number of rows --------------------------------------------------------------

# (rows x [n, width] in float64, names of wanted results) -> those results at least, [n, ...] each
MemberPass = Callable[[np.ndarray, Collection[str]], dict[str, np.ndarray]]


@dataclass(frozen=True)
class NumpyEngine:
    """Computes what scores read from rows x: name -> [members, n, ...].

    names: of all results. members: one pass each. dtype: of the results, but for those named in
    `double`, which stay float64. No call changes anything here, so threads may share an engine.
    """

    names: tuple[str, ...]
    members: tuple[MemberPass, ...]
    dtype: np.dtype
    double: frozenset[str] = frozenset()
    block_rows: int = BLOCK_ROWS

    def __call__(
        self, x: np.ndarray, wanted: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Compute results for rows x: [n, width] for all members, or [members, n, width].

        wanted: names of results; None = all.
        """
        chosen = self.names if wanted is None else tuple(wanted)
        by_member = [
            self._rows(member_pass, x if x.ndim == 2 else x[member], chosen)
            for member, member_pass in enumerate(self.members)
        ]
        return {name: np.stack([found[name] for found in by_member]) for name in chosen}

    def _rows(
        self, member_pass: MemberPass, x: np.ndarray, wanted: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        """Compute one member's results for rows x [n, width], block by block."""
        parts = []
        for start in range(0, max(len(x), 1), self.block_rows):
            block = np.asarray(x[start : start + self.block_rows], np.float64)
            found = member_pass(np.ascontiguousarray(block), wanted)
            parts.append({name: self._stored(name, found[name]) for name in wanted})
        return {name: np.concatenate([part[name] for part in parts]) for name in wanted}

    def _stored(self, name: str, result: np.ndarray) -> np.ndarray:
        if name in self.double:
            return result
        with np.errstate(over="ignore"):  # too large for float32 is infinite, as in other engines
            return result.astype(self.dtype, copy=False)


def members_of(arrays: Arrays) -> range:
    """The numbers of the members, 0, 1, ..."""
    return range(len(next(iter(arrays.values()))))


def dtype_of(arrays: Arrays) -> np.dtype:
    """Of the weights, and so of results."""
    return next(iter(arrays.values())).dtype


def forward(layers: Sequence[DenseLayer], arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """Send rows x through layers, one after the other: [members, n, outputs].

    x: [n, inputs] for all members, or [members, n, inputs]. The layers are prepared anew at every
    call; for more than one call make a `NumpyEngine`.
    """

    def member_pass(member: int) -> MemberPass:
        frozen = tuple(FrozenLayer.of(layer, arrays, member) for layer in layers)
        return lambda rows, wanted: {"outputs": through(frozen, rows)}

    passes = tuple(map(member_pass, members_of(arrays)))
    return NumpyEngine(("outputs",), passes, dtype_of(arrays))(x)["outputs"]
