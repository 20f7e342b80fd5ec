"""What `Detector.fit` learns from: rows read, and images as far as memory holds them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from warnings import warn

import numpy as np

from alad.backbone.backbone import PRECOMPUTED, backbone_of
from alad.data.image_source import ImageSource
from alad.data.opening import image_source, source_of
from alad.data.source import Source
from alad.detector.calibration import digests
from alad.detector.model import Model
from alad.encoding import (
    CONTRAST_OF_PIXELS,
    WITHOUT_CONTRAST,
    Encoded,
    Encoder,
    FeatureEncoder,
    PatchRows,
    ScaledImages,
    encoder_for,
)
from alad.errors import InputError
from alad.parameters import MOST_HELD_OUT, held_out
from alad.progress import SILENT_SECONDS, Progress

VALUES_IN_MEMORY = 1 << 27  # 512 MB, of rows that a detector has to have there all together
ROWS_AT_ONCE = 1 << 13  # of a table, from one look at the clock to the next
MOST_KEPT = 2_000  # learnt rows that a model keeps to compare others with
NUMBERS_KEPT = 1_000_000  # of them in all, 4 MB
LEAST_HELD_OUT = 19  # rows: fewer allow no false-alarm rate of 0.05, and are better learnt from
LONG_SEARCH = 10**10  # comparisons of patches of one picture: a minute, about
SCORE_QUANTILES = 201  # of the training rows, kept for reports


@dataclass
class Fit:
    """What a detector is told while it learns, and what it notes of it for `training_`."""

    encoder: Encoder
    facts: dict[str, Any] = field(default_factory=dict)  # JSON-able


Learn = Callable[[Any, Fit], Model]  # encoded rows, what they are told -> what they have learnt


@contextmanager
def encoder_and_rows(detector: Any, X: Any) -> Iterator[tuple[Encoder, Any]]:
    """Make what will encode X, and read its rows, not yet encoded.

    Pictures, and tables longer than memory, lie in a file within the context.
    """
    how = {"scaling": detector.scaling, "owner": type(detector).__name__}
    backbone = backbone_of(detector.backbone)
    if detector.position:
        if backbone is None or detector.tile is not None:
            what = "a backbone's patches" if backbone is None else "whole pictures, not of tiles"
            raise InputError(f"position is of {what}; leave position out (--no-position)")
        backbone = backbone.with_places()
    of_maps = backbone is not None and backbone.given == PRECOMPUTED
    source = X if of_maps else source_of(X)
    if isinstance(source, ImageSource):
        source.require_normal()
    if backbone is None:
        how |= {"drop": detector.drop, "equal_contrast": bool(detector.equal_contrast)}
        encoder = encoder_for(source, **how, shown=bool(detector.verbose))
    else:
        if detector.equal_contrast:
            raise InputError(f"{CONTRAST_OF_PIXELS}, not of a backbone's; {WITHOUT_CONTRAST}")
        source = X if of_maps else _images(source, backbone.side, detector.drop)
        encoder = FeatureEncoder(backbone, **how, seed=sampling_seed(detector.random_state))
    with encoder.gathered(source) as rows:
        yield encoder, rows


def _images(source: Source, side: int | None, drop: Any) -> ImageSource:
    """Take pictures of at most that side; InputError for a table, or columns to be left out."""
    images = image_source(source, "and a backbone takes images; leave backbone out")
    return (images if side is None else images.at_most(side)).without(drop)


def learnable(detector: Any, X: Encoded | PatchRows, fit: Fit) -> Any:
    """Give encoded rows as `_learn` takes them; `fit` notes how many were drawn.

    Images are rows of pixels, unless the detector knows them. If it has to have all rows in memory,
    as many are drawn as fit there. Of maps it learns a sample of their patches.
    """
    if isinstance(X, np.ndarray):
        return X
    if isinstance(X, PatchRows):
        fit.facts["patches"] = len(X.sample)
        return X.sample
    table = X.ndim == 2
    streams = detector.streams_rows if table else detector.streams_images
    most = max(1, VALUES_IN_MEMORY // math.prod(X.shape[1:]))
    if len(X) > most and not streams:
        X = X[drawn(detector.random_state, len(X), most, number=1)]
        fit.facts["rows_used"] = most
    if table:
        return X if streams else np.asarray(X)
    return X if detector.sees_images else np.asarray(X).reshape(len(X), -1)


def as_given(encoder: Encoder, given: Any, encoded: Any) -> Any:
    """Give rows as they are told apart and compared with others: encoded; of images, pixels.

    given: what the encoder read.
    """
    return ScaledImages(encoder.images, given) if isinstance(encoder, FeatureEncoder) else encoded


def pieces(X: Encoded | PatchRows) -> Iterator[np.ndarray]:
    """Yield encoded rows, so many at a time that memory holds what is made of them."""
    if not isinstance(X, np.ndarray):
        yield from X.pieces()
        return
    yield from (X[at : at + ROWS_AT_ONCE] for at in range(0, len(X), ROWS_AT_ONCE))


def digests_of(X: Encoded | PatchRows) -> np.ndarray:
    """Compute what rows [n, *shape] are known again by: uint64 [n]."""
    return np.concatenate([digests(piece) for piece in pieces(X)])


def held_out_rows(detector: Any, rows: Sized, encoder: Any) -> np.ndarray:
    """Choose the rows for calibration: bool [n]; none if they would be too few.

    encoder: of the rows, or its class. Warns if that happens to images, of which people have few.
    """
    n, share = len(rows), detector.calibration_fraction
    chosen = np.zeros(n, bool)
    count = held_out("calibration_fraction", share, n)
    if count >= LEAST_HELD_OUT:
        chosen[drawn(detector.random_state, n, count)] = True
    elif encoder.unit == "image" and share:
        percent = -(-100 * LEAST_HELD_OUT // n)  # rounded up
        more = percent > 100 * MOST_HELD_OUT
        remedy = "give more" if more else f"hold more out: calibration_fraction={percent / 100}"
        warn(
            f"the threshold comes from the images learnt from, as {n} are too few to hold some "
            "out: new normal ones are flagged more often than contamination says, up to all of "
            f"them; {remedy}, or calibrate with {LEAST_HELD_OUT} others",
            UserWarning,
            stacklevel=3,
        )
    return chosen


def warn_of_long_search(fitted: Any, tiles: int = 1) -> None:
    """Warn if a picture of so many tiles has many patches, each compared with many kept rows."""
    encoder, kept = fitted.encoder_, fitted.model_.compared
    if not isinstance(encoder, FeatureEncoder) or not encoder.has_maps:
        return
    patches = tiles * math.prod(encoder.shape_[:2])
    if patches * kept > LONG_SEARCH:
        warn(
            f"a picture of {patches:,} patches is slow to score, as each is compared with {kept:,} "
            f"kept ones: a minute or more; max_rows=2000 (--max-rows 2000) keeps fewer, which is "
            "less accurate, and smaller pictures have fewer",
            UserWarning,
            stacklevel=4,
        )


def kept(learnt: Encoded) -> np.ndarray:
    """Keep rows to compare with, evenly from all learnt ones [n, *shape]: [m, width]."""
    most = min(MOST_KEPT, max(1, NUMBERS_KEPT // math.prod(learnt.shape[1:])))
    places = np.unique(np.linspace(0, len(learnt) - 1, most).astype(int))
    return np.asarray(learnt[places]).reshape(len(places), -1)


def scores_at_fit(fitted: Any, X: Encoded | PatchRows, shown: bool) -> np.ndarray:
    """Score encoded rows X [n, *shape] for the threshold: float64 [n]; shown: how far it is."""
    warn_of_long_search(fitted)
    label, unit = f"{fitted.name}: threshold", f"{fitted.encoder_.unit}s"
    parts, done = [], 0
    with Progress(label, len(X), unit=unit, enabled=shown, after=SILENT_SECONDS) as progress:
        for piece in pieces(X):
            parts.append(fitted.score_encoded(piece))
            done += len(piece)
            progress.advance(done)
    return np.concatenate(parts)


def drawn(random_state: Any, n: int, count: int, number: int = 0) -> np.ndarray:
    """Draw so many of n numbers, ascending; another draw for each `number`."""
    from alad.randomness import Purpose, seed_of, stream  # loads torch; scoring does without

    generator = stream(seed_of(random_state), 0, Purpose.CALIBRATION, number)
    return np.sort(generator.permutation(n)[:count])


def sampling_seed(random_state: Any) -> int:
    """Draw the seed of the patches that are learnt from."""
    from alad.randomness import Purpose, seed_of, stream  # as in `drawn`

    return int(stream(seed_of(random_state), 0, Purpose.CALIBRATION, 2).integers(2**31))


def summed_up(scores: np.ndarray) -> dict[str, Any]:
    """Count scores and take their quantiles at equal steps: enough to draw their distribution."""
    quantiles = np.quantile(scores, np.linspace(0, 1, SCORE_QUANTILES))
    return {"rows": len(scores), "quantiles": quantiles.tolist()}
