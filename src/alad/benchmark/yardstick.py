"""Rows of the benchmark one-class: means, ranks and wins over many tables, and how sure they are.

A lead is a difference to the control, a detector without networks, on the same splits: tables
differ far more than detectors do, so leads are surer than means.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alad.benchmark.confirmation import Confirmation, Interval, confirm
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.leaderboard import RANKED_SHARE, mean_ranks
from alad.benchmark.results_file import Line
from alad.benchmark.rows import rows_of
from alad.benchmark.summary import Group, group_by
from alad.errors import InputError

BENCHMARK = "one-class"
CONTROL = "neighbour-ratio"
MEASURES = {"auroc": "AUROC", "average_precision": "AP"}
ROUNDS = 1_000  # bootstrap samples

Runs = Mapping[str, Mapping[int, float]]  # by table: by split, the mean over its runs


@dataclass(frozen=True)
class Lead:
    """A mean difference to the control over the shared tables.

    interval: by bootstrap over tables and, within them, splits. least, most: its range when any one
    table is left out.
    """

    interval: Interval
    least: float
    most: float


@dataclass(frozen=True)
class Rating:
    """One detector on the tables that all rows of its protocol share, by each measure."""

    protocol: str
    detector: str
    trained: bool
    tables: int  # shared; that the row itself has: `own_tables`
    own_tables: int
    runs: tuple[int, int]  # fewest and most splits of a table
    mean: Mapping[str, float]  # by measure, empty for a row with too few tables to compare
    rank: Mapping[str, float]  # mean rank
    wins: Mapping[str, float]  # tables with the largest value; those that tie share one
    lead: Mapping[str, Lead]  # over the control; empty for itself, and where it is not measured
    by_table: Mapping[str, Mapping[str, float]]  # by measure, then table: the row's own
    notes: tuple[str, ...] = ()


def ratings(lines: Iterable[Line], detectors: Sequence[str] = ()) -> list[Rating]:
    """Make the rows that have lines, in the order of the benchmark's definition.

    detectors: those among which is compared; none means all.
    """
    lines = list(lines)
    return [
        rating
        for protocol in PROTOCOLS[BENCHMARK]
        for rating in _ratings(protocol, measured_rows(lines, protocol, detectors))
    ]


def measured_rows(
    lines: Iterable[Line], protocol: str, detectors: Collection[str] = ()
) -> dict[str, dict[str, Group]]:
    """Group the lines of a protocol: row -> table -> its runs; rows without any are left out."""
    groups = group_by(lines, "protocol", "detector", "dataset")
    rows: dict[str, dict[str, Group]] = {}
    for row in rows_of(BENCHMARK):
        tables = {
            table: groups.get((protocol, row.name, table), Group()).single
            for table in PROTOCOLS[BENCHMARK][protocol].tables
        }
        current = {table: runs for table, runs in tables.items() if runs.current}
        if current and (not detectors or row.name in detectors):
            rows[row.name] = current
    return rows


def _ratings(protocol: str, rows: Mapping[str, Mapping[str, Group]]) -> Iterable[Rating]:
    """Make the rows of one protocol; rows: name -> its runs by table."""
    most = max(map(len, rows.values()), default=0)
    compared = [name for name in rows if len(rows[name]) >= RANKED_SHARE * most]
    shared = sorted(set.intersection(*(set(rows[name]) for name in compared))) if compared else []
    runs = {
        measure: {name: by_split(tables, measure) for name, tables in rows.items()}
        for measure in MEASURES
    }
    means = {
        measure: {
            name: {table: float(np.mean([*splits.values()])) for table, splits in tables.items()}
            for name, tables in runs[measure].items()
        }
        for measure in MEASURES
    }
    ranks = {
        measure: mean_ranks({name: _only(means[measure][name], shared) for name in compared})
        for measure in MEASURES
    }
    described = {row.name: row for row in rows_of(BENCHMARK)}
    for name, tables in rows.items():
        comparable = bool(shared) and name in compared
        counts = [len(group.by("split")) for group in tables.values()]
        notes = (
            note
            for group in tables.values()
            for note in group.notes(described[name], BENCHMARK, where=", where there are more")
        )
        yield Rating(
            protocol=protocol,
            detector=name,
            trained=described[name].trained,
            tables=len(shared),
            own_tables=len(tables),
            runs=(min(counts), max(counts)),
            mean={
                measure: float(np.mean([means[measure][name][table] for table in shared]))
                for measure in MEASURES
                if comparable
            },
            rank={measure: ranks[measure][name] for measure in MEASURES if comparable},
            wins={
                measure: _wins(name, {at: means[measure][at] for at in compared}, shared)
                for measure in MEASURES
                if comparable
            },
            lead={
                measure: lead_over(runs[measure][name], runs[measure][CONTROL], shared)
                for measure in MEASURES
                if comparable and name != CONTROL and CONTROL in compared
            },
            by_table={measure: means[measure][name] for measure in MEASURES},
            notes=tuple(dict.fromkeys(notes)),
        )


def by_split(tables: Mapping[str, Group], measure: str) -> dict[str, dict[int, float]]:
    """Average a measure over the runs of each table's splits."""
    return {
        table: {
            split: float(np.mean([line[measure] for line in runs.current]))
            for (split,), runs in group.by("split").items()
        }
        for table, group in tables.items()
    }


