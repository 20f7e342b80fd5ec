"""Every container that people call a table becomes the same columns."""

import datetime
import decimal
import pathlib

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from alad.data.column_kinds import guess
from alad.data.columns import categories, numbers
from alad.data.frames import columns
from alad.data.opening import source_of
from alad.errors import InputError


def read(X) -> dict:
    """Name -> values: numbers as they are, categories as their text (None = missing)."""
    table = columns(X)
    return {
        name: _plain(guess(name, raw)) for name, raw in zip(table.names, table.raw, strict=True)
    }


def _plain(column):
    if column.levels is None:
        return column.values.tolist()
    return [column.levels[code] if code >= 0 else None for code in column.values]


def one(cells):
    return read(pd.DataFrame({"a": cells}))["a"]


CELLS = {
    "n": [1.5, 2.0, -3.0],
    "i": [1, 2, 3],
    "c": ["tcp", "udp", "tcp"],
    "b": [True, False, True],
}
EXPECTED = {
    "n": [1.5, 2.0, -3.0],
    "i": [1.0, 2.0, 3.0],
    "c": ["tcp", "udp", "tcp"],
    "b": ["true", "false", "true"],
}


def runs(cells: list) -> pa.Array:
    """Run-end encoded, each run of one cell."""
    return pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3], pa.int32()), pa.array(cells))


def view(cells: list) -> pa.Array:
    return pa.array(cells).cast(pa.string_view())


def bool8(cells: list) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.bool8(), pa.array(cells).cast(pa.int8()))


def coded(cells: list) -> pa.Array:
    """A dictionary of text as polars writes it."""
    codes = pa.array(cells).dictionary_encode()
    return pa.DictionaryArray.from_arrays(codes.indices, codes.dictionary.cast(pa.string_view()))


CONTAINERS = {
    "pandas": pd.DataFrame(CELLS),
    "pandas objects": pd.DataFrame(CELLS).astype(object),
    "pandas nullable": pd.DataFrame(CELLS).convert_dtypes(),
    "pandas arrow": pd.DataFrame(CELLS).convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.DataFrame(CELLS),
    "polars lazy": pl.LazyFrame(CELLS),
    "polars categorical": pl.DataFrame(CELLS).with_columns(pl.col("c").cast(pl.Categorical)),
    "arrow": pa.table(CELLS),
    "arrow batch": pa.record_batch(CELLS),
    "arrow dictionary": pa.table({**CELLS, "c": pa.array(CELLS["c"]).dictionary_encode()}),
    "arrow views": pa.table({**CELLS, "c": view(CELLS["c"]), "b": bool8(CELLS["b"])}),
    "arrow runs": pa.table({name: runs(cells) for name, cells in CELLS.items()}),
    "arrow dictionary of views": pa.table({**CELLS, "c": coded(CELLS["c"])}),
    "pandas views": pd.DataFrame(
        {**CELLS, "c": pd.arrays.ArrowExtensionArray(pa.chunked_array([view(CELLS["c"])]))}
    ),
    "Arrow of polars": pa.table(pl.DataFrame(CELLS)),
    "arrow chunks": pa.concat_tables([pa.table(CELLS).slice(0, 1), pa.table(CELLS).slice(1)]),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_frame_holds_the_same_columns(container):
    assert read(CONTAINERS[container]) == EXPECTED
    assert columns(CONTAINERS[container]).named


@pytest.mark.parametrize(
    "rows",
    [
        [[1.5, "tcp"], [2, "udp"]],
        [(1.5, "tcp"), (2, "udp")],
        np.array([[1.5, "tcp"], [2, "udp"]], dtype=object),
        np.array([["1.5", "tcp"], ["2", "udp"]]),
        np.array([[b"1.5", b"tcp"], [b"2", b"udp"]]),
    ],
)
def test_rows_and_arrays_have_numbered_columns(rows):
    assert read(rows) == {"x0": [1.5, 2.0], "x1": ["tcp", "udp"]}
    assert not columns(rows).named


def test_frames_without_text_names_are_unnamed():
    assert columns(pd.DataFrame([[1, 2]])).names == ("x0", "x1")
    assert not columns(pd.DataFrame([[1, 2]])).named


def test_row_numbers_that_pandas_stores_are_no_column():
    frame = pd.DataFrame({"a": [1, 2]}, index=[7, 3])
    table = pa.Table.from_pandas(frame)
    assert table.column_names == ["a", "__index_level_0__"]
    assert columns(table).names == ("a",)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float32, np.longdouble])
