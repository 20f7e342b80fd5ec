"""Rows of results on one table, such as KDD99: means over runs, beside what was published."""

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


def result_rows(
    lines: Iterable[Line], benchmark: str, planned: Mapping[Place, int] | None = None
) -> list[Result]:
    """Make rows in the order of the benchmark's definition; those without any line are left out.

    planned: how many runs each row is to have; rows named there stay in, and say what they lack.
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
    return [
        replace(row, notes=(*row.notes, *_no_better(row, rows), *_lacking(row, planned.get(at, 0))))
        for at, row in rows.items()
    ]


def _result(benchmark: str, place: Place, row: Row, group: Group) -> Result:
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
        notes=(
            *_notes_on(number, protocol, row),
            *group.notes(row, benchmark),
            *group.errors,
        ),
        dataset=dataset,
    )


def _spreads(group: Group) -> dict[str, Spread]:
    return {name: spread for name in MEASURES if (spread := group.spread(name))}


def _notes_on(number: Published | None, protocol: str, row: Row) -> tuple[str, ...]:
    """Tell how sure the published number is, and where it is not like ours."""
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
    """Tell if the row's networks found no more, by mean F1, before their first step."""
    name, what = untrained_twin(row.benchmark, row.detector)
    twin = rows.get((row.protocol, row.dataset, name))
    if not (twin and twin.measures and row.measures):
        return ()
    behind = row.measures["f1"].mean <= twin.measures["f1"].mean
    return (f"no better than {what} ({name})",) if behind else ()


def _lacking(row: Result, due: int) -> tuple[str, ...]:
    """Tell if fewer runs were measured than are due."""
    runs = row.measures["f1"].runs if row.measures else 0
    return () if runs >= due else (runs_so_far(runs, due),)


def runs_so_far(runs: int, due: int) -> str:
    return f"{runs} of {due} runs measured so far" if runs else UNMEASURED


# --- tables ---------------------------------------------------------------------------------------

NAMES = {
    **{"f1": "F1", "auroc": "AUROC", "average_precision": "AP"},
    **{"precision": "precision", "recall": "recall"},
}
BESIDE_F1 = {name: title for name, title in NAMES.items() if name != "f1"}
COLUMNS = (
    *("detector", "runs", "F1", "published F1", *BESIDE_F1.values()),
    *("ensemble F1", "ensemble AUROC", "fit s", "notes"),
)
FIT_SECONDS = (
    "fit s: seconds for all runs of the row together; members of one fit train side by side"
)


def results_tables(rows: Iterable[Result]) -> list[Table]:
    """Make a table for each benchmark and protocol, the published F1 beside ours."""
    groups = groupby(rows, lambda row: (row.benchmark, row.protocol))
    return [results_table(list(group)) for _, group in groups]


def results_table(rows: Sequence[Result]) -> Table:
    """Make the table of one benchmark's protocol; its rows refer to notes by number."""
    notes = [*dict.fromkeys(note for row in rows for note in row.notes), FIT_SECONDS]
    title = f"{rows[0].benchmark}, protocol {rows[0].protocol}: mean ± sd over runs"
    best = {
        name: max((row.measures[name].mean for row in rows if name in row.measures), default=None)
        for name in NAMES
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
        cells: list[str | Cell] = [
            *(row.detector, str(runs), spread(row, "f1", 4) if row.measures else f1),
            *(Cell(number, mark="published"), *(spread(row, name, 3) for name in BESIDE_F1)),
            *(mean_and_sd(together.get(name)) for name in ("f1", "auroc")),
            *(f"{row.fit_seconds:.1f}" if runs else "", numbered(notes, row.notes)),
        ]
        body.append(cells)
    return Table(title, COLUMNS, body, notes, left=(0, len(COLUMNS) - 1))
