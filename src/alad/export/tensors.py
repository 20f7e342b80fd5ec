"""PyTorch's functions, and methods of its tensors, on traced arrays: by NumPy's, or as nodes.

The formulas of networks of images are written for PyTorch; it hands its functions over to
`traced.Traced` by the names of this table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alad.export.graph import Untraceable


def _flatten(x: Any, start: int = 0, end: int = -1) -> Any:
    start, end = start % x.ndim, end % x.ndim
    middle = int(np.prod(x.shape[start : end + 1]))
    return x.reshape(*x.shape[:start], middle, *x.shape[end + 1 :])


def _expand(x: Any, *sizes: int) -> Any:
    """Repeat an array along new axes, and along those of size 1; -1 = as it is."""
    known = (1,) * (len(sizes) - x.ndim) + x.shape
    whole = [old if new == -1 else new for new, old in zip(sizes, known, strict=True)]
    return np.broadcast_to(x, tuple(whole))


def _unflatten(x: Any, dim: int, sizes: Sequence[int]) -> Any:
    dim %= x.ndim
    whole = np.empty(x.shape[dim], bool).reshape(sizes).shape  # one may be -1
    return x.reshape(*x.shape[:dim], *whole, *x.shape[dim + 1 :])


def _permute(x: Any, *order: int) -> Any:
    order = tuple(at % x.ndim for at in order)
    return x.new(x.graph.node("Transpose", x.name, perm=order), x.sample.transpose(order))


def _movedim(x: Any, source: int, target: int) -> Any:
    order = list(range(x.ndim))
    order.insert(target % x.ndim, order.pop(source % x.ndim))
    return _permute(x, *order)


def _argmax(x: Any, dim: int) -> Any:
    """Find the place of the largest, of equal ones the first."""
    name = x.graph.node("ArgMax", x.name, axis=dim, keepdims=0)
    return x.new(name, x.sample.argmax(axis=dim))


def _node(operation: str) -> Callable[[Any], Any]:
    """Give a function number by number that NumPy has not."""
    return lambda x: x.new(x.graph.node(operation, x.name), x.sample)


def _chunk(x: Any, chunks: int, dim: int = 0) -> list[Any]:
    size, rest = divmod(x.shape[dim], chunks)
    if rest:
        raise Untraceable(f"{x.shape[dim]} numbers make no {chunks} equal parts")
    before = (slice(None),) * (dim % x.ndim)
    return [x[(*before, slice(at * size, (at + 1) * size))] for at in range(chunks)]


def _converted(x: Any, kind: Any) -> Any:
    """Convert to PyTorch's or NumPy's kind of numbers."""
    return x.astype(np.dtype(str(kind).removeprefix("torch.")))


# --- images [n, channels, height, width] ----------------------------------------------------------


def _of_size(x: Any, name: str, channels: int, size: Sequence[int]) -> Any:
    """Give a result of another size; of its sample, the shape alone matters."""
    return x.new(name, np.zeros((len(x), channels, *size), x.dtype))


def _conv2d(x: Any, weight: Any, bias: Any, stride: int = 1, groups: int = 1) -> Any:
    kernel = np.asarray(weight)
    names = x.name, x.graph.constant(kernel), x.graph.constant(np.asarray(bias))
    name = x.graph.node("Conv", *names, strides=(stride, stride), group=groups)
    sides = zip(x.shape[2:], kernel.shape[2:], strict=True)
    return _of_size(x, name, len(kernel), [(side - part) // stride + 1 for side, part in sides])


def _pad(x: Any, sides: Sequence[int], mode: str, value: Any) -> Any:
    """Lay zeros around images: left, right, above, below."""
    if mode != "constant" or value:
        raise Untraceable("padding is by zeros here")
    left, right, top, bottom = sides
    whole = x.graph.constant(np.array([0, 0, top, left, 0, 0, bottom, right]))
    size = x.shape[2] + top + bottom, x.shape[3] + left + right
    return _of_size(x, x.graph.node("Pad", x.name, whole), x.shape[1], size)


def _interpolate(x: Any, size: Sequence[int], **how: Any) -> Any:
    """Resize, linear between the middles of pixels."""
    if how["mode"] != "bilinear" or how["align_corners"] or how["antialias"]:
        raise Untraceable("resizing is bilinear between the middles of pixels here")
    graph, ends = x.graph, [x.graph.constant(np.array([at])) for at in (0, 2)]
    kept = graph.node("Slice", graph.node("Shape", x.name), *ends)
    whole = graph.node("Concat", kept, graph.constant(np.array(size)), axis=0)
    linear = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return _of_size(x, graph.node("Resize", x.name, "", "", whole, **linear), x.shape[1], size)


def _avg_pool2d(x: Any, side: int, stride: int, around: int, count_include_pad: bool) -> Any:
    sides, pads = (side, side), (around,) * 4
    how = {"kernel_shape": sides, "strides": (stride, stride), "pads": pads}
    name = x.graph.node("AveragePool", x.name, count_include_pad=int(count_include_pad), **how)
    size = [(length + 2 * around - side) // stride + 1 for length in x.shape[2:]]
    return _of_size(x, name, x.shape[1], size)


TENSOR_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "argmax": _argmax,
    "add": lambda a, b: np.add(a, b),
    "sub": lambda a, b: np.subtract(a, b),
    "mul": lambda a, b: np.multiply(a, b),
    "avg_pool2d": _avg_pool2d,
    "cat": lambda parts, dim=0: np.concatenate(list(parts), axis=dim),
    "chunk": _chunk,
    "clamp": lambda x, least, most: np.clip(x, least, most),
    "clamp_min": lambda x, least: np.maximum(x, least),
    "contiguous": lambda x, **how: x,
    "conv2d": _conv2d,
    "double": lambda x: x.astype(np.float64),
    "exp": np.exp,
    "expand": _expand,
    "flatten": _flatten,
    "interpolate": _interpolate,
    "linalg_vector_norm": lambda x, dim: np.sqrt(np.square(x).sum(axis=dim)),
    "movedim": _movedim,
    "new_ones": lambda x, shape: np.ones(shape, x.dtype),
    "one_hot": lambda x, count: (x.unsqueezed(x.ndim) == np.arange(count)).astype(np.int64),
    "pad": _pad,
    "permute": _permute,
    "relu6": lambda x, inplace: np.clip(x, 0.0, 6.0),
    "sigmoid": _node("Sigmoid"),
    "softmax": lambda x, dim: x.new(x.graph.node("Softmax", x.name, axis=dim), x.sample),
    "softplus": _node("Softplus"),
    "square": np.square,
    "squeeze": lambda x, dim: x.squeezed(dim),
    "stack": lambda parts, dim=0: np.stack(list(parts), axis=dim),
    "to": _converted,
    "unflatten": _unflatten,
    "unsqueeze": lambda x, dim: x.unsqueezed(dim % (x.ndim + 1)),
    "zeros_like": lambda x: x * 0,
}