def test_arrays_of_every_type_are_numbers(dtype):
    assert read(np.array([[0, 1], [1, 0]], dtype=dtype)) == {"x0": [0.0, 1.0], "x1": [1.0, 0.0]}


def test_masked_cells_are_missing():
    masked = np.ma.array([[7.0], [2.0]], mask=[[True], [False]])
    np.testing.assert_array_equal(read(masked)["x0"], [np.nan, 2.0])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([None, 2, 3.5], [np.nan, 2, 3.5]),
        ([decimal.Decimal("1.5"), None, 2], [1.5, np.nan, 2]),
        ([2**70, 1, 0], [2.0**70, 1, 0]),
        (["1", " 2.5 ", "?"], [1, 2.5, np.nan]),
        (["+1", "-2e3", "NA"], [1, -2000, np.nan]),
        (["0", "1", ""], [0, 1, np.nan]),
        (["nan", "4", "None"], [np.nan, 4, np.nan]),
    ],
)
def test_numbers_however_they_are_held(cells, expected):
    np.testing.assert_array_equal(one(pd.Series(cells, dtype=object)), expected)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([True, None, False], ["true", None, "false"]),
        (["a", None, np.nan], ["a", None, None]),
        (["a", pd.NA, " a "], ["a", None, "a"]),
        (["True", "FALSE", "NULL"], ["true", "false", None]),
        ([1, "a", 2.0], ["1", "a", "2"]),
        ([2.5, True, "x"], ["2.5", "true", "x"]),
        ([None, None, None], [None, None, None]),
    ],
)
def test_categories_however_they_are_held(cells, expected):
    assert one(pd.Series(cells, dtype=object)) == expected


def test_categorical_numbers_are_categories_and_unused_levels_vanish():
    assert one(pd.Categorical([3, 1, None], categories=[1, 2, 3])) == ["3", "1", None]
    column = guess("a", columns(pd.DataFrame({"a": pd.Categorical(["u"], ["t", "u"])})).raw[0])
    assert column.levels == ("u",)


def test_numbers_cut_by_pandas_are_categories_by_the_text_that_it_shows():
    cut = pd.cut(pd.Series([0.5, 1.5, np.nan, 2.5]), [0, 1, 2.5])
    assert one(cut) == one(cut.astype(str)) == ["(0.0, 1.0]", "(1.0, 2.5]", None, "(1.0, 2.5]"]
    closed = pd.cut(pd.Series([0, 1]), [0, 1, 2], right=False)
    assert one(closed) == ["[0, 1)", "[1, 2)"]


def test_whole_numbers_wider_than_any_array_are_refused():
    with pytest.raises(InputError, match=r"'a' holds values that no array holds \(Int128\)"):
        columns(pl.DataFrame({"a": pl.Series([1, 2], dtype=pl.Int128)}))


def test_levels_are_sorted_so_that_row_order_does_not_matter():
    assert guess("a", pa.array(["b", "a", "c"])).levels == ("a", "b", "c")


@pytest.mark.parametrize("cells", [[3, 1], [3.0, 1.0], ["3", "1"], [" 3", "1 "], [3.0, "1"]])
def test_a_known_category_reads_the_same_from_any_type(cells):
    column = categories("a", columns(pd.DataFrame({"a": cells})).raw[0])
    assert _plain(column) == ["3", "1"]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [([True, False], [1, 0]), (["7", ""], [7, np.nan]), ([None, None], [np.nan, np.nan])],
)
def test_a_known_number_reads_the_same_from_any_type(cells, expected):
    raw = columns(pd.DataFrame({"a": cells})).raw[0]
    np.testing.assert_array_equal(numbers("a", raw).values, expected)
    coded = pa.chunked_array([pa.array(cells)]).dictionary_encode()
    if not pa.types.is_null(coded.type.value_type):
        np.testing.assert_array_equal(numbers("a", coded).values, expected)


