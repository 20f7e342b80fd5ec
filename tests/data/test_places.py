"""Folders, patterns, partitions and URLs are read as one file is."""

from __future__ import annotations

from pathlib import Path

import fsspec
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import dataset, parquet

import alad
from alad import cli
from alad.data import source
from alad.data.opening import source_of
from alad.data.reading import read_table
from alad.data.writing import write_table
from alad.errors import InputError


def rows(n: int = 120, seed: int = 0) -> pa.Table:
    generator = np.random.default_rng(seed)
    return pa.table(
        {
            "id": [f"{at:03}" for at in range(n)],
            "a": generator.normal(size=n),
            "kind": generator.choice(["tcp", "udp"], n),
            "day": np.arange(n) // (n // 3) + 1,
            "site": [["north", "south pole", None][at] for at in np.arange(n) // (n // 3)],
        }
    )


def partitioned(folder: Path, suffix: str = "parquet") -> Path:
    """The rows in folders by day and site, as Hive and Spark write them."""
    whole = rows()
    names = ["north", "south%20pole", "__HIVE_DEFAULT_PARTITION__"]
    for at, name in enumerate(names):
        place = folder / f"day={at + 1}" / f"site={name}"
        place.mkdir(parents=True)
        write_table(
            whole.slice(40 * at, 40).select(["id", "a", "kind"]), place / f"part-0.{suffix}"
        )
    return folder


def test_names_of_folders_are_columns(tmp_path: Path) -> None:
    table = source_of(partitioned(tmp_path / "new")).table()
    assert table.equals(rows())  # of whole numbers, and of text with a hole
    arrow = dataset.dataset(tmp_path / "new", partitioning="hive").to_table()
    assert arrow.column_names == table.column_names
    assert arrow["day"].to_pylist() == table["day"].to_pylist()
    one = source_of(tmp_path / "new" / "day=2").table()
    assert one.column_names == ["id", "a", "kind", "site"]
    assert set(one["site"].to_pylist()) == {"south pole"}


def test_names_of_folders_of_csv_are_text_as_its_cells_are(tmp_path: Path) -> None:
    table = source_of(partitioned(tmp_path / "new", "csv")).table()
    assert table["day"].to_pylist() == ["1"] * 40 + ["2"] * 40 + ["3"] * 40
    assert table["site"].to_pylist() == ["north"] * 40 + ["south pole"] * 40 + [""] * 40


def test_codes_in_names_of_folders_stay_text(tmp_path: Path) -> None:
    for name in ("zip=01234", "zip=99999"):
        (tmp_path / name).mkdir()
        parquet.write_table(pa.table({"a": [1]}), tmp_path / name / "0.parquet")
    assert source_of(tmp_path).table()["zip"].to_pylist() == ["01234", "99999"]


def test_a_column_of_the_file_and_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a=1").mkdir()
    parquet.write_table(pa.table({"a": [1]}), tmp_path / "a=1" / "0.parquet")
    with pytest.raises(InputError, match="has a column 'a', as the names of its folders do"):
        source_of(tmp_path).held()


def test_patterns(tmp_path: Path) -> None:
    place = partitioned(tmp_path / "new")
    assert source_of(f"{place}/*/*/*.parquet").table().equals(rows())
    assert source_of(f"{place}/**/*.parquet").table().equals(rows())
    two = source_of([f"{place}/day=1", str(place / "day=2" / "site=south%20pole")])
    with pytest.raises(InputError, match="has other columns than"):
        two.held()
    with pytest.raises(InputError, match="no file has such a name; check the pattern"):
        source_of(f"{tmp_path}/*.csv")
    odd = tmp_path / "a[1].csv"  # a file whose name looks like a pattern
    odd.write_text("a\n1\n")
    assert source_of(odd).table().num_rows == 1
    with pytest.raises(InputError, match="- is standard input; give it alone"):
        source_of([str(odd), "-"])


# --- other file systems ---------------------------------------------------------------------------


@pytest.fixture
def memory() -> fsspec.AbstractFileSystem:
    """A file system in memory, read as an object store is: by URL, listing and ranges."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    return system


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "arrow", "jsonl"])
@pytest.mark.parametrize("way", ["memory", "file"])
def test_a_url_is_read_as_the_file_is(
    tmp_path: Path, memory: fsspec.AbstractFileSystem, suffix: str, way: str
) -> None:
    path = tmp_path / f"new.{suffix}"
    write_table(rows(), path)
    url = f"file://{path}" if way == "file" else f"memory://bucket/new.{suffix}"
    if way == "memory":
        memory.pipe(f"/bucket/new.{suffix}", path.read_bytes())
    assert source_of(url).table().equals(read_table(path))


def test_a_folder_and_a_pattern_at_a_url(tmp_path: Path, memory: fsspec.AbstractFileSystem) -> None:
    folder = partitioned(tmp_path / "new")
    for path in folder.rglob("*.parquet"):
        memory.pipe(f"/bucket/new/{path.relative_to(folder)}", path.read_bytes())
    memory.pipe("/bucket/new/_SUCCESS", b"")
    for url in ("memory://bucket/new", "memory://bucket/new/*.parquet", folder.as_uri()):
        assert source_of(url).table().equals(rows())


def test_urls_that_cannot_be_read_say_why(memory: fsspec.AbstractFileSystem) -> None:
    with pytest.raises(InputError, match="there is no such file or folder"):
        source_of("memory://bucket/none.parquet")
    with pytest.raises(InputError, match="nonsense:// cannot be used"):
        source_of("nonsense://bucket/none.parquet")
    memory.pipe("/bucket/bad.csv", b"a,b\n1,2\n3\n")
    with pytest.raises(InputError, match=r"^memory://.*bucket/bad.csv: line 3 has 1 cells"):
        source_of("memory://bucket/bad.csv").held()


# --- what computes rows as they are asked for -----------------------------------------------------


@pytest.mark.parametrize("kind", ["dataset", "lazy frame", "relation", "reader"])
@pytest.mark.parametrize("verb", ["anomaly_score", "p_value", "predict"])
def test_verbs_take_what_computes_batches(
    tmp_path: Path, kind: str, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BATCH_ROWS", 512)
    monkeypatch.setattr("alad.data.opening.LEAST_ROWS", 700)
    whole = rows(1500, seed=1).drop_columns(["site"])
    detector = alad.KNN(drop="id", calibration_fraction=0.3, random_state=0).fit(whole)
    parquet.write_table(whole, tmp_path / "new.parquet")
    if kind == "dataset":
        X = dataset.dataset(tmp_path / "new.parquet")
    elif kind == "lazy frame":
        X = pl.scan_parquet(tmp_path / "new.parquet")
    elif kind == "relation":
        X = pytest.importorskip("duckdb").read_parquet(str(tmp_path / "new.parquet"))
    else:
        X = pa.RecordBatchReader.from_batches(whole.schema, whole.to_batches(100))
    np.testing.assert_array_equal(getattr(detector, verb)(X), getattr(detector, verb)(whole))


# --- the command line -----------------------------------------------------------------------------


def test_several_tables_are_scored_as_one(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.chdir(tmp_path)
    whole = rows().drop_columns(["site"])
    write_table(whole, "all.csv")
    write_table(whole.slice(0, 50), "0.csv")
    write_table(whole.slice(50), "1.csv.gz")
    assert cli.run("fit 0.csv 1.csv.gz -o model --detector knn --drop id -q".split()) == 0
    for tables, out in (("all.csv", "due"), ("0.csv 1.csv.gz", "a"), ("[01].csv*", "b")):
        assert cli.run(f"score model {tables} -o {out}.csv -q".split()) == 0
    assert Path("due.csv").read_bytes() == Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert cli.run("score model 0.csv all.csv -o all.csv -q".split()) == 2
    assert "-o all.csv is the table that is read" in capfd.readouterr().err


OPEN = Path("/proc/self/fd")  # what this process has open, on Linux


@pytest.mark.skipif(not OPEN.exists(), reason="open files are not listed here")
@pytest.mark.parametrize("case", ["other columns", "a name twice", "nothing to drop"])
def test_a_refusal_that_is_kept_keeps_no_file_open(tmp_path: Path, monkeypatch, case: str) -> None:
    """As a debugger, a notebook and a test keep it: with all that its functions had at hand."""
    monkeypatch.setattr("alad.encoding.table.CELLS_IN_MEMORY", 10)
    monkeypatch.setattr("alad.data.source.BATCH_ROWS", 10)
    monkeypatch.setattr("alad.data.csv_blocks.READ_AT_ONCE", 1 << 9)
    (tmp_path / "kind=x").mkdir()
    write_table(rows(12_000).select(["a", "day"]), tmp_path / "kind=x" / "1.csv")
    second = ["a", "kind"] if case == "a name twice" else ["a", "site"]
    write_table(rows().select(second), tmp_path / "kind=x" / "2.csv")
    drop = ["nope"] if case == "nothing to drop" else []
    with pytest.raises(InputError, match=r"other columns|names of its folders|to drop") as refused:
        alad.KNN(drop=drop).fit(str(tmp_path))
    assert refused.value.__traceback__ is not None
    places = [str(descriptor.resolve()) for descriptor in OPEN.iterdir()]
    assert [place for place in places if place.startswith(str(tmp_path))] == []
