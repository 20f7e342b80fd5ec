"""What AnoGAN's search costs: in plain PyTorch by row and by batch, written by hand, beside ALAD.

Networks, batches and the 500 steps are the paper's (KDD99: 50 rows, Arrhythmia: 32); weights and
rows are random, for time does not depend on them. Seconds are the processor's, on one thread, so
that neighbours on a busy machine count little; the fastest of some rounds after a warm-up is told.
`--threads 2` measures wall time of the search in C on more threads, too.

    python benchmarks/anogan_search.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import alad
from alad.anogan.detector import AnoGAN
from alad.benchmark import reference_anogan

SIZES = {"kdd99": (121, 50), "arrhythmia": (274, 32)}  # width, rows of a batch
MANY = 20_000  # rows, for ALAD's rate


def seconds(
    action: Callable[[], object], rounds: int, clock: Callable[[], float] = time.process_time
) -> float:
    """The fastest of some rounds, after one that does not count."""
    action()
    best = float("inf")
    for _ in range(rounds):
        start = clock()
        action()
        best = min(best, clock() - start)
    return best


def make(kind: type, name: str, X: np.ndarray, **settings: Any) -> Any:
    fixed = {"architecture": name, "scaling": "none", "max_steps": 1, "random_state": 0}
    return kind(**fixed, **settings).fit(X)


def row_by_row(detector: AnoGAN, X: np.ndarray) -> np.ndarray:
    """Losses [n]: each row's search on its own, by autograd and torch.optim.Adam."""
    return np.concatenate([reference_anogan.search(detector, row[None]) for row in X])


def compare(name: str, rounds: int, threads: int) -> None:
    """All times but the last line's are of encoded rows, which is where the methods differ."""
    width, rows = SIZES[name]
    generator = np.random.default_rng(0)
    X, many = (generator.normal(size=(n, width)).astype(np.float32) for n in (rows, 1_000))
    searches = {engine: make(AnoGAN, name, X, engine=engine) for engine in ("torch", "native")}
    plain = searches["torch"]
    print(f"{name}: {plain.search_steps} steps, {width} columns, one thread")
    alone = seconds(lambda: row_by_row(plain, X[:1]), rounds)
    batch = seconds(lambda: reference_anogan.search(plain, X), rounds)
    print(f"  row by row, plain PyTorch    {1e3 * alone:9.2f} ms a row")
    print(
        f"  a batch, plain PyTorch       {1e3 * batch / rows:9.2f} ms a row; "
        f"{1e3 * batch:.1f} ms a batch of {rows}"
    )
    batches = {"row by row, plain PyTorch": rows * alone, "a batch, plain PyTorch": batch}
    for engine, detector in searches.items():
        score = detector.fitted_.score_encoded
        batch = seconds(lambda score=score: score(X), rounds)
        each = seconds(lambda score=score: score(many), max(1, rounds // 3)) / len(many)
        batches[f"by hand, {engine}"] = batch
        print(
            f"  by hand, {engine:6}              {1e3 * each:9.2f} ms a row, {1 / each:.0f}/s "
            f"({alone / each:.0f} times as fast); {1e3 * batch:.1f} ms a batch of {rows}"
        )
    _check(searches, X[:3])
    _beside_alad(name, X, batches, rounds)
    if threads > 1:
        torch.set_num_threads(threads)
        score = searches["native"].fitted_.score_encoded
        wall = seconds(lambda: score(many), rounds, time.perf_counter)
        torch.set_num_threads(1)
        print(f"  in C on {threads} threads           {len(many) / wall:9.0f} rows/s (wall time)")


def _beside_alad(name: str, X: np.ndarray, batches: dict[str, float], rounds: int) -> None:
    """ALAD's answer for the same batch, its rate, and how many of it AnoGAN takes."""
    many = np.random.default_rng(1).normal(size=(MANY, X.shape[1])).astype(np.float32)
    for engine in ("torch", "native"):
        detector = make(alad.ALAD, name, X, engine=engine)
        score = detector.fitted_.score_encoded
        answer = seconds(lambda score=score: score(X), 20 * rounds)
        rate = MANY / seconds(lambda score=score: score(many), rounds)
        print(
            f"  ALAD, {engine:6}                 {1e3 * answer:9.2f} ms a batch; {rate:.0f} rows/s"
        )
    for how, batch in batches.items():
        print(f"  AnoGAN {how:25} / ALAD in C {batch / answer:9.0f}")
    table = seconds(lambda: detector.anomaly_score(X), 20 * rounds)
    print(f"  ALAD in C, with the table's encoding {1e3 * table:9.2f} ms a batch")


def _check(searches: dict[str, AnoGAN], X: np.ndarray) -> None:
    """Four ways to one number, or else the times mean nothing."""
    expected = row_by_row(searches["torch"], X)
    batch = reference_anogan.search(searches["torch"], X)
    np.testing.assert_allclose(batch, expected, rtol=1e-2)
    for detector in searches.values():
        np.testing.assert_allclose(detector.anomaly_score(X), expected, rtol=1e-2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for name in SIZES:
        compare(name, chosen.rounds, chosen.threads)


if __name__ == "__main__":
    main()
