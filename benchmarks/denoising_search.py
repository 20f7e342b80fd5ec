"""The search for ALAD's default on tables: configurations of the denoising game, and their scores.

A table is split at random: half of its normal rows, at most 3,000, to learn from; all others, at
most 6,000, to score; columns standardised by the rows learnt from and cut off at 20 deviations.
`CHOSEN_ON` is the half of the tables that choices were made on, the others confirm them. What is in
the results file is not measured again.

    python benchmarks/denoising_search.py default untrained --tables confirm --seed 0
    python benchmarks/denoising_search.py --show
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from json_lines import measure_missing

from alad import metrics
from alad.adversarial import native_score
from alad.adversarial.architectures import denoising_architecture_for
from alad.adversarial.game import DENOISING, DENOISING_GAME, Game
from alad.adversarial.joint_scores import fit_joint
from alad.adversarial.native_step import NativeGameStep
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.scores import SCORES
from alad.benchmark.confirmation import confirm
from alad.benchmark.data.one_class import TABLES, read_one_class
from alad.networks.weights import scoring_weights
from alad.neural.score import mahalanobis, whitening
from alad.training.optimizer import Optimiser

RESULTS = Path("results/denoising_search.jsonl")
MOST_LEARNT, MOST_SCORED, LEAST_ANOMALIES, CUT_OFF = 3_000, 6_000, 30, 20.0
HOPELESS = ("messidor", "ozone_eighthr", "splice")  # where no control tells anything
CHOSEN_ON = (
    "pima wdbc wilt adult bankruptcy_5year breastw car cardio default_credit fault glass "
    "grid_stability heart_disease hill_valley htru2_pulsar jm1_defects kr_vs_kp landsat letter "
    "mammography mushroom nursery occupancy online_shoppers rice robot_navigation theorem_proving "
    "vehicle wine winequality_white"
).split()
SHOWN = ("features", "whitened features", "with f(x, x)", "with E(x)", "joint")


@dataclass(frozen=True)
class Configuration:
    """What differs from the default. decays: whether the rate falls to 0 along a cosine."""

    weight: float = DENOISING.weight
    steps: int = 2_000
    periods: bool = True
    decays: bool = False
    encoder_normalised: bool = True

    def networks(self, width: int) -> tuple[GameNetworks, Game]:
        shape = denoising_architecture_for(width)
        shape = shape if self.periods else replace(shape, periods=0)
        game = replace(DENOISING_GAME, penalties=(replace(DENOISING, weight=self.weight),))
        networks = game_networks((width,), shape, game)
        if not self.encoder_normalised:
            layers = tuple(replace(at, spectral=False) for at in networks.encoder.layers)
            networks = replace(networks, encoder=replace(networks.encoder, layers=layers))
        return networks, game


CONFIGURATIONS = {
    "weight 10, decaying, 1,500": Configuration(10.0, 1_500, decays=True),
    "weight 100, decaying, 1,500": Configuration(100.0, 1_500, decays=True),
    "weight 1,000, decaying, 1,500": Configuration(1_000.0, 1_500, decays=True),
    "default": Configuration(),
    "untrained": Configuration(steps=0),
    "no periods": Configuration(periods=False),
    "no game": Configuration(1e6),  # the terms weigh nothing beside the denoising
}


def split(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows to learn from and to score, standardised, and which of these are anomalous."""
    X, anomalous = read_one_class(name)
    drawn = np.random.RandomState(seed)
    normal, odd = drawn.permutation(np.flatnonzero(~anomalous)), np.flatnonzero(anomalous)
    half = len(normal) // 2
    learnt = drawn.permutation(normal[:half])[:MOST_LEARNT]
    scored = np.r_[normal[half:], odd]
    if len(scored) > MOST_SCORED:
        most = max(LEAST_ANOMALIES, int(MOST_SCORED * len(odd) / len(scored)))
        odd = drawn.permutation(odd)[:most]
        scored = np.r_[drawn.permutation(normal[half:])[: MOST_SCORED - len(odd)], odd]
    train = X[learnt].astype(np.float64)
    spread = train.std(axis=0)
    unit = np.where(spread > 10 * np.finfo(float).eps * np.abs(train.mean(axis=0)), spread, 1.0)
    encoded = np.clip((X.astype(np.float64) - train.mean(axis=0)) / unit, -CUT_OFF, CUT_OFF)
    encoded = encoded.astype(np.float32)
    return encoded[learnt], encoded[scored], anomalous[scored]


def train(X: np.ndarray, how: Configuration, seed: int) -> tuple[GameNetworks, dict]:
    """Train one member in C; return networks and arrays as they score."""
    networks, game = how.networks(X.shape[1])
    usual = Optimiser(1e-3, min(64, len(X)))
    step = NativeGameStep(torch.from_numpy(X), networks, game, usual, seed=seed, members=[0])
    for number in range(how.steps):
        if how.decays:
            falling = 0.5e-3 * (1 + math.cos(math.pi * number / how.steps))
            for side in step.by_group.values():
                side.optimiser = replace(usual, learning_rate=falling)
        step(number)
    weights, buffers = scoring_weights(networks, step.scoring_arrays())
    return networks, {name: array.numpy() for name, array in {**weights, **buffers}.items()}


