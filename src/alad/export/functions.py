"""NumPy's functions as nodes of a graph: (a traced array, the arguments) -> traced array.

They are called by `traced.Traced`, which NumPy asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alad.export.graph import INT, Untraceable


def value_of(like: Any, value: Any) -> Any:
    """Give the numbers that a value stands for, traced or not, or of PyTorch."""
    if isinstance(value, type(like)):
        return value.sample
    return np.asarray(value) if hasattr(value, "__array__") else value


def _concatenate(like: Any, arrays: Sequence[Any], axis: int = 0) -> Any:
    if len(arrays) == 1:
        return arrays[0]
    samples = [value_of(like, array) for array in arrays]
    kind = np.result_type(*samples)
    names = [like.operand(array, kind) for array in arrays]
    axis %= samples[0].ndim
    sample = np.concatenate(samples, axis=axis)
    return like.new(like.graph.node("Concat", *names, axis=axis), sample)


def _stack(like: Any, arrays: Sequence[Any], axis: int = 0) -> Any:
    return _concatenate(like, [array.unsqueezed(axis) for array in arrays], axis=axis)


def _where(like: Any, condition: Any, yes: Any, no: Any) -> Any:
    samples = value_of(like, yes), value_of(like, no)
    kind = np.result_type(*samples)
    names = like.operand(condition, np.dtype(bool)), *(like.operand(x, kind) for x in (yes, no))
    sample = np.where(value_of(like, condition), *samples)
    return like.new(like.graph.node("Where", *names), sample)


def _clip(like: Any, x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _einsum(like: Any, subscripts: str, *operands: Any) -> Any:
    """Sum the product of operands over their last axis, "...j,...j->..."; no other sum."""
    inputs, _, output = subscripts.partition("->")
    if any(part != f"{output}j" for part in inputs.split(",")):
        raise Untraceable(f"einsum {subscripts!r} is no sum over the last axis")
    product = operands[0]
    for operand in operands[1:]:
        product = product * operand
    return product.sum(axis=-1)


def _take_along_axis(like: Any, array: Any, at: Any, axis: int) -> Any:
    kind = value_of(like, array).dtype
    names = like.operand(array, kind), like.operand(at, INT)
    sample = np.take_along_axis(value_of(like, array), value_of(like, at), axis=axis)
    return like.new(like.graph.node("GatherElements", *names, axis=axis), sample)


def _zeros_like(like: Any, array: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Make zeros [rows, columns]: what is made of rows has as many of them."""
    if array.ndim > 2 and shape is None and dtype is None:
        return array * 0
    sample = np.zeros_like(array.sample, dtype, shape=shape)
    rows = array[:, 0] if array.ndim > 1 else array
    zeros: Any = np.where(rows == rows, 0, 0).astype(sample.dtype)
    if sample.ndim == 1:
        return zeros
    widened = zeros.reshape(like.rows, 1)
    size = like.graph.constant(np.array([1, sample.shape[1]]))
    return like.new(like.graph.node("Expand", widened.name, size), sample)


def _broadcast_to(like: Any, array: Any, shape: Sequence[int]) -> Any:
    """Repeat an array along its other axes; rows stay as many as they are."""
    sample = np.broadcast_to(array.sample, shape)
    for size, known in zip(shape[::-1], array.shape[::-1], strict=False):
        if size == like.rows != known:
            raise Untraceable("broadcast_to is of what has rows already")
    sizes = like.graph.constant(np.array([1 if size == like.rows else size for size in shape]))
    return like.new(like.graph.node("Expand", array.name, sizes), sample)


def _searchsorted(like: Any, table: np.ndarray, x: Any, side: str = "left") -> Any:
    """Count the entries below x (or not above it), by halving: log2(entries) steps."""
    levels = max(len(table).bit_length(), 1)
    padded = np.full(2**levels, np.inf)
    padded[: len(table)] = table
    count: Any = np.zeros_like(x, np.int64)
    for step in (2**level for level in reversed(range(levels))):
        beyond = count + step
        entry = (beyond - 1).among(padded)
        counted = entry < x if side == "left" else entry <= x
        count = np.where(counted, beyond, count)
    return np.minimum(count, len(table))


def _sort(like: Any, x: Any, axis: int = -1) -> Any:
    return np.take_along_axis(x, np.argsort(x, axis=axis), axis=axis % x.ndim)


def _argpartition(like: Any, x: Any, kth: int, axis: int = -1) -> Any:
    """Find the places of the kth + 1 smallest, ascending; of the others there are none."""
    count = kth + 1
    name = like.graph.smallest(x.name, count, x.ndim - 1)
    return like.new(name, np.argsort(x.sample, axis=-1, kind="stable")[..., :count])


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.where: _where,
    np.clip: _clip,
    np.einsum: _einsum,
    np.take_along_axis: _take_along_axis,
    np.zeros_like: _zeros_like,
    np.broadcast_to: _broadcast_to,
    np.searchsorted: _searchsorted,
    np.argpartition: _argpartition,
    np.sort: _sort,
    np.argsort: lambda like, x, axis=-1, kind=None: _argpartition(like, x, x.shape[-1] - 1),
    np.cumsum: lambda like, x, axis: like.new(
        like.graph.node("CumSum", x.name, like.graph.constant(np.array(axis))),
        np.cumsum(x.sample, axis=axis),
    ),
    np.reshape: lambda like, x, shape: x.reshape(shape),
}
