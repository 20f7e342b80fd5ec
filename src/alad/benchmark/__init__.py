"""Detectors × protocols × runs, measured once each, kept line by line, shown beside the paper.

`rows` defines the rows of the tables, `cells` what is measured for them, `runner` measures what
`results_file` lacks, `summary` groups its lines; `results`, `leaderboard`, `yardstick` and
`class_rows` make rows of them, each with its tables. Defaults are chosen by `confirmation`.
"""

from alad.benchmark.cells import BenchmarkCell, planned_runs
from alad.benchmark.results import Result, result_rows
from alad.benchmark.results_file import ResultsFile
from alad.benchmark.row import Row
from alad.benchmark.rows import BENCHMARKS
from alad.benchmark.runner import run
from alad.benchmark.summary import Spread

__all__ = ["BENCHMARKS", "BenchmarkCell", "Result", "ResultsFile", "Row", "Spread"]
__all__ += ["planned_runs", "result_rows", "run"]
