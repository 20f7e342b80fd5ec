"""Arrays that write down what is computed from them.

A `Traced` stands for an array of a graph. NumPy hands its functions over to it (NEP 13, NEP 18), so
the formulas that score rows write the graph as they run: no detector is written twice. It carries
the numbers of some sample rows along, from which shapes and kinds of numbers are read. What has no
counterpart among ONNX's operators raises `Untraceable`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from alad.export.graph import Graph


class Untraceable(TypeError):
    """The reason, in one line, why a computation is no graph."""


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of a graph, and its value for sample rows.

    Operations in place give it another name. A number of rows among the sizes of a shape stands for
    any number of rows.
    """

    def __init__(self, graph: Graph, name: str, sample: np.ndarray, rows: int):
        self.graph, self.name, self.sample, self.rows = graph, name, whole(sample), rows

    # --- what NumPy asks for ----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", (None,))[0]
        if method != "__call__" or kwargs or ufunc.__name__ not in UFUNCS:
            raise Untraceable(f"NumPy's {ufunc.__name__} ({method}) is no operator here")
        if out is not None and not isinstance(out, Traced):
            raise Untraceable(f"{ufunc.__name__} would write into an array outside of the graph")
        samples = [value_of(value) for value in inputs]
        with np.errstate(all="ignore"):
            sample = np.asarray(ufunc(*samples))
        compared = sample.dtype == bool and ufunc.__name__ not in OF_BOOLS
        kind = np.result_type(*samples) if compared else sample.dtype
        names = [self._operand(value, kind) for value in inputs]
        return self._new(UFUNCS[ufunc.__name__](self.graph, *names), sample, out)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        if function not in FUNCTIONS:
            raise Untraceable(f"NumPy's {function.__name__} is no operator here")
        return FUNCTIONS[function](self, *args, **kwargs)

    def _new(self, name: str, sample: Any, out: Traced | None = None) -> Traced:
        if out is None:
            return Traced(self.graph, name, np.asarray(sample), self.rows)
        out.name, out.sample = name, whole(np.asarray(sample))
        return out

    def _operand(self, value: Any, kind: np.dtype) -> str:
        """Name a value, of that kind of numbers."""
        kind = INT if kind.kind in "iu" else kind
        if not isinstance(value, Traced):
            return self.graph.constant(np.asarray(value).astype(kind))
        return value.name if value.sample.dtype == kind else self.graph.cast(value.name, kind)

    # --- what an array has ------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.sample.shape

    @property
    def ndim(self) -> int:
        return self.sample.ndim

    @property
    def dtype(self) -> np.dtype:
        return self.sample.dtype

    @property
    def T(self) -> Traced:
        return self._new(self.graph.node("Transpose", self.name), self.sample.T)

    def __len__(self) -> int:
        return len(self.sample)

    def __iter__(self) -> Iterator[Traced]:
        return (self[at] for at in range(len(self)))

    def __bool__(self) -> bool:
        """Take the branch that does the work: the other one spares it where it is not needed."""
        return True

    def astype(self, kind: Any, **how: Any) -> Traced:
        kind = np.dtype(kind)
        return self._new(self._operand(self, kind), self.sample.astype(kind))

    def copy(self) -> Traced:
        return self._new(self.name, self.sample)

    def reshape(self, *shape: Any) -> Traced:
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        sample = self.sample.reshape(sizes)
        # the number of rows is whatever is left
        open_sizes = [-1 if size == self.rows else size for size in sample.shape]
        name = self.graph.node("Reshape", self.name, self.graph.constant(np.array(open_sizes)))
        return self._new(name, sample)

    def sum(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        axes = self.graph.constant(np.array([self._axis(axis)]))
        name = self.graph.node("ReduceSum", self.name, axes, keepdims=int(keepdims))
        return self._new(name, self.sample.sum(axis=axis, keepdims=keepdims))

    def mean(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        return self._reduced("Mean", axis, keepdims)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        return self._reduced("Max", axis, keepdims)

    def min(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        return self._reduced("Min", axis, keepdims)

    def any(self, axis: int | None = None) -> Traced:
        if axis is None:  # asked for by a branch, see `__bool__`
            return self
        counts = self.astype(np.int64).sum(axis=axis)
        return counts > 0

    def _reduced(self, what: str, axis: int | None, keepdims: bool) -> Traced:
        axes = [self._axis(axis)]
        name = self.graph.node(f"Reduce{what}", self.name, axes=axes, keepdims=int(keepdims))
        sample = getattr(self.sample, what.lower())(axis=axis, keepdims=keepdims)
        return self._new(name, sample)

    def _axis(self, axis: int | None) -> int:
        if axis is None or self.shape[axis] == self.rows:
            raise Untraceable("a sum, mean or extreme of all rows together is none of one row")
        return axis % self.ndim

    def among(self, array: np.ndarray) -> Traced:
        """Take entries of an array outside of the graph, along its first axis: array[self]."""
        name = self.graph.node("Gather", self.graph.constant(array), self._operand(self, INT))
        return self._new(name, array[self.sample])

    # --- parts ------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Traced:
        taken, axis = self, 0
        for part in _parts(key, self.ndim):
            if part is None:
                taken, axis = taken._unsqueezed(axis), axis + 1
            elif isinstance(part, slice):
                taken, axis = taken._sliced(part, axis), axis + 1
            else:
                whole = isinstance(part, int | np.integer)
                taken = taken._taken(int(part) if whole else np.asarray(part), axis)
                axis += not whole
        return taken

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write columns: self[:, [1, 3]] = value [rows, 2]."""
        rows, columns = key
        if rows != slice(None) or self.ndim != 2:
            raise Untraceable("only whole columns of a graph's array can be written")
        columns, width = np.atleast_1d(columns), self.shape[1]
        if not len(columns):
            return
        order = np.arange(width)
        order[columns] = width + np.arange(len(columns))
        both = concatenate(self, [self, value.astype(self.dtype)], axis=1)
        self._new(both._taken(order, 1).name, both.sample[:, order], self)

    def _unsqueezed(self, axis: int) -> Traced:
        name = self.graph.node("Unsqueeze", self.name, self.graph.constant(np.array([axis])))
        return self._new(name, np.expand_dims(self.sample, axis))

    def _sliced(self, part: slice, axis: int) -> Traced:
        if part == slice(None):
            return self
        start, stop, step = part.indices(self.shape[axis])
        if self.shape[axis] == self.rows or step < 1:
            raise Untraceable("a part of the rows is not a matter of one row")
        bounds = [self.graph.constant(np.array([at])) for at in (start, stop, axis, step)]
        sample = self.sample[(slice(None),) * axis + (part,)]
        return self._new(self.graph.node("Slice", self.name, *bounds), sample)

    def _taken(self, at: int | np.ndarray, axis: int) -> Traced:
        at = np.asarray(at)
        at = np.flatnonzero(at) if at.dtype == bool else at
        places = np.where(at < 0, at + self.shape[axis], at).astype(np.int64)
        name = self.graph.node("Gather", self.name, self.graph.constant(places), axis=axis)
        return self._new(name, np.take(self.sample, places, axis=axis))


def whole(sample: np.ndarray) -> np.ndarray:
    """Give whole numbers 64 bits, the one kind of them in graphs."""
    return sample.astype(np.int64) if sample.dtype.kind in "iu" else sample


def value_of(value: Any) -> Any:
    """The numbers that a value stands for."""
    return value.sample if isinstance(value, Traced) else value


def _parts(key: Any, ndim: int) -> list[Any]:
    """Spell an index out, one part for each axis or new axis."""
    parts = list(key) if isinstance(key, tuple) else [key]
    if any(isinstance(part, Traced) for part in parts):
        raise Untraceable("an array indexed by one of the graph; use entries")
    used = sum(part is not None and part is not Ellipsis for part in parts)
    rest = [slice(None)] * (ndim - used)
    if any(part is Ellipsis for part in parts):
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        return [*parts[:at], *rest, *parts[at + 1 :]]
    return [*parts, *rest]


# --- NumPy's ufuncs: (graph, names of operands of one kind) -> name ------------------------------


def _op(operation: str) -> Callable[..., str]:
    return lambda graph, *names: graph.node(operation, *names)


def _log1p(graph: Graph, x: str) -> str:
    """log(1 + x): exact to 1e-16 of 1 + x, which is all that scores need."""
    return graph.node("Log", graph.node("Add", graph.constant(1.0), x))


def _copysign(graph: Graph, size: str, sign: str) -> str:
    negative = graph.node("Less", sign, graph.constant(0.0))
    size = graph.node("Abs", size)
    return graph.node("Where", negative, graph.node("Neg", size), size)


def _arcsinh(graph: Graph, x: str) -> str:
    """sign(x) log(|x| + sqrt(x² + 1)); where the square overflows, log(2 |x|)."""
    size, one = graph.node("Abs", x), graph.constant(1.0)
    far = graph.node("Add", graph.node("Log", size), graph.constant(math.log(2.0)))
    root = graph.node("Sqrt", graph.node("Add", graph.node("Mul", size, size), one))
    near = graph.node("Log", graph.node("Add", size, root))
    value = graph.node("Where", graph.node("Less", size, graph.constant(1e9)), near, far)
    return _copysign(graph, value, x)


UFUNCS: dict[str, Callable[..., str]] = {
    "absolute": _op("Abs"),
    "add": _op("Add"),
    "subtract": _op("Sub"),
    "multiply": _op("Mul"),
    "divide": _op("Div"),
    "negative": _op("Neg"),
    "exp": _op("Exp"),
    "log": _op("Log"),
    "sqrt": _op("Sqrt"),
    "tanh": _op("Tanh"),
    "sign": _op("Sign"),
    "maximum": _op("Max"),
    "minimum": _op("Min"),
    "matmul": _op("MatMul"),
    "power": _op("Pow"),
    "isnan": _op("IsNaN"),
    "greater": _op("Greater"),
    "greater_equal": _op("GreaterOrEqual"),
    "less": _op("Less"),
    "less_equal": _op("LessOrEqual"),
    "equal": _op("Equal"),
    "logical_or": _op("Or"),
    "logical_and": _op("And"),
    "logical_not": _op("Not"),
    "bitwise_or": _op("Or"),
    "bitwise_and": _op("And"),
    "square": lambda graph, x: graph.node("Mul", x, x),
    "exp2": lambda graph, x: graph.node("Exp", graph.node("Mul", x, graph.constant(math.log(2)))),
    "log1p": _log1p,
    "copysign": _copysign,
    "arcsinh": _arcsinh,
}
OF_BOOLS = {"logical_or", "logical_and", "logical_not", "bitwise_or", "bitwise_and"}


# --- NumPy's functions: (a traced array among the arguments, the arguments) -> traced array -------


def concatenate(like: Traced, arrays: Sequence[Any], axis: int = 0) -> Traced:
    samples = [value_of(array) for array in arrays]
    kind = np.result_type(*samples)
    names = [like._operand(array, kind) for array in arrays]
    axis %= samples[0].ndim
    sample = np.concatenate(samples, axis=axis)
    return like._new(like.graph.node("Concat", *names, axis=axis), sample)


def _stack(like: Traced, arrays: Sequence[Traced], axis: int = 0) -> Traced:
    return concatenate(like, [array._unsqueezed(axis) for array in arrays], axis=axis)


def _where(like: Traced, condition: Any, yes: Any, no: Any) -> Traced:
    samples = value_of(yes), value_of(no)
    kind = np.result_type(*samples)
    names = like._operand(condition, np.dtype(bool)), *(like._operand(x, kind) for x in (yes, no))
    sample = np.where(value_of(condition), *samples)
    return like._new(like.graph.node("Where", *names), sample)


def _clip(like: Traced, x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _einsum(like: Traced, subscripts: str, *operands: Any) -> Traced:
    """Sum the product of operands over their last axis, "...j,...j->..."; no other sum."""
    inputs, _, output = subscripts.partition("->")
    if any(part != f"{output}j" for part in inputs.split(",")):
        raise Untraceable(f"einsum {subscripts!r} is no sum over the last axis")
    product = operands[0]
    for operand in operands[1:]:
        product = product * operand
    return product.sum(axis=-1)


def _take_along_axis(like: Traced, array: Any, at: Any, axis: int) -> Traced:
    kind = value_of(array).dtype
    names = like._operand(array, kind), like._operand(at, INT)
    sample = np.take_along_axis(value_of(array), value_of(at), axis=axis)
    return like._new(like.graph.node("GatherElements", *names, axis=axis), sample)


def _zeros_like(like: Traced, array: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Make zeros [rows, columns]: what is made of rows has as many of them."""
    sample = np.zeros_like(array.sample, dtype, shape=shape)
    rows = array[:, 0] if array.ndim > 1 else array
    zeros: Any = np.where(rows == rows, 0, 0).astype(sample.dtype)
    if sample.ndim == 1:
        return zeros
    widened = zeros.reshape(like.rows, 1)
    size = like.graph.constant(np.array([1, sample.shape[1]]))
    return like._new(like.graph.node("Expand", widened.name, size), sample)


def _searchsorted(like: Traced, table: np.ndarray, x: Any, side: str = "left") -> Any:
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


def _argpartition(like: Traced, x: Traced, kth: int, axis: int = -1) -> Traced:
    """Find the places of the kth + 1 smallest, ascending; of the others there are none."""
    count = kth + 1
    name = like.graph.smallest(x.name, count, x.ndim - 1)
    return like._new(name, np.argsort(x.sample, axis=-1, kind="stable")[..., :count])


INT = np.dtype(np.int64)
FUNCTIONS: dict[Callable[..., Any], Callable[..., Traced]] = {
    np.concatenate: concatenate,
    np.stack: _stack,
    np.where: _where,
    np.clip: _clip,
    np.einsum: _einsum,
    np.take_along_axis: _take_along_axis,
    np.zeros_like: _zeros_like,
    np.searchsorted: _searchsorted,
    np.argpartition: _argpartition,
    np.argsort: lambda like, x, axis=-1, kind=None: _argpartition(like, x, x.shape[-1] - 1),
    np.cumsum: lambda like, x, axis: like._new(
        like.graph.node("CumSum", x.name, like.graph.constant(np.array(axis))),
        np.cumsum(x.sample, axis=axis),
    ),
    np.reshape: lambda like, x, shape: x.reshape(shape),
}
