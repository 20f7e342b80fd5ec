"""The part of a model's page that holds decisions against labels, which `metrics` alone reads."""

from collections.abc import Mapping

import numpy as np

from alad import metrics
from alad.report.axes import number
from alad.report.blocks import Block, Cell, Facts, Figures, Rows, Section, Text
from alad.report.charts import precision_recall_chart, roc_chart

MOST_ROWS_RESAMPLED = 20_000  # with more, fewer bootstrap samples tell as much
FEW_ROUNDS = 200


def judged_section(
    detector: str, scores: np.ndarray, flagged: np.ndarray, anomalous: np.ndarray
) -> Section:
    """ROC, precision and recall, and what the decision got right and wrong, with 95 % intervals."""
    if anomalous.all() or not anomalous.any():
        words = "By their labels all are alike, so there is nothing to rank."
        return Section("Against the labels", [Text(words), *_decision(flagged, anomalous)])
    curves = [
        roc_chart("ROC", {detector: metrics.roc(scores, anomalous)}),
        precision_recall_chart(
            "Precision and recall",
            {detector: metrics.precision_recall(scores, anomalous)},
            float(anomalous.mean()),
        ),
    ]
    headline = Facts(_ranking(scores, anomalous), large=True)
    blocks: list[Block] = [headline, Figures(curves), *_decision(flagged, anomalous)]
    return Section("Against the labels", blocks)


def _ranking(scores: np.ndarray, anomalous: np.ndarray) -> Mapping[str, str]:
    rounds = metrics.ROUNDS if len(scores) <= MOST_ROWS_RESAMPLED else FEW_ROUNDS
    found = metrics.estimates(scores, anomalous, rounds)
    names = {"auroc": "AUROC", "average_precision": "average precision"}
    ranked = {title: _with_interval(found[name]) for name, title in names.items()}
    return {"anomalies by label": f"{int(anomalous.sum()):,} of {len(anomalous):,}", **ranked}


def _with_interval(found: metrics.Estimate) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _decision(flagged: np.ndarray, anomalous: np.ndarray) -> list[Block]:
    found = metrics.confusion(flagged, anomalous)
    heads = ("by label", "flagged", "not flagged")
    rows = [
        ("anomalous", Cell(f"{found.hits:,}"), Cell(f"{found.misses:,}")),
        ("normal", Cell(f"{found.false_alarms:,}"), Cell(f"{found.passed:,}")),
    ]
    table = Rows(heads, rows, "Decisions at the threshold chosen", frozenset({1, 2}))
    shares = {
        "recall: of anomalies, flagged": found.recall,
        "precision: of those flagged, anomalous": found.precision,
        "false-alarm rate: of those normal, flagged": found.false_alarm_rate,
    }
    facts = Facts({name: _share(share) for name, share in shares.items()}, large=True)
    return [
        facts,
        table,
        Text(
            "Intervals are at 95 %: exact for shares, by bootstrap for AUROC and average precision."
        ),
    ]


def _share(share: metrics.Share) -> str:
    if not share.count:
        return "there is none"
    value, low, high = (number(100 * one) for one in (share.value, share.low, share.high))
    return f"{value}\u00a0% ({low} to {high})"
