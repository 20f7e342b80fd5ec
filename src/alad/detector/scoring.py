"""Scores of encoded rows by a `Fitted`: its model's, raised where a row holds what is new."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from alad.data.frames import Columns
from alad.data.image_source import ImageSource
from alad.data.opening import source_of, table_source
from alad.detector import novelty, tiles
from alad.detector.calibration import digests
from alad.detector.decisions import left_out
from alad.detector.model import combined
from alad.detector.patches import image_scores
from alad.encoding import FeatureEncoder, TableEncoder
from alad.errors import InputError

# batches of a table, a score's name or None -> each batch, its scores, and what is new in it
Work = Callable[[Iterator[Columns], str | None], Iterator[tuple[Columns, np.ndarray, Any]]]


def scored(fitted: Any, rows: np.ndarray) -> tuple[np.ndarray, Any]:
    """Score encoded rows [n, *shape], and count what is new in them, which is looked for once.

    float64 [n], large = anomalous; int [2, columns], rows with holes and with values never met, 0
    for images. Raises InputError if a row has no finite score.
    """
    encoder = fitted.encoder_
    scores = combined_scores(fitted, rows)
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
    if not (holes.any() or values.any()):  # as a rule; faster to see than to count
        return scores, np.zeros((2, holes.shape[1]), np.int64)
    if fitted.novelty_ is not None:
        scores = novelty.raised(scores, holes | values, fitted.novelty_)
    return scores, np.array([holes.sum(axis=0), values.sum(axis=0)])


def check_score(fitted: Any, score: str | None) -> None:
    """Refuse the name of a score that the model has not: InputError, one line."""
    known = fitted.score_names()
    if score is not None and score not in known:
        what = f"choose one of: {', '.join(known)}" if known else f"{fitted.name} has but one"
        raise InputError(f"score is {score!r}; {what}")


def in_batches(
    fitted: Any, X: Any, score: str | None, work: Work | None
) -> Iterator[tuple[Columns | None, np.ndarray, Any]]:
    """Yield batches of X with their scores, and what is new in them as `scored` counts it.

    work: where a table is scored, None = here.
    """
    if work is not None:
        yield from work(table_source(X).stream(), score)
        return
    for batch, encoded in fitted.encoder_.batches(X):
        if score is None:
            yield batch, *scored(fitted, encoded)
        else:
            yield batch, combined_scores(fitted, encoded, score), 0


def combined_scores(
    fitted: Any, rows: np.ndarray, score: str | None = None, *, patches: bool = False
) -> np.ndarray:
    """Score encoded rows by all members together, without what novelty adds: float64 [n].

    score: one of the model's; None = its own. patches: of maps patch by patch, [n patches in all].
    """
    model = fitted.model_
    members = model.member_scores(seen(fitted, rows), score)
    scores = combined(members, model.scales.get(score or model.own))
    of_maps = isinstance(fitted.encoder_, FeatureEncoder) and not patches
    return image_scores(fitted.encoder_, scores) if of_maps else scores


def scores_of_members(fitted: Any, rows: np.ndarray, score: str | None = None) -> np.ndarray:
    """Score encoded rows by each member alone: float64 [members, n]."""
    return image_scores(fitted.encoder_, fitted.model_.member_scores(seen(fitted, rows), score))


def seen(fitted: Any, encoded: np.ndarray) -> np.ndarray:
    """Give encoded rows as the model sees them: images as rows of pixels, unless it knows images.

    What no learnt row had is filled with what is usual. Of maps each patch is a row.
    """
    if isinstance(fitted.encoder_, TableEncoder):
        encoded = fitted.encoder_.known_.filled(encoded)
    if isinstance(fitted.encoder_, FeatureEncoder):
        return encoded.reshape(-1, fitted.encoder_.width_)
    return encoded.reshape(len(encoded), *fitted.model_.shape)


def tell(fitted: Any, new: Any, rows: int) -> None:
    """Warn of what is new, counted as `scored` does, once for so many rows."""
    if isinstance(fitted.encoder_, TableEncoder) and np.any(new):
        words, unit = fitted.encoder_.known_.messages(), fitted.encoder_.unit
        novelty.tell(new, rows, words, unit, fitted.novelty_ is not None)


def _normal(fitted: Any, X: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield normal rows as they are told apart, of images with a backbone the pixels, and encoded.

    Raises InputError if some are anomalous by their folders.
    """
    encoder = fitted.encoder_
    source = X if isinstance(encoder, FeatureEncoder) and encoder.takes_maps else source_of(X)
    if isinstance(source, ImageSource):
        source.require_normal()
    if isinstance(encoder, FeatureEncoder):
        return encoder.beside(source)
    return ((rows, rows) for rows in fitted.encoded(source))


def for_calibration(fitted: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Score rows X, and choose those left out as learnt ones: float64 [n], bool [n].

    Raises InputError if none is left, or if learnt ones cannot be told from the others.
    """
    if fitted.params.get("tile") is not None:
        scores, digest = tiles.scores_and_digests(fitted, X)
    else:
        read = [(*scored(fitted, rows), digests(apart)) for apart, rows in _normal(fitted, X)]
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
