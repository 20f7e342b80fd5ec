"""Which scaling of the columns suits DAGMM? F1 of single members, on development data only.

Arrhythmia: divisions of the clean protocol that no benchmark uses. KDD99: its development split, a
sample of it. Settings are the presets', the scaling excepted.

    python benchmarks/mixture_scaling.py
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

import alad
from alad import metrics
from alad.benchmark.data.arrhythmia import arrhythmia
from alad.benchmark.data.kdd99 import kdd99_development
from alad.benchmark.data.splits import Split, fewer

SCALINGS = ("standard", "robust-minmax", "minmax")
DIVISIONS = range(1001, 1006)
LEARNT, SCORED = 40_000, 20_000  # rows of KDD99


def divisions(data_dir: str | None) -> Iterator[tuple[str, int, Split]]:
    """(preset, members, rows)"""
    for seed in DIVISIONS:
        yield "arrhythmia", 3, arrhythmia("clean", seed, data_dir)
    yield "kdd99", 2, fewer(kdd99_development("paper", data_dir), LEARNT, SCORED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", default=None)
    arguments = parser.parse_args()
    found: dict[tuple[str, str], list[float]] = {}
    for name, members, split in divisions(arguments.data_dir):
        for scaling in SCALINGS:
            how = {"scaling": scaling, "members": members, "random_state": 0}
            detector = alad.DAGMM.from_preset(name, **how).fit(split.train)
            for scores in detector.member_scores(split.test):
                judged = metrics.evaluate(scores, split.test_anomalous, split.percentile)
                found.setdefault((name, scaling), []).append(judged["f1"])
    for (name, scaling), values in found.items():
        print(f"{name:12} {scaling:14} F1 {np.mean(values):.3f} ± {np.std(values):.3f}")


if __name__ == "__main__":
    main()
