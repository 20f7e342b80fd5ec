"""Tables of many batches score as whole ones do, to the last byte, whatever is read and written."""

from __future__ import annotations

import gzip
import io
import json
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

import alad
from alad import cli
from alad.data import csv_blocks, reading, source
from alad.data.reading import read_table
from alad.data.writing import with_columns, write_table

ROWS = 1300


def rows(n: int = ROWS, seed: int = 1) -> pa.Table:
    """Numbers, codes that look like numbers, categories with commas and quotes, holes."""
    generator = np.random.default_rng(seed)
    kinds = np.array(["tcp", 'u"dp', "a,b", "line\nbreak"])
    return pa.table(
        {
            "id": [f"{at:05}" for at in range(n)],
            "a": generator.normal(size=n),
            "whole": generator.integers(0, 50, n),
            "late": [str(at) if at < n - 1 else "1.5" for at in range(n)],  # a number at the end
            "holes": [None if at % 3 else float(at) for at in range(n)],
            "kind": kinds[generator.integers(0, 4, n)],
        }
    )


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read, scored and written at once has 512 rows at most; CSV is read 1000 bytes on."""
    monkeypatch.setattr(source, "BATCH_ROWS", 512)
    monkeypatch.setattr("alad.encoding.table.BATCH_ROWS", 512)
    monkeypatch.setattr(reading, "BATCH_ROWS", 100)
    monkeypatch.setattr(csv_blocks, "READ_AT_ONCE", 1000)


@pytest.fixture(scope="module")
def detector() -> alad.KNN:
    return alad.KNN(random_state=0, calibration_fraction=0.3, drop="id").fit(rows(600, seed=0))


@pytest.fixture
def folder(tmp_path: Path, detector: alad.KNN, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    detector.save("model")
    return tmp_path


def columns_of(detector: alad.KNN, table: pa.Table, options: str) -> dict[str, np.ndarray]:
    """What `alad score` adds, computed on all rows at once."""
    scores = detector.anomaly_score(table)
    if not options:
        return {"anomaly_score": scores, "is_anomaly": scores > -detector.offset_}
    p = detector.p_value(table)
    flags = scores > detector.threshold(0.2) if "rate" in options else detector.select(table, 0.2)
    return {"anomaly_score": scores, "p_value": p, "is_anomaly": flags}


@pytest.mark.parametrize("options", ["", "--false-alarm-rate 0.2", "--fdr 0.2"])
@pytest.mark.parametrize("target", ["csv", "tsv.gz", "parquet", "arrow", "jsonl", "parquet.gz"])
@pytest.mark.parametrize("given", ["csv", "csv.gz", "parquet", "arrow", "jsonl"])
def test_a_table_of_batches_is_written_as_one_of_all_rows(
    folder: Path, detector: alad.KNN, given: str, target: str, options: str
) -> None:
    write_table(rows(), f"new.{given}")
    assert cli.run([*f"score model new.{given} -o out.{target} -q".split(), *options.split()]) == 0
    whole = read_table(f"new.{given}")
    write_table(whole, f"due.{target}", columns_of(detector, whole, options))
    got, due = read_table(f"out.{target}"), read_table(f"due.{target}")
    assert got.equals(due), target
    if target in ("csv", "jsonl"):  # the others are in batches of their own
        assert Path(f"out.{target}").read_bytes() == Path(f"due.{target}").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["model", f"new.{given}", f"out.{target}", f"due.{target}"]
    )


def test_standard_streams_are_written_while_they_are_read(
    folder: Path, detector: alad.KNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(rows(), "new.csv")
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("new.csv").read_bytes())))
    monkeypatch.setattr(sys, "stdout", out)
    assert cli.run("score model - -q".split()) == 0
    whole = read_table("new.csv")
    write_table(whole, "due.csv", columns_of(detector, whole, ""))
    assert out.buffer.getvalue() == Path("due.csv").read_bytes()  # type: ignore[attr-defined]


def test_types_that_differ_between_files_become_one(folder: Path, detector: alad.KNN) -> None:
    whole = rows()
    Path("new").mkdir()
    first = whole.slice(0, 700)
    for name, table in {
        "0": first.set_column(2, "whole", first["whole"].cast(pa.int32())),
        "1": whole.slice(700).set_column(2, "whole", whole.slice(700)["whole"].cast(pa.float64())),
    }.items():
        parquet.write_table(table.select(sorted(table.column_names)), f"new/{name}.parquet")
    for target in ("out.parquet", "out.arrow"):
        assert cli.run(f"score model new -o {target} -q".split()) == 0
        table = read_table(target)
        assert table.schema.field("whole").type == pa.float64()
        assert table["whole"].to_pylist() == whole["whole"].to_pylist()
        np.testing.assert_array_equal(table["anomaly_score"], detector.anomaly_score(whole))


def test_dictionaries_that_differ_between_batches_become_one(folder: Path) -> None:
    whole = rows()
    names = pa.array(["tcp", "a,b", 'u"dp', "line\nbreak"])
    parts = []
    for at in range(0, ROWS, 500):
        part = whole.slice(at, 500)
        codes = pa.array([names.to_pylist().index(kind) for kind in part["kind"].to_pylist()])
        shift = at // 500  # the same values by other numbers
        order = [(place + shift) % 4 for place in range(4)]
        turned = pa.array([order.index(code) for code in codes.to_pylist()], pa.int8())
        kinds = pa.DictionaryArray.from_arrays(turned, names.take(pa.array(order)))
        parts.append(part.set_column(5, "kind", kinds))
    Path("new").mkdir()
    for at, part in enumerate(parts):
        parquet.write_table(part, f"new/{at}.parquet")
    assert cli.run("score model new -o out.arrow -q".split()) == 0
    table = feather.read_table("out.arrow")
    assert pa.types.is_dictionary(table.schema.field("kind").type)
    assert table["kind"].to_pylist() == whole["kind"].to_pylist()


# --- what is broken -------------------------------------------------------------------------------


def damaged_parquet() -> bytes:
    """Thirteen row groups, of which the fifth is broken."""
    buffer = io.BytesIO()
    parquet.write_table(
        rows().select(["a", "kind"]), buffer, row_group_size=100, compression="none"
    )
    content = bytearray(buffer.getvalue())
    column = parquet.ParquetFile(io.BytesIO(bytes(content))).metadata.row_group(4).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + 8] = b"\xff" * 8
    return bytes(content)


BROKEN = {
    "row.csv": (b"id,a\n" + b"1,2\n" * 900 + b"1,2,3\n" + b"1,2\n" * 900, "line 902 has 3 cells"),
    "header.csv": (b"id,a\n" + b"1,2\n" * 900 + b"id,a\n", "row 901 repeats the header line"),
    "quote.csv": (b"id,a\n" + b"1,2\n" * 900 + b'1,"2\n' + b"1,2\n" * 9, "row 901 holds all that"),
    "trailing.csv": (b"id,a\n" + b"1,2,\n" * 900 + b"1,2,9\n", "row 901 has a cell more"),
    "latin.csv": (b"id,a\n" + b"1,2\n" * 900 + b"\xff,2\n", "is not UTF-8 text"),
    "group.parquet": (damaged_parquet(), "row group 5 is damaged"),
    "cut.csv.gz": (gzip.compress(b"id,a\n" + b"1,2\n" * 9000)[:-9], "damaged or truncated gzip"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named_and_nothing_is_left(folder: Path, name: str, capfd) -> None:
    content, message = BROKEN[name]
    Path(name).write_bytes(content)
    numbers = pa.table({"id": [1, 5, 2, 2, 3, 9], "a": [2, 3, 4, 9, 8, 7]})
    alad.KNN().fit(numbers).save("small")
    if name.endswith("parquet"):
        alad.KNN().fit(rows().select(["a", "kind"])).save("small")
    Path("out.csv").write_text("before")
    threads = threading.active_count()
    assert cli.run(f"score small {name} -o out.csv -q".split()) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"alad: {name}: ") and message in err and err.count("\n") == 1
    assert Path("out.csv").read_text() == "before"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["model", "small", name, "out.csv"]
    )
    assert threading.active_count() == threads  # none waits for ever


def test_a_cell_at_fault_is_named_by_file_and_row(folder: Path, capfd) -> None:
    Path("new").mkdir()
    write_table(rows(), "new/0.parquet")
    cells = [*["1.5"] * 700, "oops"]
    bad = rows(701).set_column(1, "a", pa.array(cells))
    write_table(bad, "new/1.parquet")
    assert cli.run("score model new -o out.csv -q".split()) == 2
    err = capfd.readouterr().err
    assert err.startswith("alad: new/1.parquet: column 'a' holds 'oops' (row 701)")
    assert not Path("out.csv").exists()


def test_a_taken_name_is_refused_at_the_first_batch(folder: Path, capfd) -> None:
    write_table(with_columns(rows(), {"p_value": np.zeros(ROWS)}), "new.parquet")
    assert cli.run("score model new.parquet --drop p_value --fdr 0.2 -o out.csv".split()) == 2
    assert "the table has a column 'p_value' already" in capfd.readouterr().err


def test_the_summary_counts_all_batches(folder: Path, detector: alad.KNN, capfd) -> None:
    write_table(rows(), "new.csv")
    for options in ("", "--false-alarm-rate 0.2", "--fdr 0.2"):
        command = f"score model new.csv -o out.csv --json {options}"
        assert cli.run(command.split()) == 0
        facts = json.loads(capfd.readouterr().out)
        flags = columns_of(detector, read_table("new.csv"), options)["is_anomaly"]
        assert (facts["rows"], facts["flagged"]) == (ROWS, int(flags.sum()))
