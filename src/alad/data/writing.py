"""Write tables to files, batch by batch, whole or not at all, and to standard output."""

import glob
import gzip
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, cast

import numpy as np
import pyarrow as pa

from alad import locks
from alad.data.refusals import listed
from alad.data.remote import RemoteFile, from_store, refusal
from alad.data.spool import Spool
from alad.data.table_formats import SUFFIXES, TableFormat, format_of
from alad.data.upload import PART, check_upload, target_of, uploaded
from alad.errors import InputError, StorageError, first_line

STREAM = "-"  # standard input or output


def check_target(target: str | Path) -> None:
    """Raise InputError if no table can be written to a target, before long work."""
    if str(target) == STREAM:
        if sys.stdout is None:
            raise InputError("standard output is closed; name a file with -o")
        return
    place = target_of(target)
    if isinstance(place, RemoteFile):
        check_upload(place)
        suffix_of(Path(place.path))
        return
    suffix_of(place)
    parent = place.absolute().parent
    if place.is_dir():
        raise InputError(f"{target}: is a folder; name a file")
    if not parent.is_dir():
        raise InputError(f"{target}: there is no folder {str(parent)!r}; make it first")
    if not os.access(parent, os.W_OK):
        raise InputError(f"{target}: no permission to write in {str(parent)!r}")


def write_table(
    table: pa.Table, target: str | Path, added: Mapping[str, np.ndarray] | None = None
) -> None:
    """Write `table` with the `added` columns [n] after its own, as `table_writer` does.

    Raises InputError as it does, and if a name is taken.
    """
    whole = with_columns(table, added or {})
    with table_writer(target) as write:
        write(whole)


@contextmanager
def table_writer(
    target: str | Path, last: Callable[[pa.Table], pa.Table] | None = None
) -> Iterator[Callable[[pa.Table], None]]:
    """Open a target for tables of the same columns, written one by one: all of them or none.

    The suffix gives the format: .csv, .tsv, .txt (tabs), .parquet, .pq, .arrow, .feather, .ipc,
    .jsonl, .ndjson, each also with .gz; "-" writes CSV to standard output, where tables appear as
    they come; a URL such as s3://bucket/scored.csv names a file of an object store. last: what to
    make of every table once all are known, on a second pass. Raises InputError if the suffix is
    unknown, if the format cannot hold a column, or if the file cannot be written.
    """
    check_target(target)
    stack = ExitStack()
    try:
        with _told(target):
            output = stack.enter_context(_opened(target, last))

        def write(table: pa.Table) -> None:
            with _told(target):
                output.write(table)

        yield write
        with _told(target):
            output.end()
            stack.close()
    except BaseException as error:
        with suppress(OSError):  # the first one counts: a full disk is full for closing, too
            stack.__exit__(type(error), error, error.__traceback__)
        raise


@contextmanager
def _told(target: str | Path) -> Iterator[None]:
    """Turn an error of writing into a StorageError, or an InputError, that names the target."""
    place = "standard output" if str(target) == STREAM else target
    try:
        yield
    except BrokenPipeError:  # whoever reads has had enough
        raise
    except OSError as error:
        reason = refusal(error) if from_store(error) else first_line(error)
        raise StorageError(f"{place}: cannot be written: {reason}") from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        cure = "leave out the column, or write another kind of file"
        raise InputError(f"{place}: cannot hold a column: {first_line(error)}; {cure}") from error


