"""Which score of ALAD on images, after how many steps? On training images alone: no test is read.

Of a class 3,000 training images are learnt from, 1,000 others and 2,000 of other classes scored by
every score of the same training. What is measured already is kept in the results.

    python benchmarks/image_scores.py [--show]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

import alad
from alad import metrics
from alad.benchmark.data.image_sets import read_cifar10, read_mnist

RESULTS = Path("results/image_scores.jsonl")
READ = {"mnist": read_mnist, "cifar10": read_cifar10}
CLASSES = {"mnist": (2, 3, 8), "cifar10": (0, 3, 4, 6)}
STEPS = (0, 200, 600)
LEARNT, NORMAL, OTHER = 3_000, 1_000, 2_000


def measure(dataset: str, normal: int, steps: int) -> dict:
    train, _ = READ[dataset]()
    drawn = np.random.default_rng(0)
    own = drawn.permutation(np.flatnonzero(train.labels == normal))
    others = drawn.permutation(np.flatnonzero(train.labels != normal))[:OTHER]
    scored = train.images[np.r_[own[LEARNT : LEARNT + NORMAL], others]]
    anomalous = np.arange(len(scored)) >= NORMAL
    how = {"random_state": 0, "max_steps": steps, "calibration_fraction": 0.0}
    detector = alad.ALAD(**how).fit(train.images[own[:LEARNT]])
    return {
        **{"dataset": dataset, "class": normal, "steps": steps},
        "auroc": {
            name: round(metrics.auroc(detector.score_as(scored, name), anomalous), 4)
            for name in detector.score_names()
        },
    }


def main() -> None:
    torch.set_num_threads(1)
    lines = [json.loads(at) for at in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    done = {(line["dataset"], line["class"], line["steps"]) for line in lines}
    for cell in ((d, c, s) for d in READ for s in STEPS for c in CLASSES[d]):
        if "--show" not in sys.argv and cell not in done:
            lines.append(measure(*cell))
            RESULTS.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for dataset in READ:
        for steps in STEPS:
            found = [at for at in lines if (at["dataset"], at["steps"]) == (dataset, steps)]
            if found:
                means = {k: np.mean([at["auroc"][k] for at in found]) for k in found[0]["auroc"]}
                told = "  ".join(f"{name} {value:.3f}" for name, value in means.items())
                print(f"{dataset}, {len(found)} classes, {steps} steps: {told}")


if __name__ == "__main__":
    main()
