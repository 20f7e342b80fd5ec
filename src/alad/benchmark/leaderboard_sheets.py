"""The standings on ADBench as tables for people: means and ranks, and AUROC table by table."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from alad.benchmark import published
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.leaderboard import BENCHMARK, MEASURES, Standing, over
from alad.benchmark.sheets import UNMEASURED, Sheet

FEWER = "*"  # behind a mean over fewer tables than others have
OWN_PROTOCOL = "published"  # to which the published numbers belong
ALONE = "published only"
SETTINGS = (
    "published VAE and DAGMM have other networks, steps and scores than ours, which have one "
    "setting for all tables; the published PCA has another score than ours, so it stands alone"
)


def sheets(found: Iterable[Standing]) -> list[Sheet]:
    """For each protocol and group the means and ranks, and AUROC table by table."""
    groups = _groups(found)
    return [
        sheet
        for (protocol, group), rows in groups.items()
        for sheet in (_means(protocol, group, rows), _each(protocol, group, rows))
    ]


def mean_sheets(found: Iterable[Standing]) -> list[Sheet]:
    """Means and ranks of each protocol and group."""
    return [_means(protocol, group, rows) for (protocol, group), rows in _groups(found).items()]


def _groups(found: Iterable[Standing]) -> dict[tuple[str, str], list[Standing]]:
    groups: dict[tuple[str, str], list[Standing]] = defaultdict(list)
    for standing in found:
        groups[standing.protocol, standing.group].append(standing)
    return groups


# --- means and ranks ------------------------------------------------------------------------------


def _means(protocol: str, group: str, rows: list[Standing]) -> Sheet:
    most, shared = max(row.tables for row in rows), rows[0].shared_tables
    apart = any(row.rank is not None and row.tables > shared for row in rows)
    heads = ["detector", "tables", "runs", "AUROC", "AP"]
    heads += [f"AUROC, shared {shared}"] if apart else []
    heads += ["mean rank"]
    if protocol == OWN_PROTOCOL:
        heads += ["published as", "published AUROC", "published AP", "difference"]
    body = [_row(row, most, apart, len(heads)) for row in rows]
    if protocol == OWN_PROTOCOL:
        body += _published_alone(rows, most, len(heads))
    notes = [f"{PROTOCOLS[BENCHMARK][protocol].summary}; AUROC and AP in %, means over the tables"]
    notes += _notes(rows, most, apart)
    if protocol == OWN_PROTOCOL:
        notes.append(f"published: {published.content()['one_class']['source']}")
        notes.append("difference: of AUROC, ours − published, over the same tables")
        notes.append(SETTINGS)
    return Sheet(f"ADBench, protocol {protocol}, {group}", heads, body, notes)


def _row(row: Standing, most: int, apart: bool, width: int) -> Sequence[str]:
    if row.auroc is None or row.average_precision is None:
        return [row.detector, f"0 of {row.of_tables}", "", UNMEASURED, *[""] * (width - 4)]
    mark = FEWER if row.tables < most else ""
    cells = [row.detector, _tables(row), _runs(row.runs)]
    cells += [_percent(row.auroc) + mark, _percent(row.average_precision) + mark]
    cells += [_percent(row.shared_auroc)] if apart else []
    cells += ["" if row.rank is None else f"{row.rank:.2f}"]
    if row.protocol == OWN_PROTOCOL:
        cells += [row.published or "", _percent(row.published_auroc)]
        cells += [_percent(row.published_average_precision), _difference(row)]
    return cells


def _counted(tables: int) -> str:
    return "1 table" if tables == 1 else f"{tables} tables"


def _tables(row: Standing) -> str:
    return str(row.tables) if row.tables == row.of_tables else f"{row.tables} of {row.of_tables}"


def _runs(runs: tuple[int, int]) -> str:
    return str(runs[0]) if runs[0] == runs[1] else f"{runs[0]} to {runs[1]}"


def _difference(row: Standing) -> str:
    if row.published_auroc is None or row.auroc is None:
        return ""
    points = round(100 * (row.auroc - row.published_auroc), 2)
    return f"{points + 0.0:+.2f}"  # + 0.0: no "-0.00"


def _published_alone(rows: list[Standing], most: int, width: int) -> list[Sequence[str]]:
    """Published methods without a row of ours, over the tables of those rows that have the most."""
    tables = max((row.by_table for row in rows), key=len).keys()
    ours = {row.published for row in rows}
    body = []
    for name, number in published.one_class().items():
        if name not in ours and tables:
            means = [_percent(over(tables, number, measure)) for measure in MEASURES]
            empty = [""] * (width - 6)
            body.append([ALONE, str(most), *empty, name, *means, ""])
    return body


def _notes(rows: list[Standing], most: int, apart: bool) -> list[str]:
    notes = [
        f"mean rank by AUROC: of {rows[0].ranked} rows, over {_counted(rows[0].shared_tables)}"
        + (", those that all of them have" if apart else "")
    ]
    if any(0 < row.tables < most for row in rows):
        notes.append(f"{FEWER} over fewer tables than the others: not comparable with their means")
    told: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for note in row.notes:
            told[note].append(row.detector)
    return [*notes, *(f"{', '.join(names)}: {note}" for note, names in told.items())]


# --- one by one -----------------------------------------------------------------------------------


def _each(protocol: str, group: str, rows: list[Standing]) -> Sheet:
    """Detectors down, tables across; a published method below the row that it belongs to."""
    tables = sorted({table for row in rows for table in row.by_table})
    known, body = published.one_class(), []
    for row in rows:
        if row.by_table:
            own = {row.detector: row.by_table}
            own |= (
                {f"{row.published}, published": known[row.published].auroc} if row.published else {}
            )
            body += [(name, *(_percent(of.get(one)) for one in tables)) for name, of in own.items()]
    heads = ("AUROC, %", *tables)
    return Sheet(f"ADBench, protocol {protocol}, {group}, one by one", heads, body)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"
