"""How long does a backbone take? A hundred pictures of 256 × 256, learnt and scored patch by patch.

ALAD's default on the patches of EfficientNet-Lite0, pictures drawn by the program. Printed are
seconds on the clock and of the processors: the former hold for a machine with nothing else to do.

    python benchmarks/backbone_speed.py
"""

from __future__ import annotations

import resource
import time

import torch

import alad
from alad.backbone.efficientnet import LITE0
from alad.benchmark.data.drawn_textures import good_pictures

COUNT, SIDE = 100, 256


def main() -> None:
    good, new = (good_pictures("weave", COUNT, SIDE, seed) for seed in (0, 1))
    detector = alad.ALAD(backbone=LITE0, random_state=0, calibration_fraction=0.2)
    for what, work in (("fit", detector.fit), ("score", detector.anomaly_score)):
        clock, processors = time.perf_counter(), time.process_time()
        work(good if what == "fit" else new)
        seconds, used = time.perf_counter() - clock, time.process_time() - processors
        print(
            f"{what}: {seconds:.1f} s, {COUNT / seconds:.0f} pictures/s; of processors {used:.1f} s"
            f", {COUNT / used:.0f} pictures/s of one",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{torch.get_num_threads()} threads of PyTorch; at most {peak:.0f} MB of memory")


if __name__ == "__main__":
    main()
