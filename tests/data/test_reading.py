"""Files and streams in and out: every format, every kind of damage, nothing half-written."""

import gzip
import io
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from alad.data.column_kinds import guess
from alad.data.frames import columns
from alad.data.opening import source_of
from alad.data.reading import check_target, read_table, write_table
from alad.errors import InputError

CSV = "id,n,c\n007,1.50,tcp\n008,?,\n009,3,a b\n"
TYPED = pa.table({"id": ["007", "008", "009"], "n": [1.5, None, 3.0], "c": ["tcp", None, "a b"]})


class Stream(io.TextIOWrapper):
    """Standard input or output with bytes behind it."""

    def __init__(self, content: bytes = b""):
        super().__init__(io.BytesIO(content), encoding="utf-8")

    def bytes(self) -> bytes:
        return self.buffer.getvalue()  # type: ignore[attr-defined]


def file(tmp_path, name, content: str | bytes):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def arrow_file(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def arrow_stream(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def parquet_file(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


CONTENTS = {
    "table.csv": CSV.encode(),
    "table.tsv": CSV.replace(",", "\t").encode(),
    "semicolons.csv": CSV.replace(",", ";").encode(),
    "decimal-commas.csv": CSV.replace(",", ";").replace(".", ",").encode(),
    "pipes.txt": CSV.replace(",", "|").encode(),
    "marked.csv": b"\xef\xbb\xbf" + CSV.encode(),
    "windows.csv": CSV.replace("\n", "\r\n").encode(),
    "quoted.csv": CSV.replace("a b", '"a b"').replace("id,", '"id",').encode(),
    "table.parquet": parquet_file(TYPED),
    "table.arrow": arrow_file(TYPED),
    "stream.arrow": arrow_stream(TYPED),
    "no-suffix": arrow_file(TYPED),
}


def meaning(table: pa.Table) -> dict:
    read = [guess(name, table[name]) for name in ("n", "c")]
    return {"n": read[0].values.tolist(), "c": [*read[1].values.tolist(), *(read[1].levels or ())]}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("way", ["file", "gzip", "stdin", "gzip stdin"])
def test_every_format_by_every_way(tmp_path, monkeypatch, name, way):
    content = gzip.compress(CONTENTS[name]) if "gzip" in way else CONTENTS[name]
    source = file(tmp_path, name, content)
    if "stdin" in way:
        monkeypatch.setattr(sys, "stdin", Stream(content))
        source = "-"
    table = read_table(source)
    assert table.column_names == ["id", "n", "c"]
    np.testing.assert_equal(
        meaning(table), {"n": [1.5, np.nan, 3.0], "c": [1, -1, 0, "a b", "tcp"]}
    )


def test_cells_of_csv_stay_as_written(tmp_path):
    table = read_table(file(tmp_path, "a.csv", CSV))
    assert table["id"].to_pylist() == ["007", "008", "009"]
    assert table["n"].to_pylist() == ["1.50", "?", "3"]


def test_columns_to_leave_out(tmp_path):
    source = source_of(file(tmp_path, "a.csv", CSV))
    assert source.without(["id", "c"]).names == ("n",)
    with pytest.raises(InputError, match=r"no column named 'ID' to drop; there are 'id', 'n', 'c'"):
        source.without(["ID"]).held()


def test_an_empty_line_is_a_missing_cell_of_a_single_column(tmp_path):
    assert read_table(file(tmp_path, "a.csv", "n\n1\n\n3\n"))["n"].to_pylist() == ["1", "", "3"]
    assert read_table(file(tmp_path, "b.csv", "n,m\n1,2\n\n3,4\n")).num_rows == 2


def test_quotes_hold_delimiters_and_lines(tmp_path):
    path = file(tmp_path, "a.csv", 'n,"c;d;e"\n1,"x,\ny"\n')
    assert read_table(path).to_pylist() == [{"n": "1", "c;d;e": "x,\ny"}]


def test_a_header_of_any_length(tmp_path):
    names = [f"a column with a long name {i}" for i in range(5000)]
    table = read_table(file(tmp_path, "a.csv", ",".join(names) + "\n" + "01," * 4999 + "é\n"))
    assert table.column_names == names
    assert set(table.schema.types) == {pa.string()}


def test_characters_across_the_end_of_the_head(tmp_path):
    for shift in range(3):
        text = "a,b\n" + "x" * shift + "1,€\n" * 20_000
        assert read_table(file(tmp_path, "a.csv", text)).num_rows == 20_000


def test_counted_names_are_names(tmp_path):
    assert read_table(file(tmp_path, "a.csv", "0,1\n5,6\n")).column_names == ["0", "1"]


DAMAGED = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\n", "the file is empty"),
    "header only": (b"a,b\n", "the table is empty"),
    "short row": (b"a,b\n1,2\n3\n", "line 3 has 1 cells where the header has 2"),
    "long row": (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 cells where the header has 2"),
    "latin1": ("a,b\n1,é\n".encode("latin1"), "not UTF-8"),
    "latin1 header": ("é,b\n1,2\n".encode("latin1"), "not UTF-8"),
    "late latin1": (b"a,b\n" + b"1,2\n" * 30_000 + b"\xff,3\n", "not UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
    "UTF-16 without mark": ("a,b\n1,2\n".encode("utf-16-le"), "binary"),
    "junk": (bytes(range(256)) * 9, "binary"),
    "Excel": (b"PK\x03\x04rest", "Excel"),
    "zstd": (b"\x28\xb5\x2f\xfdrest", "zstd"),
    "twins": (b"a,b,a\n1,2,3\n", "several columns named 'a'"),
    "nameless": (b",a\n0,1\n", "column 1 has no name"),
    "no header": (b"1,2.5\n3,4.5\n", "put a line of column names above"),
    "open quote": (b'a,b\n1,"2\n3,4\n', "a quote is left open: row 1"),
    "truncated parquet": (parquet_file(TYPED)[:-20], "damaged"),
    "hollow parquet": (b"PAR1" + b"\0" * 50 + b"PAR1", "damaged|cannot be read"),
    "truncated arrow": (arrow_file(TYPED)[:-40], "damaged"),
    "truncated stream": (arrow_stream(TYPED)[:150], "damaged|cannot be read|empty"),
    "truncated gzip": (gzip.compress(CSV.encode())[:-12], "gzip"),
    "false gzip": (b"\x1f\x8bnothing of the kind", "gzip"),
    "empty parquet": (parquet_file(TYPED.slice(0, 0)), "the table is empty"),
    "twins in parquet": (arrow_file(pa.table([[1], [2]], names=["a", "a"])), "several columns"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damage_is_one_line_that_names_the_file(tmp_path, case):
    content, what = DAMAGED[case]
    path = file(tmp_path, "bad.csv", content)
    with pytest.raises(InputError, match=what) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["hello", "hello, world", "foo\nbar\n", b"\xff\xf0 nonsense"])
@pytest.mark.parametrize("suffix", [".parquet", ".feather", ".jsonl", ".csv.gz", ".xlsx", ".npy"])
def test_nonsense_is_not_what_its_name_says(tmp_path, suffix, text):
    path = file(tmp_path, f"bad{suffix}", text)
    with pytest.raises(
        InputError, match=r"bad\.\S+: is neither \w.*, as its name says, nor a table"
    ):
        read_table(path)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("rows.jsonl", '[{"a": 1}]', "is a JSON array"),
        ("rows.xls", "<html><table>", "is HTML"),
        ("rows.parquet", "a,b\n1,2\n3\n", "line 3 has 1 cells"),
    ],
)
def test_what_is_known_of_a_misnamed_file_is_told(tmp_path, name, text, what):
    with pytest.raises(InputError, match=what):
        read_table(file(tmp_path, name, text))


@pytest.mark.parametrize("name", ["rows.parquet", "rows.gz", "rows.xlsx"])
def test_a_table_is_read_by_its_content_whatever_its_name(tmp_path, name):
    assert read_table(file(tmp_path, name, "a,b\n1,x\n")).to_pylist() == [{"a": "1", "b": "x"}]


@pytest.mark.parametrize("name", ["table.parquet", "table.arrow", "stream.arrow", "table.csv"])
def test_altered_files_are_read_or_refused(tmp_path, name):
    generator = np.random.default_rng(0)
    for _ in range(40):
        content = bytearray(CONTENTS[name])
        for place in generator.integers(0, len(content), 3):
            content[place] = generator.integers(256)
        try:
            table = read_table(file(tmp_path, name, bytes(content)))
            assert table.num_rows > 0
        except InputError as error:
            assert "\n" not in str(error)


def test_no_file_or_a_folder(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)


def test_empty_standard_input_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stream())
    with pytest.raises(InputError, match="standard input: the file is empty"):
        read_table("-")


@pytest.mark.parametrize("kind", [pl.String, pl.Categorical, pl.Enum(["a,b", "run"])])
@pytest.mark.parametrize("target", ["b.csv", "b.arrow", "b.parquet"])
def test_text_of_polars_is_read_and_written(tmp_path, kind, target):
    """It is held as views, which few kernels take."""
    frame = pl.DataFrame({"c": ["a,b", "run", None]}, schema={"c": kind})
    frame.write_ipc(tmp_path / "a.arrow")
    table = read_table(tmp_path / "a.arrow")
    assert guess("c", table["c"]).levels == ("a,b", "run")
    write_table(table, tmp_path / target)
    missing = "" if target == "b.csv" else None
    assert read_table(tmp_path / target)["c"].to_pylist() == ["a,b", "run", missing]


@pytest.mark.parametrize(
    "column",
    [pa.array([b"x"]), pa.array([b"x"], pa.binary_view()), pa.array([pa.MonthDayNano([1, 2, 3])])],
)
def test_what_csv_cannot_hold_is_named(tmp_path, column):
    with pytest.raises(InputError, match=r"CSV cannot hold column 'a' \(.*\); write \.parquet"):
        write_table(pa.table({"a": column}), tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


SCORES = {"anomaly_score": np.array([0.1, 1e300, -3.0])}


def test_csv_keeps_its_cells_to_the_letter(tmp_path):
    table = read_table(file(tmp_path, "a.csv", CSV))
    write_table(table, tmp_path / "b.csv", SCORES)
    assert (tmp_path / "b.csv").read_text() == (
        "id,n,c,anomaly_score\n007,1.50,tcp,0.1\n008,?,,1e+300\n009,3,a b,-3\n"
    )


def test_cells_that_need_quotes_come_back(tmp_path):
    table = pa.table({'a,"b"': ['x,"y"\nz', "", None], "n": [1, 2, 3]})
    write_table(table, tmp_path / "a.csv")
    assert read_table(tmp_path / "a.csv")['a,"b"'].to_pylist() == ['x,"y"\nz', "", ""]


@pytest.mark.parametrize(
    "suffix", ["csv", "tsv", "txt", "parquet", "pq", "arrow", "feather", "ipc"]
)
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_every_format_is_written(tmp_path, suffix, packed):
    path = tmp_path / f"out.{suffix}{packed}"
    write_table(TYPED, path, SCORES)
    table = read_table(path)
    assert table.column_names == ["id", "n", "c", "anomaly_score"]
    assert table["id"].to_pylist() == ["007", "008", "009"]
    score = guess("anomaly_score", table["anomaly_score"]).values
    np.testing.assert_array_equal(score, SCORES["anomaly_score"])
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == bool(packed)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_csv_gains_types_where_the_format_has_them(tmp_path, suffix):
    text = "id,k,n,c\n007,1,1.50,tcp\n008,,?,\n"
    path = tmp_path / f"out.{suffix}"
    write_table(read_table(file(tmp_path, "a.csv", text)), path)
    assert read_table(path).to_pydict() == {
        "id": ["007", "008"],
        "k": [1, None],
        "n": [1.5, None],
        "c": ["tcp", ""],
    }


def test_standard_output_is_csv(monkeypatch):
    stream = Stream()
    monkeypatch.setattr(sys, "stdout", stream)
    write_table(TYPED, "-")
    assert stream.bytes() == b"id,n,c\n007,1.5,tcp\n008,,\n009,3,a b\n"


def test_a_taken_name_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(InputError, match="has a column 'n' already"):
        write_table(TYPED, tmp_path / "a.csv", {"n": np.zeros(3)})
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = file(tmp_path, "a.csv", "old")
    nested = pa.table({"a": [[1], [2]]})
    with pytest.raises(InputError, match=r"CSV cannot hold column 'a'.*\.parquet"):
        write_table(nested, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.csv"]
    assert path.read_text() == "old"
    write_table(nested, tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet")["a"].to_pylist() == [[1], [2]]


def test_a_link_stays_a_link(tmp_path):
    real = file(tmp_path, "real.csv", "old")
    (tmp_path / "link.csv").symlink_to(real)
    write_table(TYPED, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert real.read_text().startswith("id,n,c\n")


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("a.xlsx", "unknown kind of file '.xlsx'"),
        ("none/a.csv", "no folder"),
        (".", "unknown|folder"),
    ],
)
def test_targets_that_cannot_be_written(tmp_path, target, what):
    with pytest.raises(InputError, match=what):
        check_target(tmp_path / target)
    with pytest.raises(InputError, match=what):
        write_table(TYPED, tmp_path / target)


def test_dictionaries_dates_and_booleans_are_kept(tmp_path):
    frame = pd.DataFrame({"c": pd.Categorical(["u", "v"]), "b": [True, False]})
    table = pa.Table.from_pandas(frame).append_column("t", pa.array([0, 1], pa.timestamp("s")))
    write_table(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "u,true,1970-01-01 00:00:00"
    write_table(table, tmp_path / "a.feather")
    assert feather.read_table(tmp_path / "a.feather").equals(table)


def test_what_is_read_is_what_the_encoder_reads(tmp_path):
    table = columns(read_table(file(tmp_path, "a.csv", CSV)))
    assert table.named
    assert table.n_rows == 3
