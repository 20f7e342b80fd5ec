"""What detectors lose where some of the training rows are anomalies.

Of each table half of the normal rows, at most 2,000, are learnt from, together with a share of
anomalies that are then not scored; the same rows are scored whatever the share. Mean AUROC and
average precision over the tables, in %.

    python benchmarks/spoilt_rows.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from alad import catalogue, metrics
from alad.benchmark.data.one_class import read_one_class

RESULTS = Path("results/spoilt_rows.jsonl")
TABLES = "annthyroid cardio fault landsat pageblocks segment satellite spambase vehicle".split()
DETECTORS = ("knn", "neighbour-ratio", "isolation-forest", "alad")
SHARES = (0.0, 0.01, 0.05, 0.1)
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


def measure(table: str, share: float, detector: str) -> dict:
    learnt, odd, scored, anomalous = split(table)
    count = min(len(odd), round(share / (1 - share) * len(learnt)))
    how = {"random_state": 0, "calibration_fraction": 0.0, "novelty": False}
    made = catalogue.make(detector, **how).fit(np.concatenate([learnt, odd[:count]]))
    values = made.anomaly_score(scored)
    return {
        **{"table": table, "share": share, "detector": detector, "added": count},
        "auroc": round(metrics.auroc(values, anomalous), 5),
        "average_precision": round(metrics.average_precision(values, anomalous), 5),
    }


def main() -> None:
    torch.set_num_threads(1)
    lines = [json.loads(at) for at in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    done = {(line["table"], line["share"], line["detector"]) for line in lines}
    for cell in ((t, s, d) for t in TABLES for s in SHARES for d in DETECTORS):
        if cell not in done:
            lines.append(measure(*cell))
            with RESULTS.open("a") as file:
                file.write(json.dumps(lines[-1]) + "\n")
    for detector in DETECTORS:
        for share in SHARES:
            mine = [at for at in lines if at["detector"] == detector and at["share"] == share]
            means = [100 * np.mean([at[m] for at in mine]) for m in ("auroc", "average_precision")]
            print(f"{detector} {share:.0%}: {means[0]:.1f} {means[1]:.1f}, {len(mine)} tables")


if __name__ == "__main__":
    main()
