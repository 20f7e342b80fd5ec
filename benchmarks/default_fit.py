"""How long a fit of `ALAD()` takes on a small and on a large table, each in a process of its own.

    OMP_NUM_THREADS=2 python benchmarks/default_fit.py

Prints seconds on the wall and of the processor: of imports, and of `fit` with its thresholds.
"""

import os
import subprocess
import sys

SIZES = ((200, 5), (200_000, 40))
PROGRAM = """
import time
began, used = time.perf_counter(), time.process_time()
import numpy, sklearn.base, torch, alad
print(f"imports {time.perf_counter() - began:.1f} s ({time.process_time() - used:.1f})", end="; ")
X = numpy.random.default_rng(0).normal(size=({rows}, {columns}))
began, used = time.perf_counter(), time.process_time()
alad.ALAD(random_state=0).fit(X)
print(f"fit {time.perf_counter() - began:.1f} s ({time.process_time() - used:.1f})")
"""


def main() -> None:
    for rows, columns in SIZES:
        print(f"{rows:,} rows of {columns} columns", end=": ", flush=True)
        program = PROGRAM.replace("{rows}", str(rows)).replace("{columns}", str(columns))
        subprocess.run([sys.executable, "-c", program], check=True)
    print("in brackets: of the processor; load before:", *(f"{x:.0f}" for x in os.getloadavg()))


if __name__ == "__main__":
    main()
