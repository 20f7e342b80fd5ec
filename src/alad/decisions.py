"""What every detector makes of its scores: decisions whose errors are known."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self
from warnings import warn

import numpy as np
from sklearn.utils.validation import check_is_fitted

from alad.calibration import Calibration, unseen
from alad.drift import Drift, Martingale, drift
from alad.errors import InputError
from alad.preprocess import ScaledImages

MOST_SEEN = 0.5  # share of the learnt rows at hand, beyond which it looks like the training table


class Deciding(ABC):
    """A detector as far as its scores of calibration rows go; see `alad.calibration`."""

    calibration_: Calibration | None  # None without calibration rows
    training_: dict[str, Any]
    _references: np.ndarray | None  # [m, width], learnt rows; None in models of earlier versions

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

    def calibrate(self, X: Any) -> Self:
        """Calibrate on normal rows X that the detector did not learn from, without refitting.

        Replaces what `fit` held out. Anomalies among X raise the thresholds: then fewer rows are
        flagged than asked for. Rows that it learnt from would lower them: they are left out, as at
        fit, as far as the model keeps them (up to 2,000); a warning says if X looks like the whole
        training table. Raises InputError if no row is left.
        """
        check_is_fitted(self)
        scores, seen, repeats = [], [], []
        for block in self._encoded(X):
            known = self._known(block)
            scores.append(self._scores(block))
            seen.append(known)
            repeats.append(block.reshape(len(block), -1)[known])
        known = np.concatenate(seen)
        if known.all():
            raise InputError(
                f"this model has learnt from all of these {len(known)} rows; calibrate it with "
                "normal rows that it did not learn from"
            )
        self._warn_of_training_rows(np.concatenate(repeats))
        every = np.concatenate(scores)
        self.calibration_ = Calibration.of(every[~known], repeated=every[known])
        return self

    def _known(self, rows: np.ndarray) -> np.ndarray:
        """Bool [n]: which encoded rows [n, *shape] equal a learnt row that the model keeps."""
        if self._references is None:
            return np.zeros(len(rows), bool)
        return ~unseen(rows.reshape(len(rows), -1), self._references)

    def _warn_of_training_rows(self, repeats: np.ndarray) -> None:
        """A warning if most of the kept rows are among `repeats` [n, width], and not all are kept.

        Then other learnt rows, which nobody can tell, are most likely among those left in.
        """
        if self._references is None or len(self._references) >= self.training_["rows"]:
            return
        kept = np.unique(self._references, axis=0)
        if len(np.unique(repeats, axis=0)) > MOST_SEEN * len(kept):
            warn(
                "these look like the rows that this model has learnt from; if they are, thresholds "
                "come out too low: calibrate it with other normal rows",
                UserWarning,
                stacklevel=3,
            )

    def drift(self, X: Any, *, trim: float = 0.0) -> Drift:
        """Do rows X, presumed normal, score like the calibration rows? See `alad.drift`.

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
                "this model is not calibrated; calibrate it with normal rows that it did not learn "
                "from: detector.calibrate(X), or alad calibrate MODEL TABLE; or let "
                "fit hold out 19 of its rows: calibration_fraction, or --calibration-fraction"
            )
        return self.calibration_


def held_out_calibration(
    scores: np.ndarray,
    matrix: np.ndarray | ScaledImages,
    learnt: np.ndarray,
    judged: slice | np.ndarray,
) -> Calibration | None:
    """From the scores of the held-out rows judged, save those that equal a learnt one.

    scores: one for each of matrix[judged]; learnt: bool, one for each row of `matrix`.
    """
    held_out = ~learnt[judged]
    new = unseen(matrix[judged][held_out], matrix[learnt])
    if not new.any():
        return None
    scores = scores[held_out]
    return Calibration.of(scores[new], "held out at fit", scores[~new])
