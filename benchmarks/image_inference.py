"""What a score of an image costs: AnoGAN's search in plain PyTorch, the package's own, and ALAD.

A batch of 32 random images of 32 × 32 × 3, as in the paper; weights are those before training, for
time does not depend on them. Seconds are the processor's, on one thread, so that neighbours on a
busy machine count little; of ALAD the fastest of some rounds, each search once after a short one.

    python benchmarks/image_inference.py [--architecture cifar10] [--steps 500]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

import alad
from alad.benchmark import reference_anogan

IMAGES, ROUNDS = 32, 10
PUBLISHED_STEPS = 500


def seconds(action: Callable[[], object]) -> float:
    begun = time.process_time()
    action()
    return time.process_time() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", help="cifar10 = the published channels")
    parser.add_argument("--steps", type=int, default=PUBLISHED_STEPS, help="of each search")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, 32, 32, 3), np.uint8)
    fitted = {"architecture": chosen.architecture, "max_steps": 0, "random_state": 0}
    anogan = alad.AnoGAN(**fitted, search_steps=1).fit(pixels)
    model = alad.ALAD(form="published", **fitted).fit(pixels)
    anogan.set_params(search_steps=chosen.steps)
    searching = replace(anogan.model_, search_steps=chosen.steps)
    anogan.fitted_ = replace(anogan.fitted_, model_=searching)
    rows = model.encoder_.transform(pixels)
    fast = min(seconds(lambda: model.fitted_.score_encoded(rows)) for _ in range(ROUNDS + 1))
    whole = PUBLISHED_STEPS / chosen.steps  # every step costs the same
    print(f"ALAD: {1000 * fast:.1f} ms a batch of {IMAGES}")
    for name, search in (
        ("plain PyTorch", lambda: reference_anogan.search(anogan, rows)),
        ("own search", lambda: anogan.fitted_.score_encoded(rows)),
    ):
        slow = whole * seconds(search)
        print(f"AnoGAN, {name}: {slow:.2f} s for {PUBLISHED_STEPS} steps, {slow / fast:.0f} times")


if __name__ == "__main__":
    main()
