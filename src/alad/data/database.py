"""Rows of a query, and tables written into a database in one transaction.

    sqlite:///file.db    a file of SQLite; sqlite:////at/any/place.db
    duckdb:///file.db    a file of DuckDB
    postgresql://user@host/name    a server, as libpq has it

Drivers are those of ADBC, and DuckDB itself: rows come and go as Arrow batches.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from alad.data.spool import Spool
from alad.errors import InputError, first_line

URL = re.compile(r"(sqlite|duckdb|postgresql|postgres)://")
BATCH_ROWS = 1 << 16  # rows of a query that come at once
PASSWORD = re.compile(r"(://[^:/@]*):[^@/]*@")  # not to be shown in messages


@dataclass(frozen=True)
class Query:
    """A query of a database, as what `fit` and `anomaly_score` are given."""

    url: str
    sql: str

    @property
    def place(self) -> str:
        """Its name in messages."""
        return shown(self.url)

    def tables(self) -> Generator[pa.Table, None, None]:
        """Run it, and yield its rows a batch at a time; InputError if it is refused."""
        kind, path = _place(self.url)
        if kind != "postgresql" and not Path(path).is_file():
            raise InputError(f"{self.place}: there is no such file; check its name")
        with _told(self.url), closing(_connected(self.url)) as connection:
            if kind == "duckdb":
                reader = connection.sql(self.sql).to_arrow_reader(BATCH_ROWS)
                yield from (pa.Table.from_batches([batch]) for batch in reader)
                return
            with connection.cursor() as cursor:
                if kind == "sqlite":  # which tells types from the rows that come at once
                    cursor.adbc_statement.set_options(
                        **{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)}
                    )
                cursor.execute(self.sql)
                for batch in cursor.fetch_record_batch():
                    yield pa.Table.from_batches([batch])


def is_database(place: object) -> bool:
    """Tell whether a place is the URL of a database."""
    return isinstance(place, str) and URL.match(place) is not None


def shown(url: str) -> str:
    """Write a URL without its password."""
    return PASSWORD.sub(r"\1@", url)


@contextmanager
def table_in(
    url: str, name: str, last: Callable[[pa.Table], pa.Table] | None = None
) -> Iterator[Callable[[pa.Table], None]]:
    """Open a new table of a database for rows: all of them or none, in one transaction.

    Rows wait on disk until all are known, so that what they are read from may be the same database.
    last: what to make of every batch then. Raises InputError if there is such a table already.
    """
    with _told(url), closing(_connected(url)) as connection:
        if name in _tables(connection, _place(url)[0]):
            raise InputError(f"there is a table {name!r} already; remove it, or name another")
    with closing(Spool(Path(tempfile.gettempdir()), typed=True)) as spool:
        yield spool.add
        with _told(url), closing(_connected(url)) as connection:
            written = (table if last is None else last(table) for table in spool.tables())
            _write(connection, _place(url)[0], name, written)


def _write(connection: Any, kind: str, name: str, tables: Iterator[pa.Table]) -> None:
    """Write tables as one; what fails, or is interrupted, leaves nothing behind."""
    if kind == "duckdb":
        connection.begin()
        quoted = '"' + name.replace('"', '""') + '"'
        for number, rows in enumerate(tables):
            connection.register("rows_to_add", rows)
            start = f"create table {quoted} as" if not number else f"insert into {quoted}"
            connection.execute(f"{start} select * from rows_to_add")  # noqa: S608 (quoted)
    else:
        with connection.cursor() as cursor:
            for number, rows in enumerate(tables):
                cursor.adbc_ingest(name, rows, mode="append" if number else "create")
    connection.commit()


def _tables(connection: Any, kind: str) -> set[str]:
    if kind == "duckdb":
        return {row[0] for row in connection.execute("show tables").fetchall()}
    objects = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
    schemas = [schema for catalog in objects for schema in catalog["catalog_db_schemas"] or []]
    visible = [s for s in schemas if s["db_schema_name"] in (None, "", "public")]
    return {table["table_name"] for s in visible for table in s["db_schema_tables"] or []}


def _place(url: str) -> tuple[str, str]:
    """Split a URL into the kind of database, and the path of a file or the URL of a server."""
    kind, _, rest = url.partition("://")
    if kind in ("sqlite", "duckdb"):
        return kind, rest.removeprefix("/")
    return "postgresql", url


def _connected(url: str) -> Any:
    kind, path = _place(url)
    try:
        if kind == "sqlite":
            from adbc_driver_sqlite import dbapi

            return dbapi.connect(path)
        if kind == "duckdb":
            import duckdb

            return duckdb.connect(path)
        from adbc_driver_postgresql import dbapi

        return dbapi.connect(path)
    except ImportError as error:
        raise InputError(
            f"{kind} needs a driver ({first_line(error)}): pip install 'alad[databases]'"
        ) from error


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn an error of a database into an InputError that names it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{shown(url)}: {error}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in (
            "adbc_driver_manager",
            "duckdb",
            "_duckdb",
        ):
            raise
        if _stopped(error):
            raise KeyboardInterrupt from error
        line = PASSWORD.sub(r"\1@", first_line(error))
        raise InputError(f"{shown(url)}: {line}; correct the query, or the place") from error


def _stopped(error: Exception) -> bool:
    """Tell whether a driver failed as Ctrl-C came: it catches that, and raises what it met then."""
    interrupted = (
        isinstance(error.__cause__, KeyboardInterrupt) or "Interrupt" in type(error).__name__
    )
    return interrupted or "due to user request" in str(error)  # PostgreSQL's words
