"""ALAD's score and distances to a bounded set of kept training rows, together: does it pay?

Tables, splits and the training are those of `denoising_search.py`: 60 tables, at most 3,000 rows to
learn from, single members. A part of a score is `joint`, ALAD's own, or the neighbour ratio (k-NN
distance over the root of the neighbours' own) among at most N kept rows, of rows as they are
encoded or of ALAD's whitened features. Parts are added up after a transformation whose scale comes
from the rows learnt from, each without itself. The configurations were written down before any was
measured. What is in the results file is not measured again.

    python benchmarks/kept_rows.py --seeds 0 1 2
    python benchmarks/kept_rows.py --show
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from denoising_search import CHOSEN_ON, CONFIGURATIONS, HOPELESS, precision, split, train
from json_lines import measure_missing

from alad import metrics
from alad.adversarial import native_score
from alad.adversarial.joint_scores import beside, fit_joint, joint
from alad.adversarial.scores import JOINT
from alad.benchmark.confirmation import Interval, confirm
from alad.benchmark.data.one_class import TABLES
from alad.classic.kcm import KCM, gamma_of
from alad.classic.kernel import Gaussian, weights
from alad.classic.neighbour_search import Nearest

RESULTS = Path("results/kept_rows.jsonl")
NEIGHBOURS, TINY = 5, 1e-6
SIZES = (500, 1_000, 2_000, 3_000)
Pair = tuple[np.ndarray, np.ndarray]  # values of the rows learnt from, and of those to score


def ratio(learnt: np.ndarray, scored: np.ndarray, kept: int, seed: int) -> Pair:
    """Compute the neighbour ratio among kept rows; of these, each among the others."""
    drawn = np.random.default_rng(seed).permutation(len(learnt))[:kept]
    rows = learnt[np.sort(drawn)].astype(np.float32)
    nearest = Nearest(rows)
    own = nearest.search(rows, NEIGHBOURS + 1)
    usual = own.distance[:, 1:].mean(axis=1)

    def over(distance: np.ndarray, row: np.ndarray) -> np.ndarray:
        return distance.mean(axis=1) / np.sqrt(usual[nearest.first[row]].mean(axis=1) + TINY)

    found = nearest.search(scored.astype(np.float32), NEIGHBOURS)
    return over(own.distance[:, 1:], own.row[:, 1:]), over(found.distance, found.row)


def logs(part: Pair) -> Pair:
    """Take logs, no lower than a thousandth of the median, in units of their deviation."""
    least = max(1e-3 * float(np.median(part[0])), 1e-9)
    known, new = (np.log(np.maximum(values, least)) for values in part)
    return in_units(known, new)


def softly(part: Pair) -> Pair:
    """Take log(1 + s / median), in units of its deviation: about the score where it is small."""
    middle = float(np.median(part[0])) or float(np.mean(part[0])) or 1.0
    return in_units(*(np.log1p(values / middle) for values in part))


def plainly(part: Pair) -> Pair:
    """Take the values in units of their deviation."""
    return in_units(*part)


def factors(part: Pair) -> Pair:
    """Take logs, in no units: the sum of parts orders rows as their product does."""
    least = max(1e-3 * float(np.median(part[0])), 1e-9)
    known, new = (np.log(np.maximum(values, least)) for values in part)
    return known, new


def in_units(known: np.ndarray, new: np.ndarray) -> Pair:
    unit = max(float(known.std()), 1e-9)
    middle = float(known.mean())
    return (known - middle) / unit, (new - middle) / unit


# name -> parts, and what is done to each before they are added up
Made = Callable[[Pair], Pair]
TOGETHER: dict[str, tuple[tuple[str, ...], Made]] = {
    "joint + rows 500": (("joint", "rows 500"), logs),
    "joint + rows 1,000": (("joint", "rows 1,000"), logs),
    "joint + rows 2,000": (("joint", "rows 2,000"), logs),
    "joint + rows 3,000": (("joint", "rows 3,000"), logs),
    "joint + features 2,000": (("joint", "features 2,000"), logs),
    "joint + rows + features 2,000": (("joint", "rows 2,000", "features 2,000"), logs),
    "joint + rows 2,000, softly": (("joint", "rows 2,000"), softly),
    "joint + rows 2,000, plainly": (("joint", "rows 2,000"), plainly),
    # added when the first eight tables had shown that on small ones the deviation of a fitted score
    # among the rows that it was fitted to leaves the other part without weight
    "joint x rows 500": (("joint", "rows 500"), factors),
    "joint x rows 1,000": (("joint", "rows 1,000"), factors),
    "joint x rows 2,000": (("joint", "rows 2,000"), factors),
    "joint x rows 3,000": (("joint", "rows 3,000"), factors),
}
# what is not chosen: the same without training, and without a network
CONTROLS: dict[str, tuple[tuple[str, ...], Made]] = {
    "joint": (("joint",), plainly),
    "neighbour ratio": (("rows 3,000",), plainly),
    "kcm": (("kcm",), plainly),
    "kcm + rows 2,000": (("kcm", "rows 2,000"), logs),
    "kcm + rows 3,000": (("kcm", "rows 3,000"), logs),
    "kcm x rows 3,000": (("kcm", "rows 3,000"), factors),
    "untrained joint": (("untrained joint",), plainly),
    "untrained joint + rows 2,000": (("untrained joint", "rows 2,000"), logs),
    "untrained joint + rows 3,000": (("untrained joint", "rows 3,000"), logs),
    "untrained joint x rows 2,000": (("untrained joint", "rows 2,000"), factors),
    "untrained joint x rows 3,000": (("untrained joint", "rows 3,000"), factors),
    "knn": (("knn",), plainly),
    "knn-mean": (("knn-mean",), plainly),
}
CONTROL = "neighbour ratio"


def kernel_mean(learnt: np.ndarray, scored: np.ndarray, seed: int) -> Pair:
    """Compute KCM's score as the library has it; of rows that it keeps, each without itself."""
    model: Any = KCM(random_state=seed, calibration_fraction=0.0, novelty=False).fit(learnt).model_
    rows = model.rows.astype(np.float64)
    squared = Gaussian(model.rows, 1.0).squared_distances(model.rows)
    np.fill_diagonal(squared, np.inf)
    others = weights(squared, gamma_of(model.bandwidth)) @ rows
    return np.sqrt(((rows - others) ** 2).sum(axis=1)), model.scores(scored)[0]


