"""The benchmarks of images: AUROC class by class, beside the published ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import mean, stdev

from alad import published
from alad.benchmark.ledger import Line
from alad.benchmark.rows import rows_of
from alad.benchmark.table import latest
from alad.data.protocols import IMAGE_BENCHMARKS
from alad.sheets import Sheet

QUICK = "a reduced pass: its numbers stand for themselves, not for the published protocol"
OTHER_PROTOCOL = "published for the paper's protocol, not this one"
Classes = Mapping[str, float]  # AUROC by normal class, mean over runs


def is_one_class(benchmark: str) -> bool:
    return benchmark in IMAGE_BENCHMARKS


def sheets(lines: Iterable[Line], benchmark: str) -> list[Sheet]:
    """For each protocol that was measured one table: normal classes down, detectors across."""
    found = _measured(lines)
    return [
        _sheet(benchmark, protocol, {row: found[protocol, row] for row in names})
        for protocol in IMAGE_BENCHMARKS[benchmark]
        if (names := [row.name for row in rows_of(benchmark) if (protocol, row.name) in found])
    ]


def _measured(lines: Iterable[Line]) -> dict[tuple[str, str], Classes]:
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line["protocol"], line["detector"], line["normal_class"]].append(line)
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for (protocol, detector, normal_class), own in groups.items():
        runs = [line["auroc"] for line in latest(own) if line["member"] != "ensemble"]
        if runs:
            found[protocol, detector][normal_class] = mean(runs)
    return dict(found)


def _sheet(benchmark: str, protocol: str, measured: Mapping[str, Classes]) -> Sheet:
    base = benchmark.removesuffix("-quick")
    columns = {**measured, **published_classes(base)}
    classes = IMAGE_BENCHMARKS[benchmark][protocol].tables
    rows = [(name, *(_number(column.get(name)) for column in columns.values())) for name in classes]
    rows.append(("mean", *(_summary(column, mean) for column in columns.values())))
    rows.append(("deviation", *(_summary(column, stdev) for column in columns.values())))
    heads = ("normal class", *measured, *(f"{name}, published" for name in published_classes(base)))
    notes = [QUICK] if benchmark != base else []
    if published_classes(base):
        notes.append(f"published columns: {published.content()[base]['per_class']['status']}")
        notes += [OTHER_PROTOCOL] if protocol != "paper" else []
    return Sheet(f"{benchmark}, {protocol}: AUROC", heads, rows, notes)


def published_classes(benchmark: str) -> dict[str, Classes]:
    """AUROC by class of the paper's methods, where its figure could be read."""
    table = published.content().get(benchmark, {})
    columns = table.get("per_class", {})
    return {
        method: dict(zip(table["classes"], values, strict=True))
        for method, values in columns.items()
        if isinstance(values, list)
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _summary(column: Classes, function) -> str:
    values = [value for value in column.values() if value is not None]
    return f"{function(values):.3f}" if len(values) > 1 else ""
