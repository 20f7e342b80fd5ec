"""Measure the cells that a results file lacks; after an interruption the same call goes on."""

import platform
import shutil
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from alad import metrics
from alad.benchmark.cells import BenchmarkCell, cells, digest, protocol_of
from alad.benchmark.data.embedded import embedded
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS
from alad.benchmark.data.splits import Split, fewer
from alad.benchmark.results_file import Line, ResultsFile, machine, measured
from alad.errors import InputError, ResumeError, on_one_line
from alad.storage import versions

Say = Callable[[str], None]
Scored = tuple[int | str, np.ndarray, float]  # member, scores [n], seconds
Work = Callable[[Sequence["Job"], ResultsFile, str, str | Path | None, Say], None]


def run(
    benchmark: str,
    *,
    protocols: Iterable[str] = (),
    detectors: Iterable[str] = (),
    runs: int | None = None,
    datasets: Iterable[str] = (),
    data_dir: str | Path | None = None,
    results: str | Path = "results",
    say: Say = lambda message: None,
    work: Work | None = None,
    **how: Any,
) -> ResultsFile:
    """Fit and score every cell that `results`/`benchmark`.jsonl lacks, and append its lines.

    protocols, detectors, runs, datasets: as in `cells`. how: parameters such as device, set where
    a detector has them. A cell that fails is recorded with its error, and tried again by the next
    call; a long fit keeps a checkpoint in `results`. work: what does the jobs; None = `one_by_one`.
    """
    file = ResultsFile(Path(results) / f"{benchmark}.jsonl")
    wanted = cells(benchmark, protocols, detectors, runs, datasets)
    jobs = [Job(cell, file, how) for cell in wanted]
    (work or one_by_one)(jobs, file, benchmark, data_dir, say)
    return file


def one_by_one(
    jobs: Sequence["Job"], file: ResultsFile, title: str, data_dir: str | Path | None, say: Say
) -> None:
    """Do the jobs that the file lacks, reading each split once."""
    file.path.parent.mkdir(parents=True, exist_ok=True)
    finished = file.finished()
    lacking = [job for job in jobs if not finished.issuperset(job.keys)]
    remaining = RemainingTime(file.lines())
    rows = [job.cell.row.name for job in lacking]
    to_go = f"; {len(rows)} to go, {remaining.of(rows)}" if rows else ""
    say(f"{title}: {len(jobs) - len(lacking)} of {len(jobs)} cells are there already{to_go}")
    for (benchmark, protocol, dataset, split), group in groupby(lacking, lambda job: job.rows):
        data = protocol_of(benchmark, protocol).rows(split, data_dir, dataset)
        for job in group:
            message, seconds = timed(lambda job=job, data=data: job.do(data))
            remaining.add(rows.pop(0), seconds)
            say(message + (f" ({len(rows)} to go, {remaining.of(rows)})" if rows else ""))


