"""What every detector says for its scores: which columns of a row raised it, which pixels.

A row is compared with what the model takes it for, G(E(x)), where it has such a thing, and with the
rows that it shares most with among those kept from training; see `alad.detector.attribution`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from alad.detector import attribution, patches, scoring, tiles
from alad.detector.attribution import Explanation
from alad.detector.heat_maps import HeatMaps, heat, of_counting_pixels
from alad.encoding import (
    FeatureEncoder,
    ImageScaler,
    TableEncoder,
)
from alad.errors import InputError
from alad.progress import SILENT_SECONDS, Progress

NUMBERS_AT_ONCE = 1_000_000  # of maps, encoded together: 4 MB


def explained(fitted: Any, X: Any, progress: bool) -> Explanation | HeatMaps:
    """Explain the scores of rows X as suits what `fitted`, a `Fitted`, encodes."""
    encoder = fitted.encoder_
    if isinstance(encoder, TableEncoder):
        return of_rows(fitted, X, encoder, progress)
    if fitted.params.get("tile") is not None:
        maps = tiles.explain(fitted, X)
    elif isinstance(encoder, FeatureEncoder):
        maps = of_features(fitted, X, encoder, progress)
    else:
        maps = of_images(fitted, X, encoder, progress)
    return of_counting_pixels(maps, X)


def of_rows(fitted: Any, X: Any, encoder: TableEncoder, progress: bool) -> Explanation:
    """Share out the scores of rows X of a table among its columns; fitted: a `Fitted`."""
    read = encoder.read(X)
    rows = read.encoded
    references = _compared_with(fitted, rows)
    decoded = encoder.decode(references.reshape(-1, encoder.width_))  # all in one go
    starts = range(0, len(decoded), max(1, len(rows)))
    expected = attribution.middle([decoded[at : at + len(rows)] for at in starts])
    own = encoder.decode(rows)  # in the same digits
    same = [
        [value == due for value, due in zip(*cells, strict=True)]
        for cells in zip(own, expected, strict=True)
    ]
    same = np.array(same, bool).reshape(len(rows), len(encoder.used_names_))
    holes, values = encoder.known_.novel(rows)  # decoded, a new value of a constant is the old one
    total = attribution.ORDERS * len(rows) * (len(encoder.used_names_) + 1)
    with _shown(fitted.score_encoded, total, progress) as score:
        contributions = attribution.contributions(score, rows, references, encoder.source_)
    return Explanation(
        encoder.used_names_,
        read.cells(),
        expected,
        contributions,
        fitted.score_encoded(rows),
        np.mean([fitted.score_encoded(reference) for reference in references], axis=0),
        same & ~(holes | values),
    )


def of_images(fitted: Any, X: Any, scaler: ImageScaler, progress: bool) -> HeatMaps:
    """Share out the scores of images X among their pixels; fitted: a `Fitted`."""
    read = scaler.read(X)
    images = read.encoded
    flat = images.reshape(len(images), -1)
    references = _compared_with(fitted, images)

    def score(rows: np.ndarray) -> np.ndarray:
        return fitted.score_encoded(rows.reshape(-1, *scaler.shape_))

    with _shown(score, None, progress) as counted:
        maps = heat(counted, flat, references, scaler.shape_)
    return HeatMaps(
        maps,
        read.cells(),
        scaler.decode(references[0].reshape(images.shape)),
        score(flat),
        np.mean([score(reference) for reference in references], axis=0),
    )


def of_features(fitted: Any, X: Any, encoder: FeatureEncoder, progress: bool) -> HeatMaps:
    """Say which pixels of images X the backbone's features make odd; fitted: a `Fitted`.

    Of maps the heat is what patches score by themselves, less what normal images score; of small
    pictures that a network enlarges less what they score there, blurred. Where an image is one row,
    pixels are swapped as in `of_images`, each time through the backbone.
    """
    read = encoder.images.read(X)
    images = read.encoded
    flat = images.reshape(len(images), -1)
    if fitted.references_ is None:
        raise InputError("this model has lost the images to compare with; fit it again")
    near = attribution.nearest(flat, fitted.references_, attribution.REFERENCES)

    def score(rows: np.ndarray) -> np.ndarray:
        return fitted.score_encoded(encoder.encoded(rows.reshape(-1, *encoder.images.shape_)))

    if encoder.has_maps:
        scores = _of_patches(fitted, images, encoder)
        maps = heat_of_patches(scores, usual_patches(fitted, encoder), encoder)
        total = patches.image_scores(encoder, scores)
        reference = np.full(len(images), patches.usual_score(fitted))
    else:
        with _shown(score, None, progress) as counted:
            maps = heat(counted, flat, near, encoder.images.shape_)
        total, reference = score(flat), np.mean([score(other) for other in near], axis=0)
    expected = encoder.images.decode(near[0].reshape(images.shape))
    return HeatMaps(maps, read.cells(), expected, total, reference)


def usual_patches(fitted: Any, encoder: FeatureEncoder) -> np.ndarray | float:
    """Give what heat is told from: the middle score of normal images.

    Of small pictures that a network enlarges the mean map [rows, columns] of normal ones: beside
    their border patches of any score otherwise.
    """
    height, width, _ = encoder.images.shape_
    lies_on = max(height, width) / max(encoder.shape_[:2])
    if encoder.backbone.network is None or not patches.are_small(lies_on):
        return patches.usual_score(fitted)
    known = fitted.references_[: patches.COMPARED].reshape(-1, *encoder.images.shape_)
    normal = _of_patches(fitted, known, encoder)
    return normal.reshape(-1, *encoder.shape_[:2]).mean(axis=0)


def heat_of_patches(
    scores: np.ndarray, usual: np.ndarray | float, encoder: FeatureEncoder
) -> np.ndarray:
    """Make heat maps [n, height, width] of scores of patches [n patches]; see `usual_patches`."""
    maps = scores.reshape(-1, *encoder.shape_[:2])
    height, width, _ = encoder.images.shape_
    if isinstance(usual, np.ndarray):
        spread = patches.spread(maps - usual, height, width)
        return patches.blurred(spread, max(maps.shape[1:]))
    return patches.spread(maps, height, width) - usual


def _of_patches(fitted: Any, images: np.ndarray, encoder: FeatureEncoder) -> np.ndarray:
    """Score the patches of scaled images, some images at a time: float64 [patches of all]."""
    step = max(1, NUMBERS_AT_ONCE // math.prod(encoder.shape_))
    each = [
        scoring.combined_scores(fitted, encoder.encoded(images[at : at + step]), patches=True)
        for at in range(0, len(images), step)
    ]
    return np.concatenate([np.zeros(0), *each])


@contextmanager
def _shown(
    score: Callable[[np.ndarray], np.ndarray], total: int | None, enabled: bool
) -> Iterator[Callable[[np.ndarray], np.ndarray]]:
    """Give `score` with a count of the rows that it has scored, shown where it takes long."""
    done = 0
    with Progress(
        "explain", total, unit="scores", enabled=enabled, after=SILENT_SECONDS
    ) as progress:

        def counting(rows: np.ndarray) -> np.ndarray:
            nonlocal done
            scores, done = score(rows), done + len(rows)
            progress.advance(done)
            return scores

        yield counting


def _compared_with(fitted: Any, encoded: np.ndarray) -> np.ndarray:
    """Find what encoded rows [n, *shape] are compared with: [references, n, width]."""
    rows = encoded.reshape(len(encoded), -1)
    makes_rows = fitted.model_.makes_rows
    own = [fitted.reconstruct_encoded(encoded).reshape(rows.shape)] if makes_rows else []
    if isinstance(fitted.encoder_, TableEncoder):
        rows = fitted.encoder_.known_.filled(rows)
    if fitted.novelty_ is not None:
        own = [fitted.encoder_.known_.without_new(made) for made in own]  # nothing new is expected
    if fitted.references_ is None:
        if not own:
            raise InputError("this model was saved before rows could be explained; fit it again")
        return np.array(own)
    count = attribution.REFERENCES - len(own)
    return np.array([*own, *attribution.nearest(rows, fitted.references_, count)])
