"""JSON lines: read as a CSV of the same cells would be, and written so that they are read back."""

import gzip
import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alad import cli
from alad.data import json_lines, reading
from alad.data.column_kinds import guess
from alad.data.json_lines import write
from alad.data.part_files import part_files
from alad.data.reading import read_table
from alad.data.writing import write_table
from alad.errors import InputError


def lines(*objects: object) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in objects).encode()


def read(tmp_path, content: bytes) -> pa.Table:
    (tmp_path / "x.jsonl").write_bytes(content)
    return read_table(tmp_path / "x.jsonl")


def test_keys_are_columns_in_the_order_in_which_they_come(tmp_path):
    content = b'\n{"b": 1.5, "a": "x"}\r\n{"a": null, "b": NaN}\n\n{"c": true, "b": 2}'
    for start in (b"", b"\xef\xbb\xbf"):
        table = read(tmp_path, start + content)
        assert table.column_names == ["b", "a", "c"]
        np.testing.assert_array_equal(table["b"].to_numpy(), [1.5, math.nan, 2])
        assert table["a"].to_pylist() == ["x", None, None]
        assert table["c"].to_pylist() == [None, None, True]


def test_packed_and_in_a_folder_of_parts(tmp_path):
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(lines({"a": 1})))
    (tmp_path / "y.ndjson").write_bytes(lines({"a": 2}))
    assert [read_table(path)["a"].to_pylist() for path in part_files(tmp_path)] == [[1], [2]]


NANOSECONDS = 1_577_836_800_123_456_789  # since 1970


