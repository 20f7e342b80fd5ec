"""A graph of ONNX while it is written: constants, nodes, inputs and outputs, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, ML_OPSET, IR = 17, 3, 8  # of 2022: read by runtimes of then and later
KINDS = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}
SCORE, P_VALUE, HEAT = "anomaly_score", "p_value", "heat_map"  # outputs
INT = np.dtype(np.int64)  # the one kind of whole numbers in graphs


MOST_BYTES = (1 << 31) - (1 << 20)  # of constants: a file of ONNX ends at 2 GiB


class Untraceable(TypeError):
    """The reason, in one line, why a computation is no graph."""


class Graph:
    """Nodes in the order in which they are computed."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._known: dict[tuple[Any, ...], str] = {}

    def input(self, name: str, kind: int, shape: tuple[int, ...]) -> str:
        """Declare an input [rows, *shape]; kind: of TensorProto."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["rows", *shape]))
        return name

    def output(self, name: str, of: str, shape: tuple[int, ...] = ()) -> None:
        """Declare an output float64 [rows, *shape]."""
        self._nodes.append(helper.make_node("Identity", [of], [name]))
        info = helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["rows", *shape])
        self._outputs.append(info)

    def node(self, operation: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one result; return its name."""
        name = f"{operation}_{len(self._nodes)}"
        made = helper.make_node(operation, list(inputs), [name], domain=domain, **attributes)
        self._nodes.append(made)
        return name

    def smallest(self, of: str, count: int, axis: int) -> str:
        """Add the places of the smallest numbers along an axis, ascending; ties: the first."""
        name = f"TopK_{len(self._nodes)}"
        inputs, outputs = [of, self.constant(np.array([count]))], [f"{name}_values", name]
        self._nodes.append(helper.make_node("TopK", inputs, outputs, axis=axis, largest=0))
        return name

    def constant(self, value: Any) -> str:
        """Add a constant, once; float64 that float32 holds exactly takes half the room."""
        array = np.array(value, order="C")
        if array.dtype.kind in "iu":
            array = array.astype(np.int64)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self._stored(array)
        return self._known[key]

    def _stored(self, array: np.ndarray) -> str:
        name = f"constant_{len(self._constants)}"
        with np.errstate(over="ignore"):
            single = array.astype(np.float32) if array.dtype == np.float64 else array
        halved = array.dtype == np.float64 and np.array_equal(single, array, equal_nan=True)
        stored = single if halved else array
        self._constants.append(numpy_helper.from_array(stored, name))
        return self.node("Cast", name, to=TensorProto.DOUBLE) if halved else name

    def cast(self, name: str, kind: np.dtype) -> str:
        return self.node("Cast", name, to=KINDS[kind.name])

    def model(self, facts: dict[str, str], doc: str) -> bytes:
        """Check the whole and serialise it; Untraceable if it is too large. facts: metadata."""
        size = sum(len(array.raw_data) for array in self._constants)
        if size > MOST_BYTES:
            raise Untraceable(
                f"its {size / 1e9:.1f} GB are more than the 2 GiB of a file of ONNX; fit on fewer "
                "rows, or on fewer columns"
            )
        graph = helper.make_graph(
            self._nodes, "alad", self._inputs, self._outputs, self._constants, doc_string=doc
        )
        domains: Sequence[Any] = [
            helper.make_opsetid("", OPSET),
            helper.make_opsetid("ai.onnx.ml", ML_OPSET),
        ]
        model = helper.make_model(graph, opset_imports=domains, producer_name="alad", ir_version=IR)
        helper.set_model_props(model, facts)
        onnx.checker.check_model(model)
        return model.SerializeToString()
