"""Tables of the benchmark one-class: narrow ones, to be read on a phone as well."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import numpy as np

from alad.benchmark import published
from alad.benchmark.confirmation import Confirmation, Interval
from alad.benchmark.data.adbench import STEMS
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.summary import from_to, noted
from alad.benchmark.yardstick import BENCHMARK, CONTROL, MEASURES, ROUNDS, Rating
from alad.report.tables import Cell, Table


def rating_tables(rows: Iterable[Rating]) -> list[Table]:
    """Make for each protocol the means and ranks, the leads, and what was published beside it."""
    made = []
    for _, group in groupby(rows, lambda row: row.protocol):
        rated = list(group)
        made += [_means(rated), *_leads(rated), *_beside_published(rated)]
    return made


def _means(rows: Sequence[Rating]) -> Table:
    protocol, tables = rows[0].protocol, rows[0].tables
    body: list[Sequence[str | Cell]] = []
    best = {
        measure: max((row.mean[measure] for row in rows if row.mean), default=None)
        for measure in MEASURES
    }
    for row in rows:
        if not row.mean:
            body.append([row.detector, *[""] * 5, from_to(row.runs)])
            continue
        cells: list[str | Cell] = [row.detector]
        for measure in MEASURES:
            mark = "best" if row.mean[measure] == best[measure] and len(rows) > 1 else ""
            cells.append(Cell(percent(row.mean[measure]), mark=mark))
        cells += [f"{row.rank[measure]:.1f}" for measure in MEASURES]
        body.append([*cells, f"{row.wins['auroc']:.3g}", from_to(row.runs)])
    notes = [
        f"{PROTOCOLS[BENCHMARK][protocol].summary}; AUROC and AP in %, means over the {tables} "
        "tables that all rows have",
        "rank: mean rank by AUROC, by AP; wins: tables with the largest AUROC, ties shared; "
        "splits: of a table",
    ]
    if len({count for row in rows if row.mean for count in row.runs}) > 1:
        notes.append("means are over the splits that a row has, leads over those of both")
    few = [f"{row.detector} ({row.own_tables})" for row in rows if not row.mean]
    notes += [f"on too few tables to compare: {', '.join(few)}"] if few else []
    notes += noted((row.detector, row.notes) for row in rows)
    columns = ["detector", *MEASURES.values(), "rank", "AP rank", "wins", "splits"]
    return Table(f"One-class tables, protocol {protocol}", columns, body, notes)


def _leads(rows: Sequence[Rating]) -> list[Table]:
    """Make the table of leads over the control; none where it is not measured."""
    body = []
    for row in rows:
        if row.lead:
            cells: list[str] = [row.detector]
            for lead in row.lead.values():
                cells += [between(lead.interval), f"{points(lead.least)}…{points(lead.most)}"]
            body.append(cells)
    columns = ["detector"]
    for title in MEASURES.values():
        columns += [title, f"{title} range"]
    notes = [
        f"points ahead of {CONTROL}; in brackets 90 % of {ROUNDS:,} bootstrap samples of tables "
        "and splits",
        "range: of that lead when any one table is left out",
    ]
    title = f"Lead over {CONTROL}, protocol {rows[0].protocol}"
    return [Table(title, columns, body, notes)] if body else []


def _beside_published(rows: Sequence[Rating]) -> list[Table]:
    """Make the table of ours and published methods on ADBench's tables, best AUROC first."""
    compared = [row for row in rows if row.mean]
    tables = [
        table
        for table in STEMS
        if compared and all(table in row.by_table["auroc"] for row in compared)
    ]
    if not tables:
        return []
    ours = {
        row.detector: (row.by_table["auroc"], row.by_table["average_precision"]) for row in compared
    }
    protocol = rows[0].protocol
    theirs = {
        f"{name}, published": (numbers.auroc, numbers.average_precision)
        for name, numbers in published.one_class(protocol).items()
    }
    lacking = [name for name, (auroc, _) in theirs.items() if not auroc.keys() >= set(tables)]
    values = {
        name: [float(np.mean([of[table] for table in tables])) for of in measures]
        for name, measures in {**ours, **theirs}.items()
        if name not in lacking
    }
    body = [
        [name, *(Cell(percent(x), mark="published" if name in theirs else "") for x in means)]
        for name, means in sorted(values.items(), key=lambda item: -item[1][0])
    ]
    source = published.content()[published.ONE_CLASS[protocol]]["source"]
    notes = [f"means over {len(tables)} tables of ADBench, in %", f"published: {source}"]
    notes += [f"left out, without some of these tables: {', '.join(lacking)}"] if lacking else []
    columns = ["method", *MEASURES.values()]
    return [Table(f"ADBench's tables, protocol {protocol}", columns, body, notes)]


def percent(value: float) -> str:
    """Write a fraction in %: "89.1"."""
    return f"{100 * value:.1f}"


def points(value: float) -> str:
    """Write a difference of fractions in points: "+1.4"; no "-0.0"."""
    return f"{round(100 * value, 1) + 0.0:+.1f}"


def between(interval: Interval) -> str:
    """Write a difference and its interval in points: "+1.4 (-0.2…+3.7)"."""
    return f"{points(interval.mean)} ({points(interval.low)}…{points(interval.high)})"


# --- choice and confirmation ----------------------------------------------------------------------


def confirmation_tables(found: Mapping[str, Confirmation], protocol: str) -> list[Table]:
    """Make the table of what a choice is worth, and that of what was chosen; found: by measure."""
    body = [
        [
            MEASURES[measure],
            percent(one.value.mean),
            between(one.lead),
            f"{100 * one.ahead:.0f}",
            between(one.lead_where_chosen),
        ]
        for measure, one in found.items()
    ]
    any_one = next(iter(found.values()))
    notes = [
        f"{any_one.configurations} configurations; tables: {any_one.tables}, splits of each: "
        f"{any_one.seeds}; chosen on a random half of the tables, confirmed on the other half, "
        f"{any_one.repetitions:,} times",
        f"lead: points ahead of {any_one.control}; in brackets 90 % of the halves",
        "ahead: % of the halves on which the lead is above 0",
    ]
    columns = ["measure", "confirmed", "lead", "ahead", "lead where chosen"]
    worth = Table(f"Chosen and confirmed, protocol {protocol}", columns, body, notes)
    names = dict.fromkeys(name for one in found.values() for name in one.chosen)
    shares = [
        [name, *(f"{100 * one.chosen.get(name, 0.0):.0f}" for one in found.values())]
        for name in names
    ]
    heads = ["configuration", *(f"by {MEASURES[measure]}" for measure in found)]
    return [worth, Table("What was chosen, % of the halves", heads, shares)]
