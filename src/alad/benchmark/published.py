"""The published numbers, how sure each is, and what arithmetic says against some."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from statistics import mean

ROUNDING = 1e-4  # published numbers have four decimals
TIES = 2e-3  # by which ties at the threshold may change precision / recall


@dataclass(frozen=True)
class Published:
    """One row of a published table, as fractions; None where the source prints nothing."""

    benchmark: str
    method: str
    f1: float
    sd: float | None  # of F1
    status: str  # verified, copied, recalled, …
    precision: float | None = None
    recall: float | None = None


@dataclass(frozen=True)
class PublishedMean:
    """A published AUROC on images: the mean over normal classes, and its deviation over them."""

    method: str
    auroc: float
    sd: float
    status: str
    by_class: Mapping[str, float] = field(default_factory=dict)  # as far as a figure could be read


@dataclass(frozen=True)
class OneClass:
    """One method's published results on ADBench, one-class setting: fractions by table."""

    auroc: dict[str, float]
    average_precision: dict[str, float]


@dataclass(frozen=True)
class Flagging:
    """Numbers of the paper's test half that do not depend on scores."""

    anomalies: int
    flagged: int
    rows: int

    @property
    def precision_over_recall(self) -> float:
        """(hits / flagged) / (hits / anomalies), the same for all scores."""
        return self.anomalies / self.flagged


FLAGGING = {
    "kdd99": Flagging(48_629, 49_403, 247_011),
    "arrhythmia": Flagging(32, 34, 226),
}

ABLATIONS = {  # key in the file -> name in the paper's table
    "baseline": "Baseline (ALICE)",
    "dl": "Baseline + DL",
    "sn": "Baseline + SN",
    "sn+dl": "Baseline + SN + DL (ALAD)",
}
NO_SN_IN_CODE = "the authors' released code has no SN in its networks for tables"


@lru_cache(maxsize=1)
def content() -> dict:
    """Read the whole file of published numbers."""
    file = files("alad.benchmark").joinpath("published.json")
    return json.loads(file.read_text(encoding="utf-8"))


def methods(benchmark: str) -> tuple[Published, ...]:
    """Read the comparison table of one tabular benchmark; empty where the paper has none."""
    table = content().get(benchmark, {"rows": []})
    return tuple(Published(benchmark, **row) for row in table["rows"] if "f1" in row)


def ablations(benchmark: str) -> tuple[Published, ...]:
    """Read the ablation table of one tabular benchmark."""
    table = content()["ablation"].get(f"{benchmark}_f1", {})
    return tuple(
        Published(benchmark, title, *table[key], status=table["status"])
        for key, title in ABLATIONS.items()
        if key in table
    )


def on_images(benchmark: str) -> tuple[PublishedMean, ...]:
    """Read the comparison table of one benchmark of images; empty where the paper has none."""
    table = content().get(benchmark, {"rows": []})
    by_class = {
        method: dict(zip(table["classes"], values, strict=True))
        for method, values in table.get("per_class", {}).items()
        if method != "status"
    }
    return tuple(
        PublishedMean(**row, by_class=by_class.get(row["method"], {}))
        for row in table["rows"]
        if "auroc" in row
    )


def mean_of(benchmark: str, method: str) -> PublishedMean | None:
    """Find the published mean on images of a method, or of a row of the ablation study ("sn")."""
    table = content()["ablation"].get(f"{benchmark}_auroc", {})
    if method in ABLATIONS and method in table:
        return PublishedMean(ABLATIONS[method], *table[method], status=table["status"])
    return next((row for row in on_images(benchmark) if row.method == method), None)


def score_means(benchmark: str) -> dict[str, PublishedMean]:
    """Read the published means of ALAD on images by score."""
    table = content()["scores"].get(f"{benchmark}_auroc", {})
    status = content()["scores"]["status"]
    return {name: PublishedMean("ALAD", *pair, status=status) for name, pair in table.items()}


# protocol of our benchmark -> key of what was published under it
ONE_CLASS = {"published": "one_class", "random": "one_class_random_half"}


def one_class(protocol: str = "published") -> dict[str, OneClass]:
    """Read the methods published on ADBench under a protocol, best mean AUROC first.

    A method may lack some of the tables.
    """
    table = content()[ONE_CLASS[protocol]]

    def fractions(measure: str, method: str) -> dict[str, float]:
        values = zip(table["tables"], table[measure][method], strict=True)
        return {name: percent / 100 for name, percent in values if percent is not None}

    numbers = {
        method: OneClass(fractions("auroc", method), fractions("average_precision", method))
        for method in table["auroc"]
    }
    return dict(sorted(numbers.items(), key=lambda item: -mean(item[1].auroc.values())))


def find(benchmark: str, method: str) -> Published | None:
    """Find a row by its name in the paper ("IF") or in the ablation study ("sn+dl"), if any."""
    title = ABLATIONS.get(method, method)
    rows = (*methods(benchmark), *ablations(benchmark))
    return next((row for row in rows if row.method == title), None)


def notes(row: Published) -> tuple[str, ...]:
    """Note why the row cannot be right, or not of the paper's protocol."""
    reasons = []
    if row.precision is not None and row.recall is not None:
        # each run's F1, the harmonic mean, is at most the arithmetic one, and so are their means
        highest = (row.precision + row.recall) / 2
        if row.f1 > highest + ROUNDING:
            single = 2 * row.precision * row.recall / (row.precision + row.recall)
            reasons.append(
                f"cannot be right: P {row.precision:.4f} and R {row.recall:.4f} make F1 "
                f"{single:.4f}, over several runs at most {highest:.4f}"
            )
        # under one protocol precision / recall is the same for all scores
        protocol, ratio = FLAGGING.get(row.benchmark), row.precision / row.recall
        if protocol and abs(ratio - protocol.precision_over_recall) > TIES:
            reasons.append(
                f"not like for like: P/R is {ratio:.3f}, this protocol's flagged share makes it "
                f"{protocol.precision_over_recall:.3f}; of these test rows that would flag "
                f"{100 * protocol.anomalies / ratio / protocol.rows:.1f} % "
                f"instead of {100 * protocol.flagged / protocol.rows:.1f} %"
            )
    if row.method in (ABLATIONS["sn"], ABLATIONS["sn+dl"]) and row.benchmark in FLAGGING:
        reasons.append(NO_SN_IN_CODE)
    return tuple(reasons)
