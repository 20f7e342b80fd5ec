"""Whatever people give becomes the same rows, in batches, read once."""

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from alad.classic.neighbours import KNN
from alad.data import columns
from alad.data.image_source import ImageSource
from alad.data.opening import source_of
from alad.data.source import Source, TableSource
from alad.data.typed import typed
from alad.encoding import SCALINGS, ImageScaler, TableEncoder
from alad.errors import InputError


def table(n: int = 90) -> pa.Table:
    """Numbers, text that is numbers, categories and holes."""
    generator = np.random.default_rng(0)
    return pa.table(
        {
            "n": generator.normal(0, 1e3, n),
            "i": generator.integers(0, 9, n),
            "text": [f"{value:.2f}" if at % 7 else "?" for at, value in enumerate(range(n))],
            "kind": generator.choice(["tcp", "udp", "icmp"], n),
            "late": [None if at < n // 2 else "xy"[at % 2] for at in range(n)],
            "on": generator.random(n) < 0.5,
        }
    )


class Stream:
    """What gives an Arrow stream, as a DuckDB relation or an ADBC cursor does."""

    def __init__(self, whole: pa.Table, rows: int):
        self._whole, self._rows = whole, rows

    def __arrow_c_stream__(self, requested_schema=None):
        batches = self._whole.to_batches(max_chunksize=self._rows)
        reader = pa.RecordBatchReader.from_batches(self._whole.schema, batches)
        return reader.__arrow_c_stream__(requested_schema)


def parts(folder: Path, whole: pa.Table, rows: int = 40) -> Path:
    folder.mkdir()
    for at, start in enumerate(range(0, whole.num_rows, rows)):
        parquet.write_table(whole.slice(start, rows), folder / f"part-{at:05}.parquet")
    (folder / "_SUCCESS").write_text("")
    (folder / ".part-00000.parquet.crc").write_text("crc")
    return folder


def ways(whole: pa.Table, folder: Path) -> dict:
    """The same rows in several batches, by every way."""
    place = parts(folder / "parts", whole)
    pandas = whole.to_pandas()
    for at, rows in enumerate((pandas[:30], pandas[30:])):
        rows.to_csv(folder / f"{at}.csv", index=False)
    return {
        "stream": Stream(whole, 7),
        "reader": pa.RecordBatchReader.from_batches(whole.schema, whole.to_batches(50)),
        "folder": place,
        "name": str(place),
        "files": sorted(place.glob("*.parquet")),
        "texts": [str(folder / "0.csv"), str(folder / "1.csv")],
    }


WAYS = ["stream", "reader", "folder", "name", "files", "texts"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_batches_encode_as_the_whole_table(way, scaling, tmp_path, monkeypatch):
    """To the last bit: levels, scales and what is missing are those of all rows together."""
    monkeypatch.setattr("alad.data.opening.LEAST_ROWS", 20)
    whole = table()
    learnt = np.arange(whole.num_rows) % 3 > 0
    expected = TableEncoder(scaling)
    matrix = expected.fit_transform(whole, learnt)
    encoder = TableEncoder(scaling)
    X = ways(whole, tmp_path)[way]
    got = encoder.fit_transform(X, learnt)
    if way == "texts":  # "true" and "True", as they stand in the file
        np.testing.assert_array_equal(got, matrix)
    else:
        assert encoder.state() == expected.state()
        assert got.tobytes() == matrix.tobytes()
    if way != "reader":
        assert b"".join(block.tobytes() for block in encoder.blocks(X)) == matrix.tobytes()


@pytest.mark.parametrize(
    ("X", "facts"),
    [
        (table(), ("table", "row", 90, True)),
        (table().to_pandas(), ("table", "row", 90, True)),
        (pl.DataFrame(table().to_pandas()), ("table", "row", 90, True)),
        (np.zeros((4, 2)), ("table", "row", 4, True)),
        ([[1, "a"], [2, "b"]], ("table", "row", 2, True)),
        (table().to_batches()[0], ("table", "row", 90, True)),
        (Stream(table(), 7), ("table", "row", None, False)),
        (np.zeros((5, 8, 9), np.uint8), ("images", "image", 5, True)),
    ],
)
def test_a_source_says_what_it_is(X, facts):
    source = source_of(X)
    assert (source.kind, source.unit, source.n_rows, source.again) == facts
    assert source_of(source) is source


@pytest.mark.parametrize("way", WAYS)
def test_names_and_rows_are_known_once_read(way, tmp_path):
    source = source_of(ways(table(), tmp_path)[way])
    assert source.n_rows is None
    assert source.names == ("n", "i", "text", "kind", "late", "on")
    assert sum(batch.n_rows for batch in source.batches()) == source.n_rows == 90


def test_a_stream_is_read_once_and_says_so():
    reader = pa.RecordBatchReader.from_batches(table().schema, table().to_batches())
    for X in (reader, Stream(table(), 7)):
        source = source_of(X)
        assert not source.again
        assert len(list(source.batches())) == 1
        with pytest.raises(InputError, match="X: is a stream, was read, and cannot be read again"):
            list(source.batches())
    with pytest.raises(InputError, match="is empty"):
        list(source_of(reader).batches())
    held = source_of(Stream(table(), 7)).held()
    assert [batch.n_rows for batch in (*held.batches(), *held.batches())] == [90, 90]


def test_standard_input_is_read_once(monkeypatch):
    content = io.TextIOWrapper(io.BytesIO(b"a,b\n1,x\n2,y\n"))
    monkeypatch.setattr(sys, "stdin", content)
    source = source_of("-")
    assert (source.place, source.names) == ("standard input", ("a", "b"))
    assert [batch.n_rows for batch in source.batches()] == [2]
    with pytest.raises(InputError, match=r"standard input: .* cannot be read again"):
        list(source.batches())


# --- what a column holds, all batches say ---------------------------------------------------------


def kinds(*batches: pa.Table) -> list:
    """The values of column "a", from tables as batches."""
    column = typed(TableSource(lambda: batches).batches()).columns[0]
    if column.levels is None:
        return column.values.tolist()
    return [column.levels[code] if code >= 0 else None for code in column.values]


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([["1", "2"], ["3.5"]], [1, 2, 3.5]),
        ([["007", "150"], ["x"]], ["007", "150", "x"]),
        ([["x"], ["007", "?"]], ["x", "007", None]),
        ([[1, 2], [0.5]], [1, 2, 0.5]),
        ([[1, 2], ["x"]], ["1", "2", "x"]),
        ([[1, 2], ["3"]], [1, 2, 3]),
        ([[None], [3.0]], [np.nan, 3]),
        ([[None], ["u"], [None]], [None, "u", None]),
        ([[None], [None]], [None, None]),
        ([["?"], ["", "NA"]], [None, None, None]),
        ([[True], [False, None]], ["true", "false", None]),
    ],
)
def test_a_kind_is_decided_by_all_batches(batches, expected):
    np.testing.assert_equal(kinds(*(pa.table({"a": cells}) for cells in batches)), expected)


