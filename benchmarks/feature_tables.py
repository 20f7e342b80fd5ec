"""Are the features of pictures learnt as well by ALAD as by k-NN? Three tables of ADBench.

A row is a picture of MVTec AD (carpet, grid, leather), 512 columns the features of a ResNet-18
(ADBench's folder `CV_by_ResNet18`). A random half of the normal rows is learnt from, all others are
scored: AUROC of three halves, each with a seed of its own.

Writes a line each to results/feature_tables.jsonl (replaced), and prints them.

    python benchmarks/feature_tables.py
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

import alad
from alad import metrics
from alad.benchmark.data.splits import half_of_normal

TABLES = ("carpet", "grid", "leather")
SEEDS = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("ALAD_DATA", ".")))
    parser.add_argument("--output", type=Path, default=Path("results/feature_tables.jsonl"))
    arguments = parser.parse_args()
    lines = [line for name in TABLES for line in measured(name, arguments.data_dir)]
    arguments.output.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def measured(name: str, data_dir: Path) -> list[dict[str, Any]]:
    """Measure each detector on each half of a table."""
    path = data_dir / "adbench" / "resnet18" / f"MVTec-AD_{name}.npz"
    with np.load(path, allow_pickle=False) as content:
        X, anomalous = content["X"].astype(np.float32), content["y"] == 1
    lines = []
    for seed in SEEDS:
        train = half_of_normal(anomalous, seed)
        test = np.setdiff1d(np.arange(len(X)), train)
        for title, detector in detectors(seed).items():
            scores = detector.fit(X[train]).anomaly_score(X[test])
            auroc = metrics.auroc(scores, anomalous[test])
            line = {"table": name, "detector": title, "seed": seed, "auroc": round(auroc, 4)}
            print(json.dumps(line), flush=True)
            lines.append(line | {"train_rows": len(train), "test_rows": len(test)})
    return lines


def detectors(seed: int) -> dict[str, Any]:
    """Name the detectors; nothing is held out for calibration."""
    how = {"random_state": seed, "calibration_fraction": 0.0, "novelty": False}
    return {
        "alad": alad.ALAD(**how),
        "alad-untrained": alad.ALAD(max_steps=0, **how),
        "knn": alad.KNN(**how),
        "mahalanobis": alad.PCA(distance="mahalanobis", **how),
    }


if __name__ == "__main__":
    main()
