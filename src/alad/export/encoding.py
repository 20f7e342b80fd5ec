"""A table's cells as inputs of a graph, and their encoding in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from alad.data.columns import EXACT_MISSING, Column
from alad.detector.fitted import Fitted
from alad.encoding import TableEncoder
from alad.encoding.category_columns import NUMBERED_FLAGS, CategoryCode
from alad.encoding.number_columns import NumberCode
from alad.errors import InputError
from alad.export.graph import Graph
from alad.export.traced import Traced

NUMBERS, CATEGORIES = "numbers", "categories"  # inputs
HOLE = ""  # a missing category; a missing number is NaN
MISSING = [text for text in EXACT_MISSING.to_pylist() if text]  # also read as missing
NEVER = "\0"  # a text that no table has


def column_names(encoder: TableEncoder) -> dict[str, list[str]]:
    """Name the columns of each input, in their order."""
    kinds = {NUMBERS: NumberCode, CATEGORIES: CategoryCode}
    return {
        name: [code.name for code, _ in encoder.codes_ if isinstance(code, kind)]
        for name, kind in kinds.items()
    }


@dataclass(frozen=True)
class Cells:
    """Cells of rows as alad reads them: float64 [n, number columns], and the category columns."""

    numbers: np.ndarray
    categories: list[Column]

    def __len__(self) -> int:
        return len(self.numbers)

    def inputs(self) -> dict[str, np.ndarray]:
        """Give the graph's inputs; one without columns is left out."""
        given = {NUMBERS: np.ascontiguousarray(self.numbers)}
        if self.categories:
            given[CATEGORIES] = np.stack([texts(column) for column in self.categories], axis=1)
        return {name: array for name, array in given.items() if array.shape[1]}


def inputs(fitted: Fitted, X: Any) -> dict[str, np.ndarray]:
    """Read rows X as the graph's inputs: float64 [n, numbers], and texts, object [n, categories].

    X: a table that is one batch, such as a frame.
    """
    return Cells(*table_encoder(fitted).cells(X)).inputs()


def table_encoder(fitted: Fitted) -> TableEncoder:
    """Give the encoder of a table; InputError for images."""
    if not isinstance(fitted.encoder_, TableEncoder):
        raise InputError(f"this {fitted.name} is of images; only those of tables are exported")
    return fitted.encoder_


def texts(column: Column) -> np.ndarray:
    """Spell a category column as the graph reads it: object [n]."""
    if column.levels is None:
        return np.array([HOLE if np.isnan(x) else f"{x:g}" for x in column.values], object)
    return np.array([*column.levels, HOLE], object)[column.values]  # code -1 reads the last


def encoded(graph: Graph, encoder: TableEncoder, rows: int) -> Any:
    """Add the inputs, and their encoding: float32 [rows, width]."""
    parts: list[Any] = []
    places: list[int] = []
    numbers = encoder.number_codes_
    if numbers.codes:
        width = len(numbers.codes)
        fills = np.array([code.fill for code in numbers.codes])
        name = graph.input(NUMBERS, TensorProto.DOUBLE, width)
        cells: Any = Traced(graph, name, np.tile(fills, (rows, 1)), rows)
        values, marks = numbers.block(cells)
        parts += [values, marks.astype(np.float64)]
        places += np.concatenate(numbers.places).tolist()
    categories = [(c, start) for c, start in encoder.codes_ if isinstance(c, CategoryCode)]
    if categories:
        name = graph.input(CATEGORIES, TensorProto.STRING, len(categories))
        for number, (code, start) in enumerate(categories):
            parts.append(_category(graph, name, number, code, rows))
            places += range(start, start + len(code.output_names))
    whole = np.concatenate(parts, axis=1)
    return whole[:, np.argsort(places)].astype(np.float32)


def _category(graph: Graph, name: str, number: int, code: CategoryCode, rows: int) -> Traced:
    """Look up a column's texts in the table of all that its code can give: [rows, width]."""
    known = dict.fromkeys([*code.levels, *code.rarer, *NUMBERED_FLAGS])
    spelled = [*known, NEVER]
    codes = np.array([*range(len(spelled)), -1])
    table = np.zeros((len(codes), len(code.output_names)), np.float32)
    code.encode(Column(code.name, codes, tuple(spelled)), table)
    column = graph.node("Gather", name, graph.constant(np.array(number)), axis=1)
    keys = [*known, HOLE, *(text for text in MISSING if text not in known)]
    values = [*range(len(known)), *[len(codes) - 1] * (len(keys) - len(known))]
    place = graph.node(
        "LabelEncoder",
        column,
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_int64s=values,
        default_int64=len(known),  # NEVER's
    )
    at = Traced(graph, place, np.zeros(rows, np.int64), rows)
    return at.among(table.astype(np.float64))
