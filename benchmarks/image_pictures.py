"""Reconstructions of normal and abnormal images, and generated ones over training, as PNGs.

One class is learnt from its official training images; pictures show official test images, the
first of their class: nothing is picked. Rows of the first picture: normal, its reconstruction,
abnormal, its reconstruction. Of the second: G of the same codes, untrained first, later below.

    python benchmarks/image_pictures.py cifar10 ship --steps 300 -o docs
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import alad
from alad.benchmark.data.image_splits import CLASSES, divided
from alad.data.png import write_grid
from alad.report.model.reconstructions import write_reconstructions

SHOWN = 10


def learnt(images: np.ndarray, steps: int) -> alad.ALAD:
    """The same seed and fewer steps are the beginning of the same training."""
    how = {"max_steps": steps, "patience": None, "random_state": 0, "calibration_fraction": 0.0}
    return alad.ALAD.from_preset("images-quick", **{**how, "members": 1}).fit(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmark", choices=list(CLASSES))
    parser.add_argument("normal")
    parser.add_argument("--steps", type=int, nargs="+", default=[0, 50, 100, 300])
    parser.add_argument("--output", "-o", type=Path, default=Path("."))
    chosen = parser.parse_args()
    train, test, odd = divided(chosen.benchmark, "common", chosen.normal)
    samples = []
    for steps in chosen.steps:
        detector = learnt(train, steps)
        samples.append(detector.encoder_.transform(detector.generate(SHOWN, random_state=0)))
    name = f"{chosen.benchmark}-{chosen.normal}"
    pairs = (test[~odd][:SHOWN], test[odd][:SHOWN])
    write_reconstructions(chosen.output / f"{name}-reconstructions.png", detector, *pairs)
    if len(samples) > 1:
        write_grid(chosen.output / f"{name}-generated.png", samples)


if __name__ == "__main__":
    main()
