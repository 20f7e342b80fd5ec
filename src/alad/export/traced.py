"""Arrays that write down what is computed from them.

A `Traced` stands for an array of a graph. NumPy hands its functions over to it (NEP 13, NEP 18),
and PyTorch its own (`__torch_function__`), so the formulas that score rows write the graph as they
run: no detector is written twice. It carries the numbers of some sample rows along, from which
shapes and kinds of numbers are read. What has no counterpart among ONNX's operators raises
`Untraceable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from alad.export.functions import FUNCTIONS, value_of
from alad.export.graph import INT, Graph, Untraceable
from alad.export.tensors import TENSOR_FUNCTIONS
from alad.export.ufuncs import OF_BOOLS, UFUNCS

Axes = int | tuple[int, ...] | None  # of a sum, mean or extreme


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
        kind = kwargs.pop("dtype", None)  # that operands are converted to
        if method != "__call__" or kwargs or ufunc.__name__ not in UFUNCS:
            raise Untraceable(f"NumPy's {ufunc.__name__} ({method}) is no operator here")
        if out is not None and not isinstance(out, Traced):
            raise Untraceable(f"{ufunc.__name__} would write into an array outside of the graph")
        samples = [value_of(self, value) for value in inputs]
        with np.errstate(all="ignore"):
            sample = np.asarray(ufunc(*samples, **({} if kind is None else {"dtype": kind})))
        compared = sample.dtype == bool and ufunc.__name__ not in OF_BOOLS
        kind = np.result_type(*samples) if compared else sample.dtype
        names = [self.operand(value, kind) for value in inputs]
        return self.new(UFUNCS[ufunc.__name__](self.graph, *names), sample, out)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        if function not in FUNCTIONS:
            raise Untraceable(f"NumPy's {function.__name__} is no operator here")
        return FUNCTIONS[function](self, *args, **kwargs)

    # --- what PyTorch asks for ----------------------------------------------------------------

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if function.__name__ not in TENSOR_FUNCTIONS:
            raise Untraceable(f"PyTorch's {function.__name__} is no operator here")
        return TENSOR_FUNCTIONS[function.__name__](*args, **(kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        """Give a method of PyTorch's tensors."""
        if name.startswith("_") or name not in TENSOR_FUNCTIONS:
            raise AttributeError(f"an array of a graph has no {name}")
        return partial(TENSOR_FUNCTIONS[name], self)

    # --- its own ----------------------------------------------------------------------------------

    def new(self, name: str, sample: Any, out: Traced | None = None) -> Traced:
        if out is None:
            return Traced(self.graph, name, np.asarray(sample), self.rows)
        out.name, out.sample = name, whole(np.asarray(sample))
        return out

    def operand(self, value: Any, kind: np.dtype) -> str:
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
        return self.new(self.graph.node("Transpose", self.name), self.sample.T)

    def __len__(self) -> int:
        return len(self.sample)

    def __iter__(self) -> Iterator[Traced]:
        return (self[at] for at in range(len(self)))

    def __bool__(self) -> bool:
        """Take the branch that does the work: the other one spares it where it is not needed."""
        return True

    def astype(self, kind: Any, **how: Any) -> Traced:
        kind = np.dtype(kind)
        return self.new(self.operand(self, kind), self.sample.astype(kind))

    def regrouped(self, shape: tuple[int, ...]) -> Traced:
        """Make rows of another shape of the same numbers, so that their number changes.

        Of the sample, of which there are as many rows as before, the shape alone matters.
        """
        name = self.graph.node("Reshape", self.name, self.graph.constant(np.array([-1, *shape])))
        return self.new(name, np.zeros((self.rows, *shape), self.dtype))

    def copy(self) -> Traced:
        return self.new(self.name, self.sample)

    def reshape(self, *shape: Any) -> Traced:
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        sample = self.sample.reshape(sizes)
        # the number of rows is whatever is left
        open_sizes = [-1 if size == self.rows else size for size in sample.shape]
        name = self.graph.node("Reshape", self.name, self.graph.constant(np.array(open_sizes)))
        return self.new(name, sample)

    def sum(
        self, axis: int | None = None, keepdims: bool = False, *, dim: int | None = None
    ) -> Traced:
        axis = axis if dim is None else dim  # as PyTorch calls it
        axes = self.graph.constant(np.array([self._axis(axis)]))
        name = self.graph.node("ReduceSum", self.name, axes, keepdims=int(keepdims))
        return self.new(name, self.sample.sum(axis=axis, keepdims=keepdims))

    def mean(self, axis: Axes = None, keepdims: bool = False, *, dim: Axes = None) -> Traced:
        return self._reduced("Mean", axis if dim is None else dim, keepdims)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        return self._reduced("Max", axis, keepdims)

    def min(self, axis: int | None = None, keepdims: bool = False) -> Traced:
        return self._reduced("Min", axis, keepdims)

    def any(self, axis: int | None = None) -> Traced:
        if axis is None:  # asked for by a branch, see `__bool__`
            return self
        counts = self.astype(np.int64).sum(axis=axis)
        return counts > 0

    def all(self) -> Traced:
        """Stand for a question of all rows, which a branch asks, see `__bool__`."""
        return self

    def _reduced(self, what: str, axis: Axes, keepdims: bool) -> Traced:
        axes = [self._axis(one) for one in (axis if isinstance(axis, tuple) else (axis,))]
        name = self.graph.node(f"Reduce{what}", self.name, axes=axes, keepdims=int(keepdims))
        sample = getattr(self.sample, what.lower())(axis=axis, keepdims=keepdims)
        return self.new(name, sample)

    def _axis(self, axis: int | None) -> int:
        if axis is None or self.shape[axis] == self.rows:
            raise Untraceable("a sum, mean or extreme of all rows together is none of one row")
        return axis % self.ndim

    def among(self, array: np.ndarray) -> Traced:
        """Take entries of an array outside of the graph, along its first axis: array[self]."""
        name = self.graph.node("Gather", self.graph.constant(array), self.operand(self, INT))
        return self.new(name, array[self.sample])

    # --- parts ------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Traced:
        taken, axis = self, 0
        for part in _parts(key, self.ndim):
            if part is None:
                taken, axis = taken.unsqueezed(axis), axis + 1
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
        parts: Any = [self, value.astype(self.dtype)]
        both: Any = np.concatenate(parts, axis=1)
        self.new(both._taken(order, 1).name, both.sample[:, order], self)

    def unsqueezed(self, axis: int) -> Traced:
        name = self.graph.node("Unsqueeze", self.name, self.graph.constant(np.array([axis])))
        return self.new(name, np.expand_dims(self.sample, axis))

    def take(self, at: np.ndarray, axis: int) -> Traced:
        return self._taken(at, axis)

    def squeezed(self, axis: int) -> Traced:
        axis %= self.ndim
        name = self.graph.node("Squeeze", self.name, self.graph.constant(np.array([axis])))
        return self.new(name, self.sample.squeeze(axis))

    def _sliced(self, part: slice, axis: int) -> Traced:
        if part == slice(None):
            return self
        start, stop, step = part.indices(self.shape[axis])
        if self.shape[axis] == self.rows or step < 1:
            raise Untraceable("a part of the rows is not a matter of one row")
        bounds = [self.graph.constant(np.array([at])) for at in (start, stop, axis, step)]
        sample = self.sample[(slice(None),) * axis + (part,)]
        return self.new(self.graph.node("Slice", self.name, *bounds), sample)

    def _taken(self, at: int | np.ndarray, axis: int) -> Traced:
        at = np.asarray(at)
        at = np.flatnonzero(at) if at.dtype == bool else at
        places = np.where(at < 0, at + self.shape[axis], at).astype(np.int64)
        if self.shape[axis] == 1 and not at.ndim:
            return self.squeezed(axis)
        name = self.graph.node("Gather", self.name, self.graph.constant(places), axis=axis)
        return self.new(name, np.take(self.sample, places, axis=axis))


def whole(sample: np.ndarray) -> np.ndarray:
    """Give whole numbers 64 bits, the one kind of them in graphs."""
    return sample.astype(np.int64) if sample.dtype.kind in "iu" else sample


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
