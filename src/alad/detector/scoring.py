"""Scores of encoded rows by a `Fitted`: its model's, raised where a row holds what is new."""

from typing import Any

import numpy as np

from alad.data.image_source import ImageSource
from alad.data.opening import source_of
from alad.detector import novelty
from alad.detector.calibration import digests
from alad.detector.decisions import left_out
from alad.detector.model import combined
from alad.encoding import TableEncoder
from alad.errors import InputError


def scored(fitted: Any, rows: np.ndarray) -> tuple[np.ndarray, Any]:
    """Score encoded rows [n, *shape], and count what is new in them, which is looked for once.

    float64 [n], large = anomalous; int [2, columns], rows with holes and with values never met, 0
    for images. Raises InputError if a row has no finite score.
    """
    model, encoder = fitted.model_, fitted.encoder_
    scores = combined(model.member_scores(seen(fitted, rows)), model.scales.get(model.own))
    bad = np.flatnonzero(~np.isfinite(scores))
    if len(bad):
        raise InputError(
            f"{encoder.unit} {bad[0]} has no finite score ({scores[bad[0]]}): its "
            f"numbers are too large for {fitted.name} with scaling="
            f"{fitted.params.get('scaling')!r}; choose another scaling"
        )
    if not isinstance(encoder, TableEncoder):
        return scores, 0
    holes, values = encoder.known_.novel(rows)
    if fitted.novelty_ is not None and (new := holes | values).any():
        scores = novelty.raised(scores, new, fitted.novelty_)
    return scores, np.array([holes.sum(axis=0), values.sum(axis=0)])


def seen(fitted: Any, encoded: np.ndarray) -> np.ndarray:
    """Give encoded rows as the model sees them: images as rows of pixels, unless it knows images.

    What no learnt row had is filled with what is usual.
    """
    if isinstance(fitted.encoder_, TableEncoder):
        encoded = fitted.encoder_.known_.filled(encoded)
    return encoded.reshape(len(encoded), *fitted.model_.shape)


def tell(fitted: Any, new: Any, rows: int) -> None:
    """Warn of what is new, counted as `scored` does, once for so many rows."""
    if isinstance(fitted.encoder_, TableEncoder) and np.any(new):
        words, unit = fitted.encoder_.known_.messages(), fitted.encoder_.unit
        novelty.tell(new, rows, words, unit, fitted.novelty_ is not None)


def for_calibration(fitted: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Score rows X, and choose those left out as learnt ones: float64 [n], bool [n].

    Raises InputError if none is left, or if learnt ones cannot be told from the others.
    """
    source = source_of(X)
    if isinstance(source, ImageSource):
        source.require_normal()
    read = [(*scored(fitted, rows), digests(rows)) for rows in fitted.encoded(source)]
    parts, new, digest_parts = zip(*read, strict=True)
    scores, digest = np.concatenate(parts), np.concatenate(digest_parts)
    tell(fitted, sum(new), len(scores))
    usual, what = float(fitted.training_.get("repeats", 0.0)), f"{fitted.encoder_.unit}s"
    known = left_out(digest, fitted.learnt_, usual, what)
    if known.all():
        raise InputError(
            f"this model has learnt from all of these {len(known)} {what}; calibrate it with "
            f"normal {what} that it did not learn from"
        )
    return scores, known
