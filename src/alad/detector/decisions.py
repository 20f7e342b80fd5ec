"""What every detector makes of its scores: decisions whose errors are known."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self
from warnings import warn

import numpy as np
from sklearn.utils.validation import check_is_fitted

from alad import storage
from alad.detector.calibration import Calibration, digests
from alad.detector.drift import Drift, Martingale, drift
from alad.encoding import ImageScaler, TableEncoder
from alad.errors import InputError

MOST_REMEMBERED = 100_000  # distinct rows that a model knows again, 8 bytes each
MOST_SEEN = 0.05  # share of a calibration table, beyond which learnt rows among the others matter


class Deciding(ABC):
    """A detector as far as its scores of calibration rows go; see `alad.detector.calibration`."""

    calibration_: Calibration | None  # None without calibration rows
    encoder_: TableEncoder | ImageScaler
    _learnt: np.ndarray  # uint64, ascending: digests of distinct learnt rows, the smallest ones

    @abstractmethod
    def anomaly_score(self, X: Any) -> np.ndarray:
        """Float64 [n], large = anomalous."""

    @abstractmethod
    def _encoded(self, X: Any) -> Iterator[np.ndarray]:
        """Rows as the detector sees them, in pieces of any length."""

    @abstractmethod
    def _scores(self, matrix: np.ndarray) -> np.ndarray:
        """Float64 [n], large = anomalous, of encoded rows."""

    def p_value(self, X: Any) -> np.ndarray:
        """Float64 [n]: how probable so high a score is for a normal row.

        Raises InputError if the model is not calibrated, as do the following.
        """
        return self.calibrated().p_values(self.anomaly_score(X))

    def threshold(self, false_alarm_rate: float, confidence: float | None = None) -> float:
        """The score above which at most that share of normal rows lies.

        On average over calibration sets, or with `confidence` for at least that share of them.
        Raises InputError, naming how many it takes, if the calibration rows are too few.
        """
        return self.calibrated().threshold(false_alarm_rate, confidence)

    def select(self, X: Any, fdr: float, *, adaptive: bool = False) -> np.ndarray:
        """Bool [n]: the rows of a batch to report; on average at most `fdr` of them are normal.

        By Benjamini and Hochberg, or in Storey's form (`adaptive`), which finds more where many
        rows are anomalous.
        """
        return self.calibrated().select(self.anomaly_score(X), fdr, adaptive=adaptive)

    def calibrate(self, X: Any, *, source: str = "") -> Self:
        """Calibrate on normal rows X that the detector did not learn from, without refitting.

        Replaces what `fit` held out. Anomalies among X raise the thresholds: then fewer rows are
        flagged than asked for. Rows that it learnt from would lower them: those that equal one are
        left out, as at fit. A model knows 100,000 distinct rows again; if it learnt from more, a
        warning says how many others are among X, about. Rows that were changed since, by rounding
        say, pass for new. source: what to call X when the model is described. Raises InputError if
        no row is left.
        """
        check_is_fitted(self)
        blocks = [(self._scores(block), digests(block)) for block in self._encoded(X)]
        scores, found = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        known, what = np.isin(found, self._learnt), f"{self.encoder_.unit}s"
        if known.all():
            raise InputError(
                f"this model has learnt from all of these {len(known)} {what}; calibrate it with "
                f"normal {what} that it did not learn from"
            )
        self._warn_of_learnt(found, known)
        how = {"source": source, "made": storage.now()}
        self.calibration_ = Calibration.of(scores[~known], repeated=scores[known], **how)
        return self

    def _warn_of_learnt(self, found: np.ndarray, known: np.ndarray) -> None:
        """A warning if more of the rows, digests `found`, were learnt from than are `known`.

        Only the smallest digests are remembered: up to the largest of these all is known, and the
        share of learnt rows there is that of all.
        """
        if len(self._learnt) < MOST_REMEMBERED:
            return
        told = found <= self._learnt[-1]
        share = known[told].mean() if told.any() else 0.0
        if share > MOST_SEEN:
            what = f"{self.encoder_.unit}s"
            warn(
                f"this model has learnt from about {share * (~told).sum():.0f} more of these "
                f"{what}, too, and does not know which; thresholds come out too low: calibrate it "
                f"with normal {what} that it did not learn from",
                UserWarning,
                stacklevel=3,
            )

    def drift(self, X: Any, *, trim: float = 0.0) -> Drift:
        """Do rows X, presumed normal, score like the calibration rows? See `alad.detector.drift`.

        trim: leave out that share of high scores, if there may be anomalies among them.
        """
        return drift(self.anomaly_score(X), self.calibrated(), trim=trim)

    def watch(self, seed: int = 0) -> Martingale:
        """What watches a stream for drift: feed it the anomaly scores of rows as they come."""
        return Martingale(self.calibrated(), seed)

    def calibrated(self) -> Calibration:
        """`calibration_`; InputError if there is none."""
        check_is_fitted(self)
        if self.calibration_ is None:
            raise InputError(
                f"this model is not calibrated; calibrate it with normal {self.encoder_.unit}s "
                "that it did not learn from: detector.calibrate(X), or alad calibrate MODEL TABLE; "
                "or let fit hold out 19 of them: calibration_fraction, or --calibration-fraction"
            )
        return self.calibration_


def held_out_calibration(
    scores: np.ndarray, rows: np.ndarray, learnt: np.ndarray
) -> Calibration | None:
    """From the scores of held-out rows, save those that equal a learnt one.

    scores [n]; rows, learnt: `digests`, uint64 [n] and [m]. None if no row is left.
    """
    known = np.isin(rows, learnt)
    if known.all():
        return None
    return Calibration.of(scores[~known], "held out at fit", scores[known])


def remembered(learnt: np.ndarray) -> np.ndarray:
    """Uint64, ascending: of `digests` those that a model keeps to know rows again."""
    return np.unique(learnt)[:MOST_REMEMBERED]
