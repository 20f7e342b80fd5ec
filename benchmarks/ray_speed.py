"""Rows a second of scoring by two workers of Ray, beside one, and beside plain processes.

    OMP_NUM_THREADS=1 python benchmarks/ray_speed.py [--rows 2000000] [--rounds 3]

Encoded KDD99's rows are drawn with replacement; each round times one and two workers of Ray
(`alad.ray.scoring_by`) and one and two plain processes that score the same batches, in turns. The
ratio of two processes is what this machine, with what else runs on it, has to give.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

import alad
import alad.ray
from alad.benchmark.data.official import read_kdd99

BATCH = 65_536


def scored_here(model: str, tables: list[pa.Table], ready: object, begin: object) -> None:
    """Load the model, wait for the others, and score tables."""
    warnings.simplefilter("ignore")
    detector = alad.load(model)
    detector.anomaly_score(tables[0].slice(0, 512))
    ready.release()  # type: ignore[attr-defined]
    begin.wait()  # type: ignore[attr-defined]
    for table in tables:
        detector.anomaly_score(table)


def by_processes(model: str, tables: list[pa.Table], count: int) -> float:
    """Time plain processes that share the tables out."""
    context = multiprocessing.get_context("spawn")
    ready, begin = context.Semaphore(0), context.Event()
    parts = [tables[at::count] for at in range(count)]
    running = [
        context.Process(target=scored_here, args=(model, part, ready, begin)) for part in parts
    ]
    for process in running:
        process.start()
    for _ in running:
        ready.acquire()
    start = time.monotonic()
    begin.set()
    for process in running:
        process.join()
    return time.monotonic() - start


def by_workers(detector: alad.Fitted, model: str, tables: list[pa.Table], count: int) -> float:
    """Time workers of Ray, once they have loaded the model."""
    work = alad.ray.scoring_by(model, workers=count)
    reader = pa.RecordBatchReader.from_batches
    few = [batch for table in tables[:count] for batch in table.slice(0, 512).to_batches()]
    for _ in detector.scored(reader(few[0].schema, few), None, work):
        pass
    start = time.monotonic()
    batches = [batch for table in tables for batch in table.to_batches()]
    for _ in detector.scored(reader(batches[0].schema, batches), None, work):
        pass
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # rows of attacks hold what normal ones never did
    table = read_kdd99().drop_columns(["label"])
    generator = np.random.default_rng(0)
    tables = [
        table.take(pa.array(generator.integers(0, table.num_rows, BATCH))).combine_chunks()
        for _ in range(-(-arguments.rows // BATCH))
    ]
    with tempfile.TemporaryDirectory() as name:
        detector = alad.ALAD(random_state=0, max_steps=200).fit(table.slice(0, 20_000)).fitted_
        model = str(Path(name) / "model")
        detector.save(model)
        ways = {
            "plain processes": lambda count: by_processes(model, tables, count),
            "workers of Ray": lambda count: by_workers(detector, model, tables, count),
        }
        ratios: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(arguments.rounds):
            for way, timed in ways.items():
                one, two = timed(1), timed(2)
                ratios[way].append(one / two)
                rates = [len(tables) * BATCH / seconds for seconds in (one, two)]
                print(f"round {number}, {way}: {rates[0]:,.0f} and {rates[1]:,.0f} rows/s")
        for way, found in ratios.items():
            print(
                f"two {way} to one: {median(found):.2f} ({min(found):.2f} to {max(found):.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
