"""What holds of every table that can be thought of, tried on many."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alad.classic.neighbours import KNN
from alad.encoding import SCALINGS, TableEncoder

COLUMNS = st.lists(st.integers(-9_999, 9_999), min_size=3, max_size=30)
quickly = settings(max_examples=40, deadline=None, derandomize=True)


@pytest.mark.parametrize("scaling", SCALINGS)
@quickly
@given(column=COLUMNS, exponent=st.integers(-12, 12))
def test_a_decoded_number_is_encoded_as_the_number_was(scaling: str, column: list, exponent: int):
    """Numbers of four digits come back as ones that float32 cannot tell from them."""
    x = np.array([float(f"{number}e{exponent}") for number in column])[:, np.newaxis]
    encoder = TableEncoder(scaling).fit(x)
    code = encoder.transform(x)
    again = encoder.transform(np.array(encoder.decode(code), dtype=float))
    assert (np.abs(again - code) <= 3 * np.spacing(np.abs(code) + np.float32(1e-30))).all()


# --- containers and types -------------------------------------------------------------------------

Cells = list[Any]
FLAG_WORDS = {True: " True ", False: "FALSE"}


def of_type(kind: str) -> Callable[[Cells], Any]:
    return lambda cells: pd.Series(cells, dtype=object).astype(kind)


def of_numpy(kind: str) -> Callable[[Cells], Any]:
    """An array of that type; NaN for holes."""
    return lambda cells: np.array([np.nan if c is None else c for c in cells]).astype(kind)


def each(change: Callable[[Any], Any]) -> Callable[[Cells], Any]:
    """Other cells, one by one, that mean the same."""
    return lambda cells: [None if cell is None else change(cell) for cell in cells]


NUMBERS = {kind: of_numpy(kind) for kind in ("f2", "f4", "f8", ">f2", ">f4", ">f8", "g")} | {
    "objects": each(lambda cell: cell),
    "NumPy's": each(np.float16),
    "text": each(str),
    "text with commas": each(lambda cell: f" {float(cell):.2f}".replace(".", ",")),
    "Decimal": each(lambda cell: decimal.Decimal(str(cell))),
    "Float32": of_type("Float32"),
    "of Arrow": of_type("double[pyarrow]"),
}
WAYS: dict[str, dict[str, Callable[[Cells], Any]]] = {
    "number": NUMBERS,
    "whole": NUMBERS | {"Int64": of_type("Int64"), "Int8": of_type("Int8")},
    "full whole": {kind: of_numpy(kind) for kind in ("i1", "i4", "i8", ">i2", ">i8", "f2", "O")},
    "flag": {
        "objects": each(lambda cell: cell),
        "boolean": of_type("boolean"),
        "of Arrow": of_type("bool[pyarrow]"),
        "words": each(FLAG_WORDS.get),
        "0 and 1": each(int),
        "0.0 and 1.0": of_numpy("f4"),
        "0 and 1 as text": each(lambda cell: str(float(cell))),
    },
    "label": {
        "objects": each(lambda cell: cell),
        "padded": each(lambda cell: f" {cell} "),
        "NumPy's": each(np.str_),
        **{kind: of_type(kind) for kind in ("string", "category", "string[pyarrow]")},
    },
}


def as_lists(table: dict[str, Any]) -> dict[str, Cells]:
    """Python's own cells, of columns that libraries hold in ways of their own."""
    return {name: pd.Series(column).astype(object).tolist() for name, column in table.items()}


def rows_of(table: dict[str, Any]) -> list[tuple[Any, ...]]:
    return list(zip(*as_lists(table).values(), strict=True))


CONTAINERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "columns": lambda table: table,
    "frame": lambda table: pd.DataFrame(
        {
            name: pd.Series(c, dtype=object if isinstance(c, list) else None)
            for name, c in table.items()
        }
    ),
    "records": lambda table: [dict(zip(table, row, strict=True)) for row in rows_of(table)],
    "rows": rows_of,
    "lists": lambda table: [list(row) for row in rows_of(table)],
    "objects": lambda table: pd.DataFrame(as_lists(table), dtype=object).to_numpy(),
    "backwards": lambda table: dict(reversed(table.items())),
    "fields": lambda table: pd.DataFrame(as_lists(table), dtype=object).to_records(index=False),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, Cells], dict[str, str]]:
    """Columns of cells that float16 holds, and their kinds; at least two values in each."""
    n = draw(st.integers(3, 12))
    quarters = st.integers(-400, 400).map(lambda number: number / 4)
    values = {
        "number": st.one_of(st.none(), quarters),
        "whole": st.one_of(st.none(), st.integers(-99, 99)),
        "full whole": st.integers(-99, 99),
        "flag": st.one_of(st.none(), st.booleans()),
        "label": st.one_of(st.none(), st.sampled_from(["u", "v", "tcp", "true story"])),
    }
    kinds = draw(st.lists(st.sampled_from(sorted(values)), min_size=1, max_size=4))
    usual = {"flag": [True, False], "label": ["u", "v"], "number": [1.0, 2.0]}
    table = {
        f"c{at}": [*usual.get(kind, [1, 2]), *draw(st.lists(values[kind], min_size=n, max_size=n))]
        for at, kind in enumerate(kinds)
    }
    return table, {f"c{at}": kind for at, kind in enumerate(kinds)}


@settings(max_examples=400, deadline=None)
@given(tables(), st.sampled_from(sorted(CONTAINERS)), st.data())
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_row_is_the_same_in_every_container_and_type(given_table, container, data):
    table, kinds = given_table
    encoder = TableEncoder().fit(pl.DataFrame(table, strict=False))
    expected = encoder.transform(pa.table(table))
    ways = {name: data.draw(st.sampled_from(sorted(WAYS[kind]))) for name, kind in kinds.items()}
    held = {name: WAYS[kinds[name]][ways[name]](cells) for name, cells in table.items()}
    assert encoder.transform(CONTAINERS[container](held)).tobytes() == expected.tobytes()
    for kind in (pl.DataFrame, pd.DataFrame, pa.table):
        assert encoder.transform(kind(table)).tobytes() == expected.tobytes()


def test_a_dictionary_is_a_row_or_columns_and_scores_the_same():
    generator = np.random.default_rng(0)
    table = {"a": generator.normal(size=60), "on": generator.random(60) > 0.5, "t": ["u", "v"] * 30}
    detector = KNN(random_state=0).fit(table)
    scores = detector.anomaly_score(pd.DataFrame(table))
    np.testing.assert_array_equal(detector.anomaly_score(table), scores)
    row = {name: cells[7] for name, cells in table.items()}
    assert detector.anomaly_score(row).tolist() == [scores[7]]
    assert detector.anomaly_score([row, dict(reversed(row.items()))]).tolist() == [scores[7]] * 2
    assert detector.feature_names_in_.tolist() == ["a", "on", "t"]
