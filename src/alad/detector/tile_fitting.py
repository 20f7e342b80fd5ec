"""A fit on pictures in tiles: each tile is an image to learn from, thresholds are of pictures."""

import time
from dataclasses import replace
from typing import Any

import numpy as np

from alad.backbone.backbone import PRECOMPUTED
from alad.data.image_source import ImageSource
from alad.data.tiling import Tiling
from alad.detector.decisions import held_out_calibration, offset, remembered, repeats
from alad.detector.fitted import Fitted
from alad.detector.fitting import fitted_on
from alad.detector.rows import (
    Learn,
    drawn,
    encoder_and_rows,
    held_out_rows,
    summed_up,
    warn_of_long_search,
)
from alad.detector.tiles import digest_of, outside_value, picture_source, scored
from alad.encoding import ImageScaler, image_scaler
from alad.errors import InputError

MOST_TILES, MOST_VALUES = 20_000, 1 << 28  # learnt from, and their numbers: 256 MB of bytes
LEARNT_SCORED = 200  # learnt pictures that are scored at fit


def fitted_on_tiles(detector: Any, X: Any, learn: Learn) -> Fitted:
    """Learn from tiles of pictures X, and calibrate on whole pictures.

    As many tiles of each learnt picture are drawn as make 20,000, or 256 MB, of all together.
    """
    begun = time.perf_counter()
    if detector.backbone == PRECOMPUTED:
        raise InputError("feature maps are not cut into tiles; leave tile out")
    source = picture_source(X)
    source.require_normal()
    form = source.own_size_form()
    names = source.names
    held = set(np.array(names)[held_out_rows(detector, names, ImageScaler)].tolist())
    tiles, digest, most = _sample(detector, source, form, held, len(names) - len(held))
    with encoder_and_rows(detector, tiles) as (encoder, rows):
        on_tiles = fitted_on(detector, encoder, rows, begun, np.zeros(len(rows), bool), learn)
    image_scaler(encoder).masked = source.masked
    warn_of_long_search(on_tiles, most)
    # of the pictures all that were held out are scored, and some of those learnt
    learnt = [name for name in source.names if name not in held]
    chosen = drawn(detector.random_state, len(learnt), LEARNT_SCORED, number=3)
    wanted = held | {learnt[at] for at in chosen}
    pairs = ((name, picture) for name, picture in source.each(form) if name in wanted)
    measured, scores = scored(on_tiles, pairs, bool(detector.verbose), len(wanted))
    new = np.array([name in held for name in measured])
    facts = {"rows": len(learnt), "held_out": int(new.sum()), "tiles": len(tiles)}
    facts |= {"repeats": repeats(digest), "scores": summed_up(scores[~new])}
    return replace(
        on_tiles,
        offset_=offset(scores, new, detector.contamination),
        training_={**on_tiles.training_, **facts},
        calibration_=held_out_calibration(scores[new]),
        learnt_=remembered(digest),
    )


def _sample(
    detector: Any, source: ImageSource, form: Any, held: set[str], count: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Draw tiles of the pictures learnt from: [m, side, side, channels].

    Also gives the pictures' digests, and the most tiles that one of them has.
    """
    side, taken, digest, largest = detector.tile, [], [], 0
    for number, (name, picture) in enumerate(source.each(form)):
        if name in held:
            continue
        digest.append(digest_of(picture))
        tiling = Tiling(picture.shape[0], picture.shape[1], side)
        largest = max(largest, len(tiling))
        most = min(MOST_TILES, MOST_VALUES // (side * side * picture.shape[2])) // max(1, count)
        inside = tiling.counting(picture, outside_value(source.masked, form))
        chosen = drawn(detector.random_state, len(inside), max(1, most), number=4 + number)
        taken += [tile.copy() for tile in tiling.cut(picture, inside[chosen])]
    if not taken:
        raise InputError("no picture is left to learn from; give more, or hold fewer out")
    return np.stack(taken), np.array(digest, np.uint64), largest
