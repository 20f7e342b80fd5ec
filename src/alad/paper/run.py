"""Measure what a pass lacks, then write its page."""

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
    """Measure the tables, scores and times that a pass lacks, and write its page.

    Nothing is trained on images, which takes hours a row: lines of `alad bench cifar10` and the
    like are shown. only_show: measure nothing. how: parameters such as device or verbose. Raises
    InputError if there is nothing to show.
    """
    results = Path(results)
    scores, times = (results / plan.folder / f"{name}.jsonl" for name in ("scores", "timing"))
    # measure what the files lack
    if not only_show:
        how |= {"data_dir": data_dir, "say": say}
        for name in plan.benchmarks:
            benchmark.run(name, runs=runs, results=results / plan.tables, **how)
        score_curves.run(plan.views, runs=runs, path=scores, **how)
        timing.run(plan.benches, path=times, **how)
    # read all that was measured, now or before
    folders = dict.fromkeys(plan.benchmarks, results / plan.tables)
    tables = {at: ResultsFile(folder / f"{at}.jsonl").lines() for at, folder in folders.items()}
    images = {at: ResultsFile(results / f"{at}.jsonl").lines() for at in plan.images}
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
