"""The contract of every detector, written once: validate → encode → score → calibrate → decide.

Inside, scores are large for anomalies; `score_samples` is where the sign flips to scikit-learn's
orientation (large = normal), and everything that a user of scikit-learn calls is built on it.
"""

import operator
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from alad import attribution, storage
from alad.attribution import Explanation
from alad.calibration import Calibration, unseen
from alad.data.frames import Columns, columns
from alad.drift import Drift, Martingale, drift
from alad.errors import InputError
from alad.preprocess import (
    SCALINGS,
    ImageScaler,
    TableEncoder,
    encoder_from_state,
    is_images,
    pixels_of,
)

BLOCK_ROWS = 512
LEAST_HELD_OUT = 19  # rows: fewer allow no false-alarm rate of 0.05, and are better learnt from
REFERENCES = 200  # learnt rows that are kept to compare a row with, when it is explained
CALIBRATION = "calibration/scores"  # arrays of a stored model, beside the detector's own
REPEATED = "calibration/repeated"
REFERENCE = "explanation/references"
BESIDE = (CALIBRATION, REPEATED, REFERENCE)
SCORE_QUANTILES = 201  # of the training rows, kept for reports
BLOCK_IMAGES, BLOCK_PIXELS = 32, 1 << 17  # at a time: activations take a thousand times as much


