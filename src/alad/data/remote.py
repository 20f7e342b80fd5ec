"""Files of object stores and other file systems, named by a URL such as s3://bucket/new.parquet."""

import fnmatch
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, cast

from pyarrow import fs

from alad.errors import InputError, first_line

URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class RemoteFile:
    """A file, by its file system and its path there."""

    system: Any  # pyarrow.fs.FileSystem
    path: str
    url: str  # its name in messages

    def __str__(self) -> str:
        return self.url

    def open(self) -> IO[bytes]:
        """Open it to be read once from its beginning."""
        return cast("IO[bytes]", self.system.open_input_stream(self.path, compression=None))

    def random(self) -> Any:
        """Open it to be read at any place, as Arrow does."""
        return self.system.open_input_file(self.path)


def is_url(place: object) -> bool:
    """Tell whether a place is named by a URL."""
    return isinstance(place, str) and URL.match(place) is not None


def remote_files(url: str) -> list[tuple[RemoteFile, PurePosixPath]]:
    """List the files at a URL: one, all below a folder, or those of a pattern, by name.

    Each with its path below the folder, or below what precedes the pattern. In a pattern * stands
    for any letters, / too. Raises InputError if there is none, or the place cannot be reached.
    """
    system, path = file_system(url)
    magic = PATTERN.search(path)
    base = path[: magic.start()].rpartition("/")[0] if magic else path
    try:
        info = system.get_file_info(base)
        if info.type == fs.FileType.File and not magic:
            return [(RemoteFile(system, path, url), PurePosixPath(PurePosixPath(path).name))]
        selector = fs.FileSelector(base, recursive=True, allow_not_found=True)
        below = [each.path for each in system.get_file_info(selector) if each.is_file]
    except OSError as error:
        raise InputError(f"{url}: cannot be read: {first_line(error)}; check the place") from error
    if magic:
        below = [each for each in below if fnmatch.fnmatchcase(each, path)]
    if not below:
        raise InputError(f"{url}: there is no such file or folder; check its name")
    start = url[: len(url.partition("?")[0]) - len(path)] if path in url else ""
    return [
        (RemoteFile(system, each, f"{start}{each}"), PurePosixPath(each).relative_to(base))
        for each in sorted(below)
    ]


def file_system(url: str) -> tuple[Any, str]:
    """Find the file system of a URL, and the path there: Arrow's own, or fsspec's."""
    try:
        return fs.FileSystem.from_uri(url)
    except (ValueError, OSError) as error:
        kind = url.partition("://")[0]
        if kind in ("s3", "gs", "gcs", "file", "hdfs", "abfs", "abfss"):
            line = first_line(error)
            raise InputError(f"{url}: is no place that can be read: {line}; correct it") from error
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        line = first_line(error)
        raise InputError(f"{url}: {kind}:// cannot be read: {line}; copy the file here") from error
    return fs.PyFileSystem(fs.FSSpecHandler(system)), path