@pytest.mark.parametrize(
    ("cells", "what"),
    [
        ([[1.0, 2.0], [3.0, np.inf]], r"'a' contains infinity \(row 4\)"),
        ([["1", "2"], ["-inf"]], r"'a' contains infinity \(row 3\)"),
        ([[str(i) for i in range(40)], ["oops", "7"]], r"numbers, but also 'oops' \(row 41\)"),
    ],
)
def test_rows_are_counted_through_all_batches(cells, what):
    with pytest.raises(InputError, match=what):
        kinds(*(pa.table({"a": part}) for part in cells))


def test_rows_are_counted_through_all_batches_at_scoring(monkeypatch):
    monkeypatch.setattr("alad.data.opening.LEAST_ROWS", 2)
    encoder = TableEncoder().fit(pa.table({"a": [1.0, 2.0]}))
    for cells, what in ((["1", "2", "3", "x"], r"'x' \(row 4\)"), ([1.0, 2, 3, np.inf], "row 4")):
        with pytest.raises(InputError, match=what):
            encoder.transform(Stream(pa.table({"a": cells}), 1))


def test_batches_in_another_order_of_columns(tmp_path):
    pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}).to_csv(tmp_path / "0.csv", index=False)
    pd.DataFrame({"b": ["u"], "a": [3]}).to_csv(tmp_path / "1.csv", index=False)
    source = source_of(tmp_path)
    encoder = TableEncoder("none")
    np.testing.assert_array_equal(
        encoder.fit_transform(source), [[1, 1, 0, 0], [2, 0, 1, 0], [3, 1, 0, 0]]
    )
    assert source.table().to_pydict() == {"a": ["1", "2", "3"], "b": ["u", "v", "u"]}


