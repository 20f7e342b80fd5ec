"""What AnoGAN's search costs: row by row in plain PyTorch, for all rows at once, and beside ALAD.

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
from torch import Tensor

import alad
from alad.anogan import AnoGAN
from alad.gan import START

SIZES = {"kdd99": (121, 50), "arrhythmia": (274, 32)}  # width, rows of a batch


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


def row_by_row(detector: AnoGAN, x: Tensor) -> np.ndarray:
    """Losses [n]: each row's search on its own, by autograd and torch.optim.Adam."""
    return np.array([_one_row(detector, row[None, None]) for row in x])


def _one_row(detector: AnoGAN, x: Tensor) -> float:
    model, weight = detector._model, detector.discrimination_weight
    real = model.networks.judge.features(model.context, x).detach()
    z = model.context.buffers[START].clone().requires_grad_()
    adam = torch.optim.Adam([z], detector.search_learning_rate)

    def loss() -> Tensor:
        generated = model.networks.generator(model.context, z)
        features = model.networks.judge.features(model.context, generated)
        residual, discrimination = (x - generated).abs().sum(), (real - features).abs().sum()
        return (1 - weight) * residual + weight * discrimination

    for _ in range(detector.search_steps):
        adam.zero_grad()
        loss().backward()
        adam.step()
    return loss().item()


def compare(name: str, rounds: int, threads: int) -> None:
    width, rows = SIZES[name]
    generator = np.random.default_rng(0)
    X, many = (generator.normal(size=(n, width)).astype(np.float32) for n in (rows, 1_000))
    searches = {engine: make(AnoGAN, name, X, engine=engine) for engine in ("torch", "native")}
    adversarial = make(alad.ALAD, name, X)
    alone = seconds(lambda: row_by_row(searches["torch"], torch.from_numpy(X[:1])), rounds)
    print(f"{name}: {searches['torch'].search_steps} steps, {width} columns, one thread")
    print(f"  row by row, plain PyTorch    {1e3 * alone:9.2f} ms a row")
    for engine, detector in searches.items():
        batch = seconds(lambda d=detector: d.anomaly_score(X), rounds)
        each = seconds(lambda d=detector: d.anomaly_score(many), max(1, rounds // 3)) / len(many)
        print(
            f"  all at once, {engine:6}        {1e3 * each:11.2f} ms a row, {1 / each:.0f}/s "
            f"({alone / each:.0f} times as fast); {1e3 * batch:.1f} ms a batch of {rows}"
        )
    answer = seconds(lambda: adversarial.anomaly_score(X), 20 * rounds)
    print(f"  ALAD                         {1e3 * answer:9.2f} ms a batch of {rows}")
    print(f"  AnoGAN in C / ALAD           {batch / answer:9.0f}")
    print(f"  AnoGAN row by row / ALAD     {rows * alone / answer:9.0f}")
    _check(searches, X[:3])
    if threads > 1:
        torch.set_num_threads(threads)
        wall = seconds(lambda: searches["native"].anomaly_score(many), rounds, time.perf_counter)
        torch.set_num_threads(1)
        print(f"  in C on {threads} threads           {len(many) / wall:9.0f} rows/s (wall time)")


def _check(searches: dict[str, AnoGAN], X: np.ndarray) -> None:
    """Three ways to one number, or else the times mean nothing."""
    expected = row_by_row(searches["torch"], torch.from_numpy(X))
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