def test_nanoseconds_are_written_to_the_last_digit(tmp_path):
    table = pa.table(
        {
            "fine": pa.array([NANOSECONDS, None], pa.timestamp("ns")),
            "zone": pa.array([NANOSECONDS // 1000 * 1000, None], pa.timestamp("ns", "UTC")),
            "took": pa.array([1, None], pa.duration("ns")),
            "clock": pa.array([1_000_001, None], pa.time64("ns")),
            "coarse clock": pa.array([1_000, None], pa.time64("ns")),
            "far": pa.array([10_000_000, None], pa.int32()).cast(pa.date32()),
        }
    )
    write_table(table, tmp_path / "x.jsonl")
    first, second = map(json.loads, (tmp_path / "x.jsonl").read_text().splitlines())
    assert first["fine"] == "2020-01-01T00:00:00.123456789"
    assert first["zone"] == "2020-01-01T00:00:00.123456+00:00"
    assert first["took"] == "1 ns"
    assert first["clock"] == "00:00:00.001000001"
    assert first["coarse clock"] == "00:00:00.000001"
    assert first["far"] == "29349-01-26"
    assert set(second.values()) == {None}


SPAN = pa.month_day_nano_interval()
UNWRITABLE = {  # column, file, what is said
    "nested": (pa.array([[1]], pa.list_(pa.timestamp("us", "Mars/Base"))), "x.jsonl", "turn them"),
    "zone, JSON": (pa.array([1], pa.timestamp("us", "Mars/Base")), "x.jsonl", "leave it out"),
    "zone, CSV": (pa.array([1], pa.timestamp("us", "Mars/Base")), "x.csv", "x.csv: cannot hold"),
    "interval": (pa.array([(1, 2, 3)], SPAN), "x.parquet", "x.parquet: cannot hold"),
}


@pytest.mark.parametrize("case", UNWRITABLE)
def test_times_that_a_file_cannot_hold_are_refused_and_nothing_is_left(tmp_path, case):
    column, name, words = UNWRITABLE[case]
    with pytest.raises(InputError, match=words):
        write_table(pa.table({"a": column}), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_text_that_looks_like_a_time_stays_as_it_is_written(tmp_path):
    table = read(tmp_path, lines({"b": 1, "when": "2020-01-01 00:00:00"}, {"b": 2, "when": None}))
    assert table.column_names == ["b", "when"]
    assert table["when"].to_pylist() == ["2020-01-01 00:00:00", None]
    with pytest.raises(InputError, match="'when' holds dates or times"):
        guess("when", table["when"])


MIXED = {
    "words for missing": ([1.5, "NaN", None, 2], [1.5, math.nan, math.nan, 2]),
    "numbers as text": (["1.5", 2, "-3e2"], [1.5, 2, -300]),
    "decimal commas": (["1,5", 2, "3,25"], [1.5, 2, 3.25]),
    "more than 64 bits": ([10**30, "1"], [1e30, 1]),
}


@pytest.mark.parametrize("case", MIXED)
def test_types_that_change_from_line_to_line_are_read_as_in_csv(tmp_path, case):
    cells, expected = MIXED[case]
    column = guess("a", read(tmp_path, lines(*({"a": cell} for cell in cells)))["a"])
    np.testing.assert_array_equal(column.values, expected)


def test_flags_beside_numbers_are_labels(tmp_path):
    column = guess("a", read(tmp_path, lines({"a": True}, {"a": 1}, {"a": "off"}))["a"])
    assert column.levels == ("1", "off", "true") and column.values.tolist() == [2, 0, 1]


REFUSED = {
    "cut": (b'{"a": 1}\n{"a": 2', "line 2 is no JSON object: '{\"a\": 2'; write an object a line"),
    "commas between": (b'{"a": 1},\n{"a": 2}\n', "line 1 is no JSON object"),
    "a number": (b'{"a": 1}\n5\n', "line 2 is no JSON object: '5'"),
    "twice": (b'{"b": 0}\n{"a": 1, "a": 2}\n', "line 2 names 'a' twice"),
    "deep": (b'{"a": ' + 100_000 * b"[" + 100_000 * b"]" + b"}\n", "line 1 is no JSON object"),
    "half a character": (b'{"a": "\\ud800"}\n', "damaged, or no table"),
    "latin-1": ('{"a": "é"}\n'.encode("latin-1"), "is not UTF-8"),
    "no column": (b"{}\n{}\n", "the table is empty"),
    "nested beside plain": (b'{"a": {"b": 1}}\n{"a": 3}\n', "'a' holds nested values"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_with_a_line_is_said(tmp_path, case):
    content, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_nested_cells_are_refused_as_a_column_and_carried_beside(tmp_path):
    table = read(tmp_path, lines({"a": 1, "more": {"b": [1]}}))
    with pytest.raises(InputError, match="'more' holds nested values"):
        guess("more", table["more"])
    write_table(table, tmp_path / "y.jsonl")
    assert json.loads((tmp_path / "y.jsonl").read_text()) == {"a": 1, "more": {"b": [1]}}


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6))
def test_every_line_of_plain_cells_is_read(tmp_path_factory, rows):
    """A column of one type keeps its cells; one of several types is text, or numbers."""
    folder = tmp_path_factory.mktemp("x")
    table = read(folder, lines(*(dict(zip("ab", row, strict=True)) for row in rows)))
    assert table.num_rows == len(rows)
    for name, given_cells in zip("ab", zip(*rows, strict=True), strict=True):
        kinds = {type(cell) for cell in given_cells if cell is not None}
        if len(kinds) == 1:
            for cell, kept in zip(given_cells, table[name].to_pylist(), strict=True):
                missing = kept is None or kept != kept
                assert cell == kept or (cell != cell and missing)  # NaN and null are one hole
    write_table(table, folder / "again.jsonl")
    again = read_table(folder / "again.jsonl")
    for name in table.column_names:
        first, second = (t[name].to_pylist() for t in (table, again))
        assert [None if cell != cell else cell for cell in first] == second


def test_dates_are_written_as_text_and_bytes_refused(tmp_path):
    table = pa.table({"when": pd.to_datetime(["2020-01-02T03:04:05"]), "b": [math.inf]})
    write_table(table, tmp_path / "x.jsonl")
    written = json.loads((tmp_path / "x.jsonl").read_text())
    assert written == {"when": "2020-01-02T03:04:05", "b": "inf"}
    with pytest.raises(InputError, match="bytes"):
        write(pa.table({"a": [b"x"]}), pa.BufferOutputStream())


def test_fit_score_explain_and_calibrate_read_json_lines(tmp_path, monkeypatch):
    """The same scores as from a CSV of the same cells, digit by digit."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name, count in (("normal", 200), ("more", 60), ("new", 20)):
        table = pa.table(
            {
                "a": generator.normal(size=count).round(3),
                "n": generator.integers(0, 9, count),
                "kind": generator.choice(["tcp", "udp"], count),
                "on": generator.random(count) > 0.5,
            }
        )
        write_table(table, f"{name}.csv")
        write_table(table, f"{name}.jsonl.gz")
    scores = []
    for suffix in ("csv", "jsonl.gz"):
        for command in (
            f"fit normal.{suffix} -o model -q --detector knn",
            f"calibrate model more.{suffix} -q",
            f"score model new.{suffix} -o scored.{suffix.removesuffix('.gz')} -q",
            f"explain model new.{suffix} -o why.csv -q",
        ):
            assert cli.run(command.split()) == 0
        scores.append((pacsv.read_csv("why.csv"), alone("scored", suffix)))
    assert scores[0][0].equals(scores[1][0])
    assert scores[0][1].equals(scores[1][1])


def alone(name: str, suffix: str) -> pa.Table:
    if suffix == "csv":
        return pacsv.read_csv(f"{name}.csv")
    return pajson.read_json(f"{name}.jsonl")


# --- block by block -------------------------------------------------------------------------------


def test_blocks_are_read_as_the_whole_file(tmp_path, monkeypatch):
    """Keys that come late, numbers that become text, and lines longer than a block."""
    rows = [{"n": at, "x": at / 4, "mixed": at} for at in range(200)]
    late = ("u", None)
    rows += [{"n": at + 0.5, "mixed": f"code {at}", "late": late[at % 2]} for at in range(200)]
    rows += [{"n": 1, "late": "v" * 3000, "x": None}]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    whole = read_table(path)
    monkeypatch.setattr(json_lines, "BLOCK", 1000)
    monkeypatch.setattr(reading, "HEAD", 500)
    batches = list(reading.read_batches(path))
    assert len(batches) > 10 and len({str(batch.schema) for batch in batches}) == 1
    got = pa.concat_tables(batches)
    assert got.column_names == whole.column_names
    for name in whole.column_names:
        assert got[name].to_pylist() == whole[name].to_pylist()


def test_a_broken_line_of_a_later_block_is_numbered(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "BLOCK", 1000)
    monkeypatch.setattr(reading, "HEAD", 500)
    path = tmp_path / "a.jsonl"
    path.write_text('{"n": 1}\n' * 400 + "{oops}\n" + '{"n": 1}\n' * 400)
    with pytest.raises(InputError, match="line 401 is no JSON object"):
        list(reading.read_batches(path))
