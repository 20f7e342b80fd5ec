"""Does an explanation find the column that is wrong? One column of a normal row is replaced.

Detectors learn from half of the (distinct) normal rows of a table. In rows of the other half one
column, drawn at random, gets another row's value: plausible alone, odd beside the others. Counted:
how often the explanation ranks that column first, and among the first three; beside it the plain
reconstruction error (ALAD), the same with learnt rows instead of G(E(x)) to compare with (ALAD),
and a random order. Only rows whose value changes by at least half a deviation are used.

Writes one line a table and way to results/explanations.jsonl (replaced), and prints it.

    python benchmarks/explanations.py
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from false_alarms import divided

from alad import attribution, catalogue
from alad.detector import Detector

TABLES = ("cardio", "landsat", "pageblocks", "wdbc", "kdd99")
DETECTORS = {"alad": {}, "isolation-forest": {}, "knn": {"max_rows": 1000}}
LEAST_CHANGE = 0.5  # deviations of the column


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--output", type=Path, default=Path("results/explanations.jsonl"))
    arguments = parser.parse_args()
    with arguments.output.open("w") as file:
        for table in arguments.tables:
            for line in measured(table, arguments.rows, arguments.data_dir):
                text = json.dumps(line)
                print(text, flush=True)
                file.write(text + "\n")


def measured(table: str, count: int, data_dir: str | None) -> Iterator[dict[str, Any]]:
    train, normal, _ = divided(table, data_dir)
    rows, wrong = corrupted(normal, count)
    for name, settings in DETECTORS.items():
        detector = catalogue.make(name, random_state=0, **settings).fit(train)
        for way, shares in ways(detector, rows).items():
            yield {"table": table, "detector": name, "way": way, **counted(shares, wrong)}
    random = np.random.default_rng(2).random((len(rows), rows.shape[1]))
    yield {"table": table, "detector": "-", "way": "random order", **counted(random, wrong)}


def corrupted(normal: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows [n, columns] with one value swapped in, and which column it is [n]."""
    generator = np.random.default_rng(1)
    spread, rows, wrong = normal.std(axis=0), [], []
    while len(rows) < count:
        row, donor = normal[generator.choice(len(normal), 2, replace=False)]
        column = int(generator.integers(normal.shape[1]))
        if abs(donor[column] - row[column]) > LEAST_CHANGE * spread[column] > 0:
            changed = row.copy()
            changed[column] = donor[column]
            rows.append(changed)
            wrong.append(column)
    return np.array(rows), np.array(wrong)


def ways(detector: Detector, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Contributions [n, columns] by every way that the detector allows."""
    found = {"explain": detector.explain(rows).contributions}
    if hasattr(detector, "reconstruct"):
        encoder: Any = detector.encoder_
        encoded = encoder.transform(rows)
        error = np.abs(encoded - detector.reconstruct(rows))
        columns = np.unique(encoder.source_)
        found["reconstruction error"] = np.stack(
            [error[:, encoder.source_ == column].sum(axis=1) for column in columns], axis=1
        )
        known = attribution.nearest(encoded, _known(detector))
        found["against learnt rows"] = attribution.contributions(
            detector._scores, encoded, known, encoder.source_
        )
    return found


def _known(detector: Detector) -> np.ndarray:
    known = detector._references
    assert known is not None
    return known


def counted(shares: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    own = shares[np.arange(len(wrong)), wrong]
    rank = (shares > own[:, np.newaxis]).sum(axis=1) + (shares == own[:, np.newaxis]).sum(axis=1)
    first, third = (rank <= 1).mean(), (rank <= 3).mean()  # ties count against the explanation
    facts = {"rows": len(wrong), "columns": shares.shape[1]}
    return facts | {"first": round(float(first), 4), "first three": round(float(third), 4)}


if __name__ == "__main__":
    main()
