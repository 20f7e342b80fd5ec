"""Detectors × protocols × runs, measured once each, kept line by line, shown beside the paper.

`cells` says what is to be measured, `ledger` keeps what was, `runner` does the rest of it, `table`
sums it up.
"""

from alad.benchmark.cells import BENCHMARKS, Cell, Row
from alad.benchmark.ledger import Ledger
from alad.benchmark.runner import run
from alad.benchmark.table import Spread, TableRow, table

__all__ = ["BENCHMARKS", "Cell", "Ledger", "Row", "Spread", "TableRow", "run", "table"]
