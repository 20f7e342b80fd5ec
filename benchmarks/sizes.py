"""Time and memory of every detector on three sizes of tables, each in a process of its own.

    OMP_NUM_THREADS=1 python benchmarks/sizes.py

Prints a Markdown table: seconds of `fit` (networks: 100 steps), of scoring (all rows, or 10,000 of
them), and peak resident memory of the process in GB, imports included.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings

import numpy as np

from alad import catalogue

SIZES = {"2,000 × 5,000": (2_000, 5_000), "20 × 5": (20, 5), "1,000,000 × 5": (1_000_000, 5)}
SCORED = 10_000  # rows, at most
STEPS = 100  # of networks; usual are at most 2,000
LIMIT = 120  # seconds for a cell
KIBIBYTES = 1 << 20  # in a gigabyte; the unit in which Linux tells peaks


def measured(detector: str, rows: int, columns: int) -> dict[str, float]:
    """Fit and score in this process: seconds of each, peak memory in GB."""
    warnings.simplefilter("ignore")
    generator = np.random.default_rng(0)
    factors = generator.normal(size=(min(columns, 10), columns)).astype(np.float32)
    X = generator.normal(size=(rows, len(factors))).astype(np.float32) @ factors
    X += generator.normal(size=X.shape).astype(np.float32)
    steps = {"max_steps": STEPS} if "max_steps" in catalogue.parameter_names(detector) else {}
    made = catalogue.make(detector, random_state=0, **steps)
    begun = time.perf_counter()
    made.fit(X)
    fitted = time.perf_counter()
    made.anomaly_score(X[:SCORED])
    scored = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES
    return {"fit": fitted - begun, "score": scored - fitted, "memory": peak}


def cell(detector: str, size: tuple[int, int]) -> str:
    """Measure in a process of its own: "fit s / score s / GB", or why not."""
    command = [sys.executable, __file__, "--cell", detector, *map(str, size)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return f"more than {LIMIT} s"
    if run.returncode:
        return (run.stderr.strip().splitlines() or ["failed"])[-1]
    figures = json.loads(run.stdout)
    return f"{figures['fit']:.1f} / {figures['score']:.1f} / {figures['memory']:.1f}"


def main() -> None:
    """Print the table, a row a detector."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", nargs=3, metavar=("DETECTOR", "ROWS", "COLUMNS"))
    parser.add_argument("--detectors", nargs="*", default=list(catalogue.DETECTORS))
    options = parser.parse_args()
    if options.cell:
        detector, *size = options.cell
        print(json.dumps(measured(detector, *map(int, size))))
        return
    print("|", " | ".join(["detector", *SIZES]), "|")
    print("|---" * (1 + len(SIZES)) + "|")
    for detector in options.detectors:
        cells = [cell(detector, size) for size in SIZES.values()]
        print("|", " | ".join([detector, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
