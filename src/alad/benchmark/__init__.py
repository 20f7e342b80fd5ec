"""Detectors × protocols × runs, measured once each, kept line by line, shown beside the paper.

`rows` says what a table shows, `cells` what is to be measured for it, `results_file` keeps what
was, `runner` does the rest of it, `summary` groups it; `results`, `leaderboard` and `one_class`
make rows of it, and tables.
"""

from alad.benchmark.cells import Cell, planned_runs
from alad.benchmark.results import Result, result_rows
from alad.benchmark.results_file import ResultsFile
from alad.benchmark.row import Row
from alad.benchmark.rows import BENCHMARKS
from alad.benchmark.runner import run
from alad.benchmark.summary import Spread

__all__ = [
    "BENCHMARKS",
    "Cell",
    "Result",
    "ResultsFile",
    "Row",
    "Spread",
    "planned_runs",
    "result_rows",
    "run",
]
