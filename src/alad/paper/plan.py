"""A full and a quick pass over the paper: what is measured, and where it is kept."""

from dataclasses import dataclass
from pathlib import Path

from alad.benchmark import Result
from alad.benchmark.results_file import Line
from alad.benchmark.score_curves import View
from alad.benchmark.timing import BENCHES, QUICK_BENCHES, Bench


@dataclass(frozen=True)
class Plan:
    """What one pass measures and shows, and its folders below that of all results."""

    folder: str  # of the page, the scores and the times
    tables: str  # of the lines of the tables, shared with `alad bench NAME`
    benchmarks: tuple[str, ...]
    views: tuple[View, ...]  # rows whose scores and curves are shown; the first are compared
    benches: tuple[Bench, ...]
    lead: str
    command: str
    adbench: bool = False  # whether the page has ADBench, which is not of the paper
    images: tuple[str, ...] = ()  # benchmarks shown if they were measured before


SHOWN = ("alad", "isolation-forest", "knn")  # rows whose curves are drawn

FULL = Plan(
    folder="paper",
    tables="",
    benchmarks=("kdd99", "arrhythmia"),
    views=tuple(
        (benchmark, protocol, row)
        for benchmark, protocol in (("kdd99", "paper"), ("kdd99", "clean"), ("arrhythmia", "clean"))
        for row in SHOWN
    ),
    benches=BENCHES,
    lead=(
        "Every system of the ALAD paper on its two tables and, as far as they were measured, on "
        "images, set beside the published numbers. All runs are single models unless a column says "
        "ensemble; untrained rows show what a detector finds before its first step of training."
    ),
    command="alad bench paper",
    adbench=True,
    images=("cifar10", "svhn", "mnist", "cifar10-quick", "svhn-quick", "mnist-quick"),
)

QUICK = Plan(
    folder="paper-quick",
    tables="paper-quick",
    benchmarks=("kdd99-quick", "arrhythmia-quick"),
    views=tuple(
        (benchmark, "quick", row)
        for benchmark in ("kdd99-quick", "arrhythmia-quick")
        for row in SHOWN
    ),
    benches=QUICK_BENCHES,
    lead=(
        "A quick pass: 10,000 rows of KDD99, two halves of Arrhythmia, two runs a row, and a few "
        "hundred steps of training. It shows that everything runs and roughly what comes out; its "
        "numbers are not those of the full pass, and do not count as a reproduction."
    ),
    command="alad bench paper --quick",
    images=("cifar10-quick", "svhn-quick", "mnist-quick"),
)


@dataclass(frozen=True)
class Measured:
    """All that the page is made of."""

    rows: list[Result]  # also those not measured yet
    tables: list[Line]  # of which the rows are made
    scores: list[Line]
    times: list[Line]
    adbench: list[Line]
    images: dict[str, list[Line]]  # by benchmark
    absent: tuple[str, ...]  # benchmarks of images whose official files are not at hand
    runs: int | None  # of each row; None = the usual number
    page: list[Path]  # files written
