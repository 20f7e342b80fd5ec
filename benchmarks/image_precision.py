"""Does training in bfloat16 change what is found? AUROC beside float32's, class by class.

ALAD by the preset `images-quick` on CIFAR-10, one class normal: 2,000 official training images of
it, 2,000 official test images of all. Each class is trained in float32, in bfloat16 from the same
first weights and batches, and once more in float32 from another seed: what a seed changes is the
yardstick. Scores are float32 in any case. Told are AUROC, seconds of the fit, and at the end means
over classes with the differences' deviation.

    OMP_NUM_THREADS=1 python benchmarks/image_precision.py
"""

from __future__ import annotations

import argparse
import time
from statistics import mean, stdev

import numpy as np
from sklearn.metrics import roc_auc_score

import alad
from alad.benchmark.data.image_sets import CIFAR10_CLASSES
from alad.benchmark.data.image_splits import divided

IMAGES = 2_000
TRAININGS = {"float32": ("native", 0), "bfloat16": ("bfloat16", 0), "other seed": ("native", 1)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--classes", nargs="+", default=CIFAR10_CLASSES)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--preset", default="images-quick", help="of ALAD, for its networks")
    parser.add_argument("--data-dir", default=None)
    chosen = parser.parse_args()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in TRAININGS}
    for normal in chosen.classes:
        train, test, odd = divided("cifar10", "common", normal, chosen.data_dir)
        drawn = np.random.default_rng(0).permutation(len(test))[:IMAGES]
        told = []
        for name, (engine, seed) in TRAININGS.items():
            detector = alad.ALAD.from_preset(
                chosen.preset, max_steps=chosen.steps, engine=engine, random_state=seed
            )
            begun = time.process_time()
            detector.fit(train[:IMAGES])
            seconds = time.process_time() - begun
            auroc = float(roc_auc_score(odd[drawn], detector.anomaly_score(test[drawn])))
            found[name].append((auroc, seconds))
            told.append(f"{name} {auroc:.3f} ({seconds:.0f} s)")
        print(f"{normal:11}", ", ".join(told), flush=True)
    plain = [auroc for auroc, _ in found["float32"]]
    for name, values in found.items():
        aurocs, seconds = zip(*values, strict=True)
        gaps = [one - other for one, other in zip(aurocs, plain, strict=True)]
        spread = f" ± {stdev(gaps):.3f}" if len(gaps) > 1 else ""
        print(
            f"{name:11} mean AUROC {mean(aurocs):.4f}, {mean(seconds):.1f} s a fit; "
            f"difference from float32 {mean(gaps):+.4f}{spread} over classes"
        )


if __name__ == "__main__":
    main()
