"""The contract of every detector, written once: validate → encode → score → calibrate → decide.

Inside, scores are large for anomalies; `score_samples` is where the sign flips to scikit-learn's
orientation (large = normal), and everything that a user of scikit-learn calls is built on it.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from alad import storage
from alad.detector import saving
from alad.detector.calibration import digests
from alad.detector.constructors import show_what_is_handed_on
from alad.detector.decisions import Deciding, held_out_calibration, remembered
from alad.detector.explanation import Explaining, kept
from alad.detector.rows import drawn, encoder_and_rows, learnable, score_in_blocks, summed_up
from alad.detector.saving import storable
from alad.encoding import SCALINGS, ScaledImages
from alad.errors import InputError
from alad.parameters import check_random_state, fraction, held_out, one_of, share

LEAST_HELD_OUT = 19  # rows: fewer allow no false-alarm rate of 0.05, and are better learnt from
# parameters that may be set to something else on a fitted detector
WITHOUT_EFFECT_AFTER_FIT = {
    *("contamination", "calibration_fraction", "random_state", "device", "engine"),
    *("verbose", "checkpoint", "checkpoint_seconds", "resume", "samples"),
}


class Detector(Deciding, Explaining, OutlierMixin, BaseEstimator, ABC):
    """Learns from rows that are mostly normal, then scores any rows.

    A score is a pure function of the row and the model. Subclasses learn from, and score, the
    encoded matrix alone; their constructors hand the parameters of this one on, as `**common`.

    After fit: `encoder_`, `offset_` (in the units of `score_samples`), `training_` (what is worth
    knowing of the fit, JSON-able), `calibration_` (a `Calibration`; None without calibration rows),
    `n_features_in_`, and `feature_names_in_` if X had names.
    """

    name: ClassVar[str]  # as users type it
    summary: ClassVar[str]  # one line, with the source
    row_by_row: ClassVar[bool] = False  # does its arithmetic leave each row alone by itself?
    sees_images: ClassVar[bool] = False  # as such; to others they are rows of pixels
    streams_images: ClassVar[bool] = False  # does it read them batch by batch, however many?

    def __init__(
        self,
        *,
        scaling: str = "standard",
        drop: Any = (),
        contamination: float = 0.05,
        calibration_fraction: float = 0.1,
        random_state: Any = None,
    ):
        self.scaling = scaling
        self.drop = drop
        self.contamination = contamination
        self.calibration_fraction = calibration_fraction
        self.random_state = random_state

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        show_what_is_handed_on(cls)

    # --- what a detector has to say for itself ----------------------------------------------------

    @abstractmethod
    def _fit_matrix(self, X: np.ndarray) -> None:
        """Learn from encoded rows X, float32 [n, width]; of images, if seen, `ScaledImages`.

        May put facts into `training_`.
        """

    @abstractmethod
    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        """Float64 [n], large = anomalous, of a block X float32 [n, width].

        n is always the same unless `row_by_row`.
        """

    @abstractmethod
    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What was learnt: values for JSON, and arrays."""

    @abstractmethod
    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """Take back what `_state` gave; `encoder_`, `training_` and parameters are in place.

        Raises InputError if it does not fit together.
        """

    def _check_parameters(self) -> None:
        """Refuse parameters that make no sense; a subclass adds its own."""
        share("contamination", self.contamination, most=0.5)
        fraction("calibration_fraction", self.calibration_fraction)
        one_of("scaling", self.scaling, tuple(SCALINGS))
        check_random_state(self.random_state)

    @classmethod
    def score_names(cls, images: bool = False) -> tuple[str, ...]:
        """Of the scores to choose from, for tables or for images; most detectors have but one."""
        return ()

    # --- fit, score, decide -----------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is normal from a table X [n, columns] or from images; y is ignored.

        A table is whatever `alad.data.columns` reads: an array, or a frame of pandas, polars or
        Arrow. Images are an array [n, height, width] or [n, height, width, channels], or
        `alad.Pictures` of a folder; `scaling` and `drop` do not concern them. Pictures are decoded
        into a file, and need not fit into memory together: a detector that cannot learn from
        batches draws as many as 512 MB hold in float32, told by `training_["rows_used"]`.

        A random share `calibration_fraction` of the rows is held out for `calibration_`: nothing is
        learnt from them, and of those only that equal no training row are used. None are held out
        if they would be fewer than 19. Raises InputError if a parameter makes no sense or X cannot
        be learnt from.
        """
        self._check_parameters()
        self._forget()
        begun = time.perf_counter()
        with encoder_and_rows(self, X) as (self.encoder_, rows):
            self._fit_rows(rows, begun)
        return self

    def _fit_rows(self, rows: Any, begun: float) -> None:
        learnt = ~self._held_out(len(rows))
        matrix = self.encoder_.fit_transform(rows, learnt)
        self.training_: dict[str, Any] = {}
        self._fit_matrix(learnable(self, matrix if learnt.all() else matrix[learnt]))
        facts = {"rows": int(learnt.sum()), "held_out": int((~learnt).sum())}
        facts |= {"seconds": round(time.perf_counter() - begun, 3)}
        self.training_ = facts | storable("training_", self.training_)
        judged = self._judged(len(matrix))
        scores = self._piecewise(matrix[judged])
        self.training_["scores"] = summed_up(scores[learnt[judged]])
        found = np.concatenate([digests(piece) for piece in _pieces(matrix)])
        new = ~learnt[judged]
        self._learnt = remembered(found[learnt])
        self.calibration_ = held_out_calibration(scores[new], found[judged][new], found[learnt])
        self._references = kept(matrix[learnt])
        self.offset_ = float(np.quantile(-scores, self.contamination))
        self._settings = self.get_params(deep=False)

    def _piecewise(self, X: np.ndarray | ScaledImages) -> np.ndarray:
        """Scores of encoded rows that memory need not hold together."""
        return np.concatenate([self._scores(self._seen(piece)) for piece in _pieces(X)])

    def _held_out(self, n: int) -> np.ndarray:
        """Bool [n]: the rows for calibration."""
        chosen = np.zeros(n, bool)
        count = held_out("calibration_fraction", self.calibration_fraction, n)
        if count >= LEAST_HELD_OUT:
            chosen[drawn(self.random_state, n, count)] = True
        return chosen

    def _judged(self, n: int) -> slice | np.ndarray:
        """Which of the n rows given to `fit` are scored there: they set `offset_` and calibrate."""
        return slice(None)

    def anomaly_score(self, X: Any) -> np.ndarray:
        """Float64 [n], large = anomalous."""
        check_is_fitted(self)
        return np.concatenate([self._scores(block) for block in self._encoded(X)])

    def _encoded(self, X: Any) -> Iterator[np.ndarray]:
        """What `_score_matrix` takes, in pieces of any length."""
        self._check_unchanged()
        return (self._seen(block) for block in self.encoder_.blocks(X))

    def _check_unchanged(self) -> None:
        """InputError if a parameter is another than at fit: scores would not fit the threshold."""
        for name, value in self.get_params(deep=False).items():
            then = self._settings[name]
            if name not in WITHOUT_EFFECT_AFTER_FIT and repr(value) != repr(then):
                raise InputError(
                    f"{name} was {then!r} at fit and is {value!r} now; fit again, or set it back"
                )

    def _seen(self, encoded: np.ndarray) -> np.ndarray:
        """Rows as this detector sees them: images as rows of pixels, unless it knows images."""
        return encoded if self.sees_images else encoded.reshape(len(encoded), -1)

    def member_scores(self, X: Any) -> np.ndarray:
        """Float64 [members, n], large = anomalous: one row of scores for each member."""
        return self.anomaly_score(X)[np.newaxis]

    def score_samples(self, X: Any) -> np.ndarray:
        """Float64 [n], large = normal, as in scikit-learn: the one place where the sign flips."""
        return -self.anomaly_score(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Float64 [n], below 0 = flagged."""
        return self.score_samples(X) - self.offset_

    def predict(
        self, X: Any, *, false_alarm_rate: float | None = None, confidence: float | None = None
    ) -> np.ndarray:
        """Int [n]: -1 = flagged, +1 = not.

        With a false-alarm rate, the rows above `threshold`. Otherwise by `offset_`: of the n rows
        given to `fit`, held-out ones included, ceil(contamination (n - 1)) are flagged; fewer if
        scores tie there. Raises InputError for a confidence without a rate to be sure of.
        """
        if false_alarm_rate is None:
            if confidence is not None:
                raise InputError("confidence is of a rate; give false_alarm_rate, too")
            return np.where(self.decision_function(X) < 0, -1, 1)
        limit = self.threshold(false_alarm_rate, confidence)
        return np.where(self.anomaly_score(X) > limit, -1, 1)

    def _scores(self, matrix: np.ndarray) -> np.ndarray:
        """Scores of encoded rows; InputError if one is no number, because it has no rank."""
        scores = self._in_blocks(self._score_matrix, matrix)
        bad = np.flatnonzero(~np.isfinite(scores))
        if len(bad):
            raise InputError(
                f"{self.encoder_.unit} {bad[0]} has no finite score ({scores[bad[0]]}): its "
                f"numbers are too large "
                f"for {self.name} with scaling={self.scaling!r}; choose another scaling"
            )
        return scores

    def _in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        """score(X) [..., n], asked for as many rows at once as suit the detector."""
        return score_in_blocks(score, X, fill=0 if self.row_by_row else None)

    def _forget(self) -> None:
        """A fit that fails must not leave half of an earlier one behind."""
        for attribute in [key for key in vars(self) if key.endswith("_")]:
            delattr(self, attribute)

    # --- what scikit-learn asks -------------------------------------------------------------------

    @property
    def n_features_in_(self) -> int:
        return self.encoder_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        return self.encoder_.feature_names_in_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # missing numbers; infinite ones are refused
        # text is read as well, but to scikit-learn its tag `string` says that no cell is looked at
        return tags

    # --- storage ----------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> None:
        """Write the fitted detector into a folder, for `alad.load`.

        Raises InputError if a parameter is no JSON value or `folder` holds something else.
        """
        check_is_fitted(self)
        self._check_unchanged()
        storage.write(folder, "model", *saving.content_of(self))

    @classmethod
    def from_stored(
        cls, content: Mapping[str, Any], arrays: Mapping[str, np.ndarray], **overrides: Any
    ) -> Self:
        """The fitted detector from what `save` wrote; `overrides` replace stored parameters.

        Raises InputError if it does not fit together, or cannot score a row.
        """
        return saving.restored(cls, content, arrays, overrides)

    def _probe(self) -> None:
        """Score a row, to find out now what arrays of the right names hide."""
        row = self._seen(np.zeros((1, *self.encoder_.shape_), np.float32))
        with np.errstate(all="ignore"):
            scores = self._in_blocks(self._score_matrix, row)
        if scores.shape != (1,) or not np.isfinite(scores).all():
            raise InputError("its arrays give no finite score; save it anew")


def _pieces(X: np.ndarray | ScaledImages) -> Iterable[np.ndarray]:
    """Encoded rows, so many at a time that memory holds them."""
    return [X] if isinstance(X, np.ndarray) else X.pieces()
