"""Find pictures: in a folder and all folders below, in a file, in a column of image bytes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from alad.data.part_files import part_files
from alad.data.reading import explained
from alad.errors import InputError

MASKS = "ground_truth"  # a folder of masks beside pictures, no pictures itself
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"II*\0", b"MM\0*")  # first bytes of pictures
FURTHER = (b"GIF8", b"BM")  # of pictures too, in a column; of a file the suffix tells
JUDGED = 16  # cells
BUFFER = 1 << 20  # bytes of a column that are read at once


class Unreadable(Exception):
    """The reason why a picture is skipped."""


@dataclass(frozen=True)
class StoredPicture:
    """A picture not yet read: in a file, or in memory."""

    name: str
    content: Path | bytes | None

    def bytes(self) -> bytes:
        """Read the picture's bytes; Unreadable says why that fails."""
        if isinstance(self.content, bytes):
            return self.content
        if self.content is None:
            raise Unreadable("the cell is missing")
        try:
            return self.content.read_bytes()
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from error


def holds_pictures(source: str | Path) -> bool:
    """Tell whether a source is a folder of pictures, a picture, or a table with image bytes.

    A column of bytes may hold anything: it counts if one of its first cells begins as a picture. A
    file with a picture's suffix counts as one, so that an error names it if it is none; a folder
    without any picture counts unless it has tables.
    """
    path = Path(source)
    if path.is_dir():
        return any(map(_seems_picture, _files_below(path))) or not part_files(path)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return True
    return path.is_file() and (_begins_as_picture(path) or _holds_image_bytes(path))


def are_pictures(places: Sequence[str | Path]) -> bool:
    """Tell whether several places are pictures, or folders of them, one and all."""

    def holds(path: Path) -> bool:
        files = _files_below(path) if path.is_dir() else [path] if path.is_file() else []
        return any(map(_seems_picture, files))

    return bool(places) and all(holds(Path(place)) for place in places)


def pictures_at(places: Sequence[str | Path]) -> list[StoredPicture]:
    """List the pictures of several places, each once, by their paths below the common folder."""
    paths = [Path(os.path.abspath(place)) for place in places]
    files = [found for path in paths for found in (_files_below(path) if path.is_dir() else [path])]
    chosen = sorted({file for file in files if _seems_picture(file)})
    top = Path(os.path.commonpath([file.parent for file in chosen]))
    return [StoredPicture(_name(file.relative_to(top)), file) for file in chosen]


def stored_pictures(source: Path) -> list[StoredPicture]:
    """List the pictures of a source, by name; InputError if a folder cannot be read."""
    if source.is_dir():
        files = sorted(path for path in _files_below(source) if _seems_picture(path))
        return [StoredPicture(_name(path.relative_to(source)), path) for path in files]
    if not source.is_file():
        raise InputError(f"{source}: no such file or folder")
    with explained(str(source)):
        field = _bytes_field(source)
        if field is None:
            return [StoredPicture(source.name, source)]
        cells = [cell for batch in _batches(source, field.name) for cell in batch.to_pylist()]
    # in a table, by the names it holds; rows tell apart those of the same name
    pictures = []
    for row, value in enumerate(cells):
        name = f"row {row}"
        if isinstance(value, dict):
            name, value = value.get("path") or name, value["bytes"]
        pictures.append(StoredPicture(name, value))
    times = Counter(picture.name for picture in pictures)
    return [
        replace(picture, name=f"row {row}: {picture.name}") if times[picture.name] > 1 else picture
        for row, picture in enumerate(pictures)
    ]


def _files_below(folder: Path) -> Iterator[Path]:
    """List files in a folder and below, but hidden ones and masks; InputError if that fails.

    Links to folders are not followed, as they may go in circles.
    """

    def stop(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read: {error.strerror}") from error

    for place, below, names in os.walk(folder, onerror=stop):
        below[:] = [name for name in below if not name.startswith(".") and name != MASKS]
        yield from (Path(place, name) for name in names if not name.startswith("."))


def links_in(folder: Path) -> str:
    """Mention links to folders, if there are any, in the message that there is no picture."""
    below = (Path(place, name) for place, names, _ in os.walk(folder) for name in names)
    return ", links to folders aside" if any(path.is_symlink() for path in below) else ""


def _seems_picture(path: Path) -> bool:
    """Tell by suffix or first bytes whether a file is a picture; a broken link, by suffix alone."""
    if path.suffix.lower() in SUFFIXES:
        return path.is_file() or not path.exists()
    return path.is_file() and _begins_as_picture(path)


def _name(path: Path) -> str:
    r"""Write a path with / between folders, and bytes that are no UTF-8 as \xff."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _begins_as_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return _is_head(head)


def _is_head(head: bytes) -> bool:
    return head.startswith(MAGIC) and (not head.startswith(b"RIFF") or head[8:12] == b"WEBP")


def _holds_image_bytes(path: Path) -> bool:
    try:
        field = _bytes_field(path)
        if field is None or pa.types.is_struct(field.type):
            return field is not None
        with closing(_batches(path, field.name)) as batches:
            cells = (cell for batch in batches for cell in batch if cell.is_valid)
            first = [cell.as_py() for cell in islice(cells, JUDGED)]
    except (pa.ArrowException, OSError, ValueError):
        return False  # reading it as a table will tell what is wrong
    return not first or any(_is_head(cell) or cell.startswith(FURTHER) for cell in first)


def _bytes_field(path: Path) -> pa.Field | None:
    """Find the first column of a Parquet or Arrow file that holds bytes; None if there is none."""
    with path.open("rb") as file:
        head = file.read(6)
    if head[:4] == b"PAR1":
        schema = parquet.read_schema(path)
    elif head == b"ARROW1":
        with pa.memory_map(str(path)) as file:
            schema = pa.ipc.open_file(file).schema
    else:
        return None
    return next((column for column in schema if _is_bytes(column.type)), None)


def _batches(path: Path, name: str) -> Generator[pa.Array, None, None]:
    """Yield the cells of a column of a Parquet or Arrow file, a few pictures at a time."""
    with path.open("rb") as file:
        of_parquet = file.read(4) == b"PAR1"
    if of_parquet:
        # buffered, or all of a row group is read at once
        with parquet.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as content:
            for batch in content.iter_batches(JUDGED, columns=[name]):
                yield batch.column(0)
    else:
        with pa.memory_map(str(path)) as file:
            content = pa.ipc.open_file(file)
            for number in range(content.num_record_batches):
                yield content.get_batch(number).column(name)


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        names = [kind.field(at).name for at in range(kind.num_fields)]
        return "bytes" in names and _is_bytes(kind.field("bytes").type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