class Job:
    """One cell to be measured, its key, and the file for its lines."""

    def __init__(self, cell: BenchmarkCell, file: ResultsFile, how: dict[str, Any]):
        self.cell, self.file, self.how = cell, file, how
        self.config = cell.config(cell.detector(**how))
        self.key = cell.key(self.config)
        self.rows = (cell.benchmark, cell.protocol, cell.dataset, cell.split)
        self.of_images = cell.benchmark in IMAGE_BENCHMARKS

    @property
    def keys(self) -> list[str]:
        """Keys of the cells that the job finishes."""
        return [self.key]

    @property
    def backbone(self) -> str | None:
        """The name of the backbone in front of the detector; None = there is none."""
        return self.config.get("backbone")

    @property
    def _checkpoint(self) -> Path:
        return self.file.path.with_name(f"{self.cell.benchmark}-{self.key}.checkpoint")

    def do(self, data: Split) -> str:
        """Measure and append lines; -> a message."""
        cell = self.cell
        which = " ".join(filter(None, (cell.benchmark, cell.protocol, cell.dataset, cell.row.name)))
        title = f"{which}, seed {cell.seed}"
        try:
            if cell.row.test_rows:
                data = fewer(data, None, cell.row.test_rows)
            if self.backbone is not None:  # computed once for all rows, classes and seeds
                train, test = (embedded(rows, self.backbone) for rows in (data.train, data.test))
                data = replace(data, train=train, test=test)
            lines = self._measure(data)
        except Exception as error:  # whatever a detector raises must not end the other cells
            reason = on_one_line(error)
            self.file.append([self._line(error=reason)])
            return f"{title}: failed, {reason}"
        self.file.append(lines)
        shutil.rmtree(self._checkpoint, ignore_errors=True)
        return f"{title}: F1 {lines[-1]['f1']:.4f}, AUROC {lines[-1]['auroc']:.4f}"

    def _measure(self, data: Split) -> list[Line]:
        """Make a line for each member and, of several, a last one for the ensemble."""
        detector, shared = self._fitted(data)
        numbers = self.cell.numbers
        scored = member_scores(detector, data.test, numbers)
        # on images, where training takes long, by each of its scores too, unless each row is
        # searched for
        by_score: dict[str, list[Scored]] = {}
        if self.of_images and not self.cell.row.test_rows and self.backbone is None:
            for name in detector.score_names():
                usual = name == detector.model_.own
                other = None if usual else member_scores(detector, data.test, numbers, name)
                by_score[name] = other or scored
        lines = []
        for at, (member, scores, seconds) in enumerate(scored):
            aurocs = {
                name: metrics.auroc(other[at][1], data.test_anomalous)
                for name, other in by_score.items()
            }
            line = self._line(
                member=member,
                cell_lines=len(scored),
                **metrics.evaluate(scores, data.test_anomalous, data.percentile),
                **({"auroc_by_score": aurocs} if aurocs else {}),
                score_seconds=seconds,
                **shared,
            )
            lines.append(line)
        return lines

    def _fitted(self, data: Split) -> tuple[Any, dict[str, Any]]:
        """Fit the detector; -> the detector, and what all its lines have in common."""
        kept = {"checkpoint": str(self._checkpoint), "resume": self._checkpoint.exists()}
        detector = self.cell.detector(**self.how, **kept).set_params(backbone=None)
        try:
            _, seconds = timed(lambda: detector.fit(data.train))
        except ResumeError:
            name = self._checkpoint.name
            text = f"{name} is of other settings or another version of alad; the cell begins anew"
            warnings.warn(text, stacklevel=2)
            shutil.rmtree(self._checkpoint)
            return self._fitted(data)
        # a resumed training knows the seconds before its interruption
        trained = detector.training_.get("seconds", 0.0)
        return detector, {
            "fit_seconds": max(seconds, trained),
            "train_rows": len(data.train),
            "test_rows": len(data.test),
        }

    def _line(self, **measures: Any) -> Line:
        """Make a line: the cell, its measures, and how they were made."""
        cell = self.cell
        return {
            "benchmark": cell.benchmark,
            "protocol": cell.protocol,
            **({"dataset": cell.dataset} if cell.dataset else {}),
            **({"normal_class": cell.dataset} if self.of_images else {}),
            "detector": cell.row.name,
            "trained": cell.row.trained,
            "members": cell.members,
            "split": cell.split,
            "seed": cell.seed,
            **measures,
            "config": self.config,
            **made_by(command(cell), self.config.get("device", "cpu")),
            "cell": self.key,
            "settings": digest(cell.settings(self.config)),
        }


def made_by(command: str, device: str) -> dict[str, Any]:
    """Describe versions, machine, command and time, for every line."""
    return {
        "versions": {"python": platform.python_version(), **versions()},
        "machine": machine(device),
        "command": command,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def command(cell: BenchmarkCell) -> str:
    """Write the command that measures the cell's row again, without paths."""
    runs = f" --runs {cell.numbers.stop}" if cell.row.members and cell.shared else ""
    table = f" --dataset {cell.dataset}" if cell.dataset else ""
    what = f"--protocol {cell.protocol}{table} --detector {cell.row.name}{runs}"
    return f"alad bench {cell.benchmark} {what}"


def member_scores(
    detector, rows: np.ndarray, numbers: range, score: str | None = None
) -> list[Scored]:
    """Score rows by each member and, of several, last by the ensemble.

    score: another one than the detector's own.
    """
    how = (rows,) if score is None else (rows, score)
    scored = detector.anomaly_score if score is None else detector.score_as
    whole, seconds = timed(lambda: scored(*how))
    if len(numbers) == 1:
        return [(numbers[0], whole, seconds)]
    rows_of_scores, of_all = timed(lambda: detector.member_scores(*how))
    count = len(rows_of_scores)
    if count != len(numbers):
        raise InputError(f"{count} members were scored and {len(numbers)} asked for")
    single = [(k, x, of_all / count) for k, x in zip(numbers, rows_of_scores, strict=True)]
    return [*single, ("ensemble", whole, seconds)]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Call `work`; -> its result, seconds."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


class RemainingTime:
    """Estimates seconds to go from the cells measured before and now, row by row."""

    def __init__(self, lines: Iterable[Line]):
        cells: dict[tuple[str, str], float] = defaultdict(float)  # of several members, one fit
        for line in measured(lines):
            key = (line["detector"], line["cell"])
            fitted = 0.0 if key in cells else line.get("fit_seconds", 0.0)
            cells[key] += fitted + line.get("score_seconds", 0.0)
        self._seconds: dict[str, list[float]] = defaultdict(list)
        for (row, _), seconds in cells.items():
            self._seconds[row].append(seconds)

    def add(self, row: str, seconds: float) -> None:
        """Add the seconds of a cell."""
        self._seconds[row].append(seconds)

    def of(self, rows: Sequence[str]) -> str:
        """Write how long cells of these rows take, as far as such cells were measured."""
        timed = [mean(self._seconds[row]) for row in rows if row in self._seconds]
        if not timed:
            return "how long is not known yet"
        more = len(rows) - len(timed)
        return f"about {in_words(sum(timed))}" + (f", beside {more} not yet timed" if more else "")


def in_words(seconds: float) -> str:
    """Write "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
