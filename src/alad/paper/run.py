"""Measure what is lacking, then write the page. Stopped anywhere, the same call goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from alad import benchmark
from alad.benchmark import ResultsFile, score_curves, timing
from alad.benchmark.data.image_sets import svhn_files
from alad.benchmark.data.official import is_there
from alad.benchmark.runner import Say
from alad.errors import InputError
from alad.paper.page import write
from alad.paper.plan import Measured, Plan


def run(
    plan: Plan,
    *,
    results: str | Path = "results",
    runs: int | None = None,
    data_dir: str | Path | None = None,
    only_show: bool = False,
    say: Say = lambda message: None,
    **how: Any,
) -> Measured:
    """Measure tables, scores of one training, times; a cell that fails leaves the others alone.

    Nothing is trained on images, which takes hours a row: what `alad bench cifar10` and its like
    have measured is shown. only_show: write the page from what is there; InputError if there is
    nothing. how: parameters such as device or verbose.
    """
    results = Path(results)
    scores, times = (plan.beside_page(results, name) for name in ("scores", "timing"))
    if not only_show:
        how |= {"data_dir": data_dir, "say": say}
        for name in plan.benchmarks:
            folder = plan.of_tables(results, name).parent
            benchmark.run(name, runs=runs, results=folder, **how)
        score_curves.run(plan.views, runs=runs, path=scores, **how)
        timing.run(plan.benches, path=times, **how)
    tables = {name: ResultsFile(plan.of_tables(results, name)).lines() for name in plan.benchmarks}
    images = {name: ResultsFile(results / f"{name}.jsonl").lines() for name in plan.images}
    if not any((*tables.values(), *images.values())):
        raise InputError(f"nothing of the paper is measured in {results} yet; leave out --show")
    measured = Measured(
        rows=[
            row
            for name, lines in tables.items()
            for row in benchmark.result_rows(lines, name, benchmark.planned_runs(name, runs))
        ],
        tables=[line for lines in tables.values() for line in lines],
        scores=ResultsFile(scores).lines(),
        times=ResultsFile(times).lines(),
        adbench=ResultsFile(results / "adbench.jsonl").lines(),
        images=images,
        absent=() if all(is_there(file, data_dir) for file in svhn_files()) else ("svhn",),
        runs=runs,
        page=[],
    )
    page = write(plan, measured, results / plan.folder)
    say(f"the page: {page[1]}")
    return replace(measured, page=page)
