"""How soon the program answers: `alad score` of 1,000 rows of 20 mixed columns, `alad --help`.

    python benchmarks/first_score.py [--rounds 15] [--beside OTHER/src]

Each program runs in a process of its own; in every round all take turns, so that a busy machine
slows all alike. --beside: another version's sources, measured in the same rounds, and the ratios.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa

import alad
from alad.data.writing import write_table

HERE = str(Path(alad.__file__).parents[1])
PROGRAMS = {
    "alad score": ["-m", "alad", "score", "model", "new.csv", "-o", "scored.csv", "-q"],
    "alad --help": ["-m", "alad", "--help"],
    "import alad": ["-c", "import alad"],
}


def mixed(rows: int, seed: int) -> pa.Table:
    """Draw rows of 14 columns of numbers, 4 of text and 2 of whole numbers."""
    generator = np.random.default_rng(seed)
    columns = {f"n{at}": generator.normal(size=rows).round(4) for at in range(14)}
    columns |= {f"c{at}": generator.choice(["a", "b", "cc", "ddd"], rows) for at in range(4)}
    columns |= {f"k{at}": generator.integers(0, 50, rows) for at in range(2)}
    return pa.table(columns)


def took(program: list[str], sources: str, folder: str) -> tuple[float, float]:
    """Run a program; give seconds of wall time and of processor time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *program],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": sources},
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--beside", help="sources of another version")
    arguments = parser.parse_args()
    versions = [HERE, *([str(Path(arguments.beside).resolve())] if arguments.beside else [])]
    for sources in versions:  # an installed package has its byte code
        compileall.compile_dir(sources, quiet=2)
    seconds: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        write_table(mixed(1_000, 1), Path(folder) / "new.csv")
        alad.ALAD(random_state=0, max_steps=200).fit(mixed(3_000, 0)).save(Path(folder) / "model")
        for _ in range(arguments.rounds):
            versions.reverse()
            for sources in versions:
                for name, program in PROGRAMS.items():
                    seconds[name, sources].append(took(program, sources, folder))
    for name in PROGRAMS:
        for at, what in enumerate(("wall", "processor")):
            figures = [
                (min(times), statistics.median(times))
                for sources in (HERE, *({*versions} - {HERE}))
                for times in ([each[at] for each in seconds[name, sources]],)
            ]
            line = "; beside: ".join(f"{least:.3f} s, {usual:.3f} s" for least, usual in figures)
            if arguments.beside:
                (least, usual), (other_least, other_usual) = figures
                line += f"; ratios {least / other_least:.2f}, {usual / other_usual:.2f}"
            print(f"{name:12} {what:9} least, median: {line}")


if __name__ == "__main__":
    main()
