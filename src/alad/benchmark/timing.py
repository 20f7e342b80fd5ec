"""Inference time a batch, of ALAD and of AnoGAN, one after the other in one run.

Zenati et al. 2018 (poster) print milliseconds a batch of 50 rows of KDD99 and of 32 of Arrhythmia.
Of SVHN and CIFAR-10, whose networks are the same, they print a batch of 32 images. Their machine is
not this one: what can be compared is the ratio. Their rows were encoded beforehand, and their
AnoGAN is the plain program, whose place our own search takes for those who use the package.

Time depends neither on what images show nor on what weights have learnt, and every step of a search
costs the same. So images are random, their networks those before training, and of AnoGAN's 500
steps on them some are timed and counted as many times as they go into 500; lines say so.
"""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from alad import catalogue
from alad.benchmark import reference_anogan
from alad.benchmark.cells import digest, plain
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.results_file import Ledger, Line, machine
from alad.benchmark.runner import Say
from alad.errors import InputError, on_one_line
from alad.storage import versions

TRAINING_ROWS = 5_000
WARM_UP = 2  # batches that are not counted
MILLISECONDS = ("milliseconds", "fastest", "slowest")  # of a batch: the median, and the ends
TRAINED = {"max_steps": 200, "epochs": None}  # weights of a trained model; time hangs on no more
SEARCH_STEPS = 500  # of AnoGAN's, in the papers
IMAGES = 32  # random ones a batch, and to fit


# How a batch of rows is answered: rows as they come, or encoded before the clock starts
ANSWERS: dict[str, Callable[[Any, np.ndarray], object]] = {
    "table": lambda detector, rows: detector.anomaly_score(rows),
    "encoded": lambda detector, rows: detector.fitted_.score_encoded(rows),
    "plain": reference_anogan.search,
}


@dataclass(frozen=True)
class Timed:
    """What is scored again and again: so many rows a batch, so many batches that count."""

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


def bench(benchmark: str, rows: int, preset: str, protocol: str = "paper") -> Bench:
    timed = (
        Timed("alad", "alad", rows, 200, "encoded"),
        Timed("alad, encoding its rows", "alad", rows, 200, "table"),
        Timed("anogan", "anogan", rows, 7, "encoded"),
        Timed("anogan, plain", "anogan", rows, 7, "plain"),
        Timed("anogan, plain, a row at a time", "anogan", 1, 7, "plain"),
    )
    return Bench(benchmark, protocol, timed, {"architecture": preset})


def images_bench(
    benchmark: str, protocol: str, *, batches: int, searched: int, steps: int
) -> Bench:
    """Random images of CIFAR-10's size; so many batches of ALAD, and so many searched for."""
    timed = (
        Timed("alad", "alad", IMAGES, batches, "encoded"),
        Timed("alad, encoding its rows", "alad", IMAGES, batches, "table"),
        Timed("anogan", "anogan", IMAGES, searched, "encoded"),
        Timed("anogan, plain", "anogan", IMAGES, searched, "plain"),
        Timed("anogan, plain, a row at a time", "anogan", 1, searched, "plain"),
    )
    params = {"architecture": "cifar10", "max_steps": 0}
    return Bench(benchmark, protocol, timed, params, random=(32, 32, 3), steps=steps)


BENCHES = (
    bench("kdd99", 50, "kdd99"),
    bench("arrhythmia", 32, "arrhythmia"),
    images_bench("cifar10", "paper", batches=20, searched=3, steps=50),
)
QUICK = (
    bench("kdd99-quick", 50, "kdd99", "quick"),
    bench("arrhythmia-quick", 32, "arrhythmia", "quick"),
    images_bench("cifar10-quick", "quick", batches=3, searched=1, steps=2),
)


def run(
    benches: Sequence[Bench],
    *,
    data_dir: str | Path | None = None,
    path: str | Path,
    say: Say = lambda message: None,
    **how: Any,
) -> Ledger:
    """Measure what the ledger lacks; all batches of one table are timed in one go."""
    ledger = Ledger(path)
    ledger.path.parent.mkdir(parents=True, exist_ok=True)
    for one in benches:
        key = key_of(one, how.get("device", "cpu"))
        if key in ledger.finished():
            say(f"{one.benchmark}: batches are timed already")
            continue
        try:
            lines = _measured(one, key, data_dir, how)
        except Exception as error:  # one table that fails must not end the others
            reason = on_one_line(error)
            lines = [_line(one, key, "all", {}, how) | {"error": reason}]
        ledger.append(lines)
        say(f"{one.benchmark}: {_told(lines)}")
    return ledger


