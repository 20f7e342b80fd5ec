"""The benchmarks of images: each detector's AUROC class by class, and what it stands beside."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Any

from alad.adversarial.architectures import IMAGE_ARCHITECTURES
from alad.benchmark import published
from alad.benchmark.cells import LATER
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS
from alad.benchmark.published import PublishedMean
from alad.benchmark.results_file import Line, measured
from alad.benchmark.row import Row
from alad.benchmark.rows import published_as, rows_of, untrained_twin
from alad.benchmark.table import OF_THE_RUN, changed, errors, sampled
from alad.networks.stacks import USUAL_WIDTH

AS_PUBLISHED = "paper"  # the protocol beside which published numbers stand
Classes = Mapping[str, float]  # AUROC by normal class, mean over runs


@dataclass(frozen=True)
class ClassRow:
    """One detector under one protocol, mean over runs."""

    benchmark: str
    protocol: str
    detector: str
    trained: bool
    auroc: Classes  # of the classes that were measured
    by_score: Mapping[str, Classes]  # by each score of the same trainings, where lines tell it
    untrained: Classes  # of `twin`, the networks before training
    twin: str
    runs: str  # of each class: "3", or "1 to 3"
    networks: str  # how wide, how long trained; "" of a detector without any, "/" between several
    published: PublishedMean | None  # under the paper's protocol
    notes: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that the benchmark has."""
        return tuple(IMAGE_BENCHMARKS[self.benchmark][self.protocol].tables)


def is_one_class(benchmark: str) -> bool:
    return benchmark in IMAGE_BENCHMARKS


def class_rows(lines: Iterable[Line], benchmark: str) -> list[ClassRow]:
    """Every row of the protocols of which there are lines, and of the paper's, measured or not.

    If a row was measured with several settings, the ones measured last count.
    """
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line["protocol"], line["detector"]].append(line)
    begun = {protocol for protocol, _ in groups} | {AS_PUBLISHED}
    return [
        _row(benchmark, protocol, row, groups)
        for protocol in IMAGE_BENCHMARKS[benchmark]
        if protocol in begun
        for row in rows_of(benchmark)
        if protocol in row.protocols
    ]


def _row(
    benchmark: str, protocol: str, row: Row, groups: Mapping[tuple[str, str], list[Line]]
) -> ClassRow:
    lines = groups.get((protocol, row.name), [])
    current = _single(lines)
    twin, what = untrained_twin(benchmark, row.name)
    named = (row.published or "") if protocol == AS_PUBLISHED else ""
    return ClassRow(
        benchmark=benchmark,
        protocol=protocol,
        detector=row.name,
        trained=row.trained,
        auroc=_means(current),
        by_score=_by_score(current),
        untrained=_means(_single(groups.get((protocol, twin), []))) if row.trained else {},
        twin=what,
        runs=_runs(current),
        networks=" / ".join(dict.fromkeys(_networks(line["config"]) for line in current)),
        published=published.mean_of(published_as(benchmark), named),
        notes=(*sampled(row, current), *changed(row, current, benchmark), *errors(lines)),
    )


def _single(lines: list[Line]) -> list[Line]:
    """Runs with the newest settings, whatever machine they ran on; each once, the newest of it."""
    good = [line for line in measured(lines) if line["member"] != "ensemble"]
    current = [line for line in good if _settings(line) == _settings(good[-1])]
    places = ("normal_class", "split", "seed", "member")
    return list({tuple(line[key] for key in places): line for line in current}.values())


def _settings(line: Line) -> dict[str, Any]:
    return {
        name: value
        for name, value in line["config"].items()
        if name not in OF_THE_RUN and not (name in LATER and value == LATER[name])
    }


def _by_class(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line["normal_class"]].append(line)
    return found


def _runs(lines: Iterable[Line]) -> str:
    counts = sorted({len(own) for own in _by_class(lines).values()})
    return " to ".join(str(count) for count in dict.fromkeys([*counts[:1], *counts[-1:]]))


def _means(lines: Iterable[Line]) -> Classes:
    return {name: mean([one["auroc"] for one in own]) for name, own in _by_class(lines).items()}


def _by_score(lines: Iterable[Line]) -> dict[str, Classes]:
    told = [line for line in lines if "auroc_by_score" in line]
    names = dict.fromkeys(name for line in told for name in line["auroc_by_score"])
    return {
        name: _means({**line, "auroc": line["auroc_by_score"][name]} for line in told)
        for name in names
    }


def _networks(config: Mapping[str, Any]) -> str:
    """ "32 channels, 2,000 steps": channels after the first halving of an image."""
    if "architecture" not in config:
        return ""
    name, steps = config["architecture"], config["max_steps"]
    width = USUAL_WIDTH if name is None else IMAGE_ARCHITECTURES[name].width
    long = f"≤ {config['epochs']} epochs" if steps is None else f"{steps:,} steps"
    half = ", bfloat16" if config.get("engine") == "bfloat16" else ""
    return f"{width} channels, {'untrained' if steps == 0 else long}{half}"
