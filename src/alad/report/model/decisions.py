"""Thresholds, what they would flag, and whether they hold: sections of a model's page."""

from typing import Any

import numpy as np

from alad.detector.drift import LEVEL, drift
from alad.errors import InputError
from alad.report.charts.axes import Axis, number
from alad.report.charts.histograms import Sample, histogram
from alad.report.charts.lines import Rule, Series, plot
from alad.report.model.training import training_scores, unit
from alad.report.page_parts import Block, Figures, Section, Text
from alad.report.tables import Cell, Table

RATES = (0.1, 0.05, 0.01, 0.001)  # false-alarm rates shown beside the one asked for
CONFIDENCE = 0.95  # of the stricter thresholds
LEFT_ASIDE = 0.1  # share of high scores left out of the test for drift where there are no labels


def scores_section(
    detector: Any, threshold: float, rate: float | None, new: np.ndarray | None
) -> Section:
    """Show scores of training, calibration and new rows with the threshold, and other thresholds.

    rate: the false-alarm rate asked for; None = the model's own threshold. new: scores [n].
    """
    calibration, what = detector.calibration_, unit(detector)
    chosen = (
        f"the model's own threshold, told at fit for a share of "
        f"{detector.params['contamination']:.3g}"
        if rate is None
        else f"a false-alarm rate of at most {number(100 * rate)} % of normal {what}"
    )
    scores: dict[str, Sample | None] = {
        "training": training_scores(detector),
        "calibration": None if calibration is None else calibration.scores,
        f"new {what}": new,
    }
    # a model may keep no training scores, and lack calibration
    groups = {name: group for name, group in scores.items() if group is not None}
    text = f"{what.capitalize()} that score above {number(threshold)} are flagged: {chosen}."
    blocks: list[Block] = [Text(text)]
    if groups:
        rules = [Rule("threshold", threshold)]
        chart = histogram("Anomaly scores", "anomaly score", groups, rules)
        blocks.append(Figures([chart], "Higher scores are more anomalous."))
    if calibration is None:
        text = (
            "This model is not calibrated, so no false-alarm rate is known. Calibrate it with "
            f"normal {what} that it has not learnt from: alad calibrate MODEL "
            f"{'TABLE' if what == 'rows' else 'PICTURES/'}."
        )
        return Section("Scores and thresholds", [*blocks, Text(text, "alarm")])
    return Section("Scores and thresholds", [*blocks, _thresholds(calibration, new, what)])


def _thresholds(calibration: Any, new: np.ndarray | None, what: str) -> Table:
    """List thresholds for some false-alarm rates, and how many of the new rows lie above them."""
    sure = f"with confidence {100 * CONFIDENCE:.0f}\u00a0%"
    heads = ["false-alarm rate, at most", "threshold, on average", f"threshold, {sure}"]
    heads += [] if new is None else [f"new {what} flagged", f"flagged, {sure}"]
    total, rows = 0 if new is None else len(new), []
    for rate in RATES:
        limits = [_threshold(calibration, rate, confidence) for confidence in (None, CONFIDENCE)]
        row = [Cell(f"{number(100 * rate)} %", rate)]
        row += [Cell("too few" if at is None else number(at), at) for at in limits]
        for limit in limits if new is not None else ():
            count = 0 if new is None or limit is None else int((new > limit).sum())
            share = f"{count:,} ({number(100 * count / max(total, 1))} %)"
            row.append(Cell("" if limit is None else share))
        rows.append(row)
    caption = (
        f"Thresholds from {len(calibration):,} calibration {what} ({calibration.told}); "
        "“too few”: it takes more of them"
    )
    return Table(caption, heads, rows, live=False)


def _threshold(calibration: Any, rate: float, confidence: float | None) -> float | None:
    """Compute a threshold; None if there are too few calibration rows for that rate."""
    try:
        return calibration.threshold(rate, confidence)
    except InputError:
        return None


# --- p-values -------------------------------------------------------------------------------------


def calibration_section(detector: Any, scores: np.ndarray, normal: np.ndarray | None) -> Section:
    """Show whether p-values are uniform on normal rows, and whether scores drift.

    scores [n] of new rows; normal: bool [n] by their labels, None without labels.
    """
    calibration = detector.calibration_
    what = unit(detector)
    whose = f"all new {what}" if normal is None else f"new {what} labelled normal"
    chosen = scores if normal is None else scores[normal]
    # p-values of normal rows are uniform if calibration holds
    p = np.sort(calibration.p_values(chosen))
    asked, share = "false-alarm rate asked for", "share flagged"
    low = min(calibration.smallest_rate, 0.01)  # where the logarithmic axes begin
    x, y = (Axis(name, 0.0, 1.0, percent=True) for name in (asked, share))
    near_x = Axis(asked, low, 1.0, "log", percent=True)
    near_y = Axis(share, low / 10, 1.0, "log", percent=True)
    charts = [
        plot("Calibration", x, y, _curves(p, whose, 0.0), height=360),
        plot("Calibration at small rates", near_x, near_y, _curves(p, whose, low), height=360),
    ]
    text = (
        f"For normal {what} that are like those of calibration the line keeps to the diagonal: "
        "asking for a false-alarm rate of 5 % flags 5 % of them. Anomalies lift the left end; a "
        f"line that leaves the diagonal everywhere means that the new {what} differ as a whole."
    )
    if calibration.seen:
        text += (
            f" {calibration.seen:,} {what} that equal one learnt from are left out of calibration: "
            "where new ones repeat those, fewer than asked for are flagged."
        )
    blocks: list[Block] = [Figures(charts, text), _drift(detector, chosen, normal is not None)]
    return Section("Calibration and drift", blocks)


def _curves(p: np.ndarray, whose: str, low: float) -> list[Series]:
    """Draw the share of p-values [n] up to each rate, and the diagonal."""
    rates = np.unique(np.concatenate([p, [1.0]]))
    share = np.searchsorted(p, rates, side="right") / max(len(p), 1)
    diagonal = Series("as it should be", (low, 1.0), (low, 1.0), tone=0, dashed=True, faint=True)
    return [Series(whose, rates, share, tone=1), diagonal]


def _drift(detector: Any, scores: np.ndarray, presumed_normal: bool) -> Text:
    """State the result of the test for drift; without labels high scores are left out."""
    calibration = detector.calibration_
    trim = 0.0 if presumed_normal else LEFT_ASIDE
    if calibration.smallest_rate > LEFT_ASIDE or not len(scores):
        return Text(f"There are too few {unit(detector)} to look for drift.")
    test = drift(scores, calibration, trim=trim)
    aside = "" if presumed_normal else " The highest scores, perhaps anomalies, were left aside."
    if test.drifted:
        text = f"Drift: {test}. False-alarm rates may not hold; calibrate anew.{aside}"
        return Text(text, "alarm")
    gap = f"distance {test.statistic:.2f}, p = {number(test.p_value)}, drift is said below {LEVEL}"
    text = f"No drift seen: the new {unit(detector)} score like those of calibration"
    return Text(f"{text} ({gap}).{aside}", "calm")
