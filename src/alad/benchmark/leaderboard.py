"""The leaderboard of ADBench: means and mean ranks over many tables, beside what was published.

Tables of fewer than 1,000 rows stand apart: the published protocol resamples them, so that the same
rows are learnt from and scored.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import mean

from alad.benchmark import published
from alad.benchmark.data.adbench import SMALL, STEMS
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.results_file import Line
from alad.benchmark.row import Row
from alad.benchmark.rows import rows_of
from alad.benchmark.summary import UNMEASURED, Group, from_to, group_by, noted
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
    """Make rows in the order of the benchmark's definition, group by group.

    whole: also the rows that have not been measured.
    """
    groups = group_by(lines, "protocol", "detector", "dataset")
    made: list[Standing] = []
    for protocol in PROTOCOLS[BENCHMARK]:
        for title, small in SIZES.items():
            # each row's runs by table, and those of its ensemble, as a row of its own
            rows: dict[str, tuple[Row, dict[str, Group]]] = {}
            for row in rows_of(BENCHMARK):
                kinds: dict[str, dict[str, Group]] = {row.name: {}, row.name + TOGETHER: {}}
                for (_, _, table), group in _of(groups, protocol, row.name, small).items():
                    kinds[row.name][table] = group.single
                    kinds[row.name + TOGETHER][table] = group.ensemble
                for name, runs in kinds.items():
                    measured = {table: group for table, group in runs.items() if group.current}
                    if measured or (whole and name == row.name):
                        rows[name] = row, measured
            made += _standings(protocol, title, rows)
    return made


def _of(groups: Mapping[tuple, Group], protocol: str, row: str, small: bool) -> dict[tuple, Group]:
    return {
        key: group
        for key, group in groups.items()
        if key[:2] == (protocol, row) and (key[2] in SMALL) is small
    }


def _standings(
    protocol: str, title: str, rows: Mapping[str, tuple[Row, Mapping[str, Group]]]
) -> Iterable[Standing]:
    auroc = {name: _means(runs, "auroc") for name, (_, runs) in rows.items()}
    most = max(map(len, auroc.values()), default=0)
    ranked = {name: own for name, own in auroc.items() if own and len(own) >= RANKED_SHARE * most}
    ranks, shared = mean_ranks(ranked), shared_tables(ranked)
    for name, (row, runs) in rows.items():
        counts = [len(group.current) for group in runs.values()]
        number = published.one_class().get(row.published or "")
        number = number if protocol == OWN_PROTOCOL else None
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
            of_tables=sum((table in SMALL) is SIZES[title] for table in STEMS),
            runs=(min(counts, default=0), max(counts, default=0)),
            auroc=_mean(auroc[name].values()),
            average_precision=_mean(_means(runs, "average_precision").values()),
            shared_tables=len(shared),
            shared_auroc=_mean([auroc[name][table] for table in shared]) if name in ranks else None,
            rank=ranks.get(name),
            ranked=len(ranked),
            published=row.published if number else None,
            published_auroc=_over(runs, number, "auroc"),
            published_average_precision=_over(runs, number, "average_precision"),
            by_table=auroc[name],
            notes=tuple(dict.fromkeys(notes)),
        )


def _means(runs: Mapping[str, Group], measure: str) -> dict[str, float]:
    spreads = {table: group.spread(measure) for table, group in runs.items()}
    return {table: spread.mean for table, spread in spreads.items() if spread}


def _mean(values: Collection[float]) -> float | None:
    return mean(values) if values else None


def _over(tables: Collection[str], number: published.OneClass | None, measure: str) -> float | None:
    """A published method's mean over these tables; None without a method or a table."""
    return _mean([getattr(number, measure)[table] for table in tables]) if number else None


def shared_tables(rows: Mapping[str, Values]) -> set[str]:
    """Intersect the tables of all rows."""
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


# --- tables ---------------------------------------------------------------------------------------

