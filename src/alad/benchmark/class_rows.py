"""Rows of results on images: AUROC by normal class, beside what was published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from alad.adversarial.architectures import IMAGE_ARCHITECTURES
from alad.autoencoders.architectures import IMAGE_ENERGY_ARCHITECTURES
from alad.benchmark import published
from alad.benchmark.data.protocols import IMAGE_BENCHMARKS
from alad.benchmark.published import PublishedMean
from alad.benchmark.results_file import Line
from alad.benchmark.row import Row
from alad.benchmark.rows import published_as, rows_of, untrained_twin
from alad.benchmark.summary import Group, from_to, group_by, mean_over, means
from alad.networks.image_stacks import USUAL_WIDTH

PAPERS_PROTOCOL = "paper"  # the protocol beside which published numbers stand
Classes = Mapping[str, float]  # AUROC by normal class, mean over runs


@dataclass(frozen=True)
class ClassRow:
    """One detector under one protocol on images, mean over runs."""

    benchmark: str
    protocol: str
    detector: str
    trained: bool
    auroc: Classes  # of the classes that were measured
    by_score: Mapping[str, Classes]  # by each score of the same trainings, where lines have it
    untrained: Classes  # of `twin`, the networks before training
    twin: str
    runs: str  # of each class: "3", or "1 to 3"
    networks: str  # how wide, how long trained; "" of a detector without any, "/" between several
    published: PublishedMean | None  # under the paper's protocol
    notes: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """All normal classes of the benchmark."""
        return tuple(IMAGE_BENCHMARKS[self.benchmark][self.protocol].tables)

    @property
    def before_training(self) -> float | None:
        """Mean AUROC of its networks before training, over the same classes."""
        return mean_over(self.auroc, self.untrained)

    @property
    def published_over_same(self) -> float | None:
        """The published mean over the classes measured here, None if it is not known."""
        if self.published is None or not self.auroc:
            return None
        if len(self.auroc) == len(self.classes):
            return self.published.auroc
        return mean_over(self.auroc, self.published.by_class)

    def published_score(self, score: str) -> PublishedMean | None:
        """Look up what was published of one of ALAD's scores."""
        if self.published is None or self.published.method != "ALAD":
            return None
        return published.score_means(published_as(self.benchmark)).get(score)


def class_rows(lines: Iterable[Line], benchmark: str) -> list[ClassRow]:
    """Make all rows of the protocols that have lines, and of the paper's."""
    groups = group_by(lines, "protocol", "detector")
    begun = {protocol for protocol, _ in groups} | {PAPERS_PROTOCOL}
    return [
        _class_row(benchmark, protocol, row, groups)
        for protocol in IMAGE_BENCHMARKS[benchmark]
        if protocol in begun
        for row in rows_of(benchmark)
        if protocol in row.protocols
    ]


def _class_row(benchmark: str, protocol: str, row: Row, groups: Mapping[tuple, Group]) -> ClassRow:
    """Make the row of one detector; groups: by (protocol, row)."""
    group = groups.get((protocol, row.name), Group())
    runs = group.single
    twin, what = untrained_twin(benchmark, row.name)
    before = groups.get((protocol, twin), Group()) if row.trained else Group()
    scores = dict.fromkeys(at for line in runs.current for at in line.get("auroc_by_score", ()))
    method = (row.published or "") if protocol == PAPERS_PROTOCOL else ""
    return ClassRow(
        benchmark=benchmark,
        protocol=protocol,
        detector=row.name,
        trained=row.trained,
        auroc=_by_class(runs),
        by_score={score: _by_class(runs, score) for score in scores},
        untrained=_by_class(before.single),
        twin=what,
        runs=from_to([len(group.current) for group in runs.by("dataset").values()]),
        networks=" / ".join(dict.fromkeys(_networks(line["config"]) for line in runs.current)),
        published=published.mean_of(published_as(benchmark), method),
        notes=(*runs.notes(row, benchmark), *group.errors),
    )


def _by_class(runs: Group, score: str | None = None) -> Classes:
    """Average AUROC by normal class, of another score if one is named."""
    if score is not None:
        lines = [line for line in runs.current if "auroc_by_score" in line]
        runs = Group([{**line, "auroc": line["auroc_by_score"][score]} for line in lines])
    return means({name: group for (name,), group in runs.by("dataset").items()}, "auroc")


def _networks(config: Mapping[str, Any]) -> str:
    """Write "32 channels, 2,000 steps": channels after the first halving of an image."""
    if "architecture" not in config:
        return config.get("backbone") or ""
    name, steps = config["architecture"], config["max_steps"]
    if backbone := config.get("backbone"):
        return f"{backbone}, {f'{steps:,} steps' if steps else 'untrained'}"
    if name in (None, *IMAGE_ARCHITECTURES):
        width = USUAL_WIDTH if name is None else IMAGE_ARCHITECTURES[name].width
    else:  # one that only energies have
        width = IMAGE_ENERGY_ARCHITECTURES[name].channels[0]
    long = f"≤ {config['epochs']} epochs" if steps is None else f"{steps:,} steps"
    half = ", bfloat16" if config.get("engine") == "bfloat16" else ""
    return f"{width} channels, {'untrained' if steps == 0 else long}{half}"