@contextmanager
def _opened(target: str | Path, last: Callable[[pa.Table], pa.Table] | None) -> "Iterator[_Output]":
    with ExitStack() as stack:
        if str(target) == STREAM:
            output = _Output(sys.stdout.buffer, ".csv", Path(tempfile.gettempdir()), last)
        else:
            place = target_of(target)
            if isinstance(place, RemoteFile):
                path, folder = Path(place.path), Path(tempfile.gettempdir())
                file, regular = stack.enter_context(uploaded(place)), False
            else:
                path, folder = place, Path(os.path.realpath(place)).parent
                file = stack.enter_context(replacing(path))
                regular = Path(file.name) != path
            if path.name.lower().endswith(".gz"):
                packed = gzip.GzipFile(
                    fileobj=file, filename="", mode="wb", compresslevel=6, mtime=0
                )
                file, regular = cast("IO[bytes]", stack.enter_context(packed)), False
            output = _Output(file, suffix_of(path), folder, last, again=regular)
        stack.callback(output.close)
        yield output


class _Output:
    """A file that tables are written to: as they come, or, where all must be known, at the end.

    again: can it be begun again? folder: where rows wait until all are known.
    """

    def __init__(
        self,
        file: IO[bytes],
        suffix: str,
        folder: Path,
        last: Callable[[pa.Table], pa.Table] | None,
        again: bool = False,
    ):
        self._file, self._folder, self._last, self._again = file, folder, last, again
        self._format: TableFormat = format_of(suffix, file)
        self._names: list[str] = []
        self._schema: pa.Schema | None = None  # of the first table
        self._spool: Spool | None = None

    def write(self, table: pa.Table) -> None:
        """Write the next table; its columns may be in another order than those of the first."""
        if not self._names:
            self._schema, self._names = table.schema, table.column_names
            waits = self._last is not None or self._format.needs_all(table.schema)
            if waits or (self._format.of_one_schema and not self._again):
                self._spool = Spool(self._folder, self._format.typed)
        table = table.select(self._names)
        if self._spool is None and self._format.of_one_schema and table.schema != self._schema:
            self._start_over()
        if self._spool is None:
            self._format.write(table)
        else:
            self._spool.add(table)

    def _start_over(self) -> None:
        """Take back what was written: a later table has other types, and all must be known."""
        self._spool = Spool(self._folder, self._format.typed)
        self._format.end()
        self._file.flush()
        for table in self._format.read_back(str(self._file.name)):
            self._spool.add(table)
        self._file.seek(0)
        self._file.truncate()
        self._format = type(self._format)(self._file)

    def end(self) -> None:
        """Write what waits, and the end of the file."""
        if self._spool is not None:
            for table in self._spool.tables():
                self._format.write(table if self._last is None else self._last(table))
        self._format.end()
        self._file.flush()

    def close(self) -> None:
        """Give up what waits."""
        self._format.abandon()
        if self._spool is not None:
            self._spool.close()


def with_columns(table: pa.Table, added: Mapping[str, np.ndarray]) -> pa.Table:
    """Append columns to a table; InputError if a name is taken."""
    taken = [name for name in added if name in table.column_names]
    if taken:
        raise InputError(f"the table has a column {listed(taken)} already; rename or remove it")
    for name, values in added.items():
        table = table.append_column(name, pa.array(values))
    return table


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """Open a binary file that replaces `target` if no error occurs, and else is removed."""
    if target.exists() and not target.is_file():  # a pipe or a device is written to directly
        with target.open("wb") as file:
            yield file
        return
    final = Path(os.path.realpath(target))  # the file that a link points to
    _remove_abandoned(final)
    part = final.with_name(f".{final.name}.{os.getpid()}{PART}")
    try:
        with locks.created(part) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(final)
    finally:
        part.unlink(missing_ok=True)


def _remove_abandoned(final: Path) -> None:
    """Remove what processes that were killed had written of a file until then."""
    for part in final.parent.glob(f".{glob.escape(final.name)}.*{PART}"):
        with suppress(OSError), locks.locked(part, wait=False) as free:
            if free:
                part.unlink()


def suffix_of(target: Path) -> str:
    """Tell the suffix of a file's name, without .gz; InputError if it is unknown."""
    suffix = Path(target.name.lower().removesuffix(".gz")).suffix
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise InputError(f"{target}: unknown kind of file {suffix!r}; end its name in {known}")
    return suffix
