"""Detectors × protocols × runs, measured once each, kept line by line, shown beside the paper.

`rows` says what a table shows, `cells` what is to be measured for it, `ledger` keeps what was,
`runner` does the rest of it, `table` sums it up.
"""

from alad.benchmark.cells import Cell, planned_runs
from alad.benchmark.results_file import Ledger
from alad.benchmark.row import Row
from alad.benchmark.rows import BENCHMARKS
from alad.benchmark.runner import run
from alad.benchmark.table import Spread, TableRow, table

__all__ = [
    "BENCHMARKS",
    "Cell",
    "Ledger",
    "Row",
    "Spread",
    "TableRow",
    "planned_runs",
    "run",
    "table",
]