def test_text_beyond_the_probe_is_seen():
    cells = [str(i) for i in range(1000)]
    assert guess("a", pa.array(cells)).levels is None
    assert guess("a", pa.array([*cells[:3], "", *cells, "?"])).levels is None
    assert guess("a", pa.array(["1"] * 1000 + ["x"])).levels == ("1", "x")


def test_a_number_column_that_gets_text_says_which():
    with pytest.raises(InputError, match=r"'a' holds 'oops' \(row 2\) where a number is due"):
        numbers("a", pa.array(["1", "oops", "2"]))


REFUSED = {
    "dates": ([datetime.date(2020, 1, 1)] * 2, "dates or times"),
    "times": (pd.to_datetime(["2020-01-01", "2021-01-01"]), "dates or times"),
    "durations": (pd.to_timedelta([1, 2]), "dates or times"),
    "dates in text": (["2020-01-01", "2021-05-31 10:00"], "dates or times"),
    "American dates": (["12/31/2020", "1/2/2021"], "dates or times"),
    "dates among others": ([datetime.date(2020, 1, 1), "x"], "dates or times"),
    "date categories": (pd.Categorical(pd.to_datetime(["2020-01-01"])), "dates or times"),
    "periods": (pd.period_range("2020", periods=2), "dates or times"),
    "spans of dates": (
        pd.IntervalIndex.from_breaks(pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"])),
        "dates or times",
    ),
    "periods, one by one": (
        pd.Series(pd.period_range("2020", periods=9, freq="M")).astype(object),
        "dates or times",
    ),
    "paths": (
        [pathlib.Path("x")] * 9,
        r"neither numbers nor text \(PosixPath\).* turn it into text",
    ),
    "spans": (pd.IntervalIndex.from_breaks(range(100)), "free text or identifiers"),
    "uuids": (
        pd.arrays.ArrowExtensionArray(
            pa.chunked_array(
                [pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16)))]
            )
        ),
        "neither numbers nor text",
    ),
    "lists": ([[1], [2]], "nested"),
    "structs": ([{"b": 1}, {"b": 2}], "nested"),
    "sets among numbers": ([{1}, 2.0], "nested"),
    "bytes": ([b"a", b"b"], "bytes"),
    "complex": ([1 + 2j, 1], "Complex data not supported"),
    "infinity": ([1.0, np.inf], r"infinity \(row 2\)"),
    "infinite text": (["1", "-inf"], r"infinity \(row 2\)"),
    "prose": ([f"the {i}th of several long sentences to read" for i in range(30)], "free text"),
    "identifiers": ([f"u{i}" for i in range(60)], "free text or identifiers"),
    "slips": ([*map(str, range(50)), "oops"], r"numbers, but also 'oops' \(row 51\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_columns_are_named_in_one_line(case):
    cells, what = REFUSED[case]
    with pytest.raises(InputError, match=what) as caught:
        one(cells)
    assert "'a'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", ["dates", "lists", "prose", "identifiers", "bytes"])
def test_the_remedy_is_to_leave_the_column_out(case):
    with pytest.raises(InputError, match=r"drop=\['a'\] \(--drop a\)"):
        one(REFUSED[case][0])


def test_the_remedy_for_a_name_with_a_comma_can_be_typed_as_it_is():
    with pytest.raises(InputError, match=r"""--drop '"when, local"'\)$"""):
        read(pd.DataFrame({"when, local": [datetime.date(2020, 1, 1)] * 2}))


def test_few_or_repeated_labels_are_no_free_text():
    assert one([f"city {i}" for i in range(50)])[:2] == ["city 0", "city 1"]
    assert len(set(one([f"city {i % 70}" for i in range(200)]))) == 70


