"""The benchmarks of images: AUROC class by class, beside the published ones."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import mean, stdev

from alad import published
from alad.benchmark.ledger import Line
from alad.benchmark.rows import published_as, rows_of
from alad.benchmark.table import latest
from alad.data.protocols import IMAGE_BENCHMARKS
from alad.sheets import OTHER_PROTOCOL, Sheet

QUICK = "a reduced pass: its numbers stand for themselves, not for the published protocol"
PARTLY = "* over fewer classes than there are: compare means over the shared ones"
Classes = Mapping[str, float]  # AUROC by normal class, mean over runs


def is_one_class(benchmark: str) -> bool:
    return benchmark in IMAGE_BENCHMARKS


def sheets(lines: Iterable[Line], benchmark: str) -> list[Sheet]:
    """For each protocol that was measured one table: detectors down, normal classes across."""
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
    base = published_as(benchmark)
    printed = {f"{name}, published": column for name, column in published_classes(base).items()}
    classes = IMAGE_BENCHMARKS[benchmark][protocol].tables
    all_rows = {**measured, **printed}
    shared = [each for each in classes if all(each in found for found in all_rows.values())]
    partly = 0 < len(shared) < len(classes)
    rows = [
        (
            name,
            *(_number(found.get(each)) for each in classes),
            *_summary(found, len(classes)),
            *([f"{mean(found[each] for each in shared):.3f}"] if partly else []),
        )
        for name, found in all_rows.items()
    ]
    notes = [QUICK] if benchmark != base else []
    notes += [PARTLY] if partly else []
    if printed:
        notes.append(f"published rows: {published.content()[base]['per_class']['status']}")
        notes += [OTHER_PROTOCOL] if protocol != "paper" else []
    also = (f"mean, shared {len(shared)}",) if partly else ()
    heads = ("detector", *classes, "mean", "deviation", *also)
    return Sheet(f"{benchmark}, {protocol}: AUROC by normal class", heads, rows, notes)


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


def _summary(classes: Classes, all_classes: int) -> tuple[str, str]:
    """Mean and deviation over those that were measured, marked where some were not."""
    values = list(classes.values())
    if len(values) < 2:
        return "", ""
    mark = "" if len(values) == all_classes else "*"
    return f"{mean(values):.3f}{mark}", f"{stdev(values):.3f}"
