"""The command line: parse, call, print. Data go to standard output or a file, all else to stderr.

Exit status: 0 done; 1 it could not be done (a training that diverged, a full disk); 2 bad input,
with one line that says what to change; 130 stopped with Ctrl-C. A verb loads what it needs.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from alad.cli.quick_start import quicken

if TYPE_CHECKING:
    from alad.cli.frame import app

VERBS = {  # in the order of the help; the module of each
    "fit": "models",
    "score": "scoring",
    "explain": "explaining",
    "calibrate": "deciding",
    "report": "reporting",
    "info": "models",
    "compare": "comparing",
    "detectors": "comparing",
    "export": "exporting",
    "bench": "measuring",
    "demo": "demonstrating",
}
__all__ = ["VERBS", "app", "main", "run"]


def main() -> NoReturn:
    """Run the program `alad`."""
    try:
        quicken()
        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # while it starts: later the verb says how to go on
        print("alad: stopped; start it again", file=sys.stderr)
        status = 130
    if "ray" in sys.modules:  # its session has ended, but its threads crash some exits after Ctrl-C
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads
                stream.flush()
        os._exit(status)
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line; -> exit status. Errors that a user can mend are one line."""
    from alad.cli import frame

    verb = arguments[0] if arguments else ""
    _load([verb] if verb in VERBS else VERBS)
    return frame.run(arguments)


def _load(verbs: Iterable[str]) -> None:
    """Import the modules of verbs, each of which adds them to the program."""
    from alad.cli import frame

    for verb in verbs:
        import_module(f"alad.cli.{VERBS[verb]}")
    order = list(VERBS)
    frame.app.registered_commands.sort(key=lambda verb: order.index(verb.callback.__name__))  # pyright: ignore[reportOptionalMemberAccess]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module 'alad.cli' has no attribute {name!r}")
    from alad.cli import frame

    _load(VERBS)
    return frame.app
