"""Locks of files and folders, one writer at a time; they end with the process, however it ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where nothing is locked
    fcntl = None


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool | None]:
    """Lock a file or folder that exists for the time of the context.

    Yield True; without `wait`, False if somebody else holds the lock; None where the system or the
    file system has no locks. Raises OSError if there is nothing at the path.
    """
    if fcntl is None:
        yield None
        return
    while True:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            mine = _lock(descriptor, wait=wait)
            if mine and not _is_at(descriptor, path):  # removed while we waited
                continue
            yield mine
            return
        finally:
            os.close(descriptor)


@contextmanager
def created(path: Path) -> Iterator[IO[bytes]]:
    """Create a binary file, or empty it, and hold its lock until it is closed."""
    while True:
        with path.open("wb") as file:
            # whoever clears up may have come between the two
            if _lock(file.fileno(), wait=True) and not _is_at(file.fileno(), path):
                continue
            yield file
            return


def _lock(descriptor: int, *, wait: bool) -> bool | None:
    """Lock an open file or folder until it is closed; answers as `locked` does."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems
        return None
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether an open file or folder is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
