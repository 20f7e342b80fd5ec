"""The benchmarks of images: each detector's AUROC class by class, and what it stands beside."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean
from typing import Any

from alad.adversarial.architectures import IMAGE_ARCHITECTURES
from alad.benchmark import published
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS
from alad.benchmark.published import PublishedMean
from alad.benchmark.results_file import Line
from alad.benchmark.row import Row
from alad.benchmark.rows import published_as, rows_of, untrained_twin
from alad.benchmark.summary import Group, from_to, group_by
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

    @property
    def before_training(self) -> float | None:
        """Mean of its networks before training, over the same classes."""
        return mean_over(self.auroc, self.untrained)

    @property
    def published_over_same(self) -> float | None:
        """The published mean over those classes that we have measured, as far as it is known."""
        if self.published is None or not self.auroc:
            return None
        if len(self.auroc) == len(self.classes):
            return self.published.auroc
        return mean_over(self.auroc, self.published.by_class)

    def published_score(self, score: str) -> PublishedMean | None:
        """Of ALAD, whose scores the paper compares."""
        if self.published is None or self.published.method != "ALAD":
            return None
        return published.score_means(published_as(self.benchmark)).get(score)


def class_rows(lines: Iterable[Line], benchmark: str) -> list[ClassRow]:
    """Make every row of the protocols of which there are lines, and of the paper's."""
    groups = group_by(lines, "protocol", "detector")
    begun = {protocol for protocol, _ in groups} | {AS_PUBLISHED}
    return [
        _class_row(benchmark, protocol, row, groups)
        for protocol in IMAGE_BENCHMARKS[benchmark]
        if protocol in begun
        for row in rows_of(benchmark)
        if protocol in row.protocols
    ]


def _class_row(benchmark: str, protocol: str, row: Row, groups: Mapping[tuple, Group]) -> ClassRow:
    group = groups.get((protocol, row.name), Group())
    runs = group.single
    twin, what = untrained_twin(benchmark, row.name)
    before = groups.get((protocol, twin), Group()) if row.trained else Group()
    method = (row.published or "") if protocol == AS_PUBLISHED else ""
    return ClassRow(
        benchmark=benchmark,
        protocol=protocol,
        detector=row.name,
        trained=row.trained,
        auroc=_classes(runs),
        by_score=_by_score(runs),
        untrained=_classes(before.single),
        twin=what,
        runs=from_to([len(group.current) for group in runs.by("dataset").values()]),
        networks=" / ".join(dict.fromkeys(_networks(line["config"]) for line in runs.current)),
        published=published.mean_of(published_as(benchmark), method),
        notes=(*runs.notes(row, benchmark), *group.errors),
    )


def _classes(runs: Group) -> Classes:
    """Mean AUROC by normal class."""
    spreads = {name: group.spread("auroc") for (name,), group in runs.by("dataset").items()}
    return {name: spread.mean for name, spread in spreads.items() if spread}


def _by_score(runs: Group) -> dict[str, Classes]:
    lines = [line for line in runs.current if "auroc_by_score" in line]
    names = dict.fromkeys(name for line in lines for name in line["auroc_by_score"])
    return {
        name: _classes(Group([{**x, "auroc": x["auroc_by_score"][name]} for x in lines]))
        for name in names
    }


def _networks(config: Mapping[str, Any]) -> str:
    """Write "32 channels, 2,000 steps": channels after the first halving of an image."""
    if "architecture" not in config:
        return ""
    name, steps = config["architecture"], config["max_steps"]
    width = USUAL_WIDTH if name is None else IMAGE_ARCHITECTURES[name].width
    long = f"≤ {config['epochs']} epochs" if steps is None else f"{steps:,} steps"
    half = ", bfloat16" if config.get("engine") == "bfloat16" else ""
    return f"{width} channels, {'untrained' if steps == 0 else long}{half}"


def mean_over(classes: Iterable[str], values: Classes) -> float | None:
    """Mean over these classes; None unless there are some, and each has a value."""
    classes = list(classes)
    known = classes and all(each in values for each in classes)
    return mean(values[each] for each in classes) if known else None