class Detector(OutlierMixin, BaseEstimator, ABC):
    """Learns from rows that are mostly normal, then scores any rows.

    A score is a pure function of the row and the model. Subclasses learn from, and score, the
    encoded matrix alone; their constructors store `scaling`, `drop`, `contamination`,
    `calibration_fraction`, `random_state` and what else they need.

    After fit: `encoder_`, `offset_` (in the units of `score_samples`), `training_` (what is worth
    knowing of the fit, JSON-able), `calibration_` (a `Calibration`; None without calibration rows),
    `n_features_in_`, and `feature_names_in_` if X had names.
    """

    name: ClassVar[str]  # as users type it
    summary: ClassVar[str]  # one line, with the source
    row_by_row: ClassVar[bool] = False  # does its arithmetic leave each row alone by itself?
    sees_images: ClassVar[bool] = False  # as such; to others they are rows of pixels

    scaling: str
    drop: Any
    contamination: float
    calibration_fraction: float = 0.0  # of a detector whose constructor has no such parameter
    random_state: Any

    calibration_: Calibration | None
    _references: np.ndarray | None

    # --- what a detector has to say for itself ----------------------------------------------------

    @abstractmethod
    def _fit_matrix(self, X: np.ndarray) -> None:
        """Learn from encoded rows X, float32 [n, width]. May put facts into `training_`."""

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
        _check_random_state(self.random_state)

    # --- fit, score, decide -----------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is normal from a table X [n, columns] or from images; y is ignored.

        A table is whatever `alad.data.columns` reads: an array, or a frame of pandas, polars or
        Arrow. Images are an array [n, height, width] or [n, height, width, channels], or
        `alad.Pictures` of a folder; `scaling` and `drop` do not concern them.

        A random share `calibration_fraction` of the rows is held out for `calibration_`: nothing is
        learnt from them, and of those only that equal no training row are used. None are held out
        if they would be fewer than 19. Raises InputError if a parameter makes no sense or X cannot
        be learnt from.
        """
        self._check_parameters()
        self._forget()
        begun = time.perf_counter()
        self.encoder_, rows = self._encoder_and_rows(X)
        learnt = ~self._held_out(rows.n_rows if isinstance(rows, Columns) else len(rows))
        matrix = self._seen(self.encoder_.fit_transform(rows, learnt))
        self.training_: dict[str, Any] = {}
        self._fit_matrix(matrix if learnt.all() else matrix[learnt])
        facts = {"rows": int(learnt.sum()), "seconds": round(time.perf_counter() - begun, 3)}
        self.training_ = facts | storable("training_", self.training_)
        scores = self._scores(matrix)
        self.training_["scores"] = _summed_up(scores[learnt])
        self.calibration_ = _calibration(scores, matrix, learnt)
        self._references = _spread(matrix[learnt])
        self.offset_ = float(np.quantile(-scores, self.contamination))
        return self

    def _encoder_and_rows(self, X: Any) -> tuple[TableEncoder | ImageScaler, Any]:
        """What will encode X, and its rows, read but not yet encoded."""
        owner = type(self).__name__
        if is_images(X):
            return ImageScaler(owner=owner), pixels_of(X)
        return TableEncoder(self.scaling, self.drop, owner=owner), columns(X)

    def _held_out(self, n: int) -> np.ndarray:
        """Bool [n]: the rows for calibration."""
        chosen, count = np.zeros(n, bool), int(self.calibration_fraction * n)
        if count >= LEAST_HELD_OUT:
            from alad.randomness import (
                Purpose,
                seed_of,
                stream,
            )  # loads torch; scoring does without

            generator = stream(seed_of(self.random_state), 0, Purpose.CALIBRATION)
            chosen[generator.permutation(n)[:count]] = True
        return chosen

    def anomaly_score(self, X: Any) -> np.ndarray:
        """Float64 [n], large = anomalous."""
        check_is_fitted(self)
        return np.concatenate([self._scores(block) for block in self._encoded(X)])

    def _encoded(self, X: Any) -> Iterator[np.ndarray]:
        """What `_score_matrix` takes, in pieces of any length."""
        return (self._seen(block) for block in self.encoder_.blocks(X))

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
        scores tie there.
        """
        if false_alarm_rate is None:
            return np.where(self.decision_function(X) < 0, -1, 1)
        limit = self.threshold(false_alarm_rate, confidence)
        return np.where(self.anomaly_score(X) > limit, -1, 1)

    def _scores(self, matrix: np.ndarray) -> np.ndarray:
        """Scores of encoded rows; InputError if one is no number, because it has no rank."""
        scores = self._in_blocks(self._score_matrix, matrix)
        bad = np.flatnonzero(~np.isfinite(scores))
        if len(bad):
            raise InputError(
                f"row {bad[0]} has no finite score ({scores[bad[0]]}): its numbers are too large "
                f"for {self.name} with scaling={self.scaling!r}; choose another scaling"
            )
        return scores

    def _in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        """score(X) [..., n], asked for as many rows at once as suit the detector."""
        return score_in_blocks(score, X, fill=not self.row_by_row)

    def _forget(self) -> None:
        """A fit that fails must not leave half of an earlier one behind."""
        for attribute in [key for key in vars(self) if key.endswith("_")]:
            delattr(self, attribute)

    # --- decisions whose errors are known ---------------------------------------------------------

    def p_value(self, X: Any) -> np.ndarray:
        """Float64 [n]: how probable so high a score is for a normal row; see `alad.calibration`.

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

        Replaces what `fit` held out. Rows that it learnt from would lower the thresholds, and
        anomalies among X raise them: then fewer rows are flagged than asked for.
        """
        self.calibration_ = Calibration.of(self.anomaly_score(X))
        return self

    def drift(self, X: Any, *, trim: float = 0.0) -> Drift:
        """Do rows X, presumed normal, score like the calibration rows? See `alad.drift`.

        trim: leave out that share of high scores, if there may be anomalies among them.
        """
        return drift(self.anomaly_score(X), self.calibrated(), trim=trim)

    def watch(self, seed: int = 0) -> Martingale:
        """What watches a stream for drift: feed it the anomaly scores of rows as they come."""
        return Martingale(self.calibrated(), seed)

    def explain(self, X: Any) -> Explanation:
        """Which columns of rows X made their scores what they are; see `alad.attribution`.

        A row is compared with what the model takes it for, G(E(x)), or, if it has nothing of the
        kind, with the row that it shares most with among 200 that were learnt from. It takes some
        eight scores a row and column: explain the rows that matter.
        """
        check_is_fitted(self)
        encoder = self.encoder_
        if not isinstance(encoder, TableEncoder):
            raise InputError("explanations are by column of a table; this model is of images")
        rows = encoder.transform(X)
        references = self._references_of(X, rows)
        shares = attribution.contributions(self._scores, rows, references, encoder.source_)
        return Explanation(
            encoder.used_names_,
            encoder.cells(X),
            encoder.decode(references),
            shares,
            self._scores(rows),
            self._scores(references),
        )

    def _references_of(self, X: Any, rows: np.ndarray) -> np.ndarray:
        """[n, width]: what each of the encoded rows is compared with."""
        if self._references is None:
            raise InputError("this model was saved before rows could be explained; fit it again")
        return attribution.nearest(rows, self._references)

    def calibrated(self) -> Calibration:
        """`calibration_`; InputError if there is none."""
        check_is_fitted(self)
        if self.calibration_ is None:
            raise InputError(
                "this model is not calibrated; calibrate it with normal rows that it did not learn "
                "from: detector.calibrate(X), or alad calibrate MODEL TABLE"
            )
        return self.calibration_

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
        state, arrays = self._state()
        content = {
            "detector": self.name,
            "params": {key: storable(key, v) for key, v in self.get_params(deep=False).items()},
            "encoder": self.encoder_.state(),
            "offset": self.offset_,
            "training": self.training_,
            "calibration": None,
            "state": state,
        }
        if self.calibration_ is not None:
            content["calibration"] = {"origin": self.calibration_.origin}
            arrays = arrays | {CALIBRATION: self.calibration_.scores}
            arrays = arrays | {REPEATED: self.calibration_.repeated}
        if self._references is not None:
            arrays = arrays | {REFERENCE: self._references}
        storage.write(folder, "model", content, arrays)

    @classmethod
    def from_stored(
        cls, content: Mapping[str, Any], arrays: dict[str, np.ndarray], **overrides: Any
    ) -> Self:
        """The fitted detector from what `save` wrote; `overrides` replace stored parameters.

        Raises InputError if it does not fit together, or cannot score a row.
        """
        with _understood(cls.name):
            return cls._from_stored(content, arrays, overrides)

    @classmethod
    def _from_stored(
        cls, content: Mapping[str, Any], arrays: dict[str, np.ndarray], overrides: dict[str, Any]
    ) -> Self:
        params = {key: _from_json(value) for key, value in content["params"].items()} | overrides
        unknown = ", ".join(sorted(set(params) - set(cls._get_param_names())))
        if unknown:
            raise InputError(f"{cls.name} has no parameter {unknown}; use the alad that saved it")
        detector = cls(**params)
        detector._check_parameters()
        detector.encoder_ = encoder_from_state(content["encoder"])
        detector.training_ = dict(content["training"])
        own = {k: array for k, array in arrays.items() if k not in BESIDE}
        detector._restore(content["state"], own)
        detector._references = _references(arrays.get(REFERENCE), detector.encoder_)
        detector.calibration_ = _restored(content.get("calibration"), arrays)
        detector.offset_ = _finite("offset", content["offset"])
        detector._probe()
        return detector

    def _probe(self) -> None:
        """Score a row, to find out now what arrays of the right names hide."""
        row = self._seen(np.zeros((1, *self.encoder_.shape_), np.float32))
        with np.errstate(all="ignore"):
            scores = self._in_blocks(self._score_matrix, row)
        if scores.shape != (1,) or not np.isfinite(scores).all():
            raise InputError("its arrays give a row no finite score; save it anew")


