"""NumPy's functions, written down as a graph and run, give what NumPy gives."""

import numpy as np
import pytest

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from onnx import TensorProto  # noqa: E402

from alad.export.graph import Graph, Untraceable  # noqa: E402
from alad.export.traced import Traced  # noqa: E402
from alad.export.ufuncs import UFUNCS  # noqa: E402
from alad.indexing import entries  # noqa: E402

X = np.random.default_rng(0).normal(size=(13, 4))
TABLE = np.array([-1.0, -0.5, -0.5, 0.0, 0.25, 0.5, 0.5, 0.5, 2.0])
OTHER = np.linspace(-2.0, 2.0, 4)


def graphed(function, x: np.ndarray = X) -> np.ndarray:
    """Run function(x) by way of a graph: written for 13 rows, run for those and for others."""
    graph = Graph()
    traced = Traced(graph, graph.input("numbers", TensorProto.DOUBLE, x.shape[1:]), X, len(X))
    made = function(traced)
    graph.output("out", made.astype(np.float64).name)
    model = ort.InferenceSession(graph.model({}, ""), providers=["CPUExecutionProvider"])
    return model.run(None, {"numbers": x})[0]


FORMULAS = {
    "some columns": lambda x: x[:, [2, 0]],
    "one column": lambda x: x[:, -1],
    "a slice": lambda x: x[:, 1:3],
    "a new axis": lambda x: (x[:, np.newaxis] * np.ones((3, 1))).sum(axis=1),
    "matrix product": lambda x: x @ np.arange(8.0).reshape(4, 2),
    "where": lambda x: np.where(x > 0, x, 2.0 * x),
    "clip": lambda x: np.clip(x, -0.5, 0.5),
    "einsum": lambda x: np.einsum("nj,nj->n", x, x * 2),
    "concatenate": lambda x: np.concatenate([x, x[:, :1] * 3], axis=1),
    "stack": lambda x: np.stack([x, -x]).sum(axis=0),
    "mean": lambda x: x.mean(axis=1, keepdims=True) - x.min(axis=1, keepdims=True),
    "most": lambda x: x.max(axis=1),
    "any": lambda x: (x > 1).any(axis=1),
    "cumulated": lambda x: np.cumsum(x, axis=1),
    "ascending": lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1),
    "smallest two": lambda x: np.take_along_axis(x, np.argpartition(x, 1, axis=1)[:, :2], axis=1),
    "entries": lambda x: entries(TABLE, np.searchsorted(TABLE[:8], x[:, 0])),
    "a shape": lambda x: x.reshape(len(x), 2, 2).sum(axis=2),
    "float32": lambda x: x.astype(np.float32),
    "repeated": lambda x: np.broadcast_to(x, (3, *x.shape)).sum(axis=0),
    "zeros": lambda x: np.zeros_like(x, bool, shape=(len(x), 2)),
}


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
@pytest.mark.parametrize("n", [1, 13, 50])
def test_formulas(formula, n):
    x = np.random.default_rng(n).normal(size=(n, 4))
    due = formula(x)
    if due.ndim == 2 and formula is FORMULAS["smallest two"]:
        due = np.sort(due, axis=1)
    np.testing.assert_allclose(graphed(formula, x), due, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs(name):
    ufunc = getattr(np, name)
    of_bools = name in ("logical_or", "logical_and", "logical_not", "bitwise_or", "bitwise_and")
    positive = name in ("log", "sqrt", "log1p", "power")
    second = np.eye(4) + 2 if name == "matmul" else OTHER > 0 if of_bools else OTHER

    def formula(x):
        first = x > 0 if of_bools else np.abs(x) + 0.1 if positive else x
        return ufunc(first) if ufunc.nin == 1 else ufunc(first, second)

    np.testing.assert_allclose(graphed(formula), formula(X), rtol=1e-12, atol=1e-15)


def test_far_numbers():
    x = np.array([[0.0, 1e-9, -1e200, 1e300], [3.0, -1e9, 1e9, -2.0]])
    np.testing.assert_allclose(graphed(np.arcsinh, x), np.arcsinh(x), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("count", range(1, len(TABLE) + 1))
@pytest.mark.parametrize("side", ["left", "right"])
def test_search_in_a_sorted_table_with_ties(count, side):
    x = np.array([[-9.0, -1.0, -0.75, -0.5], [0.0, 0.5, 2.0, np.inf]])

    def formula(x):
        return np.searchsorted(TABLE[:count], x, side=side)

    assert (graphed(formula, x) == formula(x)).all()


def test_operations_in_place_and_written_columns():
    def formula(x):
        y = x.copy()
        np.exp(y, out=y)
        y += 1.0
        y[:, [3, 1]] = x[:, :2] * 10
        return y * x  # of which x has not changed

    np.testing.assert_allclose(graphed(formula), formula(X), rtol=1e-12)


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (lambda x: x - x.mean(axis=0), "all rows together"),
        (lambda x: x[1:], "a part of the rows"),
        (lambda x: np.arctan2(x, x), "arctan2 .* is no operator"),
        (lambda x: np.linalg.norm(x, axis=1), "norm is no operator"),
        (lambda x: np.einsum("nj,kj->nk", x, x), "no sum over the last axis"),
        (lambda x: np.add(X, x, out=X.copy()), "outside of the graph"),
    ],
)
def test_what_is_no_graph_of_one_row_is_refused(formula, reason):
    with pytest.raises(Untraceable, match=reason):
        graphed(formula)