def _only(values: Mapping[str, float], tables: Sequence[str]) -> dict[str, float]:
    return {table: values[table] for table in tables}


def _wins(name: str, rows: Mapping[str, Mapping[str, float]], tables: Sequence[str]) -> float:
    """Count the tables on which the row has the largest value; rows that tie share one."""
    wins = 0.0
    for table in tables:
        best = max(values[table] for values in rows.values())
        if rows[name][table] == best:
            wins += 1 / sum(values[table] == best for values in rows.values())
    return wins


# --- leads ----------------------------------------------------------------------------------------


def lead_over(row: Runs, control: Runs, tables: Sequence[str]) -> Lead:
    """Compare a row with the control on the splits of these tables that both have."""
    differences = [
        np.array([row[table][at] - control[table][at] for at in sorted(common)])
        for table in tables
        if (common := row[table].keys() & control[table].keys())
    ]
    by_table = np.array([values.mean() for values in differences])
    count, total = len(by_table), by_table.sum()
    without = (total - by_table) / (count - 1) if count > 1 else by_table
    return Lead(bootstrapped(differences), float(without.min()), float(without.max()))


def bootstrapped(values: Sequence[np.ndarray], rounds: int = ROUNDS, seed: int = 0) -> Interval:
    """Estimate the mean over tables of the mean over splits, with a bootstrap interval.

    values: an array for each table. Tables are drawn with replacement, and splits within each.
    """
    generator = np.random.default_rng(seed)
    drawn = np.stack([generator.choice(x, (rounds, len(x))).mean(axis=1) for x in values])
    tables = generator.integers(len(values), size=(len(values), rounds))
    sampled = Interval.of(drawn[tables, np.arange(rounds)].mean(axis=0))
    return Interval(float(np.mean([x.mean() for x in values])), sampled.low, sampled.high)


# --- choice and confirmation ----------------------------------------------------------------------


def confirmations(
    lines: Iterable[Line], control: str, protocol: str, detectors: Sequence[str] = ()
) -> dict[str, Confirmation]:
    """Choose among rows on half of the tables and confirm on the other half, by each measure.

    detectors: rows to choose from, beside the control; none means all that have lines. Tables and
    splits count that all of these rows have. Raises InputError if they share fewer than two tables
    or no split, or the control has no lines.
    """
    chosen = {*detectors, control} if detectors else set()
    rows = measured_rows(lines, protocol, chosen)
    if control not in rows:
        raise InputError(
            f"nothing of {control!r} is measured under the protocol {protocol!r}; choose one of: "
            f"{', '.join(rows)}"
        )
    tables = sorted(set.intersection(*(set(row) for row in rows.values())))
    found = {}
    for measure in MEASURES:
        runs = {name: by_split(row, measure) for name, row in rows.items()}
        sets = [set(runs[name][table]) for name in rows for table in tables]
        splits = sorted(set.intersection(*sets)) if sets else []
        scores = [[[runs[name][t][s] for s in splits] for t in tables] for name in rows]
        shape = (len(rows), len(tables), len(splits))
        found[measure] = confirm(np.reshape(scores, shape), list(rows), control)
    return found
