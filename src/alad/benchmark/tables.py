"""Rows and tables of any benchmark's results file."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from alad.benchmark.class_rows import ClassRow, class_rows
from alad.benchmark.class_tables import class_tables
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS
from alad.benchmark.leaderboard import BENCHMARK, TOGETHER, Standing, leaderboard_tables, standings
from alad.benchmark.results import Result, result_rows, results_tables
from alad.benchmark.results_file import Line
from alad.benchmark.yardstick import BENCHMARK as ONE_CLASS
from alad.benchmark.yardstick import Rating, ratings
from alad.benchmark.yardstick_tables import rating_tables
from alad.report.tables import Table

AnyRow = Result | Standing | ClassRow | Rating


def rows_in(
    lines: Iterable[Line], name: str, protocols: Sequence[str] = (), detectors: Sequence[str] = ()
) -> list[AnyRow]:
    """Make the rows of one benchmark, of the named protocols and detectors; none means all."""
    if name == ONE_CLASS:
        rows: Sequence[AnyRow] = ratings(lines, detectors)
    elif name == BENCHMARK:
        rows = standings(lines)
    else:
        rows = (class_rows if name in IMAGE_BENCHMARKS else result_rows)(lines, name)
    return [
        row
        for row in rows
        if (not protocols or row.protocol in protocols)
        and (not detectors or row.detector.removesuffix(TOGETHER) in detectors)
    ]


def tables_of(rows: Iterable[AnyRow]) -> list[Table]:
    """Make the tables of all rows, in their order."""
    makers = {
        Result: results_tables,
        Standing: leaderboard_tables,
        ClassRow: class_tables,
        Rating: rating_tables,
    }
    return [table for kind, group in groupby(rows, type) for table in makers[kind](group)]
