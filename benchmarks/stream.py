"""Memory and speed of scoring, or learning from, tables of any length, from Parquet to Parquet.

    python benchmarks/stream.py [--millions 0.2 2] [--members 1] [--fit]

Rows are drawn with replacement from KDD99 (41 columns, 34 numbers and 7 categories). Each length is
scored by the command line in a process of its own, whose peak of resident memory and wall time
count, and in memory, by `anomaly_score` of the same table, up to `IN_MEMORY` million rows.
--fit: the command line learns from each length, by `STEPS` steps of training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

import alad
from alad.benchmark.data.official import read_kdd99

IN_MEMORY = 2.0  # millions of rows: more would not fit beside what else runs
AT_ONCE = 1 << 20  # rows drawn at a time
STEPS = 200  # of training: speed does not depend on what networks learnt


def drawn(table: pa.Table, rows: int, path: Path, seed: int = 0) -> None:
    """Write so many rows of a table, drawn with replacement."""
    generator = np.random.default_rng(seed)
    with parquet.ParquetWriter(path, table.schema) as writer:
        for start in range(0, rows, AT_ONCE):
            chosen = generator.integers(0, table.num_rows, min(AT_ONCE, rows - start))
            writer.write_table(table.take(pa.array(chosen)))


SCORE = """
import resource, sys
from alad import cli
status = cli.run(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, int(peak) / 1024)
sys.exit(status)
"""


def measured(arguments: list[str]) -> tuple[float, float, float]:
    """Run a verb; give wall seconds, processor seconds, and its peak of memory in MiB."""
    start = time.monotonic()
    command = [sys.executable, "-W", "ignore", "-c", SCORE, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    processor, peak = map(float, done.stdout.split())
    return time.monotonic() - start, processor, peak


def line_of(rows: int, wall: float, processor: float, peak: float) -> str:
    """Say what a verb took."""
    line = f"{rows:>10,} rows: {wall:6.1f} s, {rows / wall:>9,.0f} rows/s, "
    return line + f"{processor:6.1f} s of processor time, peak {peak:5.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--millions", type=float, nargs="+", default=[0.2, 2])
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--suffix", default="parquet", help="of what is written")
    parser.add_argument("--fit", action="store_true", help="learn, do not score")
    arguments = parser.parse_args()
    table = read_kdd99().drop_columns(["label"])
    warnings.simplefilter("ignore")  # rows of attacks hold what normal ones never did
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        detector = alad.ALAD(random_state=0, max_steps=STEPS, members=arguments.members).fit(
            table.slice(0, 20_000)
        )
        detector.save(folder / "model")
        for millions in arguments.millions:
            rows = int(millions * 1e6)
            new = folder / "new.parquet"
            drawn(table, rows, new)
            out = folder / f"out.{arguments.suffix}"
            if arguments.fit:
                command = ["fit", str(new), "-o", str(folder / "learnt"), "-q"]
                command += ["--max-steps", str(STEPS), "--members", str(arguments.members)]
                print(line_of(rows, *measured(command)), flush=True)
                continue
            command = ["score", str(folder / "model"), str(new), "-o", str(out), "-q"]
            line = line_of(rows, *measured(command))
            if millions <= IN_MEMORY:
                whole = parquet.read_table(new)
                start, used = time.monotonic(), time.process_time()
                detector.anomaly_score(whole)
                line += f"; in memory {rows / (time.monotonic() - start):,.0f} rows/s, "
                line += f"{time.process_time() - used:.1f} s of processor time"
            print(line, flush=True)


if __name__ == "__main__":
    main()
