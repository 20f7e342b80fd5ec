"""Does an explanation find the columns that are wrong? Values of normal rows are replaced.

Detectors learn from half of the (distinct) normal rows of a table. In rows of the other half one
column, or three, drawn at random, get other rows' values: plausible alone, odd beside the others (a
number must change by half a deviation, a category at all). Measured is how often a wrong column is
ranked first, and the share of the wrong ones among the first three; ties count against a ranking.

Beside `explain` stand the detector's plain reconstruction error |x - G(E(x))|, the same over its
mean for the learnt rows, and a random order; of each the difference from the plain error in the
same rows, with its standard error. How `explain` works was chosen on the development tables alone.
Writes a line each, and means over tables with their standard error, to results/explanations.jsonl
(replaced), and prints them.

    python benchmarks/explanations.py
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from false_alarms import MOST_ROWS, divided

from alad import catalogue
from alad.benchmark.data.kdd99 import distinct
from alad.benchmark.data.official import KDD99_ATTRIBUTES, read_kdd99

DEVELOPMENT = ("cardio", "landsat", "letter", "mammography", "pageblocks", "wdbc")
HELD_BACK = ("annthyroid", "cover", "fault", "kdd99", "mnist", "shuttle", "spambase", "vowels")
DETECTORS: dict[str, dict[str, Any]] = {
    "alad": {},
    "autoencoder": {},
    "isolation-forest": {},
    "knn": {"max_rows": 1000, "distance": "kth"},
}
ERROR = "reconstruction error"
WRONG = (1, 3)  # columns replaced in a row
LEAST_CHANGE = 0.5  # deviations of the column
DONORS = 50  # rows tried for a value that differs enough, before another column is
Line = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1000, help="with networks")
    parser.add_argument("--few", type=int, default=200, help="without, as their scores take longer")
    parser.add_argument("--tables", nargs="+", default=(*DEVELOPMENT, *HELD_BACK))
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--output", type=Path, default=Path("results/explanations.jsonl"))
    arguments = parser.parse_args()
    lines: list[Line] = []
    with arguments.output.open("w") as file:
        for line in all_lines(arguments, lines):
            print(json.dumps(line), flush=True)
            file.write(json.dumps(line) + "\n")


def all_lines(arguments: Any, lines: list[Line]) -> Iterator[Line]:
    for table in arguments.tables:
        train, normal = halves(table, arguments.data_dir)
        kind = "development" if table in DEVELOPMENT else "held back"
        for line in measured(train, normal, arguments.rows, arguments.few):
            lines.append({"tables": kind, "table": table, **line})
            yield lines[-1]
    yield from means(lines)


def halves(table: str, data_dir: str | None) -> tuple[pa.Table, pa.Table]:
    """Normal rows to learn from, and others to change."""
    if table == "kdd99":
        return kdd99_halves(data_dir)
    train, normal, _ = divided(table, data_dir)
    return as_table(train), as_table(normal)


def as_table(rows: np.ndarray) -> pa.Table:
    return pa.table({f"x{at}": column for at, column in enumerate(rows.T)})


def kdd99_halves(data_dir: str | None) -> tuple[pa.Table, pa.Table]:
    """Its 41 columns as they are, categories in them; attacks are normal, as in the paper."""
    table = read_kdd99(data_dir)
    attributes = table.select(list(KDD99_ATTRIBUTES))
    anomalous = table["label"].to_numpy() == "normal."
    usual = np.flatnonzero(distinct(attributes, anomalous) & ~anomalous)
    usual = np.random.default_rng(0).permutation(usual)[: 2 * MOST_ROWS]
    return attributes.take(usual[::2]), attributes.take(usual[1::2])


def measured(train: pa.Table, normal: pa.Table, many: int, few: int) -> Iterator[Line]:
    changed = {count: corrupted(normal, many, count) for count in WRONG}
    for name, settings in DETECTORS.items():
        detector = catalogue.make(name, random_state=0, **settings).fit(train)
        for count, (rows, wrong) in changed.items():
            rows, wrong = (rows, wrong) if detector.model_.makes_rows else (rows[:few], wrong[:few])
            found = {
                way: hits(shares, wrong) for way, shares in ways(detector, rows, train).items()
            }
            for way, hit in found.items():
                ahead = compared(hit, found[ERROR]) if way != ERROR and ERROR in found else {}
                facts = {"detector": name, "way": way, "wrong": count, "columns": wrong.shape[1]}
                yield {**facts, **summary(hit), **ahead}
    for count, (_, wrong) in changed.items():
        order = np.random.default_rng(2).random(wrong.shape)
        facts = {"detector": "-", "way": "random order", "wrong": count, "columns": wrong.shape[1]}
        yield {**facts, **summary(hits(order, wrong))}


def corrupted(normal: pa.Table, count: int, columns: int) -> tuple[pa.Table, np.ndarray]:
    """`count` rows, each with values swapped in, and which columns they are, bool [count, all]."""
    generator = np.random.default_rng(columns)
    cells = [np.array(column.to_pylist()) for column in normal.columns]
    drawn = [changed_row(cells, columns, generator) for _ in range(count)]
    arrays = [
        np.array([cells[at][donors.get(at, row)] for row, donors in drawn])
        for at in range(len(cells))
    ]
    wrong = np.array([[at in donors for at in range(len(cells))] for _, donors in drawn])
    return pa.table(dict(zip(normal.column_names, arrays, strict=True))), wrong


def changed_row(
    cells: list[np.ndarray], columns: int, generator: np.random.Generator
) -> tuple[int, dict[int, int]]:
    """(row, {column: row that its value is taken from}); columns that never differ are passed."""
    row, donors = int(generator.integers(len(cells[0]))), {}
    for at in generator.permutation(len(cells)).tolist():
        tried = generator.integers(len(cells[at]), size=DONORS)
        other = tried[differs(cells[at], row, tried)]
        if len(other):
            donors[at] = int(other[0])
        if len(donors) == columns:
            break
    return row, donors


def differs(column: np.ndarray, row: int, others: np.ndarray) -> np.ndarray:
    if column.dtype.kind in "US":
        return column[others] != column[row]
    return np.abs(column[others] - column[row]) > LEAST_CHANGE * column.std()


def ways(detector: Any, rows: pa.Table, train: pa.Table) -> dict[str, np.ndarray]:
    """Contributions [n, columns] by every way that the detector allows."""
    found = {"explain": detector.explain(rows).contributions}
    if detector.model_.makes_rows:
        found[ERROR] = errors(detector, rows)
        found[f"{ERROR} over the usual"] = found[ERROR] / errors(detector, train).mean(axis=0)
    return found


def errors(detector: Any, rows: pa.Table) -> np.ndarray:
    """|x - G(E(x))|, summed over what stems from one column of the table: [n, columns]."""
    source = detector.encoder_.source_
    error = np.abs(detector.encoder_.transform(rows) - detector.reconstruct(rows))
    parts = [error[:, source == column].sum(axis=1) for column in np.unique(source)]
    return np.stack(parts, axis=1).astype(float) + np.finfo(np.float32).tiny


def hits(shares: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """[2, n]: is a wrong column ranked first? Which share of them is among the first three?"""
    order = np.lexsort((wrong, -shares), axis=1)  # of equal shares the right columns come first
    ranked = np.take_along_axis(wrong, order, axis=1)
    return np.array([ranked[:, 0], ranked[:, :3].sum(axis=1) / wrong.sum(axis=1)], dtype=float)


def summary(hit: np.ndarray) -> Line:
    first, three = hit.mean(axis=1)
    return {"rows": hit.shape[1], "first": round(first, 4), "first three": round(three, 4)}


def compared(hit: np.ndarray, other: np.ndarray) -> Line:
    """How far the first is ahead of the other in the same rows, with standard errors."""
    gap = hit - other
    mean, error = gap.mean(axis=1), gap.std(axis=1, ddof=1) / np.sqrt(gap.shape[1])
    return {
        "first ahead": round(mean[0], 4),
        "first ahead se": round(error[0], 4),
        "first three ahead": round(mean[1], 4),
        "first three ahead se": round(error[1], 4),
    }


def means(lines: list[Line]) -> Iterator[Line]:
    """Over the tables of each kind, with the standard error over tables."""
    groups: dict[tuple[Any, ...], list[Line]] = defaultdict(list)
    for line in lines:
        groups[tuple(line[key] for key in ("tables", "detector", "way", "wrong"))].append(line)
    for key, some in groups.items():
        if len(some) == 1:
            continue
        mean = dict(zip(("tables", "detector", "way", "wrong"), key, strict=True))
        mean |= {"table": f"mean of {len(some)}"}
        for name in ("first", "first three", "first ahead", "first three ahead"):
            values = np.array([line[name] for line in some if name in line])
            if len(values):
                mean[name] = round(float(values.mean()), 4)
                mean[f"{name} se"] = round(float(values.std(ddof=1) / np.sqrt(len(values))), 4)
        yield mean


if __name__ == "__main__":
    main()