FEWER = "*"  # behind a mean over fewer tables than others have
ALONE = "published only"
SETTINGS = (
    "published VAE and DAGMM have other networks, steps and scores than ours, which have one "
    "setting for all tables; the published PCA has another score than ours, so it stands alone"
)


def leaderboard_tables(rows: Iterable[Standing], *, one_by_one: bool = True) -> list[Table]:
    """Make for each protocol and group the means and ranks, and AUROC table by table."""
    groups = groupby(rows, lambda row: (row.protocol, row.group))
    return [
        table
        for _, group in groups
        for own in [list(group)]
        for table in (_leaderboard(own), *([_one_by_one(own)] if one_by_one else []))
    ]


def _leaderboard(rows: Sequence[Standing]) -> Table:
    """Means and ranks; methods that only others have measured stand below."""
    protocol, shared = rows[0].protocol, rows[0].shared_tables
    beside = protocol == OWN_PROTOCOL
    most = max(row.tables for row in rows)
    apart = any(row.rank is not None and row.tables > shared for row in rows)
    columns = ["detector", "tables", "runs", "AUROC", "AP"]
    columns += [f"AUROC, shared {shared}"] if apart else []
    columns += ["mean rank"]
    columns += ["published as", "published AUROC", "published AP", "difference"] if beside else []
    body: list[Sequence[str | Cell]] = []
    for row in rows:
        count = (
            str(row.tables) if row.tables == row.of_tables else f"{row.tables} of {row.of_tables}"
        )
        if not row.tables:
            body.append([row.detector, count, "", UNMEASURED, *[""] * (len(columns) - 4)])
            continue
        fewer = FEWER if row.tables < most else ""
        best = row.rank is not None and row.rank == min(
            other.rank for other in rows if other.rank is not None
        )
        cells: list[str | Cell] = [row.detector, count]
        cells += [from_to(row.runs)]
        cells += [_percent(value) + fewer for value in (row.auroc, row.average_precision)]
        cells += [_percent(row.shared_auroc)] if apart else []
        rank = "" if row.rank is None else f"{row.rank:.2f}"
        cells += [Cell(rank, mark="best" if best and len(rows) > 1 else "")]
        if beside:
            numbers = (row.published_auroc, row.published_average_precision)
            cells += [row.published or "", *(Cell(_percent(x), mark="published") for x in numbers)]
            cells += [_difference(row.auroc, row.published_auroc)]
        body.append(cells)
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
        body += _published_alone(rows, most, len(columns))
        notes.append(f"published: {published.content()['one_class']['source']}")
        notes.append("difference: of AUROC, ours − published, over the same tables")
        notes.append(SETTINGS)
    left = [0, *([columns.index("published as")] if beside else [])]
    return Table(f"ADBench, protocol {protocol}, {rows[0].group}", columns, body, notes, left)


def _published_alone(
    rows: Sequence[Standing], most: int, width: int
) -> Iterable[Sequence[str | Cell]]:
    """Published methods without a row of ours, over the tables of those rows that have the most."""
    tables = max((row.by_table for row in rows), key=len)
    ours = {row.published for row in rows}
    for name, number in published.one_class().items():
        if name not in ours and tables:
            means = [_percent(_over(tables, number, m)) for m in ("auroc", "average_precision")]
            numbers = (Cell(text, mark="published") for text in means)
            yield [ALONE, str(most), *[""] * (width - 6), name, *numbers, ""]


def _one_by_one(rows: Sequence[Standing]) -> Table:
    """Detectors down, tables across; a published method below the row that it belongs to."""
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
    return "" if value is None else f"{100 * value:.2f}"


def _difference(ours: float | None, theirs: float | None) -> str:
    if ours is None or theirs is None:
        return ""
    return f"{round(100 * (ours - theirs), 2) + 0.0:+.2f}"  # + 0.0: no "-0.00"
