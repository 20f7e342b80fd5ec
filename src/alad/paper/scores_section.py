"""Sections on the scores of one training: F1 and AUROC, curves, histograms."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import numpy as np

from alad.benchmark import published
from alad.benchmark.cells import planned_runs
from alad.benchmark.page import BESIDE, LABEL, estimate_of
from alad.benchmark.results import runs_so_far
from alad.benchmark.results_file import Line, measured
from alad.benchmark.score_curves import View
from alad.benchmark.summary import ENSEMBLE, Group, group_by, mean_and_sd
from alad.metrics import Curve
from alad.report.charts.axes import Axis
from alad.report.charts.bars import Compared, Estimate, bars
from alad.report.charts.canvas import Chart
from alad.report.charts.curves import precision_recall_chart, roc_chart
from alad.report.charts.histograms import Quantiles, histogram
from alad.report.page_parts import Figures, Notes, Section, Text
from alad.report.tables import Cell, Table

CORNER = 0.1  # a false-alarm rate
TITLE = "Scores of one training"
TEXT = (
    "One training, several scores: f(x, x) − f(x, G(E(x))) by its L1 length (features), D_xx's "
    "logit, the residual x − G(E(x)) by L1 and L2, and the whitened features, which are ours."
)
COLUMNS = ("table and protocol", "score", "runs", "F1", "AUROC", "published F1")


def scores_of_one_training(
    lines: Iterable[Line], views: Sequence[View], runs: int | None = None
) -> list[Section]:
    """Show F1 and AUROC of each score of the same networks, and note what `views` lack."""
    lines = measured(lines)
    scored = [line for line in lines if line["score"]]
    body: list[Sequence[str | Cell]] = []
    charts = []
    for (benchmark, protocol), of_table in group_by(scored, "benchmark", "protocol").items():
        compared, scores = [], published.content()["scores"]
        theirs = scores.get(f"{benchmark}_f1", {}) if protocol == "paper" else {}
        for (score,), group in group_by(of_table.lines, "score").items():
            f1, auroc = (group.single.spread(measure) for measure in ("f1", "auroc"))
            if f1 is None or auroc is None:
                continue
            number = theirs.get(score)
            cells = [f"{benchmark}, {protocol}", score, str(f1.runs), f1.text(), auroc.text()]
            body.append([*cells, Cell(mean_and_sd(*number) if number else "", mark="published")])
            estimate = Estimate.around(*number) if number else None
            compared.append(Compared(score, (estimate_of(f1), estimate)))
        title = f"F1 by score, {benchmark}, protocol {protocol}"
        charts.append(bars(title, Axis(LABEL, 0.0, 1.0), BESIDE, compared))
    # what is still to be measured
    missing = lacking(views, lines, runs)
    table = Table(TITLE, COLUMNS, body, missing, left=(0, 1))
    if not body:
        return [Section(TITLE, [Notes(missing)])] if missing else []
    return [Section(TITLE, [Text(TEXT), table, Figures(charts)])]


def lacking(views: Sequence[View], lines: Iterable[Line], runs: int | None = None) -> list[str]:
    """Note the rows of which runs are lacking."""
    groups = group_by(measured(lines), "benchmark", "protocol", "detector")
    notes = []
    for view in views:
        benchmark, protocol, row = view
        due = planned_runs(benchmark, runs)[protocol, None, row]
        count = len(groups.get(view, Group()).single.current)
        if count < due:
            notes.append(f"{', '.join(view)}: {runs_so_far(count, due)}")
    return notes


# --- curves ---------------------------------------------------------------------------------------


def curves_and_histograms(lines: Iterable[Line]) -> list[Section]:
    """Draw ROC, precision over recall, and histograms of scores, table by table."""
    newest: dict[tuple[str, str], dict[str, Line]] = defaultdict(dict)
    for line in measured(lines):
        usual = line["config"].get("score_function") or "features"
        if "curves" in line and line["score"] in (None, usual):
            members = f", {line['members']} members" if line["member"] == ENSEMBLE else ""
            title = line["detector"] + members
            newest[line["benchmark"], line["protocol"]][title] = line["curves"]
    return [
        Section(f"Curves: {name}", [Figures(_charts(name, curves))])
        for (benchmark, protocol), curves in newest.items()
        for name in [f"{benchmark}, protocol {protocol}"]
    ]


def _charts(name: str, curves: Mapping[str, Line]) -> list[Chart]:
    """Draw the charts of one table and protocol; curves: detector -> its curves, as in a line."""
    counts = next(iter(curves.values()))["rows"]
    share = counts["anomalous"] / sum(counts.values())
    roc, precision = (
        {title: Curve(*map(np.array, line[kind])) for title, line in curves.items()}
        for kind in ("roc", "precision_recall")
    )
    # a logarithmic axis where most anomalies are flagged at a small false-alarm rate
    corner = median(np.interp(CORNER, curve.x, curve.y) for curve in roc.values()) > 0.9
    charts = [
        roc_chart(f"ROC, {name}", roc, corner=corner),
        precision_recall_chart(f"Precision over recall, {name}", precision, share),
    ]
    for title, line in curves.items():
        groups = {
            kind: Quantiles(np.array(values), line["rows"][kind])
            for kind, values in line["quantiles"].items()
        }
        charts.append(histogram(f"Scores of {title}, {name}", "anomaly score", groups))
    return charts
