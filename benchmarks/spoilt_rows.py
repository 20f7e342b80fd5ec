"""What detectors lose where some of the training rows are anomalies.

Of each table half of the normal rows, at most 2,000, are learnt from, together with a share of
anomalies that are then not scored; the same rows are scored whatever the share. Mean AUROC and
average precision over the tables, in %. `trim` is ALAD's robust way. Beside it two that did not
pay: ALAD is fitted, training rows that score high are left out, and it is fitted anew.

    python benchmarks/spoilt_rows.py
    python benchmarks/spoilt_rows.py --show
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from json_lines import measure_missing

from alad import catalogue, metrics
from alad.benchmark.data.one_class import read_one_class

RESULTS = Path("results/spoilt_rows.jsonl")
TABLES = "annthyroid cardio fault landsat pageblocks segment satellite spambase vehicle".split()
DETECTORS: dict[str, dict[str, Any]] = {
    "knn": {"distance": "kth"},
    "neighbour-ratio": {},
    "isolation-forest": {},
    "alad": {},
    "alad, trim=0.1": {"trim": 0.1},
}
TENTH, FENCE = "alad, the highest tenth left out", "alad, what is beyond the fence left out"
SHARES = (0.0, 0.1, 0.05, 0.01)
TRIED = {"alad, trim=0.1": SHARES[:3], TENTH: SHARES[:2], FENCE: SHARES[1:2]}
MOST_LEARNT, MOST_SCORED = 2_000, 4_000


def split(table: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return normal rows to learn from, anomalies to add, rows to score, and their labels."""
    X, anomalous = read_one_class(table)
    drawn = np.random.default_rng(seed)
    normal = drawn.permutation(np.flatnonzero(~anomalous))
    odd = drawn.permutation(np.flatnonzero(anomalous))
    learnt = normal[: len(normal) // 2][:MOST_LEARNT]
    most = int(max(SHARES) / (1 - max(SHARES)) * len(learnt))
    added = odd[: min(most, len(odd) // 2)]
    scored = np.r_[normal[len(normal) // 2 :][:MOST_SCORED], odd[len(added) :]]
    return X[learnt], X[added], X[scored], anomalous[scored]


def kept(scores: np.ndarray, detector: str) -> np.ndarray:
    """Tell which training rows are learnt from again: by rank, or by Tukey's fence of logs."""
    if detector == TENTH:
        return scores <= np.quantile(scores, 0.9)
    logs = np.log(scores + 1e-9)
    low, high = np.quantile(logs, [0.25, 0.75])
    return logs <= high + 1.5 * (high - low)


def measure(table: str, share: float, detector: str) -> dict:
    learnt, odd, scored, anomalous = split(table)
    count = min(len(odd), round(share / (1 - share) * len(learnt)))
    how = {"random_state": 0, "calibration_fraction": 0.0, "novelty": False}
    how |= DETECTORS.get(detector, {})
    rows, name = np.concatenate([learnt, odd[:count]]), detector.partition(",")[0]
    made = catalogue.make(name, **how).fit(rows)
    if detector in (TENTH, FENCE):
        again = rows[kept(made.anomaly_score(rows), detector)]
        made = catalogue.make(name, **how).fit(again)
    values = made.anomaly_score(scored)
    return {
        **{"table": table, "share": share, "detector": detector, "added": count},
        "auroc": round(metrics.auroc(values, anomalous), 5),
        "average_precision": round(metrics.average_precision(values, anomalous), 5),
    }


def main() -> None:
    reads = argparse.ArgumentParser(description="Measure what spoilt training rows cost.")
    reads.add_argument("--show", action="store_true")
    show = reads.parse_args().show
    torch.set_num_threads(1)
    cells = [(t, s, d) for d in DETECTORS for s in TRIED.get(d, SHARES) for t in TABLES]
    cells += [(t, s, d) for d in (TENTH, FENCE) for s in TRIED[d] for t in TABLES]
    names = ("table", "share", "detector")
    lines = measure_missing(RESULTS, () if show else cells, names, measure)
    for detector in (*DETECTORS, TENTH, FENCE):
        for share in sorted(TRIED.get(detector, SHARES)):
            mine = [at for at in lines if at["detector"] == detector and at["share"] == share]
            means = [100 * np.mean([at[m] for at in mine]) for m in ("auroc", "average_precision")]
            print(f"{detector} {share:.0%}: {means[0]:.1f} {means[1]:.1f}, {len(mine)} tables")


if __name__ == "__main__":
    main()
