"""Measure what is lacking, then write the page. Stopped anywhere, the same call goes on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alad import benchmark
from alad.benchmark import Ledger, TableRow, aspects, timing
from alad.benchmark.ledger import Line
from alad.benchmark.runner import Say
from alad.paper.plan import Plan


@dataclass(frozen=True)
class Found:
    """All that a page is made of."""

    rows: list[TableRow]
    aspects: list[Line]
    times: list[Line]
    standings: list[Line]  # of ADBench, if it has been measured; not a table of the paper
    page: list[Path]


def run(
    plan: Plan,
    *,
    results: str | Path = "results",
    runs: int | None = None,
    data_dir: str | Path | None = None,
    only_show: bool = False,
    say: Say = lambda message: None,
    **how: Any,
) -> Found:
    """The tables, the scores of one training, the times; a cell that fails leaves the others alone.

    only_show: write the page from what is there. how: parameters such as device or verbose.
    """
    from alad.paper.page import write

    results = Path(results)
    if not only_show:
        _measure(plan, results, runs, {"data_dir": data_dir, "say": say, **how})
    rows = [
        row
        for name in plan.benchmarks
        for row in benchmark.table(Ledger(plan.ledger(results, name)).lines(), name)
    ]
    found = Found(
        rows=rows,
        aspects=Ledger(plan.own(results, "scores")).lines(),
        times=Ledger(plan.own(results, "timing")).lines(),
        standings=Ledger(results / "adbench.jsonl").lines(),
        page=[],
    )
    page = write(plan, found, results / plan.folder)
    say(f"the page: {page[1]}")
    return Found(**{**vars(found), "page": page})


def _measure(plan: Plan, results: Path, runs: int | None, how: dict[str, Any]) -> None:
    for name in plan.benchmarks:
        benchmark.run(name, runs=runs, results=plan.ledger(results, name).parent, **how)
    aspects.run(plan.views, runs=runs, path=plan.own(results, "scores"), **how)
    timing.run(plan.benches, path=plan.own(results, "timing"), **how)
