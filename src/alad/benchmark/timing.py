"""Inference time a batch, of ALAD and of AnoGAN, one after the other in one run.

Zenati et al. 2018 (poster) print milliseconds for a batch of 50 rows of KDD99, 32 of Arrhythmia and
32 images of SVHN or CIFAR-10, on another machine: ratios can be compared. As theirs, rows are
encoded beforehand, and AnoGAN is the plain program as well as the package's own search.

Time depends neither on images nor on weights, and every step of a search costs the same. So images
are random, their networks untrained, and of AnoGAN's 500 steps some are timed and counted as 500.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from alad import catalogue
from alad.benchmark import reference_anogan
from alad.benchmark.cells import digest, plain, with_known
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.results_file import Line, ResultsFile
from alad.benchmark.runner import Say, made_by
from alad.errors import InputError, on_one_line

TRAINING_ROWS = 5_000
WARM_UP = 2  # batches that are not counted
MILLISECONDS = ("milliseconds", "fastest", "slowest")  # of a batch: the median, and the ends
TRAINED = {"max_steps": 200, "epochs": None}  # as much training as a time needs
SEARCH_STEPS = 500  # of AnoGAN's, in the papers
IMAGES = 32  # random ones to fit


# How a batch of rows is answered: rows as they come, or encoded before the clock starts
ANSWERS: dict[str, Callable[[Any, np.ndarray], object]] = {
    "table": lambda detector, rows: detector.anomaly_score(rows),
    "encoded": lambda detector, rows: detector.fitted_.score_encoded(rows),
    "plain": reference_anogan.search,
}


@dataclass(frozen=True)
class Timed:
    """What is timed: a detector on batches of so many rows, so many batches that count."""

    name: str
    detector: str
    rows: int
    batches: int
    answer: str  # one of ANSWERS


@dataclass(frozen=True)
class Bench:
    """Batches of one table. `params` of each detector: its published networks."""

    benchmark: str
    protocol: str
    timed: tuple[Timed, ...]
    params: Mapping[str, Any]
    random: tuple[int, ...] | None = None  # shape of random images that take the table's place
    steps: int | None = None  # of a search that are timed; None = all


def timed_batches(rows: int, batches: int, searched: int) -> tuple[Timed, ...]:
    """List what is timed on batches of `rows`: so many of ALAD, so many that are searched for."""
    return (
        Timed("alad", "alad", rows, batches, "encoded"),
        Timed("alad, encoding its rows", "alad", rows, batches, "table"),
        Timed("anogan", "anogan", rows, searched, "encoded"),
        Timed("anogan, plain", "anogan", rows, searched, "plain"),
        Timed("anogan, plain, a row at a time", "anogan", 1, searched, "plain"),
    )


def table_bench(benchmark: str, protocol: str, architecture: str, rows: int) -> Bench:
    """Time batches of a table."""
    return Bench(benchmark, protocol, timed_batches(rows, 200, 7), {"architecture": architecture})


def images_bench(
    benchmark: str, protocol: str, *, batches: int, searched: int, steps: int
) -> Bench:
    """Time batches of random images of CIFAR-10's size."""
    params = {"architecture": "cifar10", "max_steps": 0}
    timed = timed_batches(32, batches, searched)
    return Bench(benchmark, protocol, timed, params, (32, 32, 3), steps)


BENCHES = (
    table_bench("kdd99", "paper", "kdd99", 50),
    table_bench("arrhythmia", "paper", "arrhythmia", 32),
    images_bench("cifar10", "paper", batches=20, searched=3, steps=50),
)
QUICK_BENCHES = (
    table_bench("kdd99-quick", "quick", "kdd99", 50),
    table_bench("arrhythmia-quick", "quick", "arrhythmia", 32),
    images_bench("cifar10-quick", "quick", batches=3, searched=1, steps=2),
)


