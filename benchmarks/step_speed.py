"""Milliseconds per training step: the plain PyTorch step and the native one, side by side.

The networks are those of KDD99. The two take turns, so that both meet the same neighbours on a busy
machine; the fastest steps and the median are told. GFLOP/s counts the products that the native step
makes (it leaves out what needs no gradient), against the fastest matrix product of NumPy or torch.

    python benchmarks/step_speed.py --members 1 10 --threads 1 2
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable

import numpy as np
import torch

from alad.adversarial import native_step
from alad.adversarial.architectures import Architecture
from alad.adversarial.game import XX, XZ, ZZ, Game
from alad.adversarial.native_step import NativeGameStep
from alad.adversarial.networks import game_networks
from alad.adversarial.step import GameStep
from alad.speed import arithmetic
from alad.training.optimizer import Optimiser

WIDTH, BATCH = 121, 50
SHAPE = Architecture(32, (64,), (64, 128), 128, (128,), (128,), (32,))


def milliseconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - start)


def make(kind: type[GameStep], members: int, spectral: bool) -> GameStep:
    drawn = np.random.default_rng(0).standard_normal((5000, WIDTH)).astype(np.float32)
    game, optimiser = Game((XZ, XX, ZZ), spectral), Optimiser(1e-5, BATCH)
    X = torch.from_numpy(drawn)
    networks = game_networks((WIDTH,), SHAPE, game)
    return kind(X, networks, game, optimiser, seed=0, members=range(members))


def compare(members: int, spectral: bool, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Times [steps] of the plain and of the native step."""
    plain, fast = (make(kind, members, spectral) for kind in (GameStep, NativeGameStep))
    times: tuple[list[float], list[float]] = ([], [])
    numbers = itertools.count()
    for _ in range(rounds):
        for number in itertools.islice(numbers, 4):
            times[0].append(milliseconds(lambda: plain(number)))  # noqa: B023 called at once
        for number in itertools.islice(numbers, 12):
            times[1].append(milliseconds(lambda: fast(number)))  # noqa: B023 called at once
    return np.array(times[0][4:]), np.array(times[1][12:])


def peak(threads: int) -> float:
    """GFLOP/s of the faster of NumPy's and torch's matrix product on one thread, times threads."""
    a = np.ones((512, 512), np.float32)
    t = torch.from_numpy(a)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    best = min(min(milliseconds(lambda: t @ t), milliseconds(lambda: a @ a)) for _ in range(100))
    torch.set_num_threads(before)
    return threads * 2 * 512**3 / best / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=20)
    chosen = parser.parse_args()
    if not native_step.available():
        raise SystemExit(f"no native step here: {native_step.reason()}")
    print(
        "members threads spectral | torch fastest median | native fastest median | GFLOP/s  of peak"
    )
    for spectral, threads, members in itertools.product(
        (False, True), chosen.threads, chosen.members
    ):
        torch.set_num_threads(threads)
        plain, fast = compare(members, spectral, chosen.rounds)
        networks = game_networks((WIDTH,), SHAPE, Game((XZ, XX, ZZ), spectral))
        done = 2e-6 * members * arithmetic.training_step(networks, BATCH) / fast.min()
        print(
            f"{members:7} {threads:7} {'yes' if spectral else 'no':>8} | {plain.min():13.2f} "
            f"{np.median(plain):6.2f} | {fast.min():14.2f} {np.median(fast):6.2f} | "
            f"{done:7.1f} {done / peak(threads):8.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
