"""Tables of an object store: a server of moto on this machine that speaks S3, read and written.

moto wants another version of a package than our tests do, so it lives in an environment of its own:
`moto_server` on the path, or at ALAD_MOTO_SERVER.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs, parquet

import alad
from alad import cli
from alad.data import source, upload, writing
from alad.data.opening import source_of
from alad.data.reading import read_table
from alad.data.remote import RemoteFile
from alad.data.writing import table_writer, write_table
from alad.errors import InputError, StorageError

KEYS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret"}
PLACES = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN")
ROWS = 500


class Server(NamedTuple):
    url: str
    process: subprocess.Popen[str]

    def store(self) -> fs.S3FileSystem:
        keys = dict(zip(("access_key", "secret_key"), KEYS.values(), strict=True))
        address = {"endpoint_override": self.url, "region": "us-east-1"}
        return fs.S3FileSystem(**keys, **address, allow_bucket_creation=True)

    def names(self) -> list[str]:
        below = self.store().get_file_info(fs.FileSelector("bucket", recursive=True))
        return sorted(each.path for each in below if each.is_file)

    def allow(self, requests: int) -> None:
        """Let so many requests pass, and refuse all later ones."""
        url, text = f"{self.url}/moto-api/reset-auth", {"Content-Type": "text/plain"}
        asked = urllib.request.Request(url, data=str(requests).encode(), headers=text)  # noqa: S310
        urllib.request.urlopen(asked, timeout=60).close()  # noqa: S310

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(60)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    program = os.environ.get("ALAD_MOTO_SERVER")  # any other may be of a version that fails
    if program is None:
        pytest.skip("ALAD_MOTO_SERVER names no moto_server; .ci/run installs one apart")
    log = folder / "server.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [program, "-H", "127.0.0.1", "-p", "0"], stdout=written, stderr=written, text=True
        )
    try:
        server = Server(_address(log, process), process)
        server.store().create_dir("bucket")
        yield server
    finally:
        process.kill()
        process.wait(60)


def _address(log: Path, process: subprocess.Popen[str]) -> str:
    for _ in range(600):
        if told := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return told[0]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def one_server(tmp_path_factory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def server(one_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The server, empty, and named by the environment."""
    named(one_server, monkeypatch)
    one_server.store().delete_dir_contents("bucket")
    yield one_server


def named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PLACES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)


def rows(n: int = ROWS) -> pa.Table:
    generator = np.random.default_rng(0)
    numbers = {name: generator.normal(size=n) for name in "ab"}
    return pa.table(numbers | {"kind": generator.choice(["tcp", "udp"], n)})


def put(server: Server, name: str, table: pa.Table, **options) -> str:
    parquet.write_table(table, f"bucket/{name}", filesystem=server.store(), **options)
    return f"s3://bucket/{name}"


def partitioned(server: Server) -> pa.Table:
    """The rows in three folders of the bucket, as Hive and Spark write them."""
    parts = [rows().slice(100 * at, 100) for at in range(3)]
    for day, part in enumerate(parts):
        put(server, f"new/day={day}/part-0.parquet", part)
    server.store().open_output_stream("bucket/new/_SUCCESS").close()
    whole = pa.concat_tables(parts)
    return whole.append_column("day", pa.array(np.repeat(range(3), 100)))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store") / "model"
    alad.KNN(random_state=0).fit(rows()).save(folder)
    return folder


# --- read -----------------------------------------------------------------------------------------


