"""Decisions whose errors are known: what `score` adds to a table, and the verb `calibrate`."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from alad.cli import options, pictures
from alad.cli.frame import app, counted, print_json, say
from alad.cli.options import flag_of, option, separated, table_argument
from alad.errors import InputError, located

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa

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


class Flagging:
    """A rule at work on a model's scores, batch by batch; raises InputError where it cannot be.

    Flags by FDR depend on all scores: of those each batch is noted here, 8 bytes a calibration
    row in all, and `last` adds the flags to the rows once all are known.
    """

    def __init__(self, rule: FlaggingRule, detector: "Fitted"):
        from alad.detector.drift import ScoreSample

        self._rule, self._detector = rule, detector
        self.threshold = rule.threshold(detector)
        by_p_value = rule.false_alarm_rate is not None or rule.fdr is not None
        self._calibration = detector.calibrated() if by_p_value else None
        if rule.fdr is not None:
            detector.calibrated().check_fdr(rule.fdr)
        self._tally: Any = 0
        self._sample = ScoreSample()
        self.rows = self.flagged = 0

    def columns(self, scores: "np.ndarray") -> "dict[str, np.ndarray]":
        """Compute the columns to add to a batch: scores, p-values by rate or FDR, and flags."""
        self._sample.add(scores)
        self.rows += len(scores)
        added = {"anomaly_score": scores}
        if self._calibration is not None:
            added["p_value"] = self._calibration.p_values(scores)
        if self.threshold is not None:
            added["is_anomaly"] = scores > self.threshold
            self.flagged += int(added["is_anomaly"].sum())
        elif self._calibration is not None:
            self._tally = self._tally + self._calibration.tally(scores)
        return added

    @property
    def last(self) -> "Callable[[pa.Table], pa.Table] | None":
        """What adds flags to the rows of a batch once all are known; None if they have them."""
        return None if self._rule.fdr is None else self._flagged

    def _flagged(self, rows: "pa.Table") -> "pa.Table":
        from alad.data.writing import with_columns

        limit = self._detector.calibrated().selected_up_to(self._tally, self._rule.fdr or 0.0)
        flags = rows["p_value"].to_numpy() <= limit
        self.flagged += int(flags.sum())
        return with_columns(rows, {"is_anomaly": flags})

    def summary(self) -> str:
        """Say how many rows were flagged."""
        return self._rule.summary(self._detector, self.rows, self.flagged)

    def warn_of_drift(self) -> None:
        """Write a line on stderr if the scores no longer look like those of calibration."""
        from alad.detector.drift import drift, ruled_out

        calibration = self._detector.calibration_
        if calibration is None or len(calibration) < 1 / LEFT_OUT_FOR_DRIFT:
            return
        scores = self._sample.scores()
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
    mask: options.Mask = None,
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
    rows = pictures.source(table, None, strict, mask=mask, drop=drop)
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
