"""The part of a model's page about its decisions: thresholds, and what they would flag."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.errors import InputError
from alad.report.axes import Axis, number
from alad.report.blocks import Block, Cell, Figures, Rows, Section, Text
from alad.report.canvas import Chart
from alad.report.charts import Rule, Series, plot
from alad.report.histograms import Group, histogram
from alad.report.learnt import training_scores, unit

RATES = (0.1, 0.05, 0.01, 0.001)  # false-alarm rates shown beside the one asked for
CONFIDENCE = 0.95  # of the stricter thresholds
LEFT_ASIDE = 0.1  # share of high scores that are not looked at for drift, where no label is known


@dataclass(frozen=True)
class Decision:
    """Scores above `threshold` are flagged; `rate` is the false-alarm rate asked for, if any."""

    threshold: float
    rate: float | None = None

    @classmethod
    def of(cls, detector: Any, rate: float | None) -> "Decision":
        """By a false-alarm rate, or as the model's `predict` decides.

        Raises InputError if the model is not calibrated, or has too few calibration rows.
        """
        if rate is None:
            return cls(-detector.offset_)
        return cls(detector.threshold(rate), rate)

    def flagged(self, scores: np.ndarray) -> np.ndarray:
        return scores > self.threshold

    def told(self, detector: Any) -> str:
        if self.rate is None:
            share = f"{detector.contamination:.3g}"
            return f"the model's own threshold, above which a share of {share} lay at fit"
        return (
            f"a false-alarm rate of at most {number(100 * self.rate)} % of normal {unit(detector)}"
        )


def scores_section(detector: Any, decision: Decision, new: np.ndarray | None) -> Section:
    """Scores of training, calibration and new rows with the threshold, and other thresholds."""
    groups: dict[str, Group] = {}
    learnt = training_scores(detector)
    if learnt is not None:
        groups["training"] = learnt
    calibration = detector.calibration_
    if calibration is not None:
        groups["calibration"] = calibration.scores
    if new is not None:
        groups[f"new {unit(detector)}"] = new
    rule = Rule("threshold", decision.threshold)
    words = (
        f"{unit(detector).capitalize()} that score above {number(decision.threshold)} are flagged: "
    )
    blocks: list[Block] = [Text(f"{words}{decision.told(detector)}.")]
    if groups:
        chart = histogram("Anomaly scores", "anomaly score", groups, [rule])
        blocks.append(Figures([chart], "Higher scores are more anomalous."))
    if calibration is None:
        words = (
            "This model is not calibrated, so no false-alarm rate is known. Calibrate it with "
            f"normal {unit(detector)} that it has not learnt from: alad calibrate MODEL TABLE."
        )
        return Section("Scores and thresholds", [*blocks, Text(words, "alarm")])
    return Section("Scores and thresholds", [*blocks, _thresholds(detector, new)])


def _thresholds(detector: Any, new: np.ndarray | None) -> Rows:
    """Thresholds for some false-alarm rates, and how many of the new rows lie above them."""
    calibration, what = detector.calibration_, unit(detector)
    sure = f"with confidence {100 * CONFIDENCE:.0f}\u00a0%"
    heads = ["false-alarm rate, at most", "threshold, on average", f"threshold, {sure}"]
    heads += [] if new is None else [f"new {what} flagged", f"flagged, {sure}"]
    rows = []
    for rate in RATES:
        limits = [_threshold(calibration, rate, confidence) for confidence in (None, CONFIDENCE)]
        cells = [Cell(_limit(limit), limit) for limit in limits]
        if new is not None:
            cells += [Cell(_above(new, limit)) for limit in limits]
        rows.append([Cell(f"{number(100 * rate)} %", rate), *cells])
    caption = (
        f"Thresholds from {len(calibration):,} calibration {what} ({calibration.told}); "
        "“too few”: it takes more of them"
    )
    return Rows(heads, rows, caption, frozenset(range(1, len(heads))))


def _threshold(calibration: Any, rate: float, confidence: float | None) -> float | None:
    try:
        return calibration.threshold(rate, confidence)
    except InputError:  # too few rows for that rate
        return None


def _limit(limit: float | None) -> str:
    return "too few" if limit is None else number(limit)


def _above(new: np.ndarray, limit: float | None) -> str:
    if limit is None:
        return ""
    count = int((new > limit).sum())
    return f"{count:,} ({number(100 * count / max(len(new), 1))} %)"


# --- p-values -------------------------------------------------------------------------------------


def calibration_section(detector: Any, scores: np.ndarray, normal: np.ndarray | None) -> Section:
    """Are the p-values what they should be? And do the new rows still look like calibration?

    normal: which of the new rows are normal by their labels, where labels are there.
    """
    calibration = detector.calibration_
    what = unit(detector)
    whose = f"all new {what}" if normal is None else f"new {what} labelled normal"
    chosen = scores if normal is None else scores[normal]
    p = np.sort(calibration.p_values(chosen))
    charts = [_realised(p, whose), _realised_closely(p, whose, calibration.smallest_rate)]
    words = (
        f"For normal {what} that are like those of calibration the line keeps to the diagonal: "
        "asking for a false-alarm rate of 5 % flags 5 % of them. Anomalies lift the left end; a "
        f"line that leaves the diagonal everywhere means that the new {what} differ as a whole."
    )
    if calibration.seen:
        words += (
            f" {calibration.seen:,} {what} that equal one learnt from are left out of calibration: "
            "where new ones repeat those, fewer than asked for are flagged."
        )
    blocks: list[Block] = [Figures(charts, words), _drift(detector, chosen, normal is not None)]
    return Section("Calibration and drift", blocks)


def _realised(p: np.ndarray, whose: str) -> Chart:
    x = Axis("false-alarm rate asked for", 0.0, 1.0, percent=True)
    y = Axis("share flagged", 0.0, 1.0, percent=True)
    return plot("Calibration", x, y, _curves(p, whose, 0.0), height=360)


def _realised_closely(p: np.ndarray, whose: str, least: float) -> Chart:
    """The same where it matters, on logarithmic axes."""
    low = min(least, 0.01)
    x = Axis("false-alarm rate asked for", low, 1.0, "log", percent=True)
    y = Axis("share flagged", low / 10, 1.0, "log", percent=True)
    return plot("Calibration at small rates", x, y, _curves(p, whose, low), height=360)


def _curves(p: np.ndarray, whose: str, low: float) -> list[Series]:
    """Share of p-values up to each rate, and the diagonal."""
    rates = np.unique(np.concatenate([p, [1.0]]))
    share = np.searchsorted(p, rates, side="right") / max(len(p), 1)
    diagonal = Series("as it should be", (low, 1.0), (low, 1.0), tone=0, dashed=True, faint=True)
    return [Series(whose, rates, share, tone=1), diagonal]


def _drift(detector: Any, scores: np.ndarray, presumed_normal: bool) -> Text:
    """The verdict in words; without labels, high scores are left out of the comparison."""
    from alad.detector.drift import LEVEL, drift

    calibration = detector.calibration_
    trim = 0.0 if presumed_normal else LEFT_ASIDE
    if calibration.smallest_rate > LEFT_ASIDE or not len(scores):
        return Text(f"There are too few {unit(detector)} to look for drift.")
    found = drift(scores, calibration, trim=trim)
    aside = "" if presumed_normal else " The highest scores, perhaps anomalies, were left aside."
    if found.drifted:
        words = f"Drift: {found}. False-alarm rates may not hold; calibrate anew.{aside}"
        return Text(words, "alarm")
    gap = (
        f"distance {found.statistic:.2f}, p = {number(found.p_value)}, drift is said below {LEVEL}"
    )
    words = (
        f"No drift seen: the new {unit(detector)} score like those of calibration ({gap}).{aside}"
    )
    return Text(words, "calm")
