"""Scores and decisions against labels: a section of a model's page."""

import numpy as np

from alad import metrics
from alad.report.charts.axes import number
from alad.report.charts.curves import precision_recall_chart, roc_chart
from alad.report.page_parts import Block, Facts, Figures, Section, Text
from alad.report.tables import Table

MOST_ROWS_RESAMPLED = 20_000  # of more rows, fewer bootstrap samples say as much
FEW_ROUNDS = 200


def evaluation_section(
    detector: str, scores: np.ndarray, flagged: np.ndarray, anomalous: np.ndarray
) -> Section:
    """Show ROC, precision and recall with 95 % intervals, and the confusion matrix.

    scores [n]; flagged, anomalous: bool [n].
    """
    # how scores rank, at every threshold
    if anomalous.all() or not anomalous.any():
        blocks: list[Block] = [Text("By their labels all are alike, so there is nothing to rank.")]
    else:
        precision = {detector: metrics.precision_recall(scores, anomalous)}
        share = float(anomalous.mean())
        charts = [
            roc_chart("ROC", {detector: metrics.roc(scores, anomalous)}),
            precision_recall_chart("Precision and recall", precision, share),
        ]
        rounds = metrics.ROUNDS if len(scores) <= MOST_ROWS_RESAMPLED else FEW_ROUNDS
        facts = {"anomalies by label": f"{int(anomalous.sum()):,} of {len(anomalous):,}"}
        titles = {"auroc": "AUROC", "average_precision": "average precision"}
        for name, estimate in metrics.estimates(scores, anomalous, rounds).items():
            interval = f"{estimate.low:.3f} to {estimate.high:.3f}"
            facts[titles[name]] = f"{estimate.value:.3f} ({interval})"
        blocks = [Facts(facts, large=True), Figures(charts)]
    # how the decision did
    counts = metrics.confusion(flagged, anomalous)
    shares = {
        "recall: of anomalies, flagged": counts.recall,
        "precision: of those flagged, anomalous": counts.precision,
        "false-alarm rate: of those normal, flagged": counts.false_alarm_rate,
    }
    rows = [
        ("anomalous", f"{counts.hits:,}", f"{counts.misses:,}"),
        ("normal", f"{counts.false_alarms:,}", f"{counts.passed:,}"),
    ]
    heads = ("by label", "flagged", "not flagged")
    intervals = (
        "Intervals are at 95 %: exact for shares, by bootstrap for AUROC and average precision."
    )
    blocks += [
        Facts({name: _share(share) for name, share in shares.items()}, large=True),
        Table("Decisions at the threshold chosen", heads, rows, live=False),
        Text(intervals),
    ]
    return Section("Against the labels", blocks)


def _share(share: metrics.EstimatedShare) -> str:
    """Write a share with its interval, in %."""
    if not share.count:
        return "there is none"
    value, low, high = (number(100 * end) for end in (share.value, share.low, share.high))
    return f"{value}\u00a0% ({low} to {high})"