def scores(networks: GameNetworks, arrays: Mapping, train: np.ndarray, X: np.ndarray) -> dict:
    """Score rows X by each of the scores, which learn from the rows learnt from."""
    engine = native_score.prepare(networks, arrays)
    known, new = (engine(rows, ("code", "real", "gap")) for rows in (train, X))
    units = fit_joint(known)["units"]

    def length(*parts: int) -> np.ndarray:
        def side_by_side(made: Mapping[str, np.ndarray]) -> np.ndarray:
            every = (made["gap"], made["real"], made["code"])
            return np.concatenate([every[at] / units[:, at, None, None] for at in parts], axis=2)

        return mahalanobis(side_by_side(new), whitening(side_by_side(known)))[0]

    return {
        "features": SCORES["features"].value(new, {})[0],
        "whitened features": length(0),
        "with f(x, x)": length(0, 1),
        "with E(x)": length(0, 2),
        "joint": length(0, 1, 2),
    }


def measure(name: str, table: str, seed: int) -> dict:
    began = time.process_time()
    learnt, scored, anomalous = split(table, seed)
    trained = train(learnt, CONFIGURATIONS[name], seed)
    values = scores(*trained, learnt, scored)
    rated = {
        score: [round(metrics.auroc(s, anomalous), 5), round(precision(s, anomalous), 5)]
        for score, s in values.items()
    }
    seconds = round(time.process_time() - began, 2)
    return {"configuration": name, "table": table, "seed": seed, "cpu": seconds, "scores": rated}


def precision(values: np.ndarray, anomalous: np.ndarray) -> float:
    return metrics.average_precision(values, anomalous)


def show(found: Iterable[dict]) -> None:
    """Print means over the tables that a configuration and the controls have, for each seed."""
    found = list(found)
    for chosen in (True, False):
        for seed in sorted({line["seed"] for line in found}):
            here = [
                line
                for line in found
                if (line["table"] in CHOSEN_ON) == chosen and line["seed"] == seed
            ]
            print(f"\n{'chosen on' if chosen else 'confirmed on'}, split {seed}")
            for name in dict.fromkeys(line["configuration"] for line in here):
                mine = [line["scores"] for line in here if line["configuration"] == name]
                for score in mine[0]:
                    auroc, average = np.mean([at[score] for at in mine], axis=0) * 100
                    print(f"{name}: {score}: {len(mine)} tables {auroc:.1f} {average:.1f}")


def by_table(found: Iterable[dict]) -> dict[str, dict[str, list[float]]]:
    """Sort AUROC and average precision of split 0 by configuration and score, then by table."""
    by_name: dict[str, dict[str, list[float]]] = {}
    for line in found:
        for score, value in line["scores"].items() if line["seed"] == 0 else ():
            name = f"{line['configuration']}: {score}"
            by_name.setdefault(name, {})[line["table"]] = value
    return by_name


# what is lost without a part of the default: the rows of the table in docs/accuracy.md
WITHOUT = {
    "f(x, x) and E(x) in the score": "default: whitened features",
    "sines and cosines, tables not chosen on": "no periods: joint",
    "the game": "laboratory: no game, random D_xx: with f(x, x)",
    "training": "untrained: joint",
}


def show_lost(found: Iterable[dict]) -> None:
    """Print what the default loses without a part, with 90 % intervals by bootstrap over tables."""
    by_name, generator = by_table(found), np.random.default_rng(0)
    for part, name in WITHOUT.items():
        tables = sorted(by_name[name])
        if "not chosen on" in part:
            tables = [table for table in tables if table not in CHOSEN_ON]
        whole, less = (
            np.array([by_name[at][table] for table in tables]) for at in ("default: joint", name)
        )
        lost = 100 * (whole - less)  # [tables, 2]
        drawn = lost[generator.integers(len(lost), size=(10_000, len(lost)))].mean(axis=1)
        low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
        texts = [
            f"{mean:.1f} ({a:.1f} to {b:.1f})"
            for mean, a, b in zip(lost.mean(axis=0), low, high, strict=True)
        ]
        print(f"lost without {part}, {len(tables)} tables: {' / '.join(texts)}")


def show_confirmed(found: Iterable[dict]) -> None:
    """Print the lead of what random halves of the tables choose, on the other halves, split 0.

    Of all trained configurations and scores that every table has; over each of two controls.
    """
    by_name = by_table(found)
    tables = sorted(by_name["controls: k-NN"])
    whole = {name: [at[table] for table in tables] for name, at in by_name.items() if len(at) == 60}
    for control in ("controls: k-NN", "controls: neighbour ratio"):
        names = [name for name in whole if not name.startswith(("controls", "untrained"))]
        for at, measure in enumerate(("AUROC", "average precision")):
            values = np.array([whole[name] for name in [*names, control]])[:, :, at, np.newaxis]
            made = confirm(100 * values, [*names, control], control)
            print(
                f"lead over {control.removeprefix('controls: ')}, {measure}, {made.tables} tables, "
                f"{made.configurations} tried: {made.lead.mean:+.1f} ({made.lead.low:+.1f} to "
                f"{made.lead.high:+.1f}); chosen most: {next(iter(made.chosen))}"
            )


def main() -> None:
    reads = argparse.ArgumentParser(description="Search for ALAD's default on tables.")
    reads.add_argument("configurations", nargs="*", choices=[[], *CONFIGURATIONS])
    reads.add_argument("--tables", choices=("chosen", "confirm"), default="confirm")
    reads.add_argument("--seed", type=int, default=0)
    reads.add_argument("--show", action="store_true")
    given = reads.parse_args()
    torch.set_num_threads(1)
    chosen = given.tables == "chosen"
    tables = [at for at in TABLES if (at in CHOSEN_ON) == chosen and at not in HOPELESS]
    cells = [(name, table, given.seed) for name in given.configurations for table in tables]
    found = measure_missing(RESULTS, cells, ("configuration", "table", "seed"), measure)
    show(found)
    show_confirmed(found)
    show_lost(found)


if __name__ == "__main__":
    main()