def _summed_up(scores: np.ndarray) -> dict[str, Any]:
    """How many, and their quantiles at equal steps: enough to draw their distribution."""
    quantiles = np.quantile(scores, np.linspace(0, 1, SCORE_QUANTILES))
    return {"rows": len(scores), "quantiles": quantiles.tolist()}


# --- calibration ----------------------------------------------------------------------------------


def _calibration(scores: np.ndarray, matrix: np.ndarray, learnt: np.ndarray) -> Calibration | None:
    """From the scores of the held-out rows, save those that equal a training row."""
    held_out = np.flatnonzero(~learnt)
    new = unseen(matrix[held_out], matrix[learnt])
    if not new.any():
        return None
    return Calibration.of(scores[held_out[new]], "held out at fit", scores[held_out[~new]])


def _spread(learnt: np.ndarray) -> np.ndarray | None:
    """At most REFERENCES of the learnt rows, evenly from first to last; None of images."""
    if learnt.ndim > 2:
        return None
    return learnt[np.unique(np.linspace(0, len(learnt) - 1, REFERENCES).astype(int))]


def _references(stored: np.ndarray | None, encoder: Any) -> np.ndarray | None:
    """None for a model of images, or of before there were explanations."""
    if stored is None:
        return None
    if stored.ndim != 2 or stored.shape[1] != encoder.width_ or not len(stored):
        raise InputError(f"the rows to compare with have shape {stored.shape}; save it anew")
    return stored


