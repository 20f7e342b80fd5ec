"""The command line: parse, call, print. Data go to standard output or a file, all else to stderr.

Exit status: 0 done; 1 it could not be done (a training that diverged, a full disk); 2 bad input,
with one line that says what to change; 130 stopped with Ctrl-C. A verb loads what it needs.
"""

import sys
from typing import NoReturn

from alad.cli import (
    comparing,
    deciding,
    demonstrating,
    explaining,
    exporting,
    measuring,
    models,
    reporting,
    scoring,
)
from alad.cli.frame import app, run

VERBS = (
    comparing,
    deciding,
    demonstrating,
    explaining,
    exporting,
    measuring,
    models,
    reporting,
    scoring,
)
__all__ = ["VERBS", "app", "main", "run"]


def main() -> NoReturn:
    """Run the program `alad`."""
    sys.exit(run(sys.argv[1:]))
