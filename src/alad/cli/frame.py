"""What all verbs share: the program, its options, its messages, and how it ends."""

import csv
import io
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.errors import InputError, TrainingError

if TYPE_CHECKING:
    pass

LONGEST_LINE = 290  # characters: names of columns may be of any length

app = typer.Typer(
    name="alad",
    help="Learn what is normal from a table, then score what is new.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First steps: alad demo. Help for a verb: alad fit --help",
)


def option(*flags: str, panel: str | None = None, **how: Any) -> Any:
    return typer.Option(*flags, rich_help_panel=panel, **how)


Quiet = Annotated[bool, option("--quiet", "-q", help="No messages, no progress.")]
AsJson = Annotated[bool, option("--json", help="Print what was found as JSON on stdout.")]
Device = Annotated[str | None, option(help="cpu, cuda, or auto.", show_default="cpu")]
ScoringEngine = Annotated[
    str | None,
    option(
        "--engine",
        help="What runs the networks: c, torch, numpy, or auto, which is C where it can be had.",
        show_default="as it was fitted",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a fitted model.")]
TableOrFolder = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="CSV, TSV, Parquet or Arrow, each also .gz; - reads standard input; or a folder of "
        "pictures.",
    ),
]
Drop = Annotated[
    list[str] | None,
    option(
        metavar="NAME,…",
        help="Columns that the detector is not to see; quote a comma in a name: '\"a, b\",c'.",
        show_default=False,
    ),
]
Names = Annotated[list[str] | None, typer.Option(show_default="all")]


SCORES = (
    "features, logits, l1, l2, whitened or egbad of alad, alice and bigan; anogan, residual, "
    "discrimination or logits of anogan; l2 or l1 of the autoencoders; probability, bound or l2 of "
    "vae; energy or reconstruction of dsebm-r and dsebm-e; energy or l2 of dagmm."
)


def check_score(name: str, names: tuple[str, ...], score: str | None) -> None:
    """Raise InputError, naming the option, unless it is among the detector's scores, or None."""
    if score is not None and not names:
        raise InputError(f"--score: {name} has no scores to choose from; leave it out")
    if score is not None and score not in names:
        raise InputError(f"--score is {score!r}; {name} has: {', '.join(names)}")


def check_output(output: str, source: str) -> None:
    """InputError if no table can be written there, or if it would replace the one that is read."""
    from alad.data import writing

    writing.check_target(output)
    if writing.STREAM not in (output, source) and realpath(output) == realpath(source):
        raise InputError(f"-o {output} is the table that is read; name another file")


def writable(folder: Path) -> Path:
    """The folder nearest to it that is there; InputError if nothing can be written in that one."""
    place = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    try:
        tempfile.TemporaryDirectory(dir=place).cleanup()  # only trying tells, on some file systems
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; choose another folder") from error
    return place


def require_empty(folder: Path) -> None:
    """InputError if there is anything in the folder, or nothing can be written in it."""
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: holds files already; name another folder, or an empty one")
    writable(folder)


def flag_of(parameter: str) -> str:
    """The option of `alad fit` that sets a parameter of the detector."""
    return "--" + parameter.replace("score_function", "score").replace("_", "-")


def separated(names: list[str] | None) -> tuple[str, ...]:
    """["id,label", "date"] -> ("id", "label", "date"); a name with a comma stands in quotes."""
    parts = csv.reader(names or (), skipinitialspace=True)
    return tuple(name for part in parts for name in part if name)


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; -> exit status. What a user can mend is one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        _take_any_letter(stream)
    try:
        with _plain_warnings():
            status = typer.main.get_command(app).main(
                list(arguments), prog_name="alad", standalone_mode=False
            )
    except typer.TyperException as error:
        return _complain(_usage(error), error.exit_code)
    except InputError as error:
        return _complain(str(error), 2)
    except TrainingError as error:
        return _complain(str(error), 1)
    except MemoryError:
        return _complain("not enough memory; give fewer rows or columns", 1)
    except OSError as error:
        return _complain(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    return status if isinstance(status, int) else 0


def _take_any_letter(stream: Any) -> None:
    """Let a stream that is no UTF-8 show what it cannot as "?", instead of ending the program."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")


def _complain(message: str, status: int) -> int:
    say(f"alad: {_one_line(message)}")
    return status


def _one_line(message: str) -> str:
    """On one line that a terminal can show: no control characters, both ends kept."""
    line = "".join(c if c.isprintable() else "�" for c in " ".join(message.split()))
    cut = LONGEST_LINE // 2 - 3
    return line if len(line) <= LONGEST_LINE else f"{line[:cut]} … {line[-cut:]}"


def _usage(error: typer.TyperException) -> str:
    """A wrong command line in one line, with the place where the right ones are listed."""
    context = getattr(error, "ctx", None)
    verb = context.command_path if context else "alad"
    return f"{error.format_message().rstrip('.')}; see {verb} --help"


def say(message: str) -> None:
    if sys.stderr is None:  # closed: print would take standard output instead
        return
    with suppress(BrokenPipeError):
        print(message, file=sys.stderr, flush=True)


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Warnings as one line each, once, without the source line that raised them."""
    usual, told = warnings.showwarning, set[str]()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split())
        if text not in told:
            told.add(text)
            say(f"alad: warning: {text}")

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def print_json(content: Any) -> None:
    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")
    print(json.dumps(content, indent=2, ensure_ascii=not unicode))


@contextmanager
def stoppable(how_to_go_on: Callable[[], str]) -> Iterator[None]:
    """Ctrl-C ends the verb with status 130 and a line that says how to go on."""
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
    elif context.invoked_subcommand is None:
        print(context.get_help())


def silent(message: str) -> None:
    """Where messages go with --quiet."""
