"""Are there as many false alarms as asked for? Real rows, real detectors, many calibration sets.

Every detector is fitted once a table, on half of the (distinct) normal rows; the other half is
scored. Then, in each of 500 rounds:

- these scores are divided at random into calibration and test: rate of false alarms among the test
  rows at the thresholds for 0.1, 0.05 and 0.01 (mean over rounds, with its standard error);
- the scores are taken as the whole distribution and a calibration set drawn from it with
  replacement, so that the rate above a threshold is known exactly: the share of rounds in which it
  exceeds what was asked for, without and with a confidence of 0.9;
- a batch of test rows, a tenth of them anomalies, is selected from at a false-discovery rate of
  0.1: mean share of false discoveries, and of the anomalies found.

Fitting once is enough: all promises are about the draw of the calibration set, given a detector.
Writes one line a table and detector to results/false_alarms.jsonl (replaced), and prints it.

    python benchmarks/false_alarms.py
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from alad import catalogue
from alad.benchmark.data.adbench import read_adbench
from alad.benchmark.data.kdd99 import kdd99
from alad.detector.calibration import Calibration

TABLES = ("kdd99", "cardio", "landsat", "mammography", "pageblocks", "spambase", "coarse")
DETECTORS = {
    "alad": {"max_steps": 500},
    "isolation-forest": {},
    "knn": {"max_rows": 2000, "distance": "kth"},
}
RATES = (0.1, 0.05, 0.01)
CONFIDENCE, FDR = 0.9, 0.1
MOST_ROWS = 4000  # to learn from, and to score; anomalies likewise
MOST_CALIBRATION = 999
BATCH = 200  # normal test rows of a selection; a ninth as many anomalies are added


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--output", type=Path, default=Path("results/false_alarms.jsonl"))
    arguments = parser.parse_args()
    with arguments.output.open("w") as file:
        for table in arguments.tables:
            for line in measured(table, arguments.rounds, arguments.data_dir):
                text = json.dumps(line)
                print(text, flush=True)
                file.write(text + "\n")


def measured(table: str, rounds: int, data_dir: str | None) -> Iterator[dict[str, Any]]:
    train, normal, anomalous = divided(table, data_dir)
    for name, settings in DETECTORS.items():
        made = catalogue.make(name, random_state=0, calibration_fraction=0, **settings)
        detector = made.fit(train)
        scores, odd = (detector.anomaly_score(rows) for rows in (normal, anomalous))
        yield {"table": table, "detector": name, **simulated(scores, odd, rounds)}


def divided(table: str, data_dir: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normal rows to learn from, normal rows to score, anomalies; all distinct, but for coarse."""
    generator = np.random.default_rng(0)
    if table == "coarse":
        return coarse(generator)
    if table == "kdd99":
        split = kdd99("clean", data_dir=data_dir)
        train, test = split.train, split.test
        normal, anomalous = test[~split.test_anomalous], test[split.test_anomalous]
    else:
        rows, labels = read_adbench(table, data_dir)
        usual = generator.permutation(np.unique(rows[~labels], axis=0))
        train, normal = usual[: len(usual) // 2], usual[len(usual) // 2 :]
        anomalous = np.unique(rows[labels], axis=0)
    train, normal, anomalous = (
        generator.permutation(part)[:MOST_ROWS] for part in (train, normal, anomalous)
    )
    return train, normal, anomalous


def coarse(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of a made-up table of few different rows: two counters and a mode."""

    def usual(n: int) -> np.ndarray:
        counters = np.clip(np.round(generator.normal(5, 1, (n, 2))), 0, 9)
        return np.column_stack([counters, generator.choice(3, n, p=[0.7, 0.25, 0.05])])

    odd = usual(MOST_ROWS)
    odd[:, :2] = generator.integers(0, 10, (MOST_ROWS, 2))
    return usual(MOST_ROWS), usual(MOST_ROWS), odd


def simulated(scores: np.ndarray, odd: np.ndarray, rounds: int, seed: int = 1) -> dict[str, Any]:
    """What the rounds give for scores of unseen normal rows and of anomalies."""
    generator = np.random.default_rng(seed)
    count = min(MOST_CALIBRATION, len(scores) // 2)
    found = [one_round(scores, odd, count, generator) for _ in range(rounds)]
    line: dict[str, Any] = {"rounds": rounds, "normal": len(scores), "calibration": count}
    for name in found[0]:
        values = np.array([each[name] for each in found])
        line[name] = round(float(values.mean()), 5)
        line[f"{name} se"] = round(float(values.std() / np.sqrt(rounds)), 5)
    return line


def one_round(
    scores: np.ndarray, odd: np.ndarray, count: int, generator: np.random.Generator
) -> dict[str, float]:
    order = generator.permutation(scores)
    usual, test = Calibration.of(order[:count]), order[count:]
    drawn = Calibration.of(generator.choice(scores, count))
    found: dict[str, float] = {}
    for rate in RATES:
        found[f"false alarms {rate:g}"] = float((test > usual.threshold(rate)).mean())
        for kind, confidence in (("marginal", None), ("conditional", CONFIDENCE)):
            above = (scores > drawn.threshold(rate, confidence)).mean()
            found[f"{kind} exceeds {rate:g}"] = float(above > rate)
    batch = np.concatenate([test[:BATCH], generator.choice(odd, min(BATCH // 9, len(odd)), False)])
    normal = np.arange(len(batch)) < len(test[:BATCH])
    for kind, adaptive in (("bh", False), ("storey", True)):
        chosen = usual.select(batch, FDR, adaptive=adaptive)
        found[f"{kind} false discoveries"] = (chosen & normal).sum() / max(1, chosen.sum())
        found[f"{kind} power"] = float(chosen[~normal].mean())
    return found


if __name__ == "__main__":
    main()
