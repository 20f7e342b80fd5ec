"""Decisions whose errors are known: what `score` adds to a table, and the verb `calibrate`."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from alad.cli import options, pictures
from alad.cli.frame import app, counted, print_json, say
from alad.cli.options import flag_of, option, separated, table_argument
from alad.errors import InputError, located

if TYPE_CHECKING:
    import numpy as np

    from alad.detector.calibration import Calibration
    from alad.detector.fitted import Fitted

FalseAlarmRate = Annotated[
    float | None,
    option(
        help="Flag at most this share of normal rows; adds p_value.",
        show_default="the model's contamination",
    ),
]
Confidence = Annotated[
    float | None,
    option(help="How sure to be of that rate.", show_default="it holds on average"),
]
Fdr = Annotated[
    float | None,
    option(help="Flag rows of which at most this share is normal; adds p_value."),
]
LEFT_OUT_FOR_DRIFT = 0.1  # share of high scores: anomalies among new rows are no drift


@dataclass(frozen=True)
class FlaggingRule:
    """Which rows to flag: by a false-alarm rate, by an FDR, or by the model's own threshold."""

    false_alarm_rate: float | None = None
    confidence: float | None = None
    fdr: float | None = None

    def check(self, score: str | None) -> None:
        """Raise InputError for options that make no sense or contradict each other."""
        from alad.detector.calibration import between_0_and_1

        if self.false_alarm_rate is not None and self.fdr is not None:
            raise InputError("--false-alarm-rate and --fdr are two rules; give one of them")
        if self.confidence is not None and self.false_alarm_rate is None:
            raise InputError("--confidence is of a rate; give --false-alarm-rate, too")
        for name in ("false_alarm_rate", "confidence", "fdr"):
            if getattr(self, name) is not None:
                between_0_and_1(flag_of(name), getattr(self, name))
        if score is not None and (self.false_alarm_rate, self.fdr) != (None, None):
            raise InputError("thresholds belong to the model's own score; leave out --score")

    def columns(self, detector: "Fitted", rows: Any) -> "dict[str, np.ndarray]":
        """Compute the columns to add to `rows`: scores, flags and, by rate or FDR, p-values."""
        # what may be refused comes before the rows are scored
        calibrated = self.false_alarm_rate is not None or self.fdr is not None
        calibration = detector.calibrated() if calibrated else None
        threshold = self.threshold(detector)
        scores = detector.anomaly_score(rows)
        if calibration is None:
            return {"anomaly_score": scores, "is_anomaly": scores > threshold}
        flagged = scores > threshold if self.fdr is None else calibration.select(scores, self.fdr)
        return {
            "anomaly_score": scores,
            "p_value": calibration.p_values(scores),
            "is_anomaly": flagged,
        }

    def threshold(self, detector: "Fitted") -> float | None:
        """Choose the score above which rows are flagged; None where it depends on all of them."""
        if self.fdr is not None:
            return None
        if self.false_alarm_rate is None:
            return -detector.offset_
        return detector.threshold(self.false_alarm_rate, self.confidence)

    def summary(self, detector: "Fitted", rows: int, flagged: int) -> str:
        """Say how many rows were flagged; of none by FDR, the least number that it selects."""
        words = f"{flagged} of them flagged"
        if self.fdr is None or flagged:
            return words
        calibration = detector.calibrated()
        least = calibration.fewest_selectable(rows, self.fdr)
        if least == 1:
            return words
        what = f"{detector.encoder_.unit}s"
        few = f"{rows} {what} and {len(calibration)} calibration {what}"
        return f"{words}: of {few} --fdr {self.fdr:g} selects at least {least} or none"


def warn_of_drift(detector: "Fitted", scores: "np.ndarray") -> None:
    """Write a line on stderr if the scores no longer look like those of calibration."""
    from alad.detector.drift import drift, ruled_out

    calibration = detector.calibration_
    if calibration is None or len(calibration) < 1 / LEFT_OUT_FOR_DRIFT:
        return
    if ruled_out(scores, calibration, trim=LEFT_OUT_FOR_DRIFT):
        return  # spares most runs half a second of loading what computes the test
    test = drift(scores, calibration, trim=LEFT_OUT_FOR_DRIFT)
    if test.drifted:
        say(f"alad: warning: drift: {test}; rates may not hold, see alad calibrate --help")


# --- calibrate ------------------------------------------------------------------------------------


@app.command()
def calibrate(
    model: options.Model,
    table: Annotated[
        str,
        table_argument("Normal rows that MODEL did not learn from; or a folder."),
    ],
    drop: options.Drop = None,
    strict: options.Strict = False,
    device: options.Device = None,
    engine: options.ScoringEngine = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Calibrate MODEL anew on normal rows that it did not learn from; it is not fitted again.

    Thresholds, p-values and drift are then told from these rows. Anomalies among them make
    thresholds higher: fewer rows are flagged than asked for. Rows that it learnt from would make
    them too low: if more of the rows equal a learnt one than new rows do by chance, those that do
    are left out. Rows that were changed since (rounded, say) go unnoticed. Of more than 100,000
    distinct rows MODEL knows 100,000 again; if more are among
    the rows, they are refused.
    """
    from alad import catalogue

    detector = catalogue.load(model, device=device, engine=engine)
    rows = pictures.source(table, None, strict, drop=drop)
    with located(rows.place):
        detector = detector.calibrate(rows.without(separated(drop)), source=rows.place)
    detector.save(model)
    calibration = detector.calibrated()
    if as_json:
        facts = {"model": str(model), "rows": len(calibration), "left_out": calibration.seen}
        print_json(facts | {"smallest_false_alarm_rate": calibration.smallest_rate})
    if not quiet:
        pictures.say_skipped(rows)
        say(_summary(calibration, rows.unit))


def _summary(calibration: "Calibration", unit: str) -> str:
    """Say how many rows it is made of, and from which false-alarm rate on it can decide."""
    # two digits, rounded up: a smaller rate could not be asked for
    rate = calibration.smallest_rate
    scale = 10 ** (1 - math.floor(math.log10(rate)))
    least = f"{math.ceil(rate * scale - 1e-9) / scale:.2g}"
    message = (
        f"{counted(len(calibration), unit)}; false-alarm rates from {least} on can be asked for"
    )
    if seen := calibration.seen:
        message += (
            f"; {counted(seen, unit)} left out, because they equal rows that the model learnt from"
        )
        message += " (others, if they were changed since, go unnoticed)"
    return message
