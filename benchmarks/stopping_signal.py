"""Does the label-free stopping signal follow the detection of anomalies that it never sees?

Trains members of ALAD on the development split of KDD99 (the training half alone: its attack rows,
fitted and held out, and its discarded 'normal.' rows as anomalies). At every check it notes the
signal, 1 - AUROC against rows with swapped columns, and the true F1. Prints, for every member,
Spearman's rank correlation of the two over checks, and F1 at the step that the signal chose beside
the last, the median and the best one.

    python benchmarks/stopping_signal.py --steps 6000 --members 5 --score l1
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from alad import ALAD, metrics
from alad.data.protocols import Split, kdd99_development
from alad.presets import preset


class Watched(ALAD):
    """ALAD that notes F1 on labelled rows whenever its monitor is asked; training never sees it."""

    watched: Split
    f1: list[list[float]]

    def _make_monitor(self, *arguments: Any):
        monitor = super()._make_monitor(*arguments)
        assert monitor is not None
        rows = self.encoder_.transform(self.watched.test)
        self.f1 = []

        def watch() -> np.ndarray:
            value = monitor()
            scores = self._raw_scores(rows, self._score_name())
            found = (
                metrics.evaluate(one, self.watched.test_anomalous, self.watched.percentile)
                for one in scores
            )
            self.f1.append([one["f1"] for one in found])
            return value

        return watch


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--protocol", default="paper", choices=["paper", "clean"])
    parser.add_argument("--score", default=None)
    parser.add_argument("--preset", default="kdd99")
    parser.add_argument("--data-dir", default=None)
    arguments = parser.parse_args()
    settings = preset(arguments.preset) | {
        "max_steps": arguments.steps,
        "check_every": arguments.every,
    }
    if arguments.score:
        settings["score_function"] = arguments.score
    # patience longer than the training: every check is seen
    detector = Watched(
        **settings
        | {"patience": 10**6, "members": arguments.members, "random_state": 0, "verbose": 1}
    )
    detector.watched = kdd99_development(arguments.protocol, data_dir=arguments.data_dir)
    detector.fit(detector.watched.train)
    report(detector)


def report(detector: Watched) -> None:
    f1 = np.array(detector.f1)  # [checks, members]
    signal = np.array([entry["monitor"] for entry in detector.training_["history"]])
    for member in range(f1.shape[1]):
        chosen = int(signal[:, member].argmin())
        line = {
            "member": member,
            "spearman": -float(spearmanr(signal[:, member], f1[:, member]).statistic),
            "f1_chosen": f1[chosen, member],
            "f1_last": f1[-1, member],
            "f1_median": float(np.median(f1[:, member])),
            "f1_best": f1[:, member].max(),
            "f1_worst_after_first_third": f1[len(f1) // 3 :, member].min(),
        }
        print(json.dumps({name: round(value, 4) for name, value in line.items()}))


if __name__ == "__main__":
    main()
