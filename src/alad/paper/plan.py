"""What a pass over the paper consists of. A quick one has a folder, and cells, of its own."""

from dataclasses import dataclass
from pathlib import Path

from alad.benchmark import Result
from alad.benchmark.results_file import Line
from alad.benchmark.score_curves import View
from alad.benchmark.timing import BENCHES, Bench
from alad.benchmark.timing import QUICK as QUICK_BENCHES


@dataclass(frozen=True)
class Plan:
    """Which tables, scores, curves and times; and where they go below the folder of results."""

    folder: str  # of the page, the scores and the times
    tables: str  # of the lines of the tables, shared with `alad bench NAME`
    benchmarks: tuple[str, ...]
    views: tuple[View, ...]  # rows whose scores and curves are shown; the first are compared
    benches: tuple[Bench, ...]
    lead: str
    command: str
    adbench: bool = False  # is the yardstick of today beside the paper part of the plan?
    images: tuple[str, ...] = ()  # benchmarks that are shown as far as they are there

    def of_tables(self, results: Path, name: str) -> Path:
        """Place the results file of a benchmark."""
        return results / self.tables / f"{name}.jsonl"

    def beside_page(self, results: Path, name: str) -> Path:
        """Place the results file of scores, or of times."""
        return results / self.folder / f"{name}.jsonl"


SHOWN = ("alad", "isolation-forest", "knn")  # in pictures; their curves are told apart

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
    """All that a page is made of."""

    rows: list[Result]  # those not measured yet among them
    tables: list[Line]  # of which the rows are made
    scores: list[Line]
    times: list[Line]
    adbench: list[Line]  # if it has been measured; not a table of the paper
    images: dict[str, list[Line]]  # by benchmark, what is there of those of the plan
    absent: tuple[str, ...]  # those of them whose official files are not at hand
    runs: int | None  # of each row; None = the usual number
    page: list[Path]
