"""Measure what is lacking, then write the page. Stopped anywhere, the same call goes on."""

from pathlib import Path
from typing import Any

from alad import benchmark
from alad.benchmark import Ledger, score_curves, timing
from alad.benchmark.data.image_sets import svhn_files
from alad.benchmark.data.official import is_there
from alad.benchmark.runner import Say
from alad.errors import InputError
from alad.paper.plan import Found, Plan


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

    Nothing is trained on images, which takes hours a row: what `alad bench cifar10` and its like
    have measured is shown. only_show: write the page from what is there; InputError if there is
    nothing. how: parameters such as device or verbose.
    """
    from alad.paper.page import write

    results = Path(results)
    if not only_show:
        _measure(plan, results, runs, {"data_dir": data_dir, "say": say, **how})
    lines = {name: Ledger(plan.ledger(results, name)).lines() for name in plan.benchmarks}
    pictures = {name: Ledger(results / f"{name}.jsonl").lines() for name in plan.images}
    if not any((*lines.values(), *pictures.values())):
        raise InputError(f"nothing of the paper is measured in {results} yet; leave out --show")
    rows = [
        row
        for name, own in lines.items()
        for row in benchmark.table(own, name, benchmark.planned_runs(name, runs))
    ]
    found = Found(
        rows=rows,
        tables=[line for own in lines.values() for line in own],
        aspects=Ledger(plan.own(results, "scores")).lines(),
        times=Ledger(plan.own(results, "timing")).lines(),
        standings=Ledger(results / "adbench.jsonl").lines(),
        images=pictures,
        absent=() if all(is_there(file, data_dir) for file in svhn_files()) else ("svhn",),
        runs=runs,
        page=[],
    )
    page = write(plan, found, results / plan.folder)
    say(f"the page: {page[1]}")
    return Found(**{**vars(found), "page": page})


def _measure(plan: Plan, results: Path, runs: int | None, how: dict[str, Any]) -> None:
    for name in plan.benchmarks:
        benchmark.run(name, runs=runs, results=plan.ledger(results, name).parent, **how)
    score_curves.run(plan.views, runs=runs, path=plan.own(results, "scores"), **how)
    timing.run(plan.benches, path=plan.own(results, "timing"), **how)
