"""List the files that a table is made of: in folders, by patterns, at URLs."""

import glob
import re
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from pathlib import Path, PurePath
from typing import NamedTuple
from urllib.parse import unquote

import pyarrow as pa

from alad.data.refusals import listed
from alad.data.remote import PATTERN, RemoteFile, is_url, remote_files
from alad.data.spool import FROM_TEXT
from alad.data.table_formats import SUFFIXES
from alad.errors import InputError

WHOLE_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})")
NULL = "__HIVE_DEFAULT_PARTITION__"  # how Hive writes a missing cell


class Part(NamedTuple):
    """A file, and the cells that the names of its folders say: of day=1/ the column `day`."""

    file: str | Path | RemoteFile
    cells: dict[str, str | None]


def place_of_files(source: object) -> str:
    """Name a file or folder, or several of them, for messages."""
    several = isinstance(source, list | tuple) and source
    if not several:
        return str(source)
    return f"{several[0]} and {len(several) - 1} more" if several[1:] else str(several[0])


def parts_at(place: str | Path) -> list[Part]:
    """List the files at a place: a file, a folder, a pattern such as new/*.parquet, or a URL.

    In a folder, and below a pattern, folders such as year=2020 make a column. Raises InputError if
    nothing is there.
    """
    if is_url(place):
        found = remote_files(str(place))
        tables = [each for each in found if _is_part(each[1])] if found[1:] else found
        return [Part(file, _cells(below)) for file, below in tables]
    path = Path(place)
    if path.is_dir():
        return [Part(file, _cells(file.relative_to(path))) for file in part_files(path)]
    magic = PATTERN.search(str(place))
    if magic is None or path.exists():
        return [Part(place, {})]
    files = [Path(name) for name in sorted(glob.glob(str(place), recursive=True))]
    start = Path(str(place)[: magic.start()] + "_").parent
    parts = [Part(file, _cells(file.relative_to(start))) for file in files if file.is_file()]
    if not parts:
        raise InputError(f"{place}: no file has such a name; check the pattern, and where you are")
    return parts


def part_files(folder: Path) -> list[Path]:
    """List tables in a folder and all folders below, by name.

    Tables have a known suffix, or begin with part-, as those of Spark and Hadoop; names that begin
    with . or _ are skipped.
    """
    below = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in below if _is_part(path.relative_to(folder))]


def _is_part(below: PurePath) -> bool:
    name = below.name.lower()
    hidden = any(part.startswith((".", "_")) for part in below.parts)
    table = name.startswith("part-") or PurePath(name.removesuffix(".gz")).suffix in SUFFIXES
    return table and not hidden


def _cells(below: PurePath) -> dict[str, str | None]:
    """Read the cells in the names of the folders that a file lies in."""
    pairs = [name.partition("=") for name in below.parts[:-1] if "=" in name]
    return {unquote(name): None if cell == NULL else unquote(cell) for name, _, cell in pairs}


def numbered(parts: Sequence[Part]) -> set[str]:
    """Name the columns of folders that hold whole numbers alone; of the others cells are text."""
    columns: dict[str, list[str]] = {}
    for part in parts:
        for name, cell in part.cells.items():
            columns.setdefault(name, []).extend([cell] if cell is not None else [])
    return {n for n, cells in columns.items() if cells and all(map(WHOLE_NUMBER.fullmatch, cells))}


def with_cells(
    tables: Generator[pa.Table, None, None], part: Part, numbers: Collection[str]
) -> Generator[pa.Table, None, None]:
    """Add the columns that a file's folders say behind its own; InputError if it has them too."""
    with closing(tables):
        for table in tables:
            twice = [name for name in part.cells if name in table.column_names]
            if twice:
                raise InputError(
                    f"{part.file}: has a column {listed(twice)}, as the names of its folders do; "
                    "rename one"
                )
            yield _with_cells(table, part, numbers)


def _with_cells(table: pa.Table, part: Part, numbers: Collection[str]) -> pa.Table:
    text = FROM_TEXT in (table.schema.metadata or {})
    for name, cell in part.cells.items():
        number = name in numbers and not text
        kind = pa.int64() if number else pa.string()
        # in CSV, a missing cell is an empty one
        value = ("" if text else None) if cell is None else int(cell) if number else cell
        scalar = pa.scalar(value, kind)
        table = table.append_column(name, pa.repeat(scalar, table.num_rows))
    return table
