"""The leaderboard of ADBench: means and mean ranks over many tables, beside what was published.

Tables of fewer than 1,000 rows, which the published protocol resamples, stand apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import mean

from alad.benchmark import published
from alad.benchmark.data.adbench import SMALL, STEMS
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.results_file import Line
from alad.benchmark.row import Row
from alad.benchmark.rows import rows_of
from alad.benchmark.summary import (
    UNMEASURED,
    Group,
    from_to,
    group_by,
    mean_over,
    means,
    noted,
    out_of,
)
from alad.report.tables import Cell, Table

BENCHMARK = "adbench"
OWN_PROTOCOL = "published"  # to which the published numbers belong
SIZES = {"tables of 1,000 rows or more": False, "smaller tables": True}
TOGETHER = ", ensemble"  # a row of its own, where a detector has several members
RANKED_SHARE = 0.5  # a row with fewer of the tables has no rank: it would leave too few to rank on
Values = Mapping[str, float]  # a measure by table


@dataclass(frozen=True)
class Standing:
    """One detector over the tables of one group under one protocol.

    Means are over the tables that it has results on; `shared_auroc` and `rank` are over those that
    all rows with a rank have.
    """

    protocol: str
    group: str
    detector: str  # as shown, its ensemble as such
    row: str  # of the benchmark
    trained: bool
    tables: int  # that it has results on
    of_tables: int  # how many the group has
    runs: tuple[int, int]  # fewest and most runs of a table
    auroc: float | None
    average_precision: float | None
    shared_tables: int  # that all rows with a rank have
    shared_auroc: float | None
    rank: float | None  # mean rank by AUROC
    ranked: int  # among how many rows
    published: str | None  # name of the published method
    published_auroc: float | None  # its mean over the same tables, where the protocol is its own
    published_average_precision: float | None
    by_table: Values  # AUROC
    notes: tuple[str, ...] = ()


def standings(lines: Iterable[Line], *, whole: bool = False) -> list[Standing]:
    """Make rows in the order of the benchmark's definition, group by group.

    whole: also rows that have not been measured.
    """
    groups = group_by(lines, "protocol", "detector", "dataset")
    made: list[Standing] = []
    for protocol in PROTOCOLS[BENCHMARK]:
        for title, small in SIZES.items():
            tables = [table for table in STEMS if (table in SMALL) is small]
            # each row's runs by table, and those of its ensemble, as a row of its own
            rows: dict[str, tuple[Row, dict[str, Group]]] = {}
            for row in rows_of(BENCHMARK):
                runs = {at: groups.get((protocol, row.name, at), Group()) for at in tables}
                single = {at: group.single for at, group in runs.items() if group.single.current}
                if single or whole:
                    rows[row.name] = row, single
                if together := {at: runs[at].ensemble for at in runs if runs[at].ensemble.current}:
                    rows[row.name + TOGETHER] = row, together
            made += _standings(protocol, title, len(tables), rows)
    return made


def _standings(
    protocol: str,
    title: str,
    of_tables: int,
    rows: Mapping[str, tuple[Row, Mapping[str, Group]]],
) -> Iterable[Standing]:
    """Make the rows of one group of tables; rows: name -> the row, and its runs by table."""
    auroc = {name: means(runs, "auroc") for name, (_, runs) in rows.items()}
    most = max(map(len, auroc.values()), default=0)
    # rows with few tables are not ranked: they would leave few tables to rank on
    ranked = {
        name: values
        for name, values in auroc.items()
        if values and len(values) >= RANKED_SHARE * most
    }
    ranks, shared = mean_ranks(ranked), shared_tables(ranked)
    for name, (row, runs) in rows.items():
        # published numbers are averaged over the same tables as ours
        counts = [len(group.current) for group in runs.values()]
        number = published.one_class().get(row.published or "")
        number = number if protocol == OWN_PROTOCOL else None
        measures = (number.auroc, number.average_precision) if number else ({}, {})
        theirs = [mean_over(runs, values) for values in measures]
        notes = (
            note
            for group in runs.values()
            for note in group.notes(row, BENCHMARK, where=", where there are more")
        )
        yield Standing(
            protocol=protocol,
            group=title,
            detector=name,
            row=row.name,
            trained=row.trained,
            tables=len(runs),
            of_tables=of_tables,
            runs=(min(counts, default=0), max(counts, default=0)),
            auroc=mean_over(runs, auroc[name]),
            average_precision=mean_over(runs, means(runs, "average_precision")),
            shared_tables=len(shared),
            shared_auroc=mean_over(shared, auroc[name]) if name in ranks else None,
            rank=ranks.get(name),
            ranked=len(ranked),
            published=row.published if number else None,
            published_auroc=theirs[0],
            published_average_precision=theirs[1],
            by_table=auroc[name],
            notes=tuple(dict.fromkeys(notes)),
        )


def shared_tables(rows: Mapping[str, Values]) -> set[str]:
    """Intersect the tables of all rows."""
    return set.intersection(*(set(values) for values in rows.values())) if rows else set()


def mean_ranks(rows: Mapping[str, Values]) -> dict[str, float]:
    """Average each row's rank over the tables that all rows have; 1 = largest, ties share ranks."""
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
    return {name: mean(places) for name, places in ranks.items()}


