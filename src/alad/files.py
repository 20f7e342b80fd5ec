"""Put whole files into folders, and read files that may be anything."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".writing-"  # how the names of files begin that are being written
MOST_BYTES = 1 << 28  # of a manifest, or of the header of the arrays
HEADER_LENGTH = 8  # bytes before the header of safetensors: how long that is


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a folder and those above it for the context; what is empty at its end is removed."""
    missing = [place for place in (folder, *folder.absolute().parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        for place in missing:
            with suppress(OSError):
                place.rmdir()


def put(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only once it is complete and on the disk."""
    temporary = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    # so that the rename survives a power cut; Windows cannot open a folder
    if os.name == "posix":
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def stated_length(path: Path) -> int | None:
    """Tell from the header of safetensors how long the file should be; None if it has none."""
    require_file(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(HEADER_LENGTH), "little")
        if not 0 < length <= MOST_BYTES:
            return None
        header = file.read(length)
    try:
        parts = [value for name, value in json.loads(header).items() if name != "__metadata__"]
        ends = [int(part["data_offsets"][1]) for part in parts]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return HEADER_LENGTH + length + max(ends, default=0)


def bytes_of(path: Path, most: int | None = None) -> bytes:
    """Read a file, of so many bytes at most. Raises OSError, also for what is no file."""
    require_file(path)
    if most is not None and path.stat().st_size > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return path.read_bytes()


def require_file(path: Path) -> None:
    """Raise OSError unless there is a file: a pipe keeps a reader waiting, a device never ends."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is no file")
