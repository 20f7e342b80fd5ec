"""Rows of results on tables, such as KDD99: means over runs, beside what was published."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from alad.benchmark import published
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.published import Published
from alad.benchmark.results_file import Line
from alad.benchmark.row import Row, ablation_of
from alad.benchmark.rows import published_as, rows_of, untrained_twin
from alad.benchmark.summary import (
    MEASURES,
    OTHER_PROTOCOL,
    UNMEASURED,
    Group,
    Spread,
    group_by,
    mean_and_sd,
)
from alad.report.tables import Cell, Mark, Table, numbered

Place = tuple[str, str | None, str]  # protocol, dataset, name of the row
AS_PUBLISHED = ("paper", "quick")  # protocols that stand beside the published numbers


@dataclass(frozen=True)
class Result:
    """One detector under one protocol; `measures` of single runs or members."""

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


def result_rows(
    lines: Iterable[Line], benchmark: str, planned: Mapping[Place, int] | None = None
) -> list[Result]:
    """Make the rows that have lines, in the order of the benchmark's definition.

    planned: runs of rows that are made in any case, and note the runs that they lack.
    """
    planned = planned or {}
    groups = group_by(lines, "protocol", "dataset", "detector")
    rows = {
        place: _result(benchmark, place, row, groups.get(place, Group()))
        for protocol in PROTOCOLS[benchmark]
        for dataset in PROTOCOLS[benchmark][protocol].parts()
        for row in rows_of(benchmark)
        for place in [(protocol, dataset, row.name)]
        if place in groups or place in planned
    }
    made = []
    for place, row in rows.items():
        runs, due = row.measures["f1"].runs if row.measures else 0, planned.get(place, 0)
        lacking = [runs_so_far(runs, due)] if runs < due else []
        made.append(replace(row, notes=(*row.notes, *_no_better(row, rows), *lacking)))
    return made


def _result(benchmark: str, place: Place, row: Row, group: Group) -> Result:
    """Make the row of one detector from its lines."""
    protocol, dataset, _ = place
    single, ensemble = group.single, group.ensemble
    seconds = {line["cell"]: line["fit_seconds"] for line in single.current}
    scoring = single.spread("score_seconds")
    number = published.find(published_as(benchmark), row.published) if row.published else None
    return Result(
        benchmark=benchmark,
        protocol=protocol,
        detector=row.name,
        trained=row.trained,
        measures=_spreads(single),
        ensemble={name: at.mean for name, at in _spreads(ensemble).items()} or None,
        fit_seconds=sum(seconds.values()),
        score_seconds=scoring.mean if scoring else 0.0,
        published=number,
        notes=(*_notes_on(number, protocol, row), *group.notes(row, benchmark), *group.errors),
        dataset=dataset,
    )


def _spreads(group: Group) -> dict[str, Spread]:
    return {name: spread for name in MEASURES if (spread := group.spread(name))}


def _notes_on(number: Published | None, protocol: str, row: Row) -> tuple[str, ...]:
    """Note how sure the published number is, and in what it differs from ours."""
    if number is None:
        return ()
    if protocol not in AS_PUBLISHED:
        return (OTHER_PROTOCOL,)
    status = [f"published number: {number.status}"] if number.status != "verified" else []
    notes = [*status, *published.notes(number)]
    if row.published == "ALAD" and ablation_of(row) != "sn+dl":
        notes.append(f"measured here: {published.ABLATIONS[ablation_of(row) or 'baseline']}")
    if protocol != "paper":
        notes.append(OTHER_PROTOCOL)
    return tuple(notes)


def _no_better(row: Result, rows: Mapping[Place, Result]) -> tuple[str, ...]:
    """Note if the row is no better, by mean F1, than its networks before training."""
    name, what = untrained_twin(row.benchmark, row.detector)
    twin = rows.get((row.protocol, row.dataset, name))
    if not (twin and twin.measures and row.measures):
        return ()
    behind = row.measures["f1"].mean <= twin.measures["f1"].mean
    return (f"no better than {what} ({name})",) if behind else ()


def runs_so_far(runs: int, due: int) -> str:
    """Note how many of the runs that are due were measured."""
    return f"{runs} of {due} runs measured so far" if runs else UNMEASURED


# --- tables ---------------------------------------------------------------------------------------

OTHERS = {"auroc": "AUROC", "average_precision": "AP", "precision": "precision", "recall": "recall"}
COLUMNS = ["detector", "runs", "F1", "published F1", *OTHERS.values()]
COLUMNS += ["ensemble F1", "ensemble AUROC", "fit s", "notes"]
FIT_SECONDS = (
    "fit s: seconds for all runs of the row together; members of one fit train side by side"
)


def results_tables(rows: Iterable[Result]) -> list[Table]:
    """Make a table for each benchmark and protocol."""
    groups = groupby(rows, lambda row: (row.benchmark, row.protocol))
    return [results_table(list(group)) for _, group in groups]


def results_table(rows: Sequence[Result]) -> Table:
    """Make the table of one protocol, the published F1 beside ours."""
    notes = [*dict.fromkeys(note for row in rows for note in row.notes), FIT_SECONDS]
    title = f"{rows[0].benchmark}, protocol {rows[0].protocol}: mean ± sd over runs"
    best = {
        name: max((row.measures[name].mean for row in rows if name in row.measures), default=None)
        for name in ("f1", *OTHERS)
    }

    def spread(row: Result, name: str, decimals: int) -> Cell:
        value = row.measures.get(name)
        mark: Mark = "best" if value and value.mean == best[name] and len(rows) > 1 else ""
        return Cell(value.text(decimals) if value else "", mark=mark)

    body = []
    for row in rows:
        f1 = UNMEASURED if UNMEASURED in row.notes else "failed"
        runs = max((measure.runs for measure in row.measures.values()), default=0)
        number = mean_and_sd(row.published.f1, row.published.sd) if row.published else ""
        together = row.ensemble or {}
        cells = [row.detector, str(runs), spread(row, "f1", 4) if row.measures else f1]
        cells += [Cell(number, mark="published"), *(spread(row, name, 3) for name in OTHERS)]
        cells += [mean_and_sd(together.get(name)) for name in ("f1", "auroc")]
        body.append([*cells, f"{row.fit_seconds:.1f}" if runs else "", numbered(notes, row.notes)])
    return Table(title, COLUMNS, body, notes, left=(0, len(COLUMNS) - 1))
