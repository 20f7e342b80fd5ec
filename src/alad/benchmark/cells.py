"""The cells of a benchmark: each row of its tables, on each split, with each seed."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from alad import catalogue
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS, PROTOCOLS, Protocol
from alad.benchmark.data.splits import check_choice
from alad.benchmark.row import Row
from alad.benchmark.rows import rows_of, usual_runs
from alad.errors import InputError

# Parameters that change no score of a benchmark: how a fit is run, its calibration, its threshold;
# and `novelty`, which benchmarks do without
INCIDENTAL = tuple(
    "checkpoint checkpoint_seconds resume samples verbose calibration_fraction "
    "threshold_rows novelty".split()
)
# Parameters younger than the first results lines, at the value that changes nothing
LATER = {
    "gamma": None,
    "stopping_rule": "swapped",
    "share_batch": False,
    "form": "published",
    "backbone": None,
    "tile": None,
    "position": False,
    "equal_contrast": False,
    "kept_rows": 3_000,
    "trim": 0.0,
}


@dataclass(frozen=True)
class BenchmarkCell:
    """What is measured in one go, and repeated if interrupted: one fit of one row on one split."""

    benchmark: str
    protocol: str
    row: Row
    split: int  # seed of the split
    seed: int  # random_state of the detector
    members: int
    dataset: str | None = None  # which table, of a benchmark that has several
    first: int = 0  # number of the first of the members

    @property
    def shared(self) -> bool:
        """Whether all runs have the same split."""
        return len(protocol_of(self.benchmark, self.protocol).parts()[self.dataset]) == 1

    @property
    def numbers(self) -> range:
        """The members' numbers."""
        return range(self.first, self.first + self.members)

    def detector(self, **how: Any):
        """Make the detector, without calibration rows; how: parameters set where it has them."""
        chosen = {**self.row.params(), "random_state": self.seed}
        if self.row.members:
            chosen["members"] = list(self.numbers) if self.first else self.members
        made = catalogue.make(self.row.detector, **chosen)
        if self.row.twin:
            from alad.benchmark.twins import TWINS  # loads PyTorch

            made = TWINS[self.row.twin](**made.get_params(deep=False))
        return with_known(made, {"calibration_fraction": 0.0, "novelty": False} | how)

    def config(self, detector) -> dict[str, Any]:
        """List the parameters of `detector` that decide its scores, as JSON has them."""
        params = settled(detector, self.benchmark)
        return plain({name: value for name, value in params.items() if name not in INCIDENTAL})

    def settings(self, config: dict[str, Any]) -> dict[str, Any]:
        """List what the runs of one row have in common: everything but seeds."""
        common = {name: value for name, value in config.items() if name != "random_state"}
        common = {k: v for k, v in common.items() if k not in LATER or v != LATER[k]}
        if self.first:  # which members they are is no setting, only how many
            common["members"] = self.members
        settings = {"protocol": self.protocol, "detector": self.row.name, "config": common}
        return settings | ({"test_rows": self.row.test_rows} if self.row.test_rows else {})

    def key(self, config: dict[str, Any]) -> str:
        """Digest all that decides the cell's numbers."""
        seeds = {"split": self.split, "seed": self.seed}
        table = {"dataset": self.dataset} if self.dataset else {}
        later = {"first": self.first} if self.first else {}
        return digest({**self.settings(config), **seeds, **table, **later})


def protocol_of(benchmark: str, protocol: str) -> Protocol:
    """Look up a protocol by the names of its benchmark and its own."""
    return PROTOCOLS[benchmark][protocol]


def settled(detector, benchmark: str) -> dict[str, Any]:
    """List its parameters, None replaced by what it stands for on the benchmark's rows."""
    return detector.settled(images=benchmark in IMAGE_BENCHMARKS)


def with_known(detector, how: Mapping[str, Any]):
    """Set those parameters that the detector has; -> the detector."""
    names = detector.get_params(deep=False)
    return detector.set_params(**{name: value for name, value in how.items() if name in names})


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Turn parameters into what comes back from JSON."""
    return json.loads(json.dumps(params))


def digest(content: dict[str, Any]) -> str:
    """Hash the content; -> twelve hexadecimal digits."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def cells(
    benchmark: str,
    protocols: Iterable[str] = (),
    detectors: Iterable[str] = (),
    runs: int | None = None,
    datasets: Iterable[str] = (),
) -> list[BenchmarkCell]:
    """List the cells of a benchmark, split by split; rows that take hours come last.

    protocols, detectors, datasets: names to keep; none means all.
    runs: number of members or seeds on a shared split (as published by default), else of splits.
    Raises InputError for names that do not exist and for fewer runs than one.
    """
    if runs is not None and runs < 1:
        raise InputError(f"runs is {runs}; give at least 1")
    rows = _named("detector", detectors, {row.name: row for row in rows_of(benchmark)}, benchmark)
    chosen = _named("protocol", protocols, PROTOCOLS[benchmark], benchmark)
    planned = [
        cell
        for protocol in chosen
        for dataset, seeds in _named(
            "dataset", datasets, protocol_of(benchmark, protocol).parts(), benchmark
        ).items()
        for split in seeds[:runs]
        for row in rows.values()
        if protocol in row.protocols
        for cell in _of_split(BenchmarkCell(benchmark, protocol, row, split, 0, 1, dataset), runs)
    ]
    return sorted(planned, key=lambda cell: (cell.row.hours, cell.row.beside))


def planned_runs(benchmark: str, runs: int | None = None) -> dict[tuple[str, str | None, str], int]:
    """Count the planned runs of each row: (protocol, dataset, name of the row) -> runs."""
    counts: Counter[tuple[str, str | None, str]] = Counter()
    for cell in cells(benchmark, runs=runs):
        counts[cell.protocol, cell.dataset, cell.row.name] += cell.members
    return dict(counts)


def _of_split(cell: BenchmarkCell, runs: int | None) -> list[BenchmarkCell]:
    """List cells of one row on one split; where runs differ in their splits, one cell a split."""
    row = cell.row
    if not cell.shared:
        return [replace(cell, seed=cell.split, members=row.together)]
    runs = runs or usual_runs(cell.benchmark)
    runs = min(runs, row.most_runs or runs)
    if row.members:
        size = row.at_once or runs
        starts = range(0, runs, size)
        return [replace(cell, first=at, members=min(size, runs - at)) for at in starts]
    return [replace(cell, seed=seed) for seed in range(runs)]


def _named(kind: str, wanted: Iterable[str], choices: Mapping[Any, Any], benchmark: str):
    """Keep the choices that are wanted, in their own order; all if none is named."""
    wanted = list(wanted) or list(choices)
    for name in wanted:
        check_choice(name, choices, benchmark, kind)
    return {name: choices[name] for name in choices if name in wanted}
