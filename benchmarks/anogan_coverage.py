"""Does AnoGAN's generator reach the normal rows of KDD99? Without labels, on the development split.

For each setting two members learn from 20,000 normal rows; told are the mean and the median loss
of 300 other normal rows after the search, and how far G's rows spread (columns' mean deviation),
beside the data's own. The last two numbers use labels, and none of the settings is chosen by them.

    python benchmarks/anogan_coverage.py
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from alad import metrics
from alad.anogan.detector import AnoGAN
from alad.anogan.networks import START
from alad.benchmark.data.kdd99 import kdd99_development

LEARNT, HELD_OUT, JUDGED = 20_000, 300, 1_500
SETTINGS: dict[str, dict[str, Any]] = {
    "as ALAD's preset": {"learning_rate": 1e-3, "max_steps": 5_000},
    "a tenth of the rate": {"learning_rate": 1e-4, "max_steps": 5_000},
    "that, four times as long": {"learning_rate": 1e-4, "max_steps": 20_000},
}


def deviation(rows: np.ndarray) -> float:
    return float(rows.std(axis=0).mean())


def main() -> None:
    torch.set_num_threads(1)
    split = kdd99_development()
    generator = np.random.default_rng(0)
    order = generator.permutation(len(split.train))
    learnt, held_out = split.train[order[:LEARNT]], split.train[order[LEARNT:][:HELD_OUT]]
    judged = generator.permutation(len(split.test))[:JUDGED]
    for name, settings in SETTINGS.items():
        begun = time.process_time()
        how = {"members": 2, "random_state": 0, "threshold_rows": 100, **settings}
        detector = AnoGAN.from_preset("kdd99", calibration_fraction=0.0, **how).fit(learnt)
        losses = detector.member_scores(held_out)
        scores = detector.member_scores(split.test[judged])
        model = detector.model_.reader
        z = torch.randn(2, HELD_OUT, model.context.buffers[START].shape[-1])
        made = model.networks.generator(model.context, z).detach().numpy()
        found = [
            metrics.evaluate(s, split.test_anomalous[judged], split.percentile) for s in scores
        ]
        print(
            f"{name}: held-out loss mean {losses.mean(axis=1).round(1)}, "
            f"median {np.median(losses, axis=1).round(1)}; G spreads "
            f"{[round(deviation(rows), 3) for rows in made]}, the data "
            f"{deviation(detector.encoder_.transform(held_out)):.3f}; F1 "
            f"{[round(one['f1'], 3) for one in found]}, AUROC "
            f"{[round(one['auroc'], 3) for one in found]}; {time.process_time() - begun:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
