"""Rows of a query are fitted and scored, and come back as a table, whole or not at all."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import alad
from alad import cli
from alad.data.database import Query, shown, table_in
from alad.data.opening import source_of
from alad.errors import InputError

pytest.importorskip("adbc_driver_sqlite")
pytest.importorskip("duckdb")

ROWS = 900


def rows(seed: int = 0) -> pa.Table:
    generator = np.random.default_rng(seed)
    return pa.table(
        {
            "id": pa.array(range(ROWS)),
            "a": generator.normal(size=ROWS),
            "hole": [None if at % 3 else float(at % 7) for at in range(ROWS)],
            "kind": generator.choice(["tcp", "udp"], ROWS),
        }
    )


def filled(url: str) -> str:
    """A database that holds the rows, in a table `flows`."""
    with table_in(url, "flows") as write:
        write(rows().slice(0, 500))
        write(rows().slice(500))
    return url


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of PostgreSQL of our own, on loopback; its URL."""
    dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi")
    programs = [shutil.which("initdb"), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    initdb = next((Path(each) for each in programs if each), None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: initdb is not found")
    folder = Path(tempfile.mkdtemp(prefix="alad-postgres-"))  # where another account may go
    account: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        account = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        os.chown(folder, 65534, 65534)
    data = folder / "data"
    start = [*account, str(initdb), "-D", str(data), "-U", "tester", "-A", "trust"]
    made = subprocess.run(start, capture_output=True, text=True, cwd=folder, check=False)
    if made.returncode:
        shutil.rmtree(folder)
        pytest.skip(f"PostgreSQL cannot be set up here: {made.stderr[-200:]}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    process = subprocess.Popen(
        [*account, str(initdb.with_name("postgres")), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        place = f"postgresql://tester:secret@127.0.0.1:{port}/postgres"
        for _ in range(300):  # until it has started
            with suppress(dbapi.Error), dbapi.connect(place):
                break
            time.sleep(0.1)
        yield place
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch) -> str:
    monkeypatch.chdir(tmp_path)
    if request.param == "postgresql":
        place = request.getfixturevalue("server")
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(place) as connection, connection.cursor() as cursor:
            for name in ("flows", "scored"):
                cursor.execute(f"drop table if exists {name}")
            connection.commit()
        return filled(place)
    return filled(f"{request.param}:///file.db")


def test_rows_are_fitted_scored_and_written_back(url: str) -> None:
    query = "select id, a, hole, kind from flows order by id"
    fit = ["fit", url, "--query", query, "--drop", "id", "-o", "model", "--detector", "knn", "-q"]
    assert cli.run(fit) == 0
    detector = alad.load("model")
    due = detector.anomaly_score(rows())
    for options, more in (([], []), (["--fdr", "0.2"], ["p_value"])):
        name = "scored" if not options else "scored_by_fdr"
        command = ["score", "model", url, "--query", query, "--into", name, "-q", *options]
        if url.startswith("postgresql") and options:
            continue  # what differs is the same for all
        assert cli.run(command) == 0
        read = f"select * from {name} order by id"  # noqa: S608 (a name of ours)
        table = source_of(Query(url, read)).table()
        names = ["id", "a", "hole", "kind", "anomaly_score", *more, "is_anomaly"]
        assert table.column_names == names
        np.testing.assert_array_equal(table["anomaly_score"], due)
        assert table["kind"].to_pylist() == rows()["kind"].to_pylist()
    np.testing.assert_array_equal(detector.anomaly_score(Query(url, query)), due)
    assert cli.run(["score", "model", url, "--query", query, "-o", "out.csv", "-q"]) == 0


def test_what_fails_leaves_nothing(url: str) -> None:
    def broken() -> None:
        with table_in(url, "scored") as write:
            write(rows())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()

    def last(table: pa.Table) -> pa.Table:
        if table["id"][0].as_py():
            raise KeyboardInterrupt  # while the transaction is open, after its first rows
        return table

    with pytest.raises(KeyboardInterrupt), table_in(url, "scored", last) as write:
        write(rows().slice(0, 500))
        write(rows().slice(500))
    with pytest.raises(InputError, match="scored"):
        source_of(Query(url, "select * from scored")).held()
    with table_in(url, "scored") as write:  # nothing is in the way
        write(rows())


def test_refusals_name_the_database_and_no_password(url: str, capfd) -> None:
    alad.KNN(drop="id").fit(rows()).save("model")
    score = ["score", "model", url, "--query", "select * from flows"]
    assert cli.run([*score, "--into", "flows"]) == 2
    assert "there is a table 'flows' already" in capfd.readouterr().err
    assert cli.run(["score", "model", url, "--query", "select nothing from nowhere"]) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"alad: {shown(url)}: ") and err.count("\n") == 1
    assert "secret" not in err
    assert cli.run(["score", "model", url]) == 2
    assert "is a database; give a query" in capfd.readouterr().err


@pytest.mark.parametrize("which", ["no cancelling", "cancelled", "interrupted"])
def test_what_a_driver_raises_at_ctrl_c_is_ctrl_c(which: str, monkeypatch) -> None:
    manager = pytest.importorskip("adbc_driver_manager")
    duckdb = pytest.importorskip("duckdb")

    def connected(url: str) -> None:
        if which == "interrupted":
            raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")
        if which == "cancelled":  # by a server that can
            text = "CANCELLED: ERROR:  canceling statement due to user request"
            raise manager.OperationalError(text, status_code=manager.AdbcStatusCode.CANCELLED)
        raise manager.NotSupportedError("NOT_IMPLEMENTED") from KeyboardInterrupt()

    monkeypatch.setattr("alad.data.database._connected", connected)
    with pytest.raises(KeyboardInterrupt):
        list(Query("postgresql://user@host/db", "select 1").tables())


def test_options_that_go_with_others(tmp_path: Path, monkeypatch, capfd) -> None:
    monkeypatch.chdir(tmp_path)
    alad.KNN(drop="id").fit(rows()).save("model")
    assert cli.run(["score", "model", "a.csv", "--query", "select 1"]) == 2
    assert "--query is of a database" in capfd.readouterr().err
    assert cli.run(["score", "model", "a.csv", "--into", "scored"]) == 2
    assert "--into is of the database of a --query" in capfd.readouterr().err
    assert cli.run(["score", "model", "sqlite:///none.db", "--query", "select 1"]) == 2
    assert "sqlite:///none.db: there is no such file" in capfd.readouterr().err
    assert not Path("none.db").exists()


def test_integers_and_text_of_sqlite(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with sqlite3.connect("old.db") as connection:
        connection.execute("create table t (n integer, x real, s text)")
        connection.executemany("insert into t values (?, ?, ?)", [(1, 0.5, "a"), (2, None, None)])
    table = source_of(Query("sqlite:///old.db", "select * from t")).table()
    assert table.to_pydict() == {"n": [1, 2], "x": [0.5, None], "s": ["a", None]}