def key_of(one: Bench, device: str = "cpu") -> str:
    """Digest of all that decides what is timed."""
    return digest({"timing": _content(one), "device": device})


def _content(one: Bench) -> dict[str, Any]:
    timed = [[t.name, t.detector, t.rows, t.batches, t.answer] for t in one.timed]
    images = {"random": one.random, "steps": one.steps} if one.random else {}
    whole = {"benchmark": one.benchmark, "timed": timed, "params": dict(one.params)}
    return plain(whole | images)


def _measured(one: Bench, key: str, data_dir: Any, how: dict[str, Any]) -> list[Line]:
    """One line for each thing that is timed."""
    train, test = _rows(one, data_dir)
    fitted = {
        name: _fitted(name, one, train, how)
        for name in dict.fromkeys(timed.detector for timed in one.timed)
    }
    return [
        _line(one, key, timed.name, _times(one, fitted[timed.detector], test, timed), how)
        | {"config": plain(fitted[timed.detector].get_params(deep=False))}
        for timed in one.timed
    ]


def _rows(one: Bench, data_dir: Any) -> tuple[np.ndarray, np.ndarray]:
    """To fit, and to score."""
    if one.random is None:
        protocol = PROTOCOLS[one.benchmark][one.protocol]
        data = protocol.split(protocol.seeds[0], data_dir)
        return data.train[:TRAINING_ROWS], data.test
    count = max((WARM_UP + timed.batches + 1) * timed.rows for timed in one.timed)
    pixels = np.random.default_rng(0).integers(0, 256, (count, *one.random), np.uint8)
    return pixels[:IMAGES], pixels


def _fitted(name: str, one: Bench, rows: np.ndarray, how: dict[str, Any]):
    """A detector that has learnt a little; as much as a time needs."""
    few = {"search_steps": one.steps, "threshold_rows": 1} if one.steps else {}
    params = {**TRAINED, "patience": None, **one.params, **few, **how}
    made = catalogue.make(name, random_state=0)
    known = made.get_params(deep=False)
    return made.set_params(**{key: params[key] for key in params if key in known}).fit(rows)


def _times(one: Bench, detector, rows: np.ndarray, timed: Timed) -> dict[str, Any]:
    """Of a whole batch, also where part of a search was timed."""
    found = milliseconds(detector, rows, timed)
    told = {"random_images": list(one.random)} if one.random else {}
    if one.steps is None or not hasattr(detector, "search_steps"):
        return found | told
    times = {name: found[name] * SEARCH_STEPS / one.steps for name in MILLISECONDS}
    return found | times | told | {"search_steps_timed": one.steps, "search_steps": SEARCH_STEPS}


def milliseconds(detector, rows: np.ndarray, timed: Timed) -> dict[str, Any]:
    """Of a batch; the first batches are not counted."""
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
    if not counted:
        raise InputError(f"batches is {timed.batches}; give at least 1")
    found = (median(counted), min(counted), max(counted))
    times = dict(zip(MILLISECONDS, found, strict=True))
    return {"batch_rows": timed.rows, "batches": timed.batches, **times}


def _line(one: Bench, key: str, name: str, found: dict[str, Any], how: dict[str, Any]) -> Line:
    return {
        "benchmark": one.benchmark,
        "protocol": one.protocol,
        "detector": name,
        "member": name,
        "cell_lines": len(one.timed),
        **found,
        "warm_up_batches": WARM_UP,
        "versions": {"python": platform.python_version(), **versions()},
        "machine": machine(how.get("device", "cpu")),
        "command": "alad bench paper",
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "cell": key,
        "settings": key,
    }


def _told(lines: Sequence[Line]) -> str:
    if "error" in lines[0]:
        return f"timing failed, {lines[0]['error']}"
    return ", ".join(f"{line['detector']} {line['milliseconds']:.1f} ms a batch" for line in lines)
