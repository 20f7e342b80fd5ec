"""How detectors stand over many tables: mean and mean rank, beside what was published.

Of ADBench. Tables of fewer than 1,000 rows stand apart: the published protocol resamples them, so
that the same rows are learnt from and scored.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean

from alad import published
from alad.benchmark.ledger import Line
from alad.benchmark.rows import Row, rows_of
from alad.benchmark.table import latest
from alad.data.adbench import SMALL
from alad.data.protocols import PROTOCOLS
from alad.sheets import Sheet

MEASURES = ("auroc", "average_precision")
BENCHMARK = "adbench"
GROUPS = {"tables of 1,000 rows or more": False, "smaller tables": True}
TOGETHER = ", ensemble"  # a row of its own, where a detector has several members
Values = Mapping[str, float]  # a measure by table


@dataclass(frozen=True)
class Standing:
    """One detector, or published method, over the tables of one group under one protocol."""

    protocol: str
    group: str
    detector: str
    trained: bool
    tables: int  # how many it has results on
    auroc: float  # mean over those tables
    average_precision: float
    rank: float | None  # mean rank by AUROC among all measured rows, on tables that all have
    published: str | None  # name of the published method
    published_auroc: float | None  # its mean over the same tables, where the protocol is its own
    published_average_precision: float | None
    by_table: Values  # AUROC


def standings(lines: Iterable[Line]) -> list[Standing]:
    """Rows in the order of the benchmark's definition, group by group."""
    measured = _measured(lines)
    return [
        standing
        for protocol in PROTOCOLS[BENCHMARK]
        for group, small in GROUPS.items()
        for standing in _of_group(protocol, group, _only(measured, protocol, small))
    ]


Means = dict[str, dict[str, float]]  # measure -> table -> mean over runs


def _measured(lines: Iterable[Line]) -> dict[tuple[str, str], Means]:
    """(protocol, name of the row) -> its means; of several members their ensemble is a row too."""
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line["protocol"], line["detector"], line["dataset"]].append(line)
    found: dict[tuple[str, str], Means] = defaultdict(lambda: {m: {} for m in MEASURES})
    for (protocol, name, dataset), own in groups.items():
        kinds: dict[str, list[Line]] = {name: [], f"{name}{TOGETHER}": []}
        for line in latest(own):
            kinds[f"{name}{TOGETHER}" if line["member"] == "ensemble" else name].append(line)
        for row, runs in kinds.items():
            for measure in MEASURES if runs else ():
                found[protocol, row][measure][dataset] = mean(run[measure] for run in runs)
    return found


def _only(measured: Mapping[tuple[str, str], Means], protocol: str, small: bool):
    """Name of the row -> its means on the tables of one group."""
    found = {
        name: {m: {t: v for t, v in means[m].items() if (t in SMALL) is small} for m in MEASURES}
        for (own, name), means in measured.items()
        if own == protocol
    }
    return {name: means for name, means in found.items() if means["auroc"]}


def _of_group(protocol: str, group: str, rows: Mapping[str, Means]) -> list[Standing]:
    ranks = mean_ranks({name: means["auroc"] for name, means in rows.items()})
    return [
        _standing((protocol, group), row, name, rows[name], ranks.get(name))
        for row in rows_of(BENCHMARK)
        for name in (row.name, row.name + TOGETHER)
        if name in rows
    ]


def _standing(
    place: tuple[str, str], row: Row, name: str, means: Means, rank: float | None
) -> Standing:
    protocol, group = place
    tables = means["auroc"].keys()
    own = published.one_class().get(row.published or "") if protocol == "published" else None
    return Standing(
        protocol=protocol,
        group=group,
        detector=name,
        trained=row.trained,
        tables=len(tables),
        auroc=mean(means["auroc"].values()),
        average_precision=mean(means["average_precision"].values()),
        rank=rank,
        published=row.published if own else None,
        published_auroc=_over(tables, own, "auroc"),
        published_average_precision=_over(tables, own, "average_precision"),
        by_table=means["auroc"],
    )


def _over(tables: Iterable[str], number: published.OneClass | None, measure: str) -> float | None:
    return mean(getattr(number, measure)[table] for table in tables) if number else None


def mean_ranks(rows: Mapping[str, Values]) -> dict[str, float]:
    """Mean rank of each row over the tables that all rows have, 1 = largest; ties share theirs."""
    common = set.intersection(*(set(values) for values in rows.values())) if rows else set()
    if not common:
        return {}
    ranks = {
        name: [
            sum(other[table] > values[table] for other in rows.values())
            + (sum(other[table] == values[table] for other in rows.values()) + 1) / 2
            for table in common
        ]
        for name, values in rows.items()
    }
    return {name: mean(own) for name, own in ranks.items()}


# --- for people -----------------------------------------------------------------------------------


def sheets(found: Iterable[Standing]) -> list[Sheet]:
    """For each protocol and group the means and ranks, and AUROC table by table."""
    groups: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for standing in found:
        groups[standing.protocol, standing.group].append(standing)
    return [
        sheet
        for (protocol, group), rows in groups.items()
        for sheet in (_means(protocol, group, rows), _each(protocol, group, rows))
    ]


def _means(protocol: str, group: str, rows: list[Standing]) -> Sheet:
    heads = ("detector", "tables", "AUROC", "AP", "mean rank", "published", "AUROC", "AP", "ours −")
    body = [
        (
            row.detector,
            str(row.tables),
            *(_percent(row.auroc), _percent(row.average_precision)),
            "" if row.rank is None else f"{row.rank:.2f}",
            row.published or "",
            *(_percent(row.published_auroc), _percent(row.published_average_precision)),
            ""
            if row.published_auroc is None
            else f"{100 * (row.auroc - row.published_auroc):+.2f}",
        )
        for row in rows
    ]
    if protocol == "published":
        body += _published_alone(rows)
    notes = [f"{PROTOCOLS[BENCHMARK][protocol].summary}; AUROC and AP in %, means over the tables"]
    if protocol == "published":
        notes.append(f"published: {published.content()['one_class']['source']}")
    return Sheet(f"ADBench, protocol {protocol}, {group}", heads, body, notes)


def _published_alone(rows: list[Standing]) -> list[tuple[str, ...]]:
    """Published methods without a row of ours, over the tables of those rows that have the most."""
    tables = max((row.by_table for row in rows), key=len).keys()
    ours = {row.published for row in rows}
    return [
        ("", str(len(tables)), "", "", "", name, *means, "")
        for name, number in published.one_class().items()
        if name not in ours
        for means in [[_percent(_over(tables, number, measure)) for measure in MEASURES]]
    ]


def _each(protocol: str, group: str, rows: list[Standing]) -> Sheet:
    tables = sorted({table for row in rows for table in row.by_table})
    known = published.one_class()

    def cell(row: Standing, table: str) -> str:
        own = _percent(row.by_table.get(table))
        return f"{own} ({_percent(known[row.published].auroc[table])})" if row.published else own

    body = [(table, *(cell(row, table) for row in rows)) for table in tables]
    notes = ["in brackets: published"] if any(row.published for row in rows) else []
    heads = ("AUROC, %", *(row.detector for row in rows))
    return Sheet(f"ADBench, protocol {protocol}, {group}, one by one", heads, body, notes)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"