# --- files and folders ----------------------------------------------------------------------------


def test_parts_of_other_columns_are_named(tmp_path):
    (tmp_path / "0.csv").write_text("a,b\n1,2\n")
    (tmp_path / "1.csv").write_text("a,c\n1,2\n")
    with pytest.raises(InputError) as caught:
        source_of(tmp_path).held()
    first, second = tmp_path / "0.csv", tmp_path / "1.csv"
    assert str(caught.value) == (
        f"{second}: has other columns than {first}; missing: 'b'; new: 'c'; "
        "give files of the same columns"
    )


def test_parts_without_rows_are_passed_over(tmp_path):
    (tmp_path / "0.csv").write_text("a,b\n")
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    assert source_of(tmp_path).table().to_pydict() == {"a": ["1"], "b": ["2"]}
    (tmp_path / "1.csv").write_text("a,b\n")
    with pytest.raises(InputError, match="the table is empty"):
        list(source_of(tmp_path).batches())


def test_a_folder_of_tables_and_one_of_pictures(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "0.csv").write_text("a\n1\n")
    (tmp_path / "README.md").write_text("# about")
    assert source_of(tmp_path).kind == "table"
    Image.new("L", (8, 8)).save(tmp_path / "a.png")  # tables beside pictures are about them
    assert source_of(tmp_path).kind == "images"


