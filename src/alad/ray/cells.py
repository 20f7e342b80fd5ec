"""Cells of a benchmark, measured by the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.ray.started import started

if TYPE_CHECKING:
    from alad.benchmark.results_file import ResultsFile
    from alad.benchmark.runner import Job


def work(
    jobs: Sequence[Job],
    file: ResultsFile,
    title: str,
    data_dir: str | Path | None,
    say: Callable[[str], None],
) -> None:
    """Measure the cells of a benchmark that the file lacks, each as a task of Ray.

    A line is in the file when its task has ended, so the same call goes on after an interruption,
    as `alad.benchmark.runner.one_by_one` does. All machines must see `file`: workers write to it.
    """
    ray = started()
    file.path.parent.mkdir(parents=True, exist_ok=True)
    finished = file.finished()
    lacking = [job for job in jobs if not finished.issuperset(job.keys)]
    say(f"{title}: {len(jobs) - len(lacking)} of {len(jobs)} cells are there already")
    task: Any = ray.remote(num_cpus=1, max_retries=3)(_measured)
    waiting = [task.remote(job, data_dir) for job in lacking]
    while waiting:
        done, waiting = ray.wait(waiting)
        say(f"{ray.get(done[0])} ({len(waiting)} to go)")


def _measured(job: Job, data_dir: str | Path | None) -> str:
    """Measure one cell where this runs; give its message."""
    from alad.benchmark.cells import protocol_of

    benchmark, protocol, dataset, split = job.rows
    return job.do(protocol_of(benchmark, protocol).rows(split, data_dir, dataset))
