"""Speed of what scores read, by engine: C, torch and NumPy, on networks of the size of KDD99's.

    python benchmarks/scoring_engines.py [--rows 8192] [--threads 1] [--rounds 7]

Networks are untrained: speed does not depend on what they learnt. The engines take turns within
every round, and of each the fastest round counts.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import alad
from alad import catalogue
from alad.detector.fitted import Fitted

WIDTH = 121
SEARCHED_ROWS = 256  # of a search of 500 steps each; others cost a thousandth
ENGINES = ("c", "torch", "numpy")
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "alad, features": ("alad", {}),
    "alad, whitened": ("alad", {"score_function": "whitened"}),
    "bigan, egbad": ("bigan", {}),
    "autoencoder, l2": ("autoencoder", {}),
    "vae, probability": ("vae", {}),
    "dsebm-r": ("dsebm-r", {}),
    "dsebm-e": ("dsebm-e", {}),
    "dagmm, energy": ("dagmm", {}),
    "anogan, 500 steps": ("anogan", {"threshold_rows": 20}),
}


def rows(n: int) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(n, WIDTH)).astype(np.float32)


def by_engine(name: str, settings: dict[str, Any]) -> dict[str, Fitted]:
    """One untrained model, loaded for each engine."""
    how = {"architecture": "kdd99", "max_steps": 0, "random_state": 0, "patience": None}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model"
        catalogue.make(name, **how, **settings).fit(rows(300)).save(place)
        return {engine: alad.load(place, engine=engine) for engine in ENGINES}


def fastest(models: dict[str, Fitted], x: np.ndarray, rounds: int) -> dict[str, float]:
    """Rows a second of each engine in its fastest round; one round before does not count."""
    seconds: dict[str, list[float]] = {engine: [] for engine in models}
    for _ in range(rounds + 1):
        for engine, model in models.items():
            begin = time.perf_counter()
            model.model_.member_scores(x)
            seconds[engine].append(time.perf_counter() - begin)
    return {engine: len(x) / min(measured[1:]) for engine, measured in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=8_192)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"encoded rows a second, {options.threads} threads, {WIDTH} numbers a row, one member")
    print(f"{'':18}", *(f"{engine:>10}" for engine in ENGINES))
    with threadpool_limits(options.threads):
        for family, (name, settings) in FAMILIES.items():
            searched = name == "anogan"
            x = rows(SEARCHED_ROWS if searched else options.rows)
            models = by_engine(name, settings)
            speed = fastest(models, x, min(options.rounds, 2) if searched else options.rounds)
            print(f"{family:18}", *(f"{speed[engine]:10,.0f}" for engine in ENGINES))


if __name__ == "__main__":
    main()