def test_what_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no pictures"):
        source_of(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        source_of(str(tmp_path / "none.csv")).held()
    with pytest.raises(InputError, match="name of the table is empty"):
        source_of("")


# --- some columns, some rows ----------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_columns_are_left_out(way, tmp_path):
    source = source_of(ways(table(), tmp_path)[way]).without(["i", "on"])
    assert source.names == ("n", "text", "kind", "late")
    assert source.held().table().num_columns == 4


@pytest.mark.parametrize("X", [np.arange(6.0).reshape(2, 3), [[0, 1, 2], [3, 4, 5]]])
def test_columns_of_arrays_are_left_out_by_number(X):
    (batch,) = source_of(X).without([1]).batches()
    assert (batch.names, batch.named) == (("x0", "x2"), False)
    np.testing.assert_array_equal(batch.matrix, [[0, 2], [3, 5]])


@pytest.mark.parametrize("X", [table(), table().to_pandas(), Stream(table(), 7)])
@pytest.mark.parametrize("drop", ["nope", ["i", "nope"], [1]])
def test_one_message_for_columns_that_are_not_there(X, drop):
    what = "no column named '(nope|1)' to drop; there are 'n', 'i', 'text', 'kind', 'late' and 1 mo"
    with pytest.raises(InputError, match=what):
        TableEncoder(drop=drop).fit(X)
    with pytest.raises(InputError, match=what):
        list(source_of(table()).without(drop).batches())


def test_images_have_no_columns():
    images = source_of(np.zeros((2, 8, 8)))
    assert images.without(()) is images
    with pytest.raises(InputError, match="images have no columns; leave out drop"):
        images.without("a")


@pytest.mark.parametrize("way", WAYS)
def test_some_rows_are_taken(way, tmp_path):
    source = source_of(ways(table(), tmp_path)[way]).held()
    chosen = np.array([80, 3, 3])
    some = source.taken(chosen)
    assert some.n_rows == 3
    (batch,) = some.batches()
    expected = table()["n"].take(pa.array(chosen)).to_pylist()
    assert [float(cell) for cell in batch.raw[0].to_pylist()] == expected


def test_some_images_are_taken():
    pixels = np.arange(5 * 64, dtype=np.uint16).reshape(5, 8, 8)
    some = source_of(pixels).taken([4, 0])
    (batch,) = some.batches()
    np.testing.assert_array_equal(batch[..., 0], pixels[[4, 0]])
    assert some.names == ("5", "1")


def test_some_pictures_are_taken(tmp_path):
    for at in range(3):
        Image.new("L", (8, 8), at).save(tmp_path / f"{at}.png")
    source = source_of(tmp_path)
    assert isinstance(source, ImageSource)
    some = source.taken([2, 1])
    assert (some.names, some.table().to_pydict()) == (("2.png", "1.png"), {"file": [*some.names]})
    scaler = ImageScaler().fit(np.zeros((1, 8, 8), np.uint8))
    np.testing.assert_array_equal(scaler.read(some).cells()[:, 0, 0, 0], [2, 1])


# --- read once ------------------------------------------------------------------------------------


def test_text_is_parsed_once_at_fit_and_once_at_scoring(monkeypatch):
    parsed, parse = [], columns._cast

    def counting(cells):
        parsed.append(len(cells))
        return parse(cells)

    monkeypatch.setattr(columns, "_cast", counting)
    n = columns.PROBE + 100
    X = pa.table({"a": [f"{i}.5" for i in range(n)], "c": ["u", "v"] * (n // 2)})
    detector = KNN().fit(X)
    assert parsed.count(n) == 1  # "c" is no number by its first cells already
    del parsed[:]
    detector.anomaly_score(X)
    assert parsed == [n]
    del parsed[:]
    detector.explain(X.slice(0, 5))
    assert parsed == [5]


@pytest.mark.parametrize("verb", ["fit", "anomaly_score", "explain", "calibrate", "p_value"])
def test_every_verb_reads_a_stream_once(verb):
    """It could not be read again."""
    detector = KNN(calibration_fraction=0.3, random_state=0).fit(table())
    streamed: Source = source_of(Stream(table(60), 7))
    result = getattr(detector, verb)(streamed)
    assert streamed.n_rows == 60
    if verb == "anomaly_score":
        np.testing.assert_array_equal(result, detector.anomaly_score(table(60)))


def test_files_of_text_and_of_numbers_are_read_as_one(tmp_path):
    """Numbers beside text are written so that no point of theirs stands between thousands."""
    (tmp_path / "part-0.csv").write_text('a,b\n"1,5",x\n"2,25",y\n')
    (tmp_path / "part-1.jsonl").write_text('{"a": 1.234, "b": true}\n{"a": null, "b": 1e-7}\n')
    source = source_of(str(tmp_path))
    texts = source.table()["a"].to_pylist()
    assert texts == ["1,5", "2,25", "1.2340", None]
    encoder = TableEncoder("none").fit(source)
    values = encoder.transform(source_of(str(tmp_path)).held())[:, 0]
    assert values[:3].tolist() == [1.5, 2.25, np.float32(1.234)]


def test_batches_of_which_one_cannot_be_text_are_refused():
    source = TableSource(lambda: [pa.table({"a": ["x"]}), pa.table({"a": [[1]]})])
    with pytest.raises(InputError, match=r"the batches do not fit together: .*; give all the same"):
        source.table()
