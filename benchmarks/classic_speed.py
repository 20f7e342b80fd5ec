"""Rows a second of the classic detectors, and of scikit-learn's search for neighbours beside ours.

    python benchmarks/classic_speed.py [rows to score]

Rows are standard normal, 121 columns wide as KDD99's are, 20,000 of them to learn from; "copies"
draws them from 5,000 distinct ones. Seconds are of the processor, so that other work on the machine
matters little; set OMP_NUM_THREADS=1, or they add up over threads.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from alad.catalogue import make
from alad.classic.neighbour_search import Nearest

CLASSIC = ("isolation-forest", "oc-svm", "oc-svm-sgd", "knn", "lof", "pca", "kernel-pca")
WIDTH, LEARNT, NEIGHBOURS, BLOCK = 121, 20_000, 5, 512


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def neighbours(rows: np.ndarray, new: np.ndarray) -> None:
    """Ours against the search that `KNN` used before: float64, five neighbours and eight more."""
    ours = Nearest(rows)
    theirs = NearestNeighbors(n_neighbors=NEIGHBOURS + 8, algorithm="brute").fit(rows)
    blocks = [new[at : at + BLOCK] for at in range(0, len(new), BLOCK)]
    before, _ = seconds(lambda: [theirs.kneighbors(b, return_distance=False) for b in blocks])
    after, _ = seconds(lambda: [ours.search(block, NEIGHBOURS) for block in blocks])
    print(f"  scikit-learn {len(new) / before:8.0f}   ours {len(new) / after:8.0f} rows a second")


def detector(name: str, rows: np.ndarray, new: np.ndarray) -> None:
    fit, fitted = seconds(lambda: make(name, scaling="none", random_state=0).fit(rows))
    score, _ = seconds(lambda: fitted.anomaly_score(new))
    print(f"  {name:18} fit {fit:6.1f} s   {len(new) / score:8.0f} rows a second")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8192
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(LEARNT, WIDTH)).astype(np.float32)
    new = generator.normal(size=(count, WIDTH)).astype(np.float32)
    for title, learnt in (
        ("all distinct", rows),
        ("copies", rows[generator.integers(0, 5000, LEARNT)]),
    ):
        print(f"neighbours among {LEARNT} rows, {title}")
        neighbours(learnt, new)
    print("detectors, fit included the scores of the training rows")
    for name in CLASSIC:
        detector(name, rows, new)


if __name__ == "__main__":
    main()
