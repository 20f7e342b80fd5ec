"""How detectors stand over many tables: mean and mean rank, beside what was published.

Of ADBench. Tables of fewer than 1,000 rows stand apart: the published protocol resamples them, so
that the same rows are learnt from and scored.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import mean

from alad.benchmark import published
from alad.benchmark.data.adbench import SMALL, STEMS
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.results_file import Line
from alad.benchmark.row import Row
from alad.benchmark.rows import rows_of
from alad.benchmark.table import changed, latest, sampled

MEASURES = ("auroc", "average_precision")
BENCHMARK = "adbench"
GROUPS = {"tables of 1,000 rows or more": False, "smaller tables": True}
TOGETHER = ", ensemble"  # a row of its own, where a detector has several members
RANKED_SHARE = 0.5  # a row with fewer of the tables has no rank: it would leave too few to rank on
Values = Mapping[str, float]  # a measure by table


@dataclass(frozen=True)
class Standing:
    """One detector, or published method, over the tables of one group under one protocol.

    Means are over the tables that it has results on (None: on none); `shared_auroc` and `rank` are
    over `shared_tables`, those that every row with a rank has.
    """

    protocol: str
    group: str
    detector: str  # as shown, its ensemble as such
    row: str  # of the benchmark
    trained: bool
    tables: int
    of_tables: int  # how many the group has
    runs: tuple[int, int]  # fewest and most runs of a table
    auroc: float | None
    average_precision: float | None
    shared_tables: int
    shared_auroc: float | None
    rank: float | None  # mean rank by AUROC
    ranked: int  # among how many rows
    published: str | None  # name of the published method
    published_auroc: float | None  # its mean over the same tables, where the protocol is its own
    published_average_precision: float | None
    by_table: Values  # AUROC
    notes: tuple[str, ...] = ()  # what is to be known of how it was measured


def standings(lines: Iterable[Line], *, whole: bool = False) -> list[Standing]:
    """Rows in the order of the benchmark's definition, group by group.

    whole: also the rows that have not been measured.
    """
    measured = _measured(lines)
    return [
        standing
        for protocol in PROTOCOLS[BENCHMARK]
        for group, small in GROUPS.items()
        for standing in _of_group(protocol, group, _only(measured, protocol, small), whole)
    ]


@dataclass(frozen=True)
class Means:
    """What a row has on each table: each measure's mean over runs, how many runs, and notes."""

    values: Mapping[str, dict[str, float]]  # measure -> table -> mean
    runs: dict[str, int]
    notes: dict[str, tuple[str, ...]]

    def only(self, small: bool) -> "Means":
        """On the tables of one group."""

        def kept(by_table):
            return {name: own for name, own in by_table.items() if (name in SMALL) is small}

        values = {measure: kept(own) for measure, own in self.values.items()}
        return Means(values, kept(self.runs), kept(self.notes))


NOTHING = Means({measure: {} for measure in MEASURES}, {}, {})


def _measured(lines: Iterable[Line]) -> dict[tuple[str, str], Means]:
    """(protocol, name of the row) -> its means; of several members their ensemble is a row too."""
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line["protocol"], line["detector"], line["dataset"]].append(line)
    rows = {row.name: row for row in rows_of(BENCHMARK)}
    found: dict[tuple[str, str], Means] = defaultdict(lambda: Means(defaultdict(dict), {}, {}))
    for (protocol, name, dataset), own in groups.items():
        kinds: dict[str, list[Line]] = {name: [], f"{name}{TOGETHER}": []}
        for line in latest(own):
            kinds[f"{name}{TOGETHER}" if line["member"] == "ensemble" else name].append(line)
        for shown, runs in kinds.items():
            if runs and name in rows:
                _add(found[protocol, shown], dataset, runs, _told(rows[name], runs))
    return found


def _told(row: Row, runs: list[Line]) -> tuple[str, ...]:
    """What was learnt from, or scored, in part; and whether with settings that are no more."""
    in_part = (f"{note}, where there are more" for note in sampled(row, runs))
    return (*in_part, *changed(row, runs, BENCHMARK))


def _add(means: Means, dataset: str, runs: list[Line], notes: tuple[str, ...]) -> None:
    for measure in MEASURES:
        means.values[measure][dataset] = mean(run[measure] for run in runs)
    means.runs[dataset], means.notes[dataset] = len(runs), notes


def _only(measured: Mapping[tuple[str, str], Means], protocol: str, small: bool):
    """Name of the row -> its means on the tables of one group."""
    found = {name: means.only(small) for (own, name), means in measured.items() if own == protocol}
    return {name: means for name, means in found.items() if means.runs}


def _of_group(
    protocol: str, group: str, rows: Mapping[str, Means], whole: bool
) -> Iterable[Standing]:
    ranked = _ranked({name: means.values["auroc"] for name, means in rows.items()})
    ranks, place = mean_ranks(ranked), (protocol, group, shared_tables(ranked), len(ranked))
    for row in rows_of(BENCHMARK):
        for name in (row.name, row.name + TOGETHER):
            if name in rows or (whole and name == row.name):
                yield _standing(place, row, name, rows.get(name, NOTHING), ranks.get(name))


def _ranked(rows: Mapping[str, Values]) -> dict[str, Values]:
    """The rows that have at least half of the tables of the row that has the most."""
    most = max((len(values) for values in rows.values()), default=0)
    return {name: values for name, values in rows.items() if len(values) >= RANKED_SHARE * most}


def _standing(
    place: tuple[str, str, Collection[str], int],
    row: Row,
    name: str,
    means: Means,
    rank: float | None,
) -> Standing:
    protocol, group, shared, ranked = place
    auroc, tables, runs = means.values["auroc"], means.runs.keys(), means.runs.values()
    own = published.one_class().get(row.published or "") if protocol == "published" else None
    return Standing(
        protocol=protocol,
        group=group,
        detector=name,
        row=row.name,
        trained=row.trained,
        tables=len(tables),
        of_tables=sum((table in SMALL) is GROUPS[group] for table in STEMS),
        runs=(min(runs, default=0), max(runs, default=0)),
        auroc=_mean(auroc.values()),
        average_precision=_mean(means.values["average_precision"].values()),
        shared_tables=len(shared),
        shared_auroc=None if rank is None else _mean([auroc[table] for table in shared]),
        rank=rank,
        ranked=ranked,
        published=row.published if own else None,
        published_auroc=over(tables, own, "auroc"),
        published_average_precision=over(tables, own, "average_precision"),
        by_table=auroc,
        notes=tuple(dict.fromkeys(note for told in means.notes.values() for note in told)),
    )


def _mean(values: Collection[float]) -> float | None:
    return mean(values) if values else None


def over(tables: Collection[str], number: published.OneClass | None, measure: str) -> float | None:
    """A published method's mean over these tables; None without a method or a table."""
    return _mean([getattr(number, measure)[table] for table in tables]) if number else None


def shared_tables(rows: Mapping[str, Values]) -> set[str]:
    """The tables that all rows have."""
    return set.intersection(*(set(values) for values in rows.values())) if rows else set()


def mean_ranks(rows: Mapping[str, Values]) -> dict[str, float]:
    """Mean rank of each row over the tables that all rows have, 1 = largest; ties share theirs."""
    shared = shared_tables(rows)
    if not shared:
        return {}
    ranks = {
        name: [
            sum(other[table] > values[table] for other in rows.values())
            + (sum(other[table] == values[table] for other in rows.values()) + 1) / 2
            for table in shared
        ]
        for name, values in rows.items()
    }
    return {name: mean(own) for name, own in ranks.items()}