TABLES_REFUSED = {
    "twins": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns named 'a'"),
    "arrow twins": (pa.table([[1], [2]], names=["a", "a"]), "several columns named 'a'"),
    "mixed names": (pd.DataFrame([[1, 2]], columns=["a", 1]), "make all text"),
    "no rows": (pd.DataFrame({"a": []}), r"0 sample\(s\)"),
    "no columns": (pd.DataFrame(index=[1, 2]), r"0 feature\(s\)"),
    "ragged": ([[1, 2], [3]], "different lengths"),
    "ragged columns": ({"a": [1, 2], "b": [3]}, "different lengths"),
    "no columns at all": ({}, "a row without columns"),
    "columns without rows": ({"a": []}, r"0 sample\(s\)"),
    "a column of matrices": ({"a": np.zeros((2, 2))}, "'a' holds an array of shape"),
    "sparse": (sparse.csr_matrix(np.eye(3)), "Sparse data"),
    "sparse, a dictionary": (sparse.dok_array(np.eye(3)), "Sparse data"),
    "a matrix": (np.asmatrix(np.eye(3)), "np.matrix is not supported"),
}


@pytest.mark.parametrize("case", TABLES_REFUSED)
def test_tables_refused(case):
    X, what = TABLES_REFUSED[case]
    with pytest.raises(InputError, match=what):
        list(source_of(X).batches())


@pytest.mark.parametrize(
    ("X", "error", "what"),
    [
        (np.zeros(3), ValueError, "Expected 2D array, got 1D"),
        (pd.Series([1.0]), ValueError, "Expected a 2-dimensional container"),
        (np.zeros((2, 2, 2)), ValueError, "dim 3"),
        (np.zeros((0, 3)), ValueError, r"0 sample\(s\)"),
        (np.zeros((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1"),
        (np.ones((2, 2)) * 1j, ValueError, "Complex data not supported"),
        (sparse.csr_array(np.eye(2)), TypeError, "[Ss]parse"),
        ("text", ValueError, "Expected 2D array, got scalar"),
    ],
)
def test_arrays_are_refused_in_the_words_of_scikit_learn(X, error, what):
    with pytest.raises(error, match=what):
        columns(X)


def test_a_dictionary_in_an_array_is_a_type_error_and_an_input_error():
    with pytest.raises(TypeError, match=r"argument must be .* string.* number") as caught:
        read(np.array([[{"foo": "bar"}], [0.5]], dtype=object))
    assert isinstance(caught.value, InputError)


def test_a_list_of_images_is_told_to_be_one_array():
    with pytest.raises(InputError, match=r"list of 3-dimensional arrays.*np\.stack\(X\)"):
        columns([np.zeros((8, 8, 3))] * 4)


@pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_list_of_tables_is_told_to_be_joined(made):
    table = made({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pytest.raises(InputError, match=r"list of tables; join them first: pandas\.concat"):
        columns([table, table])


@pytest.mark.parametrize("cells", [[1, 10**400], [1.5, None, -(10**400)], [3, 10**5000]])
def test_a_whole_number_beyond_all_floats_is_infinite(cells):
    """As the same digits are in a CSV file, and refused as infinity is."""
    read = columns(pd.DataFrame({"a": pd.Series(cells, dtype=object)}))
    (raw,) = read.raw
    with pytest.raises(InputError, match=rf"'a' contains infinity \(row {len(cells)}\)"):
        guess("a", raw)
    with pytest.raises(InputError, match="contains infinity"):
        numbers("a", raw)
    # beside text it is a label
    assert columns(pd.DataFrame({"a": ["x", 10**400]})).raw[0].to_pylist() == ["x", "inf"]


def test_intervals_are_the_same_labels_one_by_one():
    spans = pd.Series(pd.cut([1, 2, 3] * 5, [0, 1, 2, 3]))
    expected = ["(0, 1]", "(1, 2]", "(2, 3]"] * 5
    assert one(spans) == one(spans.astype(object)) == one(spans.astype(object).tolist()) == expected
