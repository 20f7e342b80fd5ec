"""Measures what a benchmark still lacks, cell by cell; stopped anywhere, it goes on from there."""

import platform
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from alad import metrics
from alad.benchmark.cells import Cell, cells, digest, protocol_of
from alad.benchmark.data.splits import Split, fewer
from alad.benchmark.one_class import is_one_class
from alad.benchmark.remaining_time import Pace
from alad.benchmark.results_file import Ledger, Line, machine
from alad.errors import InputError, on_one_line
from alad.storage import versions

Say = Callable[[str], None]
Scored = tuple[int | str, np.ndarray, float]  # member, scores [n], seconds


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
    **how: Any,
) -> Ledger:
    """Fit and score every cell that `results`/`benchmark`.jsonl lacks, and append its lines.

    protocols, detectors, runs, datasets: as in `cells`.
    how: parameters such as device or verbose, given to the detectors that have them.
    A cell that fails is recorded with its error, and tried again by the next call. A long fit keeps
    a checkpoint below `results`, from which the same call goes on.
    """
    ledger = Ledger(Path(results) / f"{benchmark}.jsonl")
    wanted = cells(benchmark, protocols, detectors, runs, datasets)
    work([Job(cell, ledger, how) for cell in wanted], ledger, benchmark, data_dir, say)
    return ledger


def work(
    jobs: Sequence["Job"], ledger: Ledger, title: str, data_dir: str | Path | None, say: Say
) -> None:
    """Do what the ledger lacks, reading each split once."""
    ledger.path.parent.mkdir(parents=True, exist_ok=True)
    finished = ledger.finished()
    lacking = [job for job in jobs if not finished.issuperset(job.keys)]
    there, pace = f"{len(jobs) - len(lacking)} of {len(jobs)}", Pace(ledger.lines())
    rows = [job.cell.row.name for job in lacking]
    left = f"; {len(rows)} to go, {pace.told(rows)}" if rows else ""
    say(f"{title}: {there} cells are there already{left}")
    for (benchmark, protocol, dataset, split), group in groupby(lacking, lambda job: job.rows):
        data = protocol_of(benchmark, protocol).rows(split, data_dir, dataset)
        for job in group:
            told, seconds = timed(lambda job=job, data=data: job.do(data))
            pace.add(rows.pop(0), seconds)
            left = f" ({len(rows)} to go, {pace.told(rows)})" if rows else ""
            say(told + left)


