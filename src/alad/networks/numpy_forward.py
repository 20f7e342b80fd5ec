"""The forward pass of dense layers at evaluation in NumPy: scoring without torch.

Weights are those of `weights.scoring_weights`: spectral norms are already divided out. A family
writes its pass of one member once, as chains of layers; an argument says who multiplies:
`exact_chain` here, in float64 by exact sums (`exact_product`), or `native_forward.native_chain`, in
float32 by C. All else is done number by number or row by row. So a row's results do not depend on
the rows beside it, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from alad.errors import EngineError
from alad.native.memory import share_out
from alad.networks.exact_product import ExactMatrix, exact_product
from alad.networks.layers import (
    BATCH_NORM_EPSILON,
    SLOPES,
    Activation,
    Chain,
    Conditioned,
    Dense,
    Periodic,
)
from alad.row_kinds import TABLE

BLOCK_ROWS = 256  # rows at a time, so that activations stay in the cache

Arrays = Mapping[str, np.ndarray]  # name -> [members, ...]: weights, running statistics, draws


# --- one member's layers --------------------------------------------------------------------------


@dataclass(frozen=True)
class Affine:
    """x -> activation(x W + b), batch norm worked into W and b; float64.

    weight [inputs, outputs], bias [outputs] or None.
    """

    weight: np.ndarray
    bias: np.ndarray | None
    activation: Activation
    single: bool  # whether the weights were float32

    @classmethod
    def of(cls, layer: Any, arrays: Arrays, member: int) -> Affine:
        """Take one member's layer. Raises EngineError if it is not dense."""
        if not isinstance(layer, Dense):
            raise EngineError(f"it knows dense layers, not {type(layer).__name__}")

        def wide(kind: str) -> np.ndarray:
            return np.asarray(arrays[f"{layer.name}.{kind}"][member], np.float64)

        weight, bias = wide("weight"), wide("bias")[0]
        if layer.batch_norm:
            scale = (wide("gamma") / np.sqrt(wide("variance") + BATCH_NORM_EPSILON))[0]
            weight, bias = weight * scale, (bias - wide("mean")[0]) * scale + wide("beta")[0]
        single = arrays[f"{layer.name}.weight"].dtype == np.float32
        return cls(weight, bias, layer.activation, single)

    def of_inputs(self, inputs: slice, *, bias: bool = True) -> Affine:
        """Restrict the layer to some of its inputs, with or without the bias and the activation."""
        activation = self.activation if bias else "linear"
        kept = self.bias if bias else None
        return Affine(self.weight[inputs], kept, activation, self.single)

    def given_input(self, at: int, value: float) -> Affine:
        """Restrict the layer to its other inputs, where the one at `at` has this value always."""
        bias = 0.0 if self.bias is None else self.bias
        weight = np.delete(self.weight, at, axis=0)
        return Affine(weight, bias + value * self.weight[at], self.activation, self.single)

    def back(self) -> Affine:
        """Give the transposed layer, g -> g W' [n, inputs]."""
        return Affine(np.ascontiguousarray(self.weight.T), None, "linear", self.single)


@dataclass(frozen=True)
class Periods:
    """x [n, columns] -> x, sin(2 pi c x), cos(2 pi c x); c [columns, count], float64."""

    frequencies: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        turns = x[:, :, np.newaxis] * self.frequencies
        turns -= np.rint(turns)
        angles = turns.reshape(len(x), self.frequencies.size) * (2 * np.pi)
        return np.concatenate([x, np.sin(angles), np.cos(angles)], axis=1)


def split_periods(chain: Chain, arrays: Arrays, member: int) -> tuple[Periods | None, Chain]:
    """Split the periods of the columns, if a chain begins with them, from its other layers."""
    first = chain.layers[0] if chain.layers else None
    if not isinstance(first, Periodic):
        return None, chain
    frequencies = np.asarray(arrays[f"{first.name}.weight"][member], np.float64)
    return Periods(frequencies), replace(chain, layers=chain.layers[1:])


def affine_chain(
    chain: Chain, arrays: Arrays, member: int, level_at: int | None = None
) -> list[Affine]:
    """Take one member's dense layers of a chain, the noise level at scoring worked into a bias.

    level_at: which input the level is; None = the last.
    """
    layers = [Affine.of(layer, arrays, member) for layer in chain.layers]
    if isinstance(chain, Conditioned) and layers:
        layers[0] = layers[0].given_input(-1 if level_at is None else level_at, chain.level)
    return layers


# rows [n, inputs] -> [n, outputs] of the last layer; and what makes such a pass of layers
Pass = Callable[[np.ndarray], np.ndarray]
MakePass = Callable[[Sequence[Affine]], Pass]


