"""Sections on one training seen from several sides: its scores, curves and histograms."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from alad.benchmark import published
from alad.benchmark.page import BESIDE
from alad.benchmark.results_file import Line, measured
from alad.benchmark.table import latest, spread
from alad.benchmark.terminal import mean_and_sd
from alad.metrics import Curve
from alad.report.axes import Axis
from alad.report.bars import Compared, Estimate, bars
from alad.report.blocks import Figures, Notes, Rows, Section, Text
from alad.report.canvas import Chart
from alad.report.charts import precision_recall_chart, roc_chart
from alad.report.histograms import Quantiles, histogram

CORNER = 0.1  # a false-alarm rate
TITLE = "Scores of one training"


def scores_of_one_training(lines: Iterable[Line], lacking: Sequence[str]) -> list[Section]:
    """F1 and AUROC of each score of the same trained networks. lacking: what is not there yet."""
    groups = _by_score(lines)
    if not groups:
        return [Section(TITLE, [Notes(lacking)])] if lacking else []
    body = [
        (
            f"{benchmark}, {protocol}",
            score,
            str(len(members)),
            mean_and_sd(spread([one["f1"] for one in members])),
            mean_and_sd(spread([one["auroc"] for one in members])),
            f"{known[0]:.4f} ± {known[1]:.4f}" if known else "",
        )
        for (benchmark, protocol), scores in groups.items()
        for score, members in scores.items()
        for known in [_published_score(benchmark, protocol, score)]
    ]
    heads = ("table and protocol", "score", "runs", "F1", "AUROC", "published F1")
    table = Rows(heads, body, TITLE, frozenset({2, 3, 4, 5}), live=True)
    charts = [_score_chart(*key, scores) for key, scores in groups.items()]
    notes = [Notes(lacking)] if lacking else []
    text = (
        "One training, several scores: f(x, x) − f(x, G(E(x))) by its L1 length (features), D_xx's "
        "logit, the residual x − G(E(x)) by L1 and L2, and the whitened features, which are ours."
    )
    return [Section(TITLE, [Text(text), table, Figures(charts), *notes])]


def _by_score(lines: Iterable[Line]) -> dict[tuple[str, str], dict[str, list[Line]]]:
    """(benchmark, protocol) -> score -> the newest lines of single members."""
    groups: dict[tuple[str, str], dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in measured(list(lines)):
        if line["score"] and line["member"] != "ensemble":
            groups[line["benchmark"], line["protocol"]][line["score"]].append(line)
    return {key: {s: latest(own) for s, own in scores.items()} for key, scores in groups.items()}


def _published_score(benchmark: str, protocol: str, score: str) -> tuple[float, float] | None:
    """Mean and spread, where the paper's protocol was measured."""
    table = published.content()["scores"].get(f"{benchmark}_f1", {})
    return tuple(table[score]) if protocol == "paper" and score in table else None


def _score_chart(benchmark: str, protocol: str, scores: dict[str, list[Line]]) -> Chart:
    rows = []
    for score, members in scores.items():
        own, number = spread([one["f1"] for one in members]), None
        if known := _published_score(benchmark, protocol, score):
            number = Estimate.around(*known)
        rows.append(Compared(score, (Estimate.around(own.mean, own.sd), number)))
    title = f"F1 by score, {benchmark}, protocol {protocol}"
    return bars(title, Axis("F1, mean ± sd", 0.0, 1.0), BESIDE, rows)


# --- curves ---------------------------------------------------------------------------------------


def curves_and_histograms(lines: Iterable[Line]) -> list[Section]:
    """ROC and precision over recall of the detectors shown, and where ALAD's scores lie."""
    groups: dict[tuple[str, str], dict[str, Line]] = defaultdict(dict)
    for line in measured(list(lines)):
        if "curves" in line and line["score"] in (None, _own_score(line)):
            groups[line["benchmark"], line["protocol"]][_titled(line)] = line
    return [
        Section(f"Curves: {benchmark}, protocol {protocol}", [Figures(_curve_charts(key, own))])
        for key, own in groups.items()
        for benchmark, protocol in [key]
    ]


def _own_score(line: Line) -> str:
    return line["config"].get("score_function") or "features"


def _titled(line: Line) -> str:
    together = f", {line['members']} members" if line["member"] == "ensemble" else ""
    return f"{line['detector']}{together}"


def _curve_charts(key: tuple[str, str], lines: dict[str, Line]) -> list[Chart]:
    name = f"{key[0]}, protocol {key[1]}"
    found = {title: line["curves"] for title, line in lines.items()}
    counts = next(iter(found.values()))["rows"]
    share = counts["anomalous"] / sum(counts.values())
    roc = {title: _curve(one["roc"]) for title, one in found.items()}
    precision = {title: _curve(one["precision_recall"]) for title, one in found.items()}
    return [
        roc_chart(f"ROC, {name}", roc, corner=_in_the_corner(roc)),
        precision_recall_chart(f"Precision over recall, {name}", precision, share),
        *(
            histogram(f"Scores of {title}, {name}", "anomaly score", _groups(one))
            for title, one in found.items()
        ),
    ]


def _in_the_corner(curves: Mapping[str, Curve]) -> bool:
    """Whether most anomalies are found at a false-alarm rate that a linear axis cannot show."""
    found = [np.interp(CORNER, one.x, one.y) for one in curves.values()]
    return float(np.median(found)) > 0.9


def _curve(points: list[list[float]]) -> Curve:
    return Curve(np.array(points[0]), np.array(points[1]))


def _groups(curves: Line) -> dict[str, Quantiles]:
    return {
        kind: Quantiles(np.array(values), curves["rows"][kind])
        for kind, values in curves["quantiles"].items()
    }