def knn(learnt: np.ndarray, scored: np.ndarray, mean: bool) -> Pair:
    found = Nearest(learnt).search(scored, NEIGHBOURS).distance
    values = found.mean(axis=1) if mean else found[:, -1]
    return values, values  # alone its scale does not count


def parts_of(table: str, seed: int, cache: Path) -> tuple[dict[str, Pair], np.ndarray]:
    """Compute every part of a table, and which scored rows are anomalous."""
    kept = cache / f"{table}-{seed}.npz"
    learnt, scored, anomalous = split(table, seed)
    if kept.exists():
        with np.load(kept) as found:
            names = {name[2:] for name in found}
            return {name: (found[f"0 {name}"], found[f"1 {name}"]) for name in names}, anomalous
    made: dict[str, Pair] = {}
    for prefix, how in (("", "default"), ("untrained ", "untrained")):
        engine = native_score.prepare(*train(learnt, CONFIGURATIONS[how], seed))
        known, new = (engine(rows, JOINT) for rows in (learnt, scored))
        fitted = fit_joint(known)
        made[f"{prefix}joint"] = joint(known, fitted)[0], joint(new, fitted)[0]
        if not prefix:
            unmixed = [
                (beside(at, fitted["units"])[0] - fitted["mean"][0]) @ fitted["unmix"][0].T
                for at in (known, new)
            ]
            made["features 2,000"] = ratio(unmixed[0], unmixed[1], 2_000, seed)
    for size in SIZES:
        made[f"rows {size:,}"] = ratio(learnt, scored, size, seed)
    made["kcm"] = kernel_mean(learnt, scored, seed)
    made["knn"], made["knn-mean"] = (knn(learnt, scored, mean) for mean in (False, True))
    cache.mkdir(parents=True, exist_ok=True)
    arrays = {f"{at} {name}": part[at] for name, part in made.items() for at in (0, 1)}
    np.savez(kept, allow_pickle=False, **arrays)
    return made, anomalous


