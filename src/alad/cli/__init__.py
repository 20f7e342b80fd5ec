"""The command line: parse, call, print. Data go to standard output or a file, all else to stderr.

Exit status: 0 done; 1 it could not be done (a training that diverged, a full disk); 2 bad input,
with one line that says what to change; 130 stopped with Ctrl-C. A verb loads what it needs.
"""

import sys
from typing import NoReturn

from alad.cli import comparing, deciding, explaining, measuring, models, reporting, scoring
from alad.cli.frame import app, run

__all__ = [
    "app",
    "comparing",
    "deciding",
    "explaining",
    "main",
    "measuring",
    "models",
    "reporting",
    "run",
    "scoring",
]


def main() -> NoReturn:
    """The program `alad`."""
    sys.exit(run(sys.argv[1:]))