# --- tables ---------------------------------------------------------------------------------------

FEWER = "*"  # behind a mean over fewer tables than others have
ALONE = "published only"
SETTINGS = (
    "published VAE and DAGMM have other networks, steps and scores than ours, which have one "
    "setting for all tables; the published PCA has another score than ours, so it stands alone"
)


def leaderboard_tables(rows: Iterable[Standing], *, one_by_one: bool = True) -> list[Table]:
    """Make for each protocol and group the means and ranks, and AUROC table by table."""
    makers = (_leaderboard, _one_by_one) if one_by_one else (_leaderboard,)
    groups = [list(group) for _, group in groupby(rows, lambda row: (row.protocol, row.group))]
    return [make(group) for group in groups for make in makers]


def _leaderboard(rows: Sequence[Standing]) -> Table:
    """Make the table of means and ranks; methods that only others have measured stand below."""
    protocol, shared = rows[0].protocol, rows[0].shared_tables
    beside = protocol == OWN_PROTOCOL
    most = max(row.tables for row in rows)
    apart = any(row.rank is not None and row.tables > shared for row in rows)
    columns = ["detector", "tables", "runs", "AUROC", "AP"]
    columns += [f"AUROC, shared {shared}"] if apart else []
    columns += ["mean rank"]
    columns += ["published as", "published AUROC", "published AP", "difference"] if beside else []
    body: list[Sequence[str | Cell]] = []
    # detectors, those without results as such
    best = min((row.rank for row in rows if row.rank), default=None) if len(rows) > 1 else None
    for row in rows:
        count = out_of(row.tables, row.of_tables)
        if not row.tables:
            body.append([row.detector, count, "", UNMEASURED, *[""] * (len(columns) - 4)])
            continue
        fewer = FEWER if row.tables < most else ""
        cells: list[str | Cell] = [row.detector, count, from_to(row.runs)]
        cells += [_percent(value) + fewer for value in (row.auroc, row.average_precision)]
        cells += [_percent(row.shared_auroc)] if apart else []
        rank = "" if row.rank is None else f"{row.rank:.2f}"
        cells += [Cell(rank, mark="best" if row.rank and row.rank == best else "")]
        if beside:
            numbers = (row.published_auroc, row.published_average_precision)
            cells += [row.published or "", *(Cell(_percent(x), mark="published") for x in numbers)]
            difference = ""
            if row.auroc is not None and row.published_auroc is not None:
                points = round(100 * (row.auroc - row.published_auroc), 2)
                difference = f"{points + 0.0:+.2f}"  # + 0.0: no "-0.00"
            cells.append(difference)
        body.append(cells)
    # how the numbers were made, and what cannot be compared
    notes = [f"{PROTOCOLS[BENCHMARK][protocol].summary}; AUROC and AP in %, means over the tables"]
    count = "1 table" if shared == 1 else f"{shared} tables"
    notes.append(
        f"mean rank by AUROC: of {rows[0].ranked} rows, over {count}"
        + (", those that all of them have" if apart else "")
    )
    if any(0 < row.tables < most for row in rows):
        notes.append(f"{FEWER} over fewer tables than the others: not comparable with their means")
    notes += noted((row.detector, row.notes) for row in rows)
    if beside:
        # methods without a row of ours, over the tables of those rows that have the most
        tables = max((row.by_table for row in rows), key=len)
        ours = {row.published for row in rows}
        for name, number in published.one_class().items():
            if name not in ours and tables:
                measures = (number.auroc, number.average_precision)
                texts = [_percent(mean_over(tables, values)) for values in measures]
                theirs = [Cell(text, mark="published") for text in texts]
                body.append([ALONE, str(most), *[""] * (len(columns) - 6), name, *theirs, ""])
        notes.append(f"published: {published.content()['one_class']['source']}")
        notes.append("difference: of AUROC, ours − published, over the same tables")
        notes.append(SETTINGS)
    left = [0, *([columns.index("published as")] if beside else [])]
    return Table(f"ADBench, protocol {protocol}, {rows[0].group}", columns, body, notes, left)


def _one_by_one(rows: Sequence[Standing]) -> Table:
    """Make the table of AUROC, detectors down, tables across; published rows below ours."""
    tables = sorted({table for row in rows for table in row.by_table})
    body: list[Sequence[str | Cell]] = []
    for row in rows:
        if row.by_table:
            body.append([row.detector, *(_percent(row.by_table.get(table)) for table in tables)])
        if row.by_table and row.published:
            number = published.one_class()[row.published].auroc
            numbers = (Cell(_percent(number.get(table)), mark="published") for table in tables)
            body.append([f"{row.published}, published", *numbers])
    title = f"ADBench, protocol {rows[0].protocol}, {rows[0].group}, one by one"
    return Table(title, ("AUROC, %", *tables), body)


def _percent(value: float | None) -> str:
    """Write a fraction in %; "" for none."""
    return "" if value is None else f"{100 * value:.2f}"
