"""How long does a report of 100,000 rows take, and how large is the page?

KDD99 as people would have it: 20,000 normal connections to learn from, 100,000 others (84 %
attacks) to report, with labels, all 41 columns as the official file has them. Printed are seconds
of one processor: scoring alone, and the page with its reasons, curves and intervals, scores
excluded; and the bytes of the page, which --output keeps.

    python benchmarks/report_speed.py --output kdd99.html
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import alad
from alad.benchmark.data.kdd99 import read_kdd99
from alad.report.model.page import model_page, write_model_page

LEARNT, REPORTED = 20_000, 100_000
LABEL = "label"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2_000, help="of ALAD")
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    normal, new, anomalous = tables(arguments.data_dir)
    detector = alad.ALAD(max_steps=arguments.steps, random_state=0).fit(normal)
    _, scoring = timed(lambda: detector.anomaly_score(new))
    page, whole = timed(
        lambda: model_page(detector, new, anomalous, source="KDD99", false_alarm_rate=0.01)
    )
    html, writing = timed(page.html)
    if arguments.output:
        write_model_page(arguments.output, page)
    seconds = {"scoring": scoring, "page": whole - scoring + writing}
    facts = {name: round(value, 2) for name, value in seconds.items()}
    print(json.dumps({"rows": new.num_rows, **facts, "bytes": len(html.encode())}))


def tables(data_dir: str | None) -> tuple[pa.Table, pa.Table, np.ndarray]:
    """Rows to learn from, rows to report, and which of these are anomalous."""
    table = read_kdd99(data_dir)
    normal = np.array([label == "normal." for label in table[LABEL].to_pylist()])
    generator = np.random.default_rng(0)
    learnt = generator.choice(np.flatnonzero(normal), LEARNT, replace=False)
    rest = np.setdiff1d(np.arange(table.num_rows), learnt)
    reported = generator.choice(rest, REPORTED, replace=False)
    rows = table.drop_columns([LABEL])
    return rows.take(learnt), rows.take(reported), ~normal[reported]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """(what it gives, processor seconds)"""
    begun = time.process_time()
    found = work()
    return found, time.process_time() - begun


if __name__ == "__main__":
    main()