class Job:
    """One cell to be measured, under which key, and where its lines go."""

    def __init__(self, cell: Cell, ledger: Ledger, how: dict[str, Any]):
        self.cell, self.ledger, self.how = cell, ledger, how
        self.config = cell.config(cell.detector(**how))
        self.key = cell.key(self.config)
        self.rows = (cell.benchmark, cell.protocol, cell.dataset, cell.split)

    @property
    def keys(self) -> list[str]:
        """What the ledger has finished when the job is done."""
        return [self.key]

    @property
    def _checkpoint(self) -> Path:
        return self.ledger.path.with_name(f"{self.cell.benchmark}-{self.key}.checkpoint")

    def do(self, data: Split) -> str:
        """Measure and record; -> one line for the reader."""
        cell = self.cell
        which = " ".join(filter(None, (cell.benchmark, cell.protocol, cell.dataset, cell.row.name)))
        title = f"{which}, seed {cell.seed}"
        try:
            lines = self._measure(data)
        except Exception as error:  # whatever a detector raises must not end the other cells
            reason = on_one_line(error)
            self.ledger.append([self._line(error=reason)])
            return f"{title}: failed, {reason}"
        self.ledger.append(lines)
        shutil.rmtree(self._checkpoint, ignore_errors=True)
        return f"{title}: F1 {lines[-1]['f1']:.4f}, AUROC {lines[-1]['auroc']:.4f}"

    def _measure(self, data: Split) -> list[Line]:
        """One line a member; of several members one more for the ensemble, last."""
        if self.cell.row.test_rows:
            data = fewer(data, None, self.cell.row.test_rows)
        detector, shared = self._fitted(data)
        scored = member_scores(detector, data.test, self.cell.numbers)
        by_score = self._by_score(detector, data.test, scored)
        return [
            self._line(
                member=member,
                cell_lines=len(scored),
                **metrics.evaluate(scores, data.test_anomalous, data.percentile),
                **_auroc_by_score({name: own[at][1] for name, own in by_score.items()}, data),
                score_seconds=seconds,
                **shared,
            )
            for at, (member, scores, seconds) in enumerate(scored)
        ]

    def _by_score(self, detector, rows: np.ndarray, scored: list[Scored]) -> dict:
        """Name -> as `scored`, by each of a detector's scores; of images only.

        Their trainings are too long for a second one. Not of detectors that score a sample of the
        rows, because every row costs them a search; nor of those with but one score.
        """
        names = detector.score_names() if is_one_class(self.cell.benchmark) else ()
        if self.cell.row.test_rows or not names:
            return {}
        done = {self.config["score_function"] or detector.own_score: scored}
        numbers = self.cell.numbers
        return {
            name: done.get(name) or member_scores(detector, rows, numbers, name) for name in names
        }

    def _fitted(self, data: Split) -> tuple[Any, dict[str, Any]]:
        """The detector, and what all its lines have in common."""
        kept = {"checkpoint": str(self._checkpoint), "resume": self._checkpoint.exists()}
        detector = self.cell.detector(**self.how, **kept)
        _, seconds = timed(lambda: detector.fit(data.train))
        return detector, {
            "fit_seconds": max(seconds, _trained_seconds(detector)),
            "train_rows": len(data.train),
            "test_rows": len(data.test),
        }

    def _line(self, **measured: Any) -> Line:
        cell = self.cell
        return {
            "benchmark": cell.benchmark,
            "protocol": cell.protocol,
            **({"dataset": cell.dataset} if cell.dataset else {}),
            **({"normal_class": cell.dataset} if is_one_class(cell.benchmark) else {}),
            "detector": cell.row.name,
            "trained": cell.row.trained,
            "members": cell.members,
            "split": cell.split,
            "seed": cell.seed,
            **measured,
            "config": self.config,
            "versions": {"python": platform.python_version(), **versions()},
            "machine": machine(self.config.get("device", "cpu")),
            "command": command(cell),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "cell": self.key,
            "settings": digest(cell.settings(self.config)),
        }


def command(cell: Cell) -> str:
    """What to type to measure the cell's row again; without the paths of this machine."""
    runs = f" --runs {cell.numbers.stop}" if cell.row.members and cell.shared else ""
    table = f" --dataset {cell.dataset}" if cell.dataset else ""
    what = f"--protocol {cell.protocol}{table} --detector {cell.row.name}{runs}"
    return f"alad bench {cell.benchmark} {what}"


def member_scores(
    detector, rows: np.ndarray, numbers: range, score: str | None = None
) -> list[Scored]:
    """(member, scores [n], seconds): each member's, and the ensemble's if there are several.

    score: another than the detector's own, of those that it offers.
    """
    how = (rows,) if score is None else (rows, score)
    scored = detector.anomaly_score if score is None else detector.score_as
    whole, seconds = timed(lambda: scored(*how))
    if len(numbers) == 1:
        return [(numbers[0], whole, seconds)]
    each, of_all = timed(lambda: detector.member_scores(*how))
    if len(each) != len(numbers):
        raise InputError(f"{len(each)} members were scored and {len(numbers)} asked for")
    own = [(k, scores, of_all / len(each)) for k, scores in zip(numbers, each, strict=True)]
    return [*own, ("ensemble", whole, seconds)]


def _auroc_by_score(scores: dict[str, np.ndarray], data: Split) -> dict[str, dict[str, float]]:
    found = {name: metrics.auroc(own, data.test_anomalous) for name, own in scores.items()}
    return {"auroc_by_score": found} if found else {}


def _trained_seconds(detector) -> float:
    """What the detector says of its training's length: earlier sittings of a resumed one count."""
    return getattr(detector, "training_", {}).get("seconds", 0.0)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun
