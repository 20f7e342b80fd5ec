"""Groups of results lines, of which every table is made: which lines count, means over runs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, stdev
from typing import Any

from alad import catalogue
from alad.benchmark.cells import INCIDENTAL, LATER, plain, settled
from alad.benchmark.results_file import Line, measured
from alad.benchmark.row import Row

MEASURES = ("precision", "recall", "f1", "auroc", "average_precision")
ENSEMBLE = "ensemble"  # a line's member, where it is of all members' common score
UNMEASURED = "not measured yet"
OTHER_PROTOCOL = "published for the paper's protocol, not this one"
# Parameters that say which run it is and where, not with which settings
OF_THE_RUN = {"random_state", "members", "device", "engine", *INCIDENTAL}


@dataclass(frozen=True)
class Spread:
    """Mean of a measure over runs, and its sample standard deviation (None for a single run)."""

    mean: float
    sd: float | None
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(mean(values), stdev(values) if len(values) > 1 else None, len(values))

    def text(self, decimals: int = 4) -> str:
        """Write mean and deviation."""
        return mean_and_sd(self.mean, self.sd, decimals)


def mean_and_sd(value: float | None, sd: float | None = None, decimals: int = 4) -> str:
    """Write "0.9501 ± 0.0018", without ± for a single run; "" for none."""
    if value is None:
        return ""
    return f"{value:.{decimals}f}" + ("" if sd is None else f" ± {sd:.{decimals}f}")


@dataclass(frozen=True)
class Group:
    """Lines of one key, oldest first, as they stand in a results file."""

    lines: Sequence[Line] = ()

    @cached_property
    def current(self) -> list[Line]:
        """The newest line of each run with the settings measured last, on whatever machine."""
        good = measured(self.lines)
        current = [line for line in good if settings_of(line) == settings_of(good[-1])]
        return list({_run(line): line for line in current}.values())

    @property
    def single(self) -> "Group":
        """Its runs without ensembles."""
        return Group([line for line in self.current if line["member"] != ENSEMBLE])

    @property
    def ensemble(self) -> "Group":
        """The common scores of its members."""
        return Group([line for line in self.current if line["member"] == ENSEMBLE])

    @property
    def errors(self) -> tuple[str, ...]:
        """Reasons why cells failed that were not measured since, each once."""
        good = {line["cell"] for line in measured(self.lines)}
        failed = [x for x in self.lines if "error" in x and x["cell"] not in good]
        return tuple(dict.fromkeys(f"failed: {line['error']}" for line in failed))

    def spread(self, measure: str) -> Spread | None:
        """Compute mean and deviation over its runs; None without any."""
        values = [line[measure] for line in self.current]
        return Spread.of(values) if values else None

    def by(self, *keys: str) -> "dict[tuple, Group]":
        """Group its current lines by further keys."""
        return group_by(self.current, *keys)

    def notes(self, row: Row, benchmark: str, where: str = "") -> tuple[str, ...]:
        """Note samples learnt from or scored, and settings that are not the present ones.

        where: said of samples, where the row has several data sets.
        """
        if not self.current:
            return ()
        newest = self.current[-1]
        config, notes = newest["config"], []
        most = config.get("max_rows")
        if most is not None and most < newest.get("train_rows", 0):
            notes.append(f"learns from a random sample of {most:,} rows{where}")
        if row.test_rows and newest.get("test_rows", row.test_rows) >= row.test_rows:
            notes.append(f"scored on a random sample of {row.test_rows:,} test rows{where}")
        now = plain(settled(catalogue.make(row.detector, **row.params()), benchmark))
        others = [k for k in now if k in config and k not in OF_THE_RUN and now[k] != config[k]]
        if others:
            changes = ", ".join(f"{name}={config[name]!r}" for name in others)
            notes.append(f"measured with other settings than the present ones: {changes}")
        return tuple(notes)


def group_by(lines: Iterable[Line], *keys: str) -> dict[tuple, Group]:
    """Group lines by the values of these keys, in the order of their first lines."""
    groups: dict[tuple, list[Line]] = defaultdict(list)
    for line in lines:
        groups[tuple(line.get(key) for key in keys)].append(line)
    return {key: Group(lines) for key, lines in groups.items()}


def settings_of(line: Line) -> Mapping[str, Any]:
    """Read the parameters that decide what was measured, whichever run it is."""
    return {
        name: value
        for name, value in line["config"].items()
        if name not in OF_THE_RUN and not (name in LATER and value == LATER[name])
    }


def _run(line: Line) -> tuple:
    """Identify a run within a group; of a row fitted in parts also by its first member."""
    members = line["config"].get("members")
    first = members[0] if isinstance(members, list) else 0
    return (*(line.get(key) for key in ("dataset", "split", "seed", "member")), first)


def means(groups: Mapping[Any, Group], measure: str) -> dict[Any, float]:
    """Compute the mean of a measure over the runs of each group that has any."""
    spreads = {name: group.spread(measure) for name, group in groups.items()}
    return {name: spread.mean for name, spread in spreads.items() if spread}


def mean_over(names: Iterable[str], values: Mapping[str, float]) -> float | None:
    """Average the values of these names; None without names, or if one has no value."""
    chosen = [values.get(name) for name in names]
    numbers = [value for value in chosen if value is not None]
    return mean(numbers) if numbers and len(numbers) == len(chosen) else None


def noted(notes: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """Join the rows that share a note, given (row, its notes): "alad, vae: learns from …"."""
    rows: dict[str, list[str]] = defaultdict(list)
    for row, texts in notes:
        for note in texts:
            rows[note].append(row)
    return [f"{', '.join(names)}: {note}" for note, names in rows.items()]


def out_of(count: int, whole: int) -> str:
    """Write "10", or "7 of 10"."""
    return str(whole) if count == whole else f"{count} of {whole}"


def from_to(counts: Sequence[int]) -> str:
    """Write the fewest and the most: "3", or "1 to 3"; "" without any."""
    return " to ".join(map(str, sorted({min(counts), max(counts)}))) if counts else ""
