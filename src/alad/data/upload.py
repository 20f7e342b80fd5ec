"""Write files of object stores: whole or not at all, as files here are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from pyarrow import fs

from alad.data.remote import RemoteFile, file_system, is_url, refusal
from alad.errors import InputError, StorageError

PART = ".part"  # ends the name of what is not yet whole
WAITING = 1 << 26  # bytes that may wait to be sent


def target_of(place: str | Path) -> Path | RemoteFile:
    """Tell where a place is that is written to: here (file:// too), or in an object store."""
    if not is_url(place):
        return Path(place)
    system, path = file_system(str(place))
    local = isinstance(system, fs.LocalFileSystem)
    return Path(path) if local else RemoteFile(system, path, str(place))


def check_upload(target: RemoteFile) -> None:
    """Raise InputError unless there is a bucket that can be looked at, and no folder in the way."""
    bucket, _, name = target.path.partition("/")
    if not name:
        raise InputError(f"{target}: names no file; write s3://bucket/scored.csv or the like")
    try:
        there = target.system.get_file_info([bucket, target.path])
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {refusal(error)}") from error
    if target.system.type_name == "s3" and there[0].type == fs.FileType.NotFound:
        raise InputError(f"{target}: there is no bucket {bucket!r}; make it first")
    if there[1].type == fs.FileType.Directory:
        raise InputError(f"{target}: is a folder; name a file")


@contextmanager
def uploaded(target: RemoteFile) -> Iterator[IO[bytes]]:
    """Open a binary file that becomes `target` if no error occurs; else nothing is there.

    It is sent under another name, and renamed in the store once all of it is there: Arrow closes
    a file that is given up as if it were whole. Raises OSError if it cannot be sent.
    """
    folder, slash, name = target.path.rpartition("/")
    part = f"{folder}{slash}.{name}.{os.getpid()}{PART}"
    sent = _Sent(target.system.open_output_stream(part, compression=None))
    try:
        yield cast("IO[bytes]", sent)
        sent.close()
        there = target.system.get_file_info(part).size
        if there != sent.size:
            raise StorageError(f"{target}: {there} of {sent.size} bytes arrived; try again")
        target.system.move(part, target.path)
    except BaseException:
        with suppress(OSError):
            sent.close()
        with suppress(OSError):
            target.system.delete_file(part)
        raise


class _Sent:
    """A file that is sent while it is written; little of it waits in memory."""

    def __init__(self, file: Any):
        self._file, self._waiting = file, 0
        self.size = 0  # bytes written
        self.closed = False

    def write(self, data: Any) -> int:
        length = memoryview(data).nbytes
        self._file.write(data)
        self.size += length
        self._waiting += length
        if self._waiting > WAITING:  # Arrow sends behind our back, as much as it is given
            self.flush()
        return length

    def flush(self) -> None:
        self._file.flush()
        self._waiting = 0

    def close(self) -> None:
        self.closed = True
        self._file.close()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return self.size
