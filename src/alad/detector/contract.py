"""The contract of every detector: parameters, fit, and what a fitted one can be asked.

Inside, scores are large for anomalies; `score_samples` is where the sign flips to scikit-learn's
orientation (large = normal), and everything that a user of scikit-learn calls is built on it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from alad.backbone.backbone import check_backbone, described
from alad.detector.asking import asks
from alad.detector.calibration import Calibration
from alad.detector.fitted import Fitted
from alad.detector.fitting import fitted_on
from alad.detector.model import Model, from_json, storable
from alad.detector.rows import (
    Fit,
    Learn,
    encoder_and_rows,
    held_out_rows,
)
from alad.detector.tile_fitting import fitted_on_tiles
from alad.encoding import Encoder, FeatureEncoder
from alad.errors import InputError
from alad.parameters import (
    HOW,
    Contamination,
    Proportion,
    RandomState,
    Scaling,
    Switch,
    TileSide,
    check_fields,
    decides,
    how,
    level,
)
from alad.presets import presets_of


@dataclass(kw_only=True, eq=False, repr=False)
class Detector(OutlierMixin, BaseEstimator, ABC):
    """Learns from rows that are mostly normal, then scores any rows.

    A subclass is a dataclass whose fields are its parameters. It learns from the encoded matrix
    alone, and gives a `Model` that scores it. All that a fit leaves is `fitted_`, a `Fitted`, set
    once at its end: a fit that fails or is interrupted leaves the detector as it was.
    """

    name: ClassVar[str]  # as users type it
    summary: ClassVar[str]  # one line, with the source
    model: ClassVar[type[Model]]  # what it learns
    sees_images: ClassVar[bool] = False  # as such; to others they are rows of pixels
    streams_images: ClassVar[bool] = False  # does it read them batch by batch, however many?
    streams_rows: ClassVar[bool] = False  # of a table; or draws a sample of them
    # what None stands for, by parameter; for images a preset may say something else
    usual: ClassVar[Mapping[str, Any]] = {}
    rules: ClassVar[tuple[Callable[[Any], None], ...]] = ()  # parameters that have to go together

    # of number columns: standard (mean 0, deviation 1), robust (tails compressed first), minmax,
    # quantile, log, robust-minmax, log-minmax or none
    scaling: Scaling = "standard"
    drop: Any = ()  # names of columns to leave out, or their numbers
    contamination: Contamination = decides(0.05)  # share of rows like those given to be flagged
    calibration_fraction: Proportion = decides(0.1)  # share held out for p-values and thresholds
    # does what no learnt row had raise the score: a hole, a category, another value of a constant?
    novelty: Switch = decides(True)
    # what makes features of images first: texture, efficientnet-lite0 (or -pooled), timm:NAME,
    # torchvision:NAME (docs), a function, or "precomputed"; None = nothing
    backbone: Annotated[Any, check_backbone] = None
    position: Switch = False  # of a backbone's patches: does where in the picture one lies count?
    # of pictures: is one of little ink, or a pale one, no odder than a dark one? Each gets one mean
    # and one deviation of its pixels first; not with a backbone
    equal_contrast: Switch = False
    # of pictures: pixels a side of the overlapping tiles that each is cut into; it is as odd as its
    # oddest tile; None = whole pictures, all resized to one size
    tile: TileSide | None = None
    random_state: RandomState = how(None)  # None, an integer (same seed, same model), a RandomState
    verbose: Annotated[int, level] = how(0)  # 1 shows progress on stderr

    @abstractmethod
    def _learn(self, X: Any, fit: Fit) -> Model:
        """Learn from encoded rows X, float32 [n, width]; of images, if seen, `ScaledImages`."""

    # --- fit --------------------------------------------------------------------------------------

    def check_parameters(self) -> None:
        """Refuse parameters that make no sense: InputError, one line."""
        check_fields(self)
        for rule in self.rules:
            rule(self)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse parameters that make no sense for encoded rows of this shape: InputError."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is normal from a table X [n, columns] or from images; y is ignored.

        A table is whatever `alad.data.columns` reads: an array, or a frame of pandas, polars or
        Arrow. Images are an array [n, height, width] or [n, height, width, channels], or
        `alad.Pictures` of a folder; `scaling` and `drop` do not concern them. Pictures are decoded
        into a file, and need not fit into memory together: a detector that cannot learn from
        batches draws as many as 512 MB hold in float32, told by `training_["rows_used"]`.

        A random share `calibration_fraction` of the rows is held out for `calibration_`: nothing is
        learnt from them. None are held out if they would be fewer than 19. Raises InputError if a
        parameter makes no sense or X cannot be learnt from.
        """
        return self.fit_by(X, self._learn)

    def fit_by(self, X: Any, learn: Learn) -> Self:
        """Fit as `fit` does; learn: encoded rows, facts -> model, such as on another machine."""
        self.check_parameters()
        if self.tile is not None:
            self.fitted_ = fitted_on_tiles(self, X, learn)
            return self
        begun = time.perf_counter()
        with encoder_and_rows(self, X) as (encoder, rows):
            held = held_out_rows(self, rows, encoder)
            self.fitted_ = fitted_on(self, encoder, rows, begun, held, learn)
        return self

    def scored_at_fit(self, n: int, fit: Fit) -> slice | np.ndarray:
        """Choose which of the n rows given to `fit` set `offset_` and calibrate."""
        return slice(None)

    def settings(self) -> dict[str, Any]:
        """Give the parameters as JSON has them, but for those that say how a fit is run."""
        values = {at.name: getattr(self, at.name) for at in fields(self) if HOW not in at.metadata}
        if self.backbone is not None:
            values["backbone"] = described(self.backbone)
        return {name: storable(name, value) for name, value in values.items()}

    def settled(self, images: bool) -> dict[str, Any]:
        """Return the parameters, with what None stands for where that hangs on the kind of rows.

        A backbone makes rows of a table of images.
        """
        images = images and self.backbone is None
        chosen = presets_of(self.name).get("images", {}) if images else {}
        usual = {name: chosen.get(name, value) for name, value in self.usual.items()}
        given = self.get_params(deep=False)
        return given | {name: value for name, value in usual.items() if given[name] is None}

    # --- what a fitted detector can be asked ------------------------------------------------------

    anomaly_score = asks(Fitted.anomaly_score)
    member_scores = asks(Fitted.member_scores)
    score_as = asks(Fitted.score_as)
    score_names = asks(Fitted.score_names)
    score_samples = asks(Fitted.score_samples)
    decision_function = asks(Fitted.decision_function)
    predict = asks(Fitted.predict)
    beside = asks(Fitted.beside)
    p_value = asks(Fitted.p_value)
    threshold = asks(Fitted.threshold)
    select = asks(Fitted.select)
    drift = asks(Fitted.drift)
    watch = asks(Fitted.watch)
    calibrated = asks(Fitted.calibrated)
    explain = asks(Fitted.explain)
    reconstruct = asks(Fitted.reconstruct)
    generate = asks(Fitted.generate)
    save = asks(Fitted.save)

    def calibrate(self, X: Any, *, source: str = "") -> Self:
        """Calibrate in place on normal rows X not learnt from; see `Fitted.calibrate`."""
        self.fitted_ = self.checked().calibrate(X, source=source)
        return self

    def checked(self) -> Fitted:
        """Return `fitted_`; InputError if a parameter is another than at fit.

        Scores would not fit the threshold.
        """
        check_is_fitted(self)
        for name, value in self.settings().items():
            then = self.fitted_.params.get(name, value)
            if value != then:
                raise InputError(
                    f"{name} was {then!r} at fit and is {value!r} now; fit again, or set it back"
                )
        return self.fitted_

    @classmethod
    def of(cls, fitted: Fitted) -> Self:
        """Return an estimator, with its parameters, that has fitted what `alad.load` gave.

        Raises InputError if that is the model of another detector.
        """
        if not isinstance(fitted.model_, cls.model):
            raise InputError(f"{cls.name} has no model of the kind {fitted.model_.kind!r}")
        known = cls._get_param_names()
        given = {name: from_json(value) for name, value in fitted.params.items() if name in known}
        if isinstance(fitted.encoder_, FeatureEncoder):
            given["backbone"] = fitted.encoder_.backbone.given
        detector = cls(**given)
        detector.fitted_ = fitted
        return detector

    @property
    def encoder_(self) -> Encoder:
        """What encodes rows."""
        return self.fitted_.encoder_

    @property
    def model_(self) -> Model:
        """What scores encoded rows."""
        return self.fitted_.model_

    @property
    def offset_(self) -> float:
        """Return the score below which rows are flagged, in the units of `score_samples`."""
        return self.fitted_.offset_

    @property
    def training_(self) -> Mapping[str, Any]:
        """What is worth knowing of the fit."""
        return self.fitted_.training_

    @property
    def calibration_(self) -> Calibration | None:
        """Scores of normal rows that were not learnt from; None without such rows."""
        return self.fitted_.calibration_

    @property
    def members_(self) -> tuple[int, ...]:
        """The numbers of its members."""
        return self.fitted_.members_

    # --- what scikit-learn asks -------------------------------------------------------------------

    @property
    def n_features_in_(self) -> int:
        """How many columns, or numbers of an image, X had."""
        return self.fitted_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The names of the columns, if X had some."""
        return self.fitted_.feature_names_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True  # missing numbers; infinite ones are refused
        # text is read as well, but to scikit-learn its tag `string` says that no cell is looked at
        return tags