def measure(table: str, seed: int, cache: Path) -> dict:
    began = time.process_time()
    parts, anomalous = parts_of(table, seed, cache)
    rated = {}
    for name, (of, prepare) in {**TOGETHER, **CONTROLS}.items():
        values = np.sum([prepare(parts[part])[1] for part in of], axis=0)
        rated[name] = [
            round(metrics.auroc(values, anomalous), 5),
            round(precision(values, anomalous), 5),
        ]
    seconds = round(time.process_time() - began, 2)
    return {"table": table, "seed": seed, "cpu": seconds, "scores": rated}


def cube(found: list[dict], tables: list[str], at: int) -> dict[str, np.ndarray]:
    """Sort a measure by name: [tables, seeds], in %, over the seeds that all tables have."""
    by = {(line["table"], line["seed"]): line["scores"] for line in found}
    seeds = [s for s in sorted({s for _, s in by}) if all((t, s) in by for t in tables)]
    names = list(next(iter(by.values())))
    return {n: np.array([[100 * by[t, s][n][at] for s in seeds] for t in tables]) for n in names}


def bootstrapped(lead: np.ndarray) -> Interval:
    """Estimate the mean of [tables], and its interval when tables are drawn anew."""
    drawn = np.random.default_rng(0).integers(len(lead), size=(10_000, len(lead)))
    sampled = Interval.of(lead[drawn].mean(axis=1))
    return Interval(float(lead.mean()), sampled.low, sampled.high)


def show(found: list[dict]) -> None:
    every = [table for table in TABLES if table not in HOPELESS]
    sets = {
        "chosen on": [table for table in every if table in CHOSEN_ON],
        "strict half, never chosen on": [table for table in every if table not in CHOSEN_ON],
        "all": every,
    }
    have = {line["table"] for line in found}
    for title, tables in sets.items():
        tables = [table for table in tables if table in have]
        pair = [cube(found, tables, at) for at in (0, 1)]
        print(f"\n{title}: {len(tables)} tables, {pair[0][CONTROL].shape[1]} splits each")
        for name in pair[0]:
            texts = [f"{made[name].mean():.1f}" for made in pair]
            leads = [bootstrapped((made[name] - made[CONTROL]).mean(axis=1)) for made in pair]
            over = " / ".join(f"{a.mean:+.2f} ({a.low:+.2f} to {a.high:+.2f})" for a in leads)
            print(f"  {name}: {' / '.join(texts)}; over the control {over}")
    tables = [table for table in every if table in have]
    for at, what in enumerate(("AUROC", "average precision")):
        values = cube(found, tables, at)
        names = [*TOGETHER, CONTROL]
        made = confirm(np.stack([values[name] for name in names]), names, CONTROL)
        print(
            f"\nchosen on halves, confirmed on the others, {what}: lead over the control "
            f"{made.lead.mean:+.2f} ({made.lead.low:+.2f} to {made.lead.high:+.2f}), ahead in "
            f"{made.ahead:.0%}, {made.configurations} tried; chosen: "
            + ", ".join(f"{name} {share:.0%}" for name, share in made.chosen.items())
        )


def main() -> None:
    reads = argparse.ArgumentParser(description="Add neighbours among kept rows to ALAD's score.")
    reads.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    reads.add_argument("--cache", type=Path, default=Path(".cache/kept_rows"))
    reads.add_argument("--show", action="store_true")
    given = reads.parse_args()
    torch.set_num_threads(1)
    tables = [table for table in TABLES if table not in HOPELESS and not given.show]
    cells = [(table, seed) for seed in given.seeds for table in tables]
    show(measure_missing(RESULTS, cells, ("table", "seed"), partial(measure, cache=given.cache)))


if __name__ == "__main__":
    main()
