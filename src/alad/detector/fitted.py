"""A fitted detector as a value: all that scoring, deciding, explaining and saving need.

It knows neither how it was trained nor scikit-learn; `Detector` holds one in `fitted_`, and
`alad.load` gives one. Its attributes have the names that they have on a fitted estimator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alad import storage
from alad.data.frames import Columns
from alad.detector import explanation, scoring, tiles
from alad.detector.attribution import Explanation
from alad.detector.beside import with_columns
from alad.detector.calibration import Calibration
from alad.detector.drift import Drift, Martingale, drift
from alad.detector.heat_maps import HeatMaps
from alad.detector.model import Model
from alad.detector.saving import content_of
from alad.encoding import Encoder, ImageScaler
from alad.errors import InputError
from alad.parameters import whole


@dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """A detector that has learnt. A score is a pure function of the row and of this.

    offset_ is the `score_samples` below which rows are flagged by default, training_ what is worth
    knowing of the fit (JSON-able), calibration_ None without calibration rows. learnt_ are digests
    of distinct learnt rows, the smallest ones, ascending (uint64); references_ [m, width] some of
    these rows, to compare others with; None in models of before rows were explained. novelty_ [1 +
    used columns] is the least score of a row that holds what no learnt row had, and what that adds
    in each column; None in models of before it did, and of images.
    """

    name: str  # of the detector, as users type it
    params: Mapping[str, Any]  # what it was fitted with, but for how the fit was run
    encoder_: Encoder
    model_: Model
    offset_: float
    training_: Mapping[str, Any]
    calibration_: Calibration | None
    learnt_: np.ndarray
    references_: np.ndarray | None
    novelty_: np.ndarray | None = None

    def __repr__(self) -> str:
        known = self.calibration_
        told = f"calibrated on {len(known):,}" if known is not None else "not calibrated"
        learnt = self.training_.get("rows", "?")
        return f"<{self.name}, {learnt} {self.encoder_.unit}s learnt, {told}>"

    # --- scores -----------------------------------------------------------------------------------

    def anomaly_score(self, X: Any) -> np.ndarray:
        """Score rows X: float64 [n], large = anomalous.

        What no learnt row had raises the score, and a warning names the columns: a hole where there
        was none, a category never met, a column that was constant and is not.
        """
        parts = []
        for _, scores in self.scored(X):
            parts.append(scores)
        return np.concatenate(parts)

    def scored(
        self, X: Any, score: str | None = None, work: scoring.Work | None = None
    ) -> Iterator[tuple[Columns | None, np.ndarray]]:
        """Score rows X a batch at a time: yield (batch, float64 [n]), in their order.

        Memory holds a few batches, however long X is. The batch of images is None. score: as in
        `score_as`; None = `anomaly_score`, of which the warning comes after the last batch. work:
        where tables are scored, such as `alad.ray.scoring_by` gives; None = here.
        """
        scoring.check_score(self, score)
        if self.params.get("tile") is not None:
            yield None, tiles.scores(self, X, score)
            return
        new, rows = [], 0
        for batch, scores, new_here in scoring.in_batches(self, X, score, work):
            new.append(new_here)
            rows += len(scores)
            yield batch, scores
        if score is None:
            scoring.tell(self, sum(new), rows)

    def member_scores(self, X: Any, score: str | None = None) -> np.ndarray:
        """Score rows X by each member alone: float64 [members, n], large = anomalous.

        Each on its own scale, and without what novelty adds; detectors without members have one.
        score: any of the model's, no new fit; None = its own. Raises InputError for a score that
        there is not.
        """
        scoring.check_score(self, score)
        if self.params.get("tile") is not None:
            return tiles.member_scores(self, X, score)
        parts = [scoring.scores_of_members(self, rows, score) for rows in self.encoded(X)]
        return np.concatenate(parts, axis=1)

    def score_as(self, X: Any, score: str) -> np.ndarray:
        """Score rows X by any of the model's scores, no new fit: float64 [n], large = anomalous."""
        return np.concatenate([scores for _, scores in self.scored(X, score)])

    def score_samples(self, X: Any) -> np.ndarray:
        """Score rows X as in scikit-learn, large = normal: the one place where the sign flips."""
        return -self.anomaly_score(X)

    def decision_function(self, X: Any) -> np.ndarray:
        """Score rows X as in scikit-learn: float64 [n], below 0 = flagged."""
        return self.score_samples(X) - self.offset_

    def encoded(self, X: Any) -> Iterator[np.ndarray]:
        """Encode rows X, in pieces of any length."""
        return self.encoder_.blocks(X)

    def score_encoded(self, rows: np.ndarray) -> np.ndarray:
        """Score encoded rows [n, *shape]: float64 [n]. InputError if one has no finite score."""
        return scoring.scored(self, rows)[0]

    def score_names(self) -> tuple[str, ...]:
        """Name the scores to choose from; () if there is but one."""
        return self.model_.score_names()

    # --- decisions --------------------------------------------------------------------------------

    def predict(
        self, X: Any, *, false_alarm_rate: float | None = None, confidence: float | None = None
    ) -> np.ndarray:
        """Flag rows X: int [n], -1 = flagged, +1 = not.

        With a false-alarm rate, the rows above `threshold`. Otherwise by `offset_`: about the share
        `contamination` of new rows like those given to `fit`, told from the rows held out there; of
        rows that were learnt from fewer may be flagged. Where fewer than 1 / contamination - 1 rows
        were held out, of the n rows given ceil(contamination (n - 1)) are flagged; fewer if scores
        tie there. Raises InputError for a confidence without a rate to be sure of.
        """
        if false_alarm_rate is None:
            if confidence is not None:
                raise InputError("confidence is of a rate; give false_alarm_rate, too")
            return np.where(self.decision_function(X) < 0, -1, 1)
        limit = self.threshold(false_alarm_rate, confidence)
        return np.where(self.anomaly_score(X) > limit, -1, 1)

    def beside(self, X: Any, *, false_alarm_rate: float | None = None) -> Any:
        """Return the frame X with columns beside its own: anomaly_score, p_value, is_anomaly.

        Of the kind that X is, pandas with its index. p_value only if the model is calibrated;
        is_anomaly by the rate, or as `predict` does without one. Raises InputError if X is no
        frame, or has such columns.
        """
        limit = -self.offset_ if false_alarm_rate is None else self.threshold(false_alarm_rate)
        scores = self.anomaly_score(X)
        added = {"anomaly_score": scores}
        if self.calibration_ is not None:
            added["p_value"] = self.calibration_.p_values(scores)
        return with_columns(X, added | {"is_anomaly": scores > limit})

    def p_value(self, X: Any) -> np.ndarray:
        """Tell how probable so high a score is for a normal row: float64 [n], of rows X.

        Raises InputError if the model is not calibrated, as do the following.
        """
        return self.calibrated().p_values(self.anomaly_score(X))

    def threshold(self, false_alarm_rate: float, confidence: float | None = None) -> float:
        """Return the score above which at most that share of normal rows lies.

        On average over calibration sets, or with `confidence` for at least that share of them.
        Raises InputError, naming how many it takes, if the calibration rows are too few.
        """
        return self.calibrated().threshold(false_alarm_rate, confidence)

    def select(self, X: Any, fdr: float, *, adaptive: bool = False) -> np.ndarray:
        """Choose the rows of a batch to report: bool [n]; on average at most `fdr` are normal.

        By Benjamini and Hochberg, or in Storey's form (`adaptive`), which finds more where many
        rows are anomalous.
        """
        return self.calibrated().select(self.anomaly_score(X), fdr, adaptive=adaptive)

    def calibrate(self, X: Any, *, source: str = "") -> Fitted:
        """Return this detector, calibrated on normal rows X that it did not learn from.

        Replaces what `fit` held out. Anomalies among X raise the thresholds: then fewer rows are
        flagged than asked for. Rows that it learnt from would lower them. If more of X equal a
        learnt row than new rows do by chance (`training_["repeats"]` tells the share), those that
        do are left out; where new rows often do, a warning says that thresholds come out too high.
        A model knows 100,000 distinct rows again; rows that were changed since, by rounding say,
        pass for new. source: what to call X when the model is described. Raises InputError if no
        row is left, or so many among X were learnt from and are not known again that thresholds
        would be too low.
        """
        scores, known = scoring.for_calibration(self, X)
        origin = {"source": source, "made": storage.now()}
        made = Calibration.of(scores[~known], repeated=scores[known], **origin)
        return replace(self, calibration_=made)

    def drift(self, X: Any, *, trim: float = 0.0) -> Drift:
        """Compare the scores of rows X, presumed normal, with those of calibration.

        See `alad.detector.drift`. trim: leave out that share of high scores, if there may be
        anomalies among them.
        """
        return drift(self.anomaly_score(X), self.calibrated(), trim=trim)

    def watch(self, seed: int = 0) -> Martingale:
        """Return what watches a stream for drift: feed it anomaly scores of rows as they come."""
        return Martingale(self.calibrated(), seed)

    def calibrated(self) -> Calibration:
        """Return `calibration_`; InputError if there is none."""
        if self.calibration_ is None:
            unit = self.encoder_.unit
            raise InputError(
                f"this model is not calibrated; calibrate it with normal {unit}s that it did not "
                "learn from: detector.calibrate(X), or alad calibrate MODEL "
                f"{'FOLDER' if unit == 'image' else 'TABLE'}; or let fit hold out 19 of them: "
                "calibration_fraction, or --calibration-fraction"
            )
        return self.calibration_

    # --- reasons ----------------------------------------------------------------------------------

    def explain(self, X: Any, *, progress: bool = False) -> Explanation | HeatMaps:
        """Say which columns of rows X, or which pixels of images, made their scores what they are.

        With a backbone that gives maps the heat is what each patch scores by itself. Otherwise a
        row is compared with four others: G(E(x)) and the three learnt rows that it shares most
        with, or four learnt rows where the model has no G(E(x)). It takes eight scores a row and
        column, or an image and patch: explain what matters. progress: show it on stderr where it
        takes longer than 2 s. Raises InputError if the model was saved before that.
        """
        return explanation.explained(self, X, progress)

    def reconstruct(self, X: Any) -> np.ndarray:
        """Return the model's version G(E(x)) of encoded rows, float32 [n, *shape], mean of members.

        `encoder_.output_names_` names the columns. Raises InputError if the model has none.
        """
        if not self.model_.makes_rows:
            raise InputError(f"{self.name} has no version of a row of its own")
        return self.reconstruct_encoded(self.encoder_.transform(X))

    def reconstruct_encoded(self, rows: np.ndarray) -> np.ndarray:
        """Return the same of rows that are encoded, [n, *shape]."""
        model: Any = self.model_
        return model.reconstruct(scoring.seen(self, rows))

    @property
    def makes_images_again(self) -> bool:
        """Whether it has a version G(E(x)) of an image x: its own, not of a backbone's features."""
        return self.model_.makes_rows and isinstance(self.encoder_, ImageScaler)

    def generate(self, n: int = 1, random_state: Any = None) -> np.ndarray:
        """Make n images G(z) of random codes z, in the pixels of the training images.

        [n, height, width, channels]. Several members make one each in turn. The same random state
        gives the same images, and fewer of them the first ones. Raises InputError if the model is
        of a table, or has no generator.
        """
        whole("n", n)
        if not isinstance(self.encoder_, ImageScaler):
            raise InputError(
                "this model makes no images: it is of a table, or of a backbone's features"
            )
        model: Any = self.model_
        if not model.makes_images:
            raise InputError(f"{self.name} has no generator; alad, alice, bigan and anogan have")
        return self.encoder_.decode(model.generate(n, random_state))

    # --- what scikit-learn asks, and storage ------------------------------------------------------

    @property
    def members_(self) -> tuple[int, ...]:
        """The numbers of its members."""
        return self.model_.members

    @property
    def n_features_in_(self) -> int:
        """How many columns, or numbers of an image, X has."""
        return self.encoder_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """The names of the columns, if the table had some."""
        return self.encoder_.feature_names_in_

    def save(self, folder: str | Path) -> None:
        """Write it into a folder, for `alad.load`.

        Raises InputError if a parameter is no JSON value or `folder` holds something else.
        """
        storage.write(folder, "model", *content_of(self))
