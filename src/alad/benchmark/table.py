"""Rows of a results table: mean and spread over runs, beside what was published."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import mean, stdev

from alad import catalogue
from alad.benchmark import published
from alad.benchmark.cells import INCIDENTAL, plain, settled
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.published import Published
from alad.benchmark.results_file import Line, measured
from alad.benchmark.row import Row, ablation_of
from alad.benchmark.rows import published_as, rows_of, untrained_twin
from alad.benchmark.sheets import OTHER_PROTOCOL, UNMEASURED

MEASURES = ("precision", "recall", "f1", "auroc", "average_precision")
OF_THE_RUN = {"random_state", "members", "device", "engine", *INCIDENTAL}
Place = tuple[str, str | None, str]  # protocol, dataset, name of the row
AS_PUBLISHED = ("paper", "quick")  # protocols that stand beside the published numbers


@dataclass(frozen=True)
class Spread:
    """Mean of a measure over runs, and its sample standard deviation (None for a single run)."""

    mean: float
    sd: float | None
    runs: int


@dataclass(frozen=True)
class TableRow:
    """One detector under one protocol. `measures` are those of single runs or members."""

    benchmark: str
    protocol: str
    detector: str
    trained: bool
    measures: dict[str, Spread]  # empty if no run has succeeded
    ensemble: dict[str, float] | None  # the members' common score, mean over splits
    fit_seconds: float  # of all the runs together
    score_seconds: float  # of one run, on average
    published: Published | None
    notes: tuple[str, ...]
    dataset: str | None = None  # which table, of a benchmark that has several


def table(
    lines: Iterable[Line], benchmark: str, planned: Mapping[Place, int] | None = None
) -> list[TableRow]:
    """Rows in the order of the benchmark's definition; those without any line are left out.

    If a row was measured with several settings, the ones measured last count. planned: how many
    runs each row is to have; rows named there stay in, and say what they lack.
    """
    planned = planned or {}
    groups: dict[tuple[str, str | None, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line["protocol"], line.get("dataset"), line["detector"]].append(line)
    found = [
        replace(
            _row(benchmark, protocol, row, groups[protocol, dataset, row.name]), dataset=dataset
        )
        for protocol in PROTOCOLS[benchmark]
        for dataset in PROTOCOLS[benchmark][protocol].parts()
        for row in rows_of(benchmark)
        if groups.get((protocol, dataset, row.name)) or (protocol, dataset, row.name) in planned
    ]
    return [
        replace(row, notes=(*row.notes, *_not_learnt(row, found), *_lacking(row, planned)))
        for row in found
    ]


def _lacking(row: TableRow, planned: Mapping[Place, int]) -> tuple[str, ...]:
    """A note if fewer runs were measured than planned."""
    due = planned.get((row.protocol, row.dataset, row.detector), 0)
    runs = row.measures["f1"].runs if row.measures else 0
    if runs >= due:
        return ()
    return (f"{runs} of {due} runs measured so far" if runs else UNMEASURED,)


def _not_learnt(row: TableRow, rows: list[TableRow]) -> tuple[str, ...]:
    """A note if the row's networks found no more, by mean F1, before their first step."""
    twin, what = untrained_twin(row.benchmark, row.detector)
    place = (row.protocol, row.dataset, twin)
    for other in rows:
        if (other.protocol, other.dataset, other.detector) != place:
            continue
        if row.measures and other.measures and row.measures["f1"].mean <= other.measures["f1"].mean:
            return (f"no better than {what} ({twin})",)
    return ()


def _row(benchmark: str, protocol: str, row: Row, lines: list[Line]) -> TableRow:
    current = latest(lines)
    single = [line for line in current if line["member"] != "ensemble"]
    together = [line for line in current if line["member"] == "ensemble"]
    number = published.find(published_as(benchmark), row.published) if row.published else None
    return TableRow(
        benchmark=benchmark,
        protocol=protocol,
        detector=row.name,
        trained=row.trained,
        measures={name: spread([line[name] for line in single]) for name in MEASURES if single},
        ensemble={name: mean([line[name] for line in together]) for name in MEASURES}
        if together
        else None,
        fit_seconds=sum({line["cell"]: line["fit_seconds"] for line in single}.values()),
        score_seconds=mean([line["score_seconds"] for line in single]) if single else 0.0,
        published=number,
        notes=(
            *_notes(benchmark, protocol, row, number),
            *sampled(row, current),
            *changed(row, current, benchmark),
            *errors(lines),
        ),
    )


def sampled(row: Row, lines: list[Line]) -> tuple[str, ...]:
    """Notes on what was not learnt from, or not scored, as all of it would take hours."""
    if not lines:
        return ()
    most, rows = lines[-1]["config"].get("max_rows"), lines[-1].get("train_rows", 0)
    learnt = f"learns from a random sample of {most or 0:,} rows"
    scored = f"scored on a random sample of {row.test_rows or 0:,} test rows"
    all_scored = lines[-1].get("test_rows", row.test_rows or 0) < (row.test_rows or 0)
    told = {learnt: most is not None and most < rows, scored: row.test_rows and not all_scored}
    return tuple(note for note, holds in told.items() if holds)


def latest(lines: list[Line]) -> list[Line]:
    """Of one row's lines the measurements with its newest settings, each once, the newest of it."""
    good = measured(lines)
    current = [line for line in good if line["settings"] == good[-1]["settings"]]
    return list({(line["cell"], line["member"]): line for line in current}.values())


def spread(values: list[float]) -> Spread:
    """Mean and sample standard deviation of one measure over runs."""
    return Spread(mean(values), stdev(values) if len(values) > 1 else None, len(values))


def errors(lines: list[Line]) -> tuple[str, ...]:
    """What went wrong in cells that have failed and not been measured since, each reason once."""
    good = {line["cell"] for line in measured(lines)}
    failed = {line["error"]: None for line in lines if "error" in line and line["cell"] not in good}
    return tuple(f"failed: {error}" for error in failed)


def changed(row: Row, lines: list[Line], benchmark: str) -> tuple[str, ...]:
    """A note if the row's settings are no longer those that it was measured with."""
    if not lines:
        return ()
    now = plain(settled(catalogue.make(row.detector, **row.params()), benchmark))
    then = lines[-1]["config"]
    others = [k for k in now if k in then and k not in OF_THE_RUN and now[k] != then[k]]
    changes = ", ".join(f"{name}={then[name]!r}" for name in others)
    return (f"measured with other settings than the present ones: {changes}",) if others else ()


def _notes(benchmark: str, protocol: str, row: Row, number: Published | None) -> tuple[str, ...]:
    if number is None:
        return ()
    if protocol not in AS_PUBLISHED:
        return (OTHER_PROTOCOL,)
    told = [f"published number: {number.status}"] if number.status != "verified" else []
    found = [*told, *published.notes(number)]
    if row.published == "ALAD" and ablation_of(row) != "sn+dl":
        found.append(f"measured here: {published.ABLATIONS[ablation_of(row) or 'baseline']}")
    if protocol != "paper":
        found.append(OTHER_PROTOCOL)
    return tuple(found)
