"""Streams that cannot go back, a pipe or what is packed, read from any place all the same."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, Any

import pyarrow as pa

from alad.data.array_file import temporary_file
from alad.errors import InputError

IN_MEMORY = 1 << 26  # bytes of a stream; of more they lie in a file
AT_ONCE = 1 << 24  # bytes copied
WHAT = "a packed file or a pipe, unpacked,"

Opener = Callable[[], AbstractContextManager[Any]]  # gives a file at its beginning


@contextmanager
def rewindable(head: bytes, file: IO[bytes]) -> Iterator[Opener]:
    """Read a stream, of which `head` was read before, to its end; give what opens it anew.

    A long one lies in the folder for temporary files, in a file without a name that is gone at the
    end of the context. Raises InputError where there is no room.
    """
    start = head + file.read(IN_MEMORY)
    if len(start) < IN_MEMORY:
        yield lambda: pa.BufferReader(start)
        return
    folder = tempfile.gettempdir()
    with temporary_file(folder, WHAT) as kept:
        while start:
            _append(kept, start, folder)
            start = file.read(AT_ONCE)

        def opened() -> AbstractContextManager[IO[bytes]]:
            kept.seek(0)
            return nullcontext(kept)  # which stays open: it is read more than once

        yield opened


def _append(kept: IO[bytes], part: bytes, folder: str) -> None:
    try:
        kept.write(part)
        kept.flush()  # a full disk tells here
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror}; {WHAT} lies there while it is read: make room, or let "
            "TMPDIR name another folder"
        ) from error
