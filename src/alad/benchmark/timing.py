"""Inference time a batch, of ALAD and of AnoGAN, one after the other in one run.

Zenati et al. 2018 (poster) print milliseconds a batch of 50 rows of KDD99 and of 32 of Arrhythmia.
Their machine is not this one: what can be compared is the ratio. Their rows were encoded
beforehand, and their AnoGAN is the plain program, whose place ours in C takes for those who use it.
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
from alad.benchmark import plain_anogan
from alad.benchmark.cells import digest, plain
from alad.benchmark.ledger import Ledger, Line
from alad.benchmark.runner import Say
from alad.benchmark.surroundings import machine
from alad.data.protocols import PROTOCOLS
from alad.errors import InputError, on_one_line
from alad.storage import versions

TRAINING_ROWS = 5_000
WARM_UP = 2  # batches that are not counted
TRAINED = {"max_steps": 200, "epochs": None}  # weights of a trained model; time hangs on no more


# How a batch of rows is answered: rows as they come, or encoded before the clock starts
ANSWERS: dict[str, Callable[[Any, np.ndarray], object]] = {
    "table": lambda detector, rows: detector.anomaly_score(rows),
    "encoded": lambda detector, rows: detector._scores(rows),
    "plain": plain_anogan.search,
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


def bench(benchmark: str, rows: int, preset: str, protocol: str = "paper") -> Bench:
    timed = (
        Timed("alad", "alad", rows, 200, "encoded"),
        Timed("alad, encoding its rows", "alad", rows, 200, "table"),
        Timed("anogan", "anogan", rows, 7, "encoded"),
        Timed("anogan, plain", "anogan", rows, 7, "plain"),
        Timed("anogan, plain, a row at a time", "anogan", 1, 7, "plain"),
    )
    return Bench(benchmark, protocol, timed, {"architecture": preset})


BENCHES = (bench("kdd99", 50, "kdd99"), bench("arrhythmia", 32, "arrhythmia"))
QUICK = (
    bench("kdd99-quick", 50, "kdd99", "quick"),
    bench("arrhythmia-quick", 32, "arrhythmia", "quick"),
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
        key = digest({"timing": _content(one), "device": how.get("device", "cpu")})
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


def _content(one: Bench) -> dict[str, Any]:
    timed = [[t.name, t.detector, t.rows, t.batches, t.answer] for t in one.timed]
    return plain({"benchmark": one.benchmark, "timed": timed, "params": dict(one.params)})


def _measured(one: Bench, key: str, data_dir: Any, how: dict[str, Any]) -> list[Line]:
    """One line for each thing that is timed."""
    protocol = PROTOCOLS[one.benchmark][one.protocol]
    data = protocol.split(protocol.seeds[0], data_dir)
    fitted = {
        name: _fitted(name, one.params, data.train[:TRAINING_ROWS], how)
        for name in dict.fromkeys(timed.detector for timed in one.timed)
    }
    return [
        _line(one, key, timed.name, milliseconds(fitted[timed.detector], data.test, timed), how)
        | {"config": plain(fitted[timed.detector].get_params(deep=False))}
        for timed in one.timed
    ]


def _fitted(name: str, params: Mapping[str, Any], rows: np.ndarray, how: dict[str, Any]):
    """A detector that has learnt a little; as much as a time needs."""
    made = catalogue.make(name, random_state=0, **{**params, **TRAINED, "patience": None})
    known = made.get_params(deep=False)
    return made.set_params(**{key: how[key] for key in how if key in known}).fit(rows)


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
    return {
        "batch_rows": timed.rows,
        "batches": timed.batches,
        "milliseconds": median(counted),
        "fastest": min(counted),
        "slowest": max(counted),
    }


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
