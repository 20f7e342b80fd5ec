"""Decisions whose errors are known: what `score` adds to a table, and the verb `calibrate`."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alad.cli import pictures
from alad.cli.frame import (
    AsJson,
    Device,
    Drop,
    Model,
    Quiet,
    app,
    flag_of,
    option,
    print_json,
    say,
    separated,
)
from alad.cli.pictures import Strict
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
class Rule:
    """Which rows to flag. With none of the three by the model's own threshold."""

    false_alarm_rate: float | None = None
    confidence: float | None = None
    fdr: float | None = None

    def check(self, score: str | None) -> None:
        """InputError if options make no sense or contradict each other; before the long work."""
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
        """The columns to add to `rows`."""
        if self.false_alarm_rate is None and self.fdr is None:
            scores = detector.anomaly_score(rows)
            return {"anomaly_score": scores, "is_anomaly": -scores < detector.offset_}
        calibration = detector.calibrated()
        limit = self._limit(detector)
        scores = detector.anomaly_score(rows)
        flagged = calibration.select(scores, self.fdr) if self.fdr is not None else scores > limit
        return {
            "anomaly_score": scores,
            "p_value": calibration.p_values(scores),
            "is_anomaly": flagged,
        }

    def _limit(self, detector: "Fitted") -> float:
        """Asked for before rows are scored, because it may be refused."""
        if self.false_alarm_rate is None:
            return float("inf")
        return detector.threshold(self.false_alarm_rate, self.confidence)

    def threshold(self, detector: "Fitted") -> float | None:
        """From which score on rows are flagged; None where it depends on all of them."""
        if self.fdr is not None:
            return None
        if self.false_alarm_rate is None:
            return -detector.offset_
        return self._limit(detector)

    def told(self, detector: "Fitted", rows: int, flagged: int) -> str:
        """How many rows were flagged; of a selection of none, how many it takes at least."""
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
    """A line on stderr if the scores no longer look like those of calibration."""
    from alad.detector.drift import drift

    calibration = detector.calibration_
    if calibration is None or len(calibration) < 1 / LEFT_OUT_FOR_DRIFT:
        return
    found = drift(scores, calibration, trim=LEFT_OUT_FOR_DRIFT)
    if found.drifted:
        say(f"alad: warning: drift: {found}; rates may not hold, see alad calibrate --help")


# --- calibrate ------------------------------------------------------------------------------------


@app.command()
def calibrate(
    model: Model,
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", help="Normal rows that MODEL did not learn from; or a folder."
        ),
    ],
    drop: Drop = None,
    strict: Strict = False,
    device: Device = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Calibrate MODEL anew on normal rows that it did not learn from; it is not fitted again.

    Thresholds, p-values and drift are then told from these rows. Anomalies among them make
    thresholds higher: fewer rows are flagged than asked for. Rows that it learnt from would make
    them too low: if more of the rows equal a learnt one than new rows do by chance, those that do
    are left out. Rows that were changed since (rounded, say) go unnoticed. Of more than 100,000
    distinct rows MODEL knows 100,000 again; then a warning says how many more there are, about.
    """
    from alad import catalogue

    detector = catalogue.load(model, device=device)
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
        say(_told(calibration, rows.unit))


def _told(calibration: "Calibration", unit: str) -> str:
    message = f"{pictures.counted(len(calibration), unit)}; false-alarm rates from "
    message += f"{_rounded_up(calibration.smallest_rate)} on can be asked for"
    if seen := calibration.seen:
        message += f"; {pictures.counted(seen, unit)} left out, because the model learnt from them"
        message += " (others, if they were changed since, go unnoticed)"
    return message


def _rounded_up(rate: float) -> str:
    """With two digits, and never a rate that is too small."""
    digits = 1 - math.floor(math.log10(rate))
    return f"{math.ceil(rate * 10**digits - 1e-9) / 10**digits:.2g}"
