"""NumPy's ufuncs as nodes of a graph: (graph, names of operands of one kind) -> name."""

from __future__ import annotations

import math
from collections.abc import Callable

from alad.export.graph import Graph


def _op(operation: str) -> Callable[..., str]:
    return lambda graph, *names: graph.node(operation, *names)


def _log1p(graph: Graph, x: str) -> str:
    """Compute log(1 + x), exact to 1e-16 of 1 + x, which is all that scores need."""
    return graph.node("Log", graph.node("Add", graph.constant(1.0), x))


def _copysign(graph: Graph, size: str, sign: str) -> str:
    negative = graph.node("Less", sign, graph.constant(0.0))
    size = graph.node("Abs", size)
    return graph.node("Where", negative, graph.node("Neg", size), size)


def _arcsinh(graph: Graph, x: str) -> str:
    """Compute sign(x) log(|x| + sqrt(x² + 1)); where the square overflows, log(2 |x|)."""
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
    "rint": _op("Round"),  # to the nearest, halves to the even one, in both
    "sin": _op("Sin"),
    "cos": _op("Cos"),
    "sqrt": _op("Sqrt"),
    "tanh": _op("Tanh"),
    "sign": _op("Sign"),
    "maximum": _op("Max"),
    "minimum": _op("Min"),
    "matmul": _op("MatMul"),
    "power": _op("Pow"),
    "isnan": _op("IsNaN"),
    "isfinite": lambda graph, x: graph.node("Not", graph.node("IsNaN", graph.node("Sub", x, x))),
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
