"""ALAD's default where rows are few and columns many: steps, and the ridge of its score.

Tables of the benchmark one-class with at least 30 columns, cut down to at most 200 rows to learn
from; splits and standardisation as in `denoising_search.py`, single members. One training gives all
numbers of steps. Means over tables of AUROC and average precision, in %; what is chosen on halves
of the tables is confirmed on the others.

    python benchmarks/few_rows.py --seeds 0 1 2
    python benchmarks/few_rows.py --show
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from denoising_search import CHOSEN_ON, CONFIGURATIONS, HOPELESS, precision, split
from json_lines import measure_missing
from sklearn.covariance import ledoit_wolf_shrinkage

from alad import metrics
from alad.adversarial import native_score
from alad.adversarial.joint_scores import beside, fit_joint
from alad.adversarial.native_step import NativeGameStep
from alad.adversarial.scores import JOINT
from alad.benchmark.confirmation import confirm
from alad.benchmark.data.one_class import TABLES, read_one_class
from alad.catalogue import make
from alad.networks.weights import scoring_weights
from alad.training.optimizer import Optimiser

RESULTS = Path("results/few_rows.jsonl")
MOST_ROWS, LEAST_COLUMNS = 200, 30
STEPS = (0, 100, 300, 1_000, 2_000)
RIDGES = {"ridge 0.01": 0.01, "ridge 0.1": 0.1, "ridge 1": 1.0, "Ledoit-Wolf": None}
DEFAULT = "2,000 steps, ridge 0.01"
CONTROLS = ("isolation-forest", "knn", "neighbour-ratio")


def measured(X: np.ndarray, seed: int) -> Iterator[tuple[int, native_score.NativeCycle]]:
    """Train one member in C, and yield what scores at each number of steps."""
    networks, game = CONFIGURATIONS["default"].networks(X.shape[1])
    usual = Optimiser(1e-3, min(64, len(X)))
    step = NativeGameStep(torch.from_numpy(X), networks, game, usual, seed=seed, members=[0])
    for number in range(max(STEPS) + 1):
        if number in STEPS:
            weights, buffers = scoring_weights(networks, step.scoring_arrays())
            arrays = {name: at.numpy().copy() for name, at in {**weights, **buffers}.items()}
            yield number, native_score.prepare(networks, arrays)
        step(number)


def lengths(known: np.ndarray, new: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the Mahalanobis lengths of new [n, features], with each of the ridges."""
    mean = known.mean(axis=0)
    covariance = np.cov(known.T, bias=True)
    middle, eye = np.diagonal(covariance).mean(), np.eye(len(covariance))
    for name, ridge in RIDGES.items():
        if ridge is None:
            share = ledoit_wolf_shrinkage(known)
            matrix = (1 - share) * covariance + share * middle * eye
        else:
            matrix = covariance + ridge * middle * eye
        whole = np.linalg.solve(matrix + 1e-12 * eye, (new - mean).T)
        yield name, np.sqrt(np.einsum("nj,jn->n", new - mean, whole))


def measure(table: str, seed: int) -> dict:
    learnt, scored, anomalous = split(table, seed)
    learnt = learnt[:MOST_ROWS]
    rated = {}

    def rate(name: str, values: np.ndarray) -> None:
        pair = metrics.auroc(values, anomalous), precision(values, anomalous)
        rated[name] = [round(value, 5) for value in pair]

    for steps, engine in measured(learnt, seed):
        known, new = (engine(rows, JOINT) for rows in (learnt, scored))
        units = fit_joint(known)["units"]
        parts = (beside(at, units)[0].astype(np.float64) for at in (known, new))
        for name, values in lengths(*parts):
            rate(f"{steps:,} steps, {name}", values)
    for name in CONTROLS:
        how = {"random_state": seed, "calibration_fraction": 0.0, "novelty": False}
        rate(name, make(name, **how).fit(learnt).anomaly_score(scored))
    return {"table": table, "seed": seed, "width": learnt.shape[1], "scores": rated}


def tables() -> list[str]:
    wide = [at for at in TABLES if at not in HOPELESS]
    return [at for at in wide if read_one_class(at)[0].shape[1] >= LEAST_COLUMNS]


def show(found: list[dict]) -> None:
    by = {(line["table"], line["seed"]): line["scores"] for line in found}
    names = list(next(iter(by.values())))
    measured_tables = sorted({table for table, _ in by})
    seeds = sorted({seed for _, seed in by})
    seeds = [seed for seed in seeds if all((table, seed) in by for table in measured_tables)]
    cube = 100 * np.array([[[by[t, s][n] for s in seeds] for t in measured_tables] for n in names])
    strict = np.array([table not in CHOSEN_ON for table in measured_tables])
    print(f"{len(measured_tables)} tables, {int(strict.sum())} never chosen on, splits {seeds}")
    for name, of in zip(names, cube, strict=True):
        whole, apart = of.mean(axis=(0, 1)), of[strict].mean(axis=(0, 1))
        print(f"  {name}: {whole[0]:.1f} / {whole[1]:.1f}; {apart[0]:.1f} / {apart[1]:.1f}")
    tried = [name for name in names if name not in CONTROLS and not name.startswith("0 ")]
    at = [names.index(name) for name in tried]
    for measure_at, what in enumerate(("AUROC", "average precision")):
        values = np.concatenate(
            [cube[at, :, :, measure_at], cube[[names.index(DEFAULT)], :, :, measure_at]]
        )
        made = confirm(values, [*tried, "as it is"], "as it is")
        print(
            f"chosen on halves, confirmed on the others, {what}: lead over the default "
            f"{made.lead.mean:+.2f} ({made.lead.low:+.2f} to {made.lead.high:+.2f}), ahead in "
            f"{made.ahead:.0%}, {made.configurations} tried; chosen: "
            + ", ".join(f"{name} {share:.0%}" for name, share in made.chosen.items())
        )


def main() -> None:
    reads = argparse.ArgumentParser(description="Measure ALAD's default where rows are few.")
    reads.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    reads.add_argument("--show", action="store_true")
    given = reads.parse_args()
    torch.set_num_threads(1)
    cells = [(table, seed) for seed in given.seeds for table in tables() if not given.show]
    show(measure_missing(RESULTS, cells, ("table", "seed"), measure))


if __name__ == "__main__":
    main()