def _restored(stored: Any, arrays: Mapping[str, np.ndarray]) -> Calibration | None:
    """None for models that are not calibrated, those of earlier versions among them."""
    if stored is None and CALIBRATION not in arrays:
        return None
    facts = stored or {}
    return Calibration.of(arrays[CALIBRATION], str(facts["origin"]), arrays[REPEATED])


# --- blocks ---------------------------------------------------------------------------------------


def score_in_blocks(
    score: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    rows: int | None = None,
    *,
    fill: bool = True,
) -> np.ndarray:
    """score(X) [..., n] by blocks of exactly `rows` rows, the last one filled up if `fill`.

    rows: None = what suits the shape of a row.

    A matrix product adds up in an order that depends on its shape. With one shape for all, the
    score of a row does not depend on how many other rows come with it. Where in its block the row
    stands may still matter (to OpenBLAS in float32 it does): the contract's tests watch over that.
    """
    rows = rows or block_rows(X.shape[1:])
    starts = range(0, max(len(X), 1), rows)
    blocks = (np.ascontiguousarray(X[start : start + rows]) for start in starts)
    parts = [score(_filled(block, rows) if fill else block) for block in blocks]
    return np.concatenate(parts, axis=-1)[..., : len(X)]


def block_rows(shape: tuple[int, ...]) -> int:
    """How many rows of this shape are scored at a time."""
    if len(shape) == 1:
        return BLOCK_ROWS
    return max(1, min(BLOCK_IMAGES, BLOCK_PIXELS // (shape[0] * shape[1])))


def _filled(block: np.ndarray, rows: int) -> np.ndarray:
    """`block` with its last row repeated (zeros, if it has none) until there are `rows`."""
    short = rows - len(block)
    last = block[-1:] if len(block) else np.zeros((1, *block.shape[1:]), block.dtype)
    return np.concatenate([block, np.repeat(last, short, axis=0)]) if short else block


# --- what was stored ------------------------------------------------------------------------------


@contextmanager
def _understood(name: str) -> Iterator[None]:
    """Turn whatever can be raised by content that `save` never wrote into one line."""
    try:
        yield
    except InputError:
        raise
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RuntimeError,
    ) as error:
        what = f"{type(error).__name__}: {error}".partition("\n")[0][:120]
        raise InputError(f"it is not what a {name} needs ({what}); save it anew") from error


def _finite(name: str, value: Any) -> float:
    if not isinstance(value, float) or not np.isfinite(value):
        raise InputError(f"its {name} is {value!r}, not a finite number; save it anew")
    return value


# --- parameters -----------------------------------------------------------------------------------


def whole(name: str, value: Any, least: int = 1) -> int:
    """`value` as a whole number of at least `least`, else InputError."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InputError(f"{name} is {value!r}; give a whole number of at least {least}")
    return number


def share(name: str, value: Any, most: float = 1.0) -> float:
    """`value` as a number above 0 and at most `most`, else InputError."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 < value <= most:
        raise InputError(f"{name} is {value!r}; give a number above 0 and at most {most}")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """`value` as a number from 0 to below 1, else InputError."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        raise InputError(f"{name} is {value!r}; give a number from 0 to below 1")
    return float(value)


def one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    """`value` if it is one of the names in `known`, else InputError."""
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name} is {value!r}; choose one of: {', '.join(known)}")
    return value


def _check_random_state(value: Any) -> None:
    if value is None or isinstance(value, np.random.RandomState | np.random.Generator):
        return
    try:
        known = 0 <= operator.index(value) < 2**32
    except TypeError:
        known = False
    if not known:
        raise InputError(
            f"random_state is {value!r}; give None, a whole number from 0 to {2**32 - 1}, or a "
            f"RandomState"
        )


def storable(name: str, value: Any) -> Any:
    """A parameter's value as JSON has it; InputError names the parameter if JSON cannot."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [storable(name, item) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: storable(name, item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and np.isfinite(value):
        return value
    raise InputError(f"{name}={value!r} cannot be saved; set_params({name}=…) to a plain value")


def _from_json(value: Any) -> Any:
    """Sequences were tuples: what a constructor only stores should not be changed by others."""
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    if isinstance(value, dict):
        return {key: _from_json(item) for key, item in value.items()}
    return value
