"""What all verbs share: the program, its messages, and how it ends."""

import errno
import io
import json
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from os.path import expanduser, realpath
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from alad.errors import InputError, StorageError, TrainingError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LONGEST_LINE = 290  # characters: names of columns may be of any length


class _Program(TyperGroup):
    """The verbs; one that is stopped and says nothing itself has a line said of it."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with stoppable(lambda: "start it again"):
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with stoppable(lambda: "start it again"):
            return super().invoke(ctx)


app = typer.Typer(
    name="alad",
    cls=_Program,
    help="Learn what is normal from a table, then score what is new.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First steps: alad demo. Help for a verb: alad fit --help",
)


def check_output(output: str, *sources: str) -> None:
    """Raise InputError if no table can be written there, or it would replace one that is read."""
    from alad.data import writing

    writing.check_target(output)
    if output != writing.STREAM and realpath(output) in map(realpath, sources):
        raise InputError(f"-o {output} is the table that is read; name another file")


def check_file(output: Path) -> None:
    """Raise InputError if no file of this name can be made here."""
    from alad.storage import URL

    if URL.match(str(output)):
        raise InputError(f"{output}: is written on this machine alone; name a file, and copy it")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"{output}: there is no such folder, or it is one; choose another file")


def writable(folder: Path) -> Path:
    """Find the nearest folder that exists, or raise InputError if nothing can be written in it."""
    place = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        tempfile.TemporaryDirectory(dir=place).cleanup()  # only trying tells, on some file systems
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder") from error
    return place


def require_empty(folder: Path) -> None:
    """Raise InputError if there is anything in the folder, or nothing can be written in it."""
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: holds files already; name another folder, or an empty one")
    writable(folder)


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; -> exit status. Errors that a user can mend are one line."""
    # a stream whose encoding lacks a character writes "?" instead of raising
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    try:
        with _plain_warnings():
            status = typer.main.get_command(app).main(
                list(map(_at_home, arguments)), prog_name="alad", standalone_mode=False
            )
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        verb = context.command_path if context else "alad"
        message = error.format_message().rstrip(".")
        return _complain(f"{message}; see {verb} --help", error.exit_code)
    except StorageError as error:
        full = isinstance(error.__cause__, OSError) and error.__cause__.errno in DISK_FULL
        return _complain(str(error), 1 if full else 2)
    except InputError as error:
        return _complain(str(error), 2)
    except TrainingError as error:
        return _complain(str(error), 1)
    except MemoryError:
        return _complain("not enough memory; give fewer rows or columns", 1)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return _complain(f"{str(error.filename)[:40]}…: a name too long; choose another", 2)
        return _complain(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    return status if isinstance(status, int) else 0


def _at_home(word: str) -> str:
    """Put the home folder for ~/ in a word or after an option's =, where shells leave it."""
    return re.sub(r"^(--[\w-]+=)?~(?=/)", lambda ahead: (ahead[1] or "") + expanduser("~"), word)


def _complain(message: str, status: int) -> int:
    """Write an error on one line of printable characters, its middle cut if it is long."""
    line = "".join(c if c.isprintable() else "�" for c in " ".join(message.split()))
    cut = LONGEST_LINE // 2 - 3
    line = line if len(line) <= LONGEST_LINE else f"{line[:cut]} … {line[-cut:]}"
    say(f"alad: {line}")
    return status


def say(message: str) -> None:
    """Write a message on stderr."""
    if sys.stderr is None:  # closed: print would take standard output instead
        return
    with suppress(BrokenPipeError):
        print(message, file=sys.stderr, flush=True)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Write each warning once, on one line, without the source line that raised it."""
    usual, shown = warnings.showwarning, set[str]()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split())
        if text not in shown:
            shown.add(text)
            say(f"alad: warning: {text}")

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def counted(number: int, unit: str) -> str:
    """Write "1 row" or "12 images"."""
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def print_json(content: Any) -> None:
    """Print JSON, in ASCII where standard output is no Unicode; InputError if it is closed."""
    from alad.report.tables import standard_output

    out = standard_output()
    unicode = (getattr(out, "encoding", None) or "utf-8").lower().startswith("utf")
    print(json.dumps(content, indent=2, ensure_ascii=not unicode), file=out)


@contextmanager
def stoppable(how_to_go_on: Callable[[], str]) -> Iterator[None]:
    """End the verb at Ctrl-C with status 130 and a line that says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"alad: stopped; {how_to_go_on()}")
        raise typer.Exit(130) from None


@app.callback(invoke_without_command=True)
def _alad(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from alad.version import __version__

        print(f"alad {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def silent(message: str) -> None:
    """Drop a message, as --quiet asks."""
