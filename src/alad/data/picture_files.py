"""Where pictures are: in a folder and all below it, in one file, in a column of image bytes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from alad.data.reading import part_files
from alad.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*")  # how pictures begin


class Unreadable(Exception):
    """Why a picture is left out."""


@dataclass(frozen=True)
class Cell:
    """A picture not yet read: in a file, or in memory."""

    name: str
    content: Path | bytes | None

    def bytes(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        if self.content is None:
            raise Unreadable("the cell is missing")
        try:
            return self.content.read_bytes()
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from error


def holds_pictures(source: str | Path) -> bool:
    """Is it a folder, a picture file, or a table with a column of image bytes?

    What is called a picture counts as one, so that a text named .png is told to be none; and a
    folder without any holds pictures unless it has tables.
    """
    path = Path(source)
    if path.is_dir():
        return any(map(_seems_picture, _files_below(path))) or not part_files(path)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return True
    return path.is_file() and (_begins_as_picture(path) or _bytes_column(path) is not None)


def cells_of(source: Path) -> list[Cell]:
    """Of a folder in the order of their names; InputError if it, or one below, cannot be read."""
    if source.is_dir():
        files = sorted(path for path in _files_below(source) if _seems_picture(path))
        return [Cell(_name(path.relative_to(source)), path) for path in files]
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder")
    column = _bytes_column(source)
    if column is None:
        return [Cell(source.name, source)]
    return _cells_of_column(column)


def _files_below(folder: Path) -> Iterator[Path]:
    """What is hidden is left alone, and links to folders are not followed: they may go in circles.

    A folder that cannot be listed is an error, or its pictures would be missing without a word.
    """

    def stop(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error

    for place, below, names in os.walk(folder, onerror=stop):
        below[:] = [name for name in below if not name.startswith(".")]
        yield from (Path(place, name) for name in names if not name.startswith("."))


def links_in(folder: Path) -> str:
    """What to add where no picture was found, if there are links to folders; else nothing."""
    below = (Path(place, name) for place, names, _ in os.walk(folder) for name in names)
    return ", links to folders aside" if any(path.is_symlink() for path in below) else ""


def _seems_picture(path: Path) -> bool:
    """By its suffix or by how it begins; a link that leads nowhere by its suffix alone."""
    if path.suffix.lower() in SUFFIXES:
        return path.is_file() or not path.exists()
    return path.is_file() and _begins_as_picture(path)


def _name(path: Path) -> str:
    r"""With / between folders; bytes that are no UTF-8 as \xff, as a table can hold them."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _begins_as_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head.startswith(MAGIC) and (not head.startswith(b"RIFF") or head[8:] == b"WEBP")


def _bytes_column(path: Path) -> pa.ChunkedArray | None:
    """The first column of a Parquet or Arrow file that holds bytes; None if there is none."""
    with path.open("rb") as file:
        head = file.read(6)
    try:
        if head[:4] == b"PAR1":
            name = _bytes_name(parquet.read_schema(path))
            return None if name is None else parquet.read_table(path, columns=[name])[name]
        if head == b"ARROW1":
            with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
                name = _bytes_name(reader.schema)
                return None if name is None else reader.read_all()[name]
    except (pa.ArrowException, OSError, ValueError):
        return None  # whoever reads it as a table says what is wrong with it
    return None


def _bytes_name(schema: pa.Schema) -> str | None:
    return next((one.name for one in schema if _is_bytes(one.type)), None)


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        names = [kind.field(at).name for at in range(kind.num_fields)]
        return "bytes" in names and _is_bytes(kind.field("bytes").type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _cells_of_column(column: pa.ChunkedArray) -> list[Cell]:
    """By the names that they have there, told apart by their rows where a name comes twice."""
    found = []
    for row, value in enumerate(column.to_pylist()):
        name = f"row {row}"
        if isinstance(value, dict):
            name, value = value.get("path") or name, value["bytes"]
        found.append(Cell(name, value))
    times = Counter(cell.name for cell in found)
    return [
        cell if times[cell.name] == 1 else replace(cell, name=f"row {row}: {cell.name}")
        for row, cell in enumerate(found)
    ]