def exact_chain(layers: Sequence[Affine]) -> Pass:
    """Make a pass in float64, whose products are exact sums."""
    return ExactChain(tuple(ExactLayer.of(layer) for layer in layers))


@dataclass(frozen=True)
class ExactLayer:
    """A layer of one member, ready for rows [n, inputs] -> [n, outputs]."""

    weight: ExactMatrix
    bias: np.ndarray | None
    activation: Activation

    @classmethod
    def of(cls, layer: Affine) -> ExactLayer:
        weight = ExactMatrix.of(layer.weight, 1 if layer.single else 2)
        return cls(weight, layer.bias, layer.activation)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        h = exact_product(x, self.weight)
        if self.bias is not None:
            h += self.bias
        return activate(self.activation, h)


@dataclass(frozen=True)
class ExactChain:
    """Layers of one member, one after the other."""

    layers: tuple[ExactLayer, ...]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        for layer in self.layers:
            x = layer(x)
        return x


def activate(activation: Activation, h: np.ndarray) -> np.ndarray:
    """Apply the activation to h [n, units], in place."""
    if activation == "tanh":
        return np.tanh(h, out=h)
    if activation == "relu":
        return np.maximum(h, 0.0, out=h)
    if activation == "leaky":
        return np.maximum(h, SLOPES["leaky"] * h, out=h)
    return h


# --- all members, any number of rows --------------------------------------------------------------

# (rows x [n, width], names of wanted results) -> those results at least, [n, ...] each
MemberPass = Callable[[np.ndarray, Collection[str]], dict[str, np.ndarray]]


@dataclass(frozen=True)
class MemberEngine:
    """Computes what scores read from rows x: name -> [members, n, ...].

    names: of all results. passes: one a member. dtype: of the results, but for those named in
    `double`, which stay float64. computes: the dtype of rows, float64 for NumPy, float32 for C.
    threads: their number for so many rows. No call changes the engine, so threads may share it.
    """

    names: tuple[str, ...]
    passes: tuple[MemberPass, ...]
    dtype: np.dtype
    double: frozenset[str] = frozenset()
    name: str = "numpy"
    computes: Any = np.float64
    block_rows: int = BLOCK_ROWS
    threads: Callable[[int], int] = lambda rows: 1  # BLAS has its own
    rows_at_once: ClassVar[int | None] = TABLE.blocks_in_c * TABLE.scored.most
    filled_up: ClassVar[int | None] = 0
    scores: ClassVar[frozenset[str]] = frozenset()

    def __call__(
        self, x: np.ndarray, wanted: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Compute results for rows x: [n, width] for all members, or [members, n, width].

        wanted: names of results; None = all.
        """
        chosen = self.names if wanted is None else tuple(wanted)
        members, n = range(len(self.passes)), x.shape[-2]
        starts = range(0, max(n, 1), self.block_rows)
        blocks: dict[tuple[int, int], dict[str, np.ndarray]] = {}

        # blocks of all members are shared out over threads
        def run(piece: tuple[int, int]) -> None:
            member, start = piece
            rows = x if x.ndim == 2 else x[member]
            block = np.ascontiguousarray(rows[start : start + self.block_rows], self.computes)
            with np.errstate(all="ignore"):  # too large is infinite; each thread has its own
                results = self.passes[member](block, chosen)
                blocks[piece] = {name: self._stored(name, results[name]) for name in chosen}

        share_out(run, [(member, at) for member in members for at in starts], self.threads(n))
        return {
            name: np.stack(
                [np.concatenate([blocks[member, at][name] for at in starts]) for member in members]
            )
            for name in chosen
        }

    def _stored(self, name: str, result: np.ndarray) -> np.ndarray:
        return result if name in self.double else result.astype(self.dtype, copy=False)


def members_of(arrays: Arrays) -> range:
    """Give the members numbers: 0, 1, ..."""
    return range(len(next(iter(arrays.values()))))


def dtype_of(arrays: Arrays) -> np.dtype:
    """Give the dtype of the weights, which is that of results."""
    return next(iter(arrays.values())).dtype


def forward(layers: Sequence[Any], arrays: Arrays, x: np.ndarray) -> np.ndarray:
    """Send rows x through layers, one after the other: [members, n, outputs].

    x: [n, inputs] for all members, or [members, n, inputs]. The layers are prepared anew at every
    call; for more than one call make a `MemberEngine`.
    """

    def member_pass(member: int) -> MemberPass:
        run = exact_chain([Affine.of(layer, arrays, member) for layer in layers])
        return lambda rows, wanted: {"outputs": run(rows)}

    passes = tuple(map(member_pass, members_of(arrays)))
    return MemberEngine(("outputs",), passes, dtype_of(arrays))(x)["outputs"]
