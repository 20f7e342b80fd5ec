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
AWS_ERROR = re.compile(r"AWS Error ([A-Z_]+(?: \(HTTP status \d+\))?)")
REASONS = {  # beginnings of Arrow's names of errors -> the reason, and the remedy
    ("NETWORK_CONNECTION", "REQUEST_TIMEOUT", "SERVICE_UNAVAILABLE", "SLOW_DOWN"): (
        "no answer from the object store; check the network and AWS_ENDPOINT_URL, and try again"
    ),
    ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_SIGNATURE"): (
        "access is denied; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and what they allow"
    ),
    ("NO_SUCH_BUCKET",): "there is no such bucket; check its name",
}


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
    if not path:
        raise InputError(f"{url}: names no bucket; write s3://bucket/new.parquet or the like")
    magic = PATTERN.search(path)
    base = path[: magic.start()].rpartition("/")[0] if magic else path
    try:
        info = system.get_file_info(base)
        if info.type == fs.FileType.File and not magic:
            return [(RemoteFile(system, path, url), PurePosixPath(PurePosixPath(path).name))]
        selector = fs.FileSelector(base, recursive=True, allow_not_found=True)
        below = [each.path for each in system.get_file_info(selector) if each.is_file]
    except OSError as error:
        raise InputError(f"{url}: cannot be read: {refusal(error)}") from error
    if magic:
        below = [each for each in below if fnmatch.fnmatchcase(each, path)]
    if not below:
        raise InputError(f"{url}: there is no such {_missing(system, path)}; check its name")
    start = url[: len(url.partition("?")[0]) - len(path)] if path in url else ""
    return [
        (RemoteFile(system, each, f"{start}{each}"), PurePosixPath(each).relative_to(base))
        for each in sorted(below)
    ]


def _missing(system: Any, path: str) -> str:
    """Tell whether it is the bucket that is missing, or what should be in it."""
    bucket = path.partition("/")[0]
    gone = system.type_name == "s3" and system.get_file_info(bucket).type == fs.FileType.NotFound
    return f"bucket as {bucket!r}" if gone else "file or folder"


def refusal(error: BaseException) -> str:
    """Explain what an object store, or the way to it, answers: the reason, and the remedy."""
    line = str(error)
    code = AWS_ERROR.search(line)
    if code is None:
        return f"{first_line(error)}; check the place"
    for codes, reason in REASONS.items():
        if any(code[1].startswith(each) for each in codes):
            return reason
    return f"{line[code.start() :].splitlines()[0][:200]}; check the place"


def from_store(error: BaseException) -> bool:
    """Tell whether an object store, or the way to it, has failed; else the file may be damaged."""
    return AWS_ERROR.search(str(error)) is not None


def file_system(url: str) -> tuple[Any, str]:
    """Find the file system of a URL, and the path there: Arrow's own, or fsspec's."""
    try:
        return fs.FileSystem.from_uri(url)
    except (ValueError, OSError) as error:
        kind = url.partition("://")[0]
        if from_store(error):
            raise InputError(f"{url}: cannot be reached: {refusal(error)}") from error
        if kind in ("s3", "gs", "gcs", "file", "hdfs", "abfs", "abfss"):
            line = first_line(error)
            raise InputError(f"{url}: is no place that is known: {line}; correct it") from error
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        line = first_line(error)
        raise InputError(f"{url}: {kind}:// cannot be used: {line}; use a file here") from error
    return fs.PyFileSystem(fs.FSSpecHandler(system)), path
