"""A table's cells as inputs of a graph, their encoding in it, and cells to compare scores on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import TensorProto

from alad.data.columns import EXACT_MISSING, Column
from alad.data.joining import joined_tables
from alad.data.opening import source_of
from alad.data.source import TableSource
from alad.detector.fitted import Fitted
from alad.encoding import TableEncoder
from alad.encoding.category_columns import NUMBERED_FLAGS, CategoryCode
from alad.encoding.number_columns import NumberCode
from alad.errors import InputError
from alad.export.graph import SCORE, Graph
from alad.export.traced import Traced

NUMBERS, CATEGORIES = "numbers", "categories"  # inputs
HOLE = ""  # a missing category; a missing number is NaN
MISSING = [text for text in EXACT_MISSING.to_pylist() if text]  # also read as missing
NEVER = "\0"  # a text that no table has
NEVER_MET = "never met at fit"
SEED = 0


@dataclass(frozen=True)
class Cells:
    """Cells of rows as alad reads them: float64 [n, number columns], and the category columns."""

    numbers: np.ndarray
    categories: list[Column]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class TableInput:
    """How rows of a table come into a graph, and rows to compare on; see `encoding.GraphInput`."""

    fitted: Fitted
    encoder: TableEncoder
    most = 1024  # rows at once, in comparisons
    remedy = "score with engine='numpy', or "  # where the graph is far away

    def facts(self) -> dict[str, str]:
        """Name the columns of each input, in their order."""
        kinds = {NUMBERS: NumberCode, CATEGORIES: CategoryCode}
        columns = {
            name: [code.name for code, _ in self.encoder.codes_ if isinstance(code, kind)]
            for name, kind in kinds.items()
        }
        return {"columns": json.dumps(columns)}

    def sizes(self) -> set[int]:
        """List sizes of arrays that a number of rows must not be taken for."""
        encoder = self.encoder
        return {encoder.width_, len(encoder.codes_), len(encoder.number_codes_.codes)}

    def encoded(self, graph: Graph, rows: int) -> Any:
        """Add the inputs, and their encoding: float32 [rows, width]."""
        return _encoded(graph, self.encoder, rows)

    # --- rows to compare on -----------------------------------------------------------------------

    def read(self, X: Any, most: int | None = None) -> Cells:
        """Read rows X; of a source no further than the first `most`."""
        source = source_of(X)
        if most is not None and isinstance(source, TableSource):
            source = _first(source, most)
        return Cells(*self.encoder.cells(source.held()))

    def inputs(self, rows: Cells) -> dict[str, np.ndarray]:
        """Give the graph's inputs; one without columns is left out."""
        given = {NUMBERS: np.ascontiguousarray(rows.numbers)}
        if rows.categories:
            given[CATEGORIES] = np.stack([texts(column) for column in rows.categories], axis=1)
        return {name: array for name, array in given.items() if array.shape[1]}

    def due(self, rows: Cells) -> dict[str, np.ndarray]:
        """Score rows by alad."""
        encoded = self.encoder.encoded_cells(rows.numbers, rows.categories)
        return {SCORE: self.fitted.score_encoded(encoded)}

    def kept(self, most: int) -> Cells:
        """Decode the first learnt rows that the model keeps; InputError if it keeps none."""
        if self.fitted.references_ is None:
            raise InputError(f"this {self.fitted.name} keeps no rows to compare with; give some")
        encoder, references = self.encoder, self.fitted.references_[:most]
        decoded = list(zip(*encoder.decode(references), strict=True))
        pairs = [(code, cells) for (code, _), cells in zip(encoder.codes_, decoded, strict=True)]
        numbers = [
            np.array([np.nan if cell is None else cell for cell in cells], np.float64)
            for code, cells in pairs
            if isinstance(code, NumberCode)
        ]
        n = len(references)
        columns = [
            _column(code.name, cells) for code, cells in pairs if isinstance(code, CategoryCode)
        ]
        return Cells(np.stack(numbers, axis=1) if numbers else np.zeros((n, 0)), columns)

    def disturbed(self, rows: Cells) -> Cells:
        """Put in cells of other rows, tenfold to thousandfold, zeros, holes, new texts."""
        rng = np.random.default_rng(SEED)
        x = rows.numbers.copy()
        n, width = x.shape
        kinds = rng.random((n, width))
        other = np.take_along_axis(x, rng.integers(0, max(n, 1), (n, width)), axis=0)
        x = np.where(kinds < 0.3, other, x)
        x = np.where(kinds < 0.1, x * 10.0 ** rng.uniform(-3, 3, (n, width)), x)
        x = np.where(kinds < 0.04, 0.0, x)
        x = np.where(kinds < 0.02, np.nan, x)
        codes = [code for code, _ in self.encoder.codes_ if isinstance(code, CategoryCode)]
        columns = []
        for column, code in zip(rows.categories, codes, strict=True):
            met = dict.fromkeys([*(column.levels or ()), *code.levels, *code.rarer[:9]])
            levels = (*met, NEVER_MET)
            drawn = rng.integers(-1, len(levels), n)
            kept = column.values if column.levels is not None else np.full(n, -1)
            columns.append(Column(column.name, np.where(rng.random(n) < 0.5, drawn, kept), levels))
        return Cells(x, columns)


def _first(source: TableSource, most: int) -> TableSource:
    """Read the first rows of a table, as one batch."""
    parts, n = [], 0
    for batch in source.stream():
        parts.append(batch.part(0, most - n))
        n += parts[-1].n_rows
        if n == most:
            break
    whole = parts if len(parts) == 1 else [joined_tables([part.table() for part in parts])]
    return TableSource(lambda: whole, source.place, n_rows=n, in_memory=True)


def _column(name: str, cells: Sequence[str | None]) -> Column:
    levels = tuple(sorted({cell for cell in cells if cell is not None}))
    place = {level: at for at, level in enumerate(levels)}
    return Column(name, np.array([-1 if c is None else place[c] for c in cells]), levels)


def texts(column: Column) -> np.ndarray:
    """Spell a category column as the graph reads it: object [n]."""
    if column.levels is None:
        return np.array([HOLE if np.isnan(x) else f"{x:g}" for x in column.values], object)
    return np.array([*column.levels, HOLE], object)[column.values]  # code -1 reads the last


def _encoded(graph: Graph, encoder: TableEncoder, rows: int) -> Any:
    parts: list[Any] = []
    places: list[int] = []
    numbers = encoder.number_codes_
    if numbers.codes:
        width = len(numbers.codes)
        fills = np.array([code.fill for code in numbers.codes])
        name = graph.input(NUMBERS, TensorProto.DOUBLE, (width,))
        cells = Traced(graph, name, np.tile(fills, (rows, 1)), rows)
        parts.append(of_numbers(encoder, cells))
        places += np.concatenate(numbers.places).tolist()
    categories = [(c, start) for c, start in encoder.codes_ if isinstance(c, CategoryCode)]
    if categories:
        name = graph.input(CATEGORIES, TensorProto.STRING, (len(categories),))
        for number, (code, start) in enumerate(categories):
            parts.append(_category(graph, name, number, code, rows))
            places += range(start, start + len(code.output_names))
    return ordered(parts, places)


def of_numbers(encoder: TableEncoder, cells: Any) -> Any:
    """Encode number columns, float64 [rows, columns]: their values, and marks of their holes."""
    values, marks = encoder.number_codes_.block(cells)
    return np.concatenate([values, marks.astype(np.float64)], axis=1)


def ordered(parts: list[Any], places: Sequence[int]) -> Any:
    """Put encoded columns [rows, .] side by side, in the order of their places: float32."""
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
