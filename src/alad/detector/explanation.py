"""What every detector says for its scores: which columns of a row raised it, which pixels.

A row is compared with what the model takes it for, G(E(x)), where it has such a thing, and with the
rows that it shares most with among those kept from training; see `alad.detector.attribution`.
"""

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from alad.detector import attribution
from alad.detector.attribution import Explanation
from alad.detector.heat_maps import HeatMaps, heat
from alad.encoding import ImageScaler, ScaledImages, TableEncoder
from alad.errors import InputError

MOST_KEPT = 2_000  # learnt rows that a model keeps to compare others with
NUMBERS_KEPT = 1_000_000  # of them in all, 4 MB


class Explaining(ABC):
    """A detector as far as the reasons for its scores go."""

    encoder_: TableEncoder | ImageScaler
    _references: np.ndarray | None  # [m, width], learnt rows; None in models of earlier versions

    @abstractmethod
    def _scores(self, matrix: np.ndarray) -> np.ndarray:
        """Float64 [n], large = anomalous, of encoded rows."""

    @abstractmethod
    def _check_unchanged(self) -> None:
        """InputError if a parameter is another than at fit."""

    def _own_version(self, encoded: np.ndarray) -> np.ndarray | None:
        """What the model takes encoded rows [n, *shape] for; None if it has no such thing."""
        return None

    def _seen(self, encoded: np.ndarray) -> np.ndarray:
        """Encoded rows as the detector sees them."""
        return encoded

    def explain(self, X: Any) -> Explanation | HeatMaps:
        """Which columns of rows X, or which pixels of images, made their scores what they are.

        A row is compared with four others: G(E(x)) and the three learnt rows that it shares most
        with, or four learnt rows where the model has no G(E(x)). It takes eight scores a row and
        column, or an image and patch: explain what matters. Raises InputError if the model was
        saved before that.
        """
        check_is_fitted(self)
        self._check_unchanged()
        if isinstance(self.encoder_, TableEncoder):
            return self._explain_rows(X, self.encoder_)
        return self._explain_images(X, self.encoder_)

    def _explain_rows(self, X: Any, encoder: TableEncoder) -> Explanation:
        read = encoder.read(X)
        rows = read.encoded
        references = self._compared_with(rows)
        return Explanation(
            encoder.used_names_,
            read.cells(),
            attribution.middle([encoder.decode(one) for one in references]),
            attribution.contributions(self._scores, rows, references, encoder.source_),
            self._scores(rows),
            np.mean([self._scores(one) for one in references], axis=0),
        )

    def _explain_images(self, X: Any, scaler: ImageScaler) -> HeatMaps:
        read = scaler.read(X)
        images = read.encoded
        flat = images.reshape(len(images), -1)
        references = self._compared_with(images)

        def score(some: np.ndarray) -> np.ndarray:
            return self._scores(self._seen(some.reshape(-1, *scaler.shape_)))

        return HeatMaps(
            heat(score, flat, references, scaler.shape_),
            read.cells(),
            scaler.decode(references[0].reshape(images.shape)),
            score(flat),
            np.mean([score(one) for one in references], axis=0),
        )

    def _compared_with(self, encoded: np.ndarray) -> np.ndarray:
        """[references, n, width]: what each of the encoded rows [n, *shape] is compared with."""
        own, known = self._own_version(encoded), self._references
        rows = encoded.reshape(len(encoded), -1)
        if known is None and own is None:
            raise InputError("this model was saved before rows could be explained; fit it again")
        flat = [] if own is None else [own.reshape(rows.shape)]
        if known is None:
            return np.array(flat)
        return np.array(
            [*flat, *attribution.nearest(rows, known, attribution.REFERENCES - len(flat))]
        )


def kept(learnt: np.ndarray | ScaledImages) -> np.ndarray:
    """[m, width]: of the learnt rows [n, *shape] those to compare with, evenly first to last."""
    most = min(MOST_KEPT, max(1, NUMBERS_KEPT // math.prod(learnt.shape[1:])))
    places = np.unique(np.linspace(0, len(learnt) - 1, most).astype(int))
    return np.asarray(learnt[places]).reshape(len(places), -1)