def run(
    benches: Sequence[Bench],
    *,
    data_dir: str | Path | None = None,
    path: str | Path,
    say: Say = lambda message: None,
    **how: Any,
) -> ResultsFile:
    """Time the tables that the file at `path` lacks, each in one go."""
    file = ResultsFile(path)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    for bench in benches:
        key = key_of(bench, how.get("device", "cpu"))
        if key in file.finished():
            say(f"{bench.benchmark}: batches are timed already")
            continue
        try:
            lines = _measured(bench, key, data_dir, how)
            times = (f"{line['detector']} {line['milliseconds']:.1f} ms a batch" for line in lines)
            message = ", ".join(times)
        except Exception as error:  # one table that fails must not end the others
            reason = on_one_line(error)
            lines = [_line(bench, key, "all", {"error": reason}, how)]
            message = f"timing failed, {reason}"
        file.append(lines)
        say(f"{bench.benchmark}: {message}")
    return file


def key_of(bench: Bench, device: str = "cpu") -> str:
    """Digest all that decides what is timed."""
    timed = [[t.name, t.detector, t.rows, t.batches, t.answer] for t in bench.timed]
    images = {"random": bench.random, "steps": bench.steps} if bench.random else {}
    content = {"benchmark": bench.benchmark, "timed": timed, "params": dict(bench.params)}
    return digest({"timing": plain(content | images), "device": device})


def _measured(bench: Bench, key: str, data_dir: Any, how: dict[str, Any]) -> list[Line]:
    """Time batches of one table; -> a line for each thing that is timed."""
    # rows to fit, and rows to score: of the table, or random images in its place
    if bench.random is None:
        protocol = PROTOCOLS[bench.benchmark][bench.protocol]
        data = protocol.split(protocol.seeds[0], data_dir)
        train, test = data.train[:TRAINING_ROWS], data.test
    else:
        count = max((WARM_UP + timed.batches + 1) * timed.rows for timed in bench.timed)
        test = np.random.default_rng(0).integers(0, 256, (count, *bench.random), np.uint8)
        train = test[:IMAGES]
    # detectors that have learnt a little
    few = {"search_steps": bench.steps, "threshold_rows": 1} if bench.steps else {}
    params = {**TRAINED, "patience": None, **bench.params, **few, **how}
    detectors = {
        name: with_known(catalogue.make(name, random_state=0), params).fit(train)
        for name in dict.fromkeys(timed.detector for timed in bench.timed)
    }
    lines = []
    for timed in bench.timed:
        detector = detectors[timed.detector]
        config = detector.get_params(deep=False)
        times = milliseconds(detector, test, timed)
        times |= {"random_images": list(bench.random)} if bench.random else {}
        if bench.steps is not None and "search_steps" in config:  # a part counts as the whole
            times |= {name: times[name] * SEARCH_STEPS / bench.steps for name in MILLISECONDS}
            times |= {"search_steps_timed": bench.steps, "search_steps": SEARCH_STEPS}
        lines.append(_line(bench, key, timed.name, times | {"config": plain(config)}, how))
    return lines


def milliseconds(detector, rows: np.ndarray, timed: Timed) -> dict[str, Any]:
    """Time batches of rows; -> the median, fastest and slowest but for the warm-up."""
    if timed.batches < 1:
        raise InputError(f"batches is {timed.batches}; give at least 1")
    answer, taken = ANSWERS[timed.answer], []
    if timed.answer != "table":
        rows = detector.encoder_.transform(rows[: (WARM_UP + timed.batches + 1) * timed.rows])
    for at in range(WARM_UP + timed.batches):
        begin = at * timed.rows % (len(rows) - timed.rows)
        batch = np.ascontiguousarray(rows[begin : begin + timed.rows])
        begun = time.perf_counter()
        answer(detector, batch)
        taken.append(1000 * (time.perf_counter() - begun))
    counted = taken[WARM_UP:]
    times = dict(zip(MILLISECONDS, (median(counted), min(counted), max(counted)), strict=True))
    return {"batch_rows": timed.rows, "batches": timed.batches, **times}


def _line(bench: Bench, key: str, name: str, times: dict[str, Any], how: dict[str, Any]) -> Line:
    """Make a line of what was timed, or of an error."""
    return {
        "benchmark": bench.benchmark,
        "protocol": bench.protocol,
        "detector": name,
        "member": name,
        "cell_lines": len(bench.timed),
        **times,
        "warm_up_batches": WARM_UP,
        **made_by("alad bench paper", how.get("device", "cpu")),
        "cell": key,
        "settings": key,
    }
