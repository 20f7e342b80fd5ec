"""Run the command line: in this process, for speed, or as a program of its own."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import typer

from alad import cli

SECONDS = 120  # that a command may take; on an idle machine most take a tenth of one


LARGE = 1 << 26  # bytes of a file that is not read


class TookTooLong(BaseException):
    """Raised by the alarm; no handler of errors takes it for one of its own."""


class Result(NamedTuple):
    """What a command left: its exit status, and what it wrote to the two streams."""

    status: int
    out: str
    err: str


class Program:
    """The command line in this process, its output caught at the descriptors, as C code has it."""

    def __init__(self) -> None:
        self.command = typer.main.get_command(cli.app)  # building it takes longer than most cases
        self.files = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115  (`close` does)

    def close(self) -> None:
        """Remove the files of its output; left open, they would be the fault of a later test."""
        for file in self.files:
            file.close()

    def run(self, arguments: Sequence[str], stdin: bytes = b"") -> Result:
        """Carry out a command; an exception that escapes is a traceback on stderr."""
        for file in self.files:
            file.seek(0)
            file.truncate()
        with self._redirected(stdin), warnings.catch_warnings(), alarm(SECONDS):
            warnings.simplefilter("always")  # else a warning is shown once a process, not a command
            try:
                status = cli.run(arguments)
            except TookTooLong:
                status, where = -1, traceback.format_exc(limit=-8)
                print(f"took longer than {SECONDS} s\n{where}", file=sys.stderr)
            except (Exception, SystemExit):
                status = 1
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
        for file in self.files:
            file.seek(0)
        out, err = (file.read().decode("utf-8", "backslashreplace") for file in self.files)
        return Result(status, out, err)

    @contextmanager
    def _redirected(self, stdin: bytes) -> Iterator[None]:
        usual = sys.stdin, sys.stdout, sys.stderr, typer.main.get_command
        kept = [os.dup(number) for number in (1, 2)]
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            for number, file in zip((1, 2), self.files, strict=True):
                os.dup2(file.fileno(), number)
            sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
            sys.stdout = _stream(1)
            sys.stderr = _stream(2)
            typer.main.get_command = lambda app: self.command
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr, typer.main.get_command = usual
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)


def _stream(number: int) -> io.TextIOWrapper:
    raw = open(number, "wb", closefd=False)  # noqa: SIM115  (it lives as long as the command)
    return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)


@contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """Raise TookTooLong in the block if it takes longer."""

    def ring(number: int, frame: object) -> None:
        raise TookTooLong

    usual = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)


def as_program(arguments: Sequence[str], stdin: bytes = b"") -> Result:
    """Carry out a command as a program of its own."""
    command = [sys.executable, "-m", "alad", *arguments]
    run = subprocess.run(command, input=stdin, capture_output=True, timeout=5 * SECONDS)
    out, err = (part.decode("utf-8", "backslashreplace") for part in (run.stdout, run.stderr))
    return Result(run.returncode, out, err)


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Read every file below a folder; of other things, None."""
    found: dict[str, bytes | None] = {}
    for place, below, names in os.walk(folder):
        for name in [*below, *names]:
            path = Path(place, name)
            plain = path.is_file() and not path.is_symlink() and path.stat().st_size < LARGE
            found[os.path.relpath(path, folder)] = path.read_bytes() if plain else None
    return found


def warned(err: str, column: str) -> bool:
    """Tell whether a line on stderr names a column, however its name is escaped."""
    quoted = {repr(column), repr(" ".join(column.split()))}
    plain = re.sub(r"\s+", " ", err)
    return any(text in plain for text in quoted) or column in err