def test_fit_and_score_read_a_bucket_as_they_read_a_file(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = put(server, "x.parquet", rows())
    parquet.write_table(rows(), "x.parquet")
    for place, out in ((url, "there"), ("x.parquet", "here")):
        assert cli.run(["fit", place, "-o", out, *"--detector knn -q".split()]) == 0
        assert cli.run(["score", out, place, "-o", f"{out}.csv", "-q"]) == 0
    assert Path("there.csv").read_bytes() == Path("here.csv").read_bytes()


def test_several_files_a_folder_and_a_pattern_are_one_table(server, model):
    whole = partitioned(server)
    scores = alad.load(model).anomaly_score(whole.drop_columns(["day"]))
    for place in ("s3://bucket/new", "s3://bucket/new/", "s3://bucket/new/*.parquet"):
        assert source_of(place).table().equals(whole)
        with pytest.warns(UserWarning, match="not there at fit are left unused: 'day'"):
            np.testing.assert_array_equal(alad.load(model).anomaly_score(place), scores)
    urls = [f"s3://bucket/new/day={day}/part-0.parquet" for day in range(3)]
    np.testing.assert_array_equal(alad.load(model).anomaly_score(urls), scores)


def test_a_url_may_name_its_server_and_keys(server, monkeypatch):
    put(server, "x.parquet", rows())
    for name in ("AWS_ENDPOINT_URL", *KEYS):
        monkeypatch.delenv(name)
    query = f"endpoint_override={quote(server.url, safe='')}&region=us-east-1"
    assert source_of(f"s3://somebody:secret@bucket/x.parquet?{query}").table().equals(rows())


# --- write ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "parquet", "arrow"])
def test_scores_go_to_a_bucket_as_to_a_file(server, model, tmp_path, suffix):
    put(server, "x.parquet", rows())
    here, there = tmp_path / f"out.{suffix}", f"s3://bucket/out.{suffix}"
    for out in (str(here), there, there):  # there, one is replaced
        assert cli.run(["score", str(model), "s3://bucket/x.parquet", "-o", out, "-q"]) == 0
    assert source_of(there).table().equals(read_table(here))
    assert server.names() == [f"bucket/out.{suffix}", "bucket/x.parquet"]


def test_a_table_of_many_parts_arrives_whole(server, monkeypatch):
    monkeypatch.setattr(upload, "WAITING", 1 << 20)
    table = pa.table({"text": pa.array(["0123456789abcdef" * 64] * 1_000)})
    with table_writer("s3://bucket/long.csv") as write:
        for _ in range(40):
            write(table)
    (there,) = server.store().get_file_info(["bucket/long.csv"])
    assert there.size == len("text\n") + 40 * 1_000 * (1024 + 1)


def test_a_file_url_is_a_file_here(tmp_path):
    write_table(rows(), f"file://{tmp_path}/out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError, MemoryError])
def test_what_is_given_up_leaves_what_was_there(server, error):
    write_table(pa.table({"a": [1]}), "s3://bucket/out.csv")
    with pytest.raises(error), table_writer("s3://bucket/out.csv") as write:
        write(pa.table({"a": np.arange(1_000_000)}))
        raise error
    assert server.names() == ["bucket/out.csv"]
    assert source_of("s3://bucket/out.csv").table().num_rows == 1


def test_a_killed_process_leaves_nothing(server):
    code = (
        "import sys, pyarrow as pa\nfrom alad.data.writing import table_writer\n"
        "with table_writer('s3://bucket/out.csv') as write:\n"
        "    for _ in range(20): write(pa.table({'a': ['x' * 1024] * 1024}))\n"
        "    print('written', flush=True)\n    sys.stdin.read()\n"
    )
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.kill()
    assert server.names() == []


class Losing:
    """A store that says of every file that it is a byte shorter than what was sent."""

    def __init__(self):
        self.calls: list[str] = []

    def open_output_stream(self, path: str, compression: None) -> pa.NativeFile:
        return pa.BufferOutputStream()

    def get_file_info(self, path: str) -> fs.FileInfo:
        return fs.FileInfo(path, fs.FileType.File, size=2)

    def move(self, path: str, final: str) -> None:
        self.calls.append("move")

    def delete_file(self, path: str) -> None:
        self.calls.append("delete")


def test_bytes_that_do_not_arrive_are_told_and_nothing_is_renamed():
    store = Losing()
    with (
        pytest.raises(StorageError, match="2 of 3 bytes arrived; try again"),
        upload.uploaded(RemoteFile(store, "bucket/x.csv", "s3://bucket/x.csv")) as file,
    ):
        file.write(b"123")
    assert store.calls == ["delete"]


# --- refused --------------------------------------------------------------------------------------


def told(capfd) -> str:
    """The line that the program has written."""
    (line,) = capfd.readouterr().err.splitlines()
    return line.removeprefix("alad: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("s3://none/x.csv -o out.csv", "there is no such bucket as 'none'; check its name"),
        ("s3://bucket/x.csv -o out.csv", "there is no such file or folder; check its name"),
        ("s3://bucket/*.csv -o out.csv", "there is no such file or folder; check its name"),
        ("s3:// -o out.csv", "names no bucket; write s3://bucket/new.parquet or the like"),
        ("x.csv -o s3://none/out.csv", "there is no bucket 'none'; make it first"),
        ("x.csv -o s3://bucket", "names no file; write s3://bucket/scored.csv or the like"),
        ("x.csv -o s3://bucket/out.xls", "unknown kind of file '.xls'; end its name in"),
        ("x.csv -o s3://bucket/folder", "is a folder; name a file"),
        ("x.csv -o nonsense://bucket/out.csv", "nonsense:// cannot be used: Protocol not known"),
    ],
)
def test_places_that_are_not_there_are_one_line(
    server, model, tmp_path, monkeypatch, capfd, words, message
):
    monkeypatch.chdir(tmp_path)
    write_table(rows(), "x.csv")
    put(server, "folder/x.parquet", rows())
    assert cli.run(["score", str(model), *words.split(), "-q"]) == 2
    assert message in told(capfd)
    assert not Path("out.csv").exists() and server.names() == ["bucket/folder/x.parquet"]


def test_a_model_is_a_folder_here(server, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    url = put(server, "x.parquet", rows())
    assert cli.run(["fit", url, *"-o s3://bucket/model --detector knn -q".split()]) == 2
    assert "a model is a folder of this machine" in told(capfd)
    assert list(tmp_path.iterdir()) == []


def test_access_denied_is_one_line(server, model, tmp_path, capfd):
    url, out = put(server, "x.parquet", rows()), tmp_path / "out.csv"
    write_table(rows(), tmp_path / "x.csv")
    server.allow(0)
    try:
        for words in ([url, "-o", out], [tmp_path / "x.csv", "-o", "s3://bucket/out.csv"]):
            assert cli.run(["score", str(model), *map(str, words), "-q"]) == 2
            assert "access is denied; check AWS_ACCESS_KEY_ID" in told(capfd)
    finally:
        server.allow(1 << 40)
    assert not out.exists() and server.names() == ["bucket/x.parquet"]


@pytest.mark.parametrize("where", ["read", "written"])
def test_a_server_that_goes_in_the_middle_is_one_line(model, tmp_path, monkeypatch, capfd, where):
    monkeypatch.setattr(source, "BATCH_ROWS", 512)
    with serving(tmp_path) as server:
        named(server, monkeypatch)
        table = rows(20_000)
        url = put(server, "x.parquet", table, row_group_size=512)
        parquet.write_table(table, tmp_path / "x.parquet", row_group_size=512)
        usual, out = writing.with_columns, tmp_path / "out.csv"

        def last_words(*given):
            server.stop()  # the first batch is scored, and most are not yet read
            return usual(*given)

        monkeypatch.setattr(writing, "with_columns", last_words)
        here = str(tmp_path / "x.parquet")
        words = [url, "-o", str(out)] if where == "read" else [here, "-o", "s3://bucket/out.csv"]
        assert cli.run(["score", str(model), *words, "-q"]) == 2
    line = told(capfd)
    assert line.startswith("s3://bucket/") and "no answer from the object store" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server.log", "x.parquet"]
