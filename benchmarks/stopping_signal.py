"""Does the label-free stopping signal follow the detection of anomalies that it never sees?

Trains members of ALAD on the development split of KDD99 (the training half alone: its attack rows,
fitted and held out, and its discarded 'normal.' rows as anomalies). At every check it notes the
signal, 1 - AUROC against rows with swapped columns, and the true F1. Prints, for every member,
Spearman's rank correlation of the two over checks, and F1 at the step that a stopping rule with the
signal would choose, for several kinds of patience, beside the last, the median, the worst and the
best one.

    python benchmarks/stopping_signal.py --learning-rate 1e-3 --score features
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from alad import ALAD, metrics
from alad.benchmark.data.kdd99 import kdd99_development
from alad.benchmark.data.splits import Split
from alad.detector.contract import Fit
from alad.neural.detector import Encoded
from alad.presets import preset
from alad.training.step import NetworkStep

PATIENCES = (5, 10, 20, 40, np.inf)  # checks without improvement


class Watched(ALAD):
    """ALAD that notes F1 on labelled rows whenever its monitor is asked; training never sees it."""

    watched: Split
    f1: list[list[float]]

    def _monitor(self, step: NetworkStep, model: Any, held_out: Encoded, fit: Fit, seed: int):
        monitor = super()._monitor(step, model, held_out, fit, seed)
        assert monitor is not None
        rows, name = fit.encoder.transform(self.watched.test), self.own_score_name()
        self.f1 = []

        def watch() -> np.ndarray:
            value = monitor()
            made = model(step.scoring_arrays(), step.X).having_learnt(name, step.X)
            scores = made.member_scores(rows)
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
    parser.add_argument("--every", type=int, default=100, help="steps between checks")
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=None)
    parser.add_argument("--rows", type=int, default=10_000, help="labelled rows for F1, a sample")
    parser.add_argument("--protocol", default="paper", choices=["paper", "clean"])
    parser.add_argument("--score", default=None)
    parser.add_argument("--preset", default="kdd99")
    parser.add_argument("--data-dir", default=None)
    arguments = parser.parse_args()
    settings = preset(arguments.preset) | {
        "max_steps": arguments.steps,
        "check_every": arguments.every,
        "patience": 10**6,  # longer than the training: every check is seen
        "members": arguments.members,
        "random_state": 0,
        "verbose": 1,
    }
    given = {"score_function": arguments.score, "learning_rate": arguments.learning_rate}
    settings |= {name: value for name, value in given.items() if value is not None}
    detector = Watched(**settings)
    split = kdd99_development(arguments.protocol, data_dir=arguments.data_dir)
    detector.watched = sampled(split, arguments.rows)
    detector.fit(split.train)
    report(detector, arguments.every)


def sampled(split: Split, rows: int) -> Split:
    """The split with at most so many of its test rows."""
    order = np.random.default_rng(0).permutation(len(split.test))[:rows]
    return replace(split, test=split.test[order], test_anomalous=split.test_anomalous[order])


def chosen(signal: np.ndarray, patience: float) -> int:
    """The check that a stopping rule ends up with: the best before patience runs out."""
    best = 0
    for check in range(len(signal)):
        if signal[check] < signal[best]:
            best = check
        elif check - best >= patience:
            break
    return best


def report(detector: Watched, every: int) -> None:
    f1 = np.array(detector.f1)  # [checks, members]
    signal = np.array([entry["monitor"] for entry in detector.training_["history"]])
    for member in range(f1.shape[1]):
        own, values = signal[:, member], f1[:, member]
        stops = {f"patience {p}": chosen(own, p) for p in PATIENCES}
        line = {
            "member": member,
            "spearman": -float(spearmanr(own, values).statistic),
            **{f"f1, {name}": values[check] for name, check in stops.items()},
            **{f"step, {name}": (check + 1) * every for name, check in stops.items()},
            "f1, last": values[-1],
            "f1, median": float(np.median(values)),
            "f1, best": values.max(),
            "f1, worst after a third": values[len(values) // 3 :].min(),
        }
        print(json.dumps({name: round(value, 4) for name, value in line.items()}), flush=True)


if __name__ == "__main__":
    main()
