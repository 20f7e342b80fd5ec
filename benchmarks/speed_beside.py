"""Train and score tables by this state of alad and by another one, in turns; processor time.

    OMP_NUM_THREADS=1 python benchmarks/speed_beside.py --beside OTHER/src

Each state runs in a process of its own. Of each case: shares of the peak, the fastest product of
matrices at hand, and how many times as fast this state is (median, lowest, highest round).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from alad.adversarial.alad import ALAD
from alad.adversarial.native_step import NativeGameStep
from alad.speed import arithmetic, groups
from alad.speed.measure import PEAK_SIDE, fastest, peak_actions
from alad.training.optimizer import Optimiser

HERE = Path(__file__).resolve().parent.parent / "src"
STEPS = 10
TRAINED = [("KDD99", 64, 1), ("KDD99", 64, 8), ("KDD99", 512, 1), ("KDD99", 512, 8)]
TRAINED += [("Arrhythmia", 64, 1), ("Arrhythmia", 64, 8), ("30 columns, the default", 64, 1)]
SCORED = [("KDD99", "encoded", 1), ("KDD99", "encoded", 8), ("KDD99", "table", 1)]
SCORED += [("Arrhythmia", "table", 1), ("30 columns, the default", "table", 1)]
CASES = [*TRAINED, *SCORED]
TABLES = {table.name: table for table in groups.TABLES}


def work(case: tuple) -> int:
    """Count the products of a case that `action` does; 0 where they are not counted."""
    name, how, members = case
    table = TABLES[name]
    if isinstance(how, int):
        counted = table.architecture is not None
        return counted and STEPS * members * arithmetic.training_step(table.networks(), how)
    of_row = arithmetic.scored_row if table.architecture else arithmetic.joint_row
    return groups.SCORED * members * of_row(table.networks())


def action(case: tuple) -> Callable[[], object]:
    """Make what is timed: steps of training, or scores of rows."""
    name, how, members = case
    table = TABLES[name]
    if isinstance(how, int):
        X, optimiser = torch.from_numpy(table.rows(groups.LEARNT)), Optimiser(1e-3, how)
        networks, given = table.networks(), {"seed": 0, "members": range(members)}
        step, first = NativeGameStep(X, networks, table.game, optimiser, **given), [0]

        def steps() -> None:
            at = first[0]
            if hasattr(step, "run"):  # states before runs of steps have none
                step.run(at, STEPS)
            else:
                [step(number) for number in range(at, at + STEPS)]
            first[0] += STEPS

        return steps
    rows, form = table.rows(groups.SCORED), "published" if table.architecture else "denoising"
    settings = {"architecture": table.architecture, "form": form, "members": members}
    fitted = ALAD(**settings, **groups.UNTRAINED).fit(rows[:300]).fitted_
    score = fitted.score_encoded if how == "encoded" else fitted.anomaly_score
    return lambda: score(rows)


def answer() -> None:
    """Time the case whose number each line gives; -1: the peak."""
    made: dict[int, Callable[[], object]] = {-1: fastest(peak_actions())}
    for line in sys.stdin:
        number = int(line)
        if number not in made:
            made = {-1: made[-1], number: action(CASES[number])}
            made[number]()
        times = []
        for _ in range(2):
            begun = time.thread_time()
            made[number]()
            times.append(time.thread_time() - begun)
        print(min(times), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", help="the other state's src folder")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--answer", action="store_true", help="for a process of one state")
    given = parser.parse_args()
    if given.answer:
        return answer()
    states = [
        subprocess.Popen(
            [sys.executable, __file__, "--answer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(source)},
        )
        for source in (given.beside, HERE)
    ]

    def seconds(state: subprocess.Popen[str], number: int) -> float:
        assert state.stdin is not None and state.stdout is not None
        print(number, file=state.stdin, flush=True)
        return float(state.stdout.readline())

    for number, case in enumerate(CASES):
        rounds = []
        for _ in range(given.rounds + 1):  # the first does not count
            peak = PEAK_SIDE**3 / seconds(states[0], -1)
            rounds.append((peak, *(seconds(state, number) for state in states)))
        shares = [median(work(case) / row[at] / row[0] for row in rounds[1:]) for at in (1, 2)]
        ratios = [row[1] / row[2] for row in rounds[1:]]
        told = f"x {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{case}: {shares[0]:.0%} -> {shares[1]:.0%} of the peak, {told}", flush=True)
    for state in states:
        state.communicate()


if __name__ == "__main__":
    main()
