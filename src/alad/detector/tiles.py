"""Pictures in tiles: cut, learnt and scored tile by tile, and put together again.

A picture is as odd as its oddest tile; thresholds and p-values are those of whole pictures. Tiles
are images to the detector, with a backbone or without; `alad.data.tiling` cuts and joins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from alad.data.decoding import Form
from alad.data.image_source import ImageSource
from alad.data.opening import image_source, source_of
from alad.data.picture_masks import paint
from alad.data.tiling import Tiling, shrunk
from alad.detector.heat_maps import HeatMaps
from alad.encoding import FeatureEncoder, image_scaler
from alad.progress import SILENT_SECONDS, Progress

TILES_AT_ONCE, VALUES_AT_ONCE = 128, 1 << 22  # most tiles, and numbers, scored at once
EXPLAINED = 16  # tiles of a picture whose heat is looked for pixel by pixel, the highest ones
LONGEST = 1024  # pixels of a heat map's longer side; of larger pictures squares have one

Picture = np.ndarray  # [height, width, channels], of any size


def digest_of(picture: Picture) -> int:
    """Digest a picture's size and pixels: 64 bits."""
    content = np.ascontiguousarray(picture)
    told = blake2b(repr(picture.shape).encode() + content.tobytes(), digest_size=8)
    return int.from_bytes(told.digest(), "little")


# --- scoring --------------------------------------------------------------------------------------


def scores(fitted: Any, X: Any, score: str | None = None) -> np.ndarray:
    """Score pictures X of any size, the highest tile of each: float64 [n]."""
    return scored(fitted, _pictures(fitted, X), score=score)[1]


def member_scores(fitted: Any, X: Any, score: str | None = None) -> np.ndarray:
    """Score them by each member alone: float64 [members, n]."""
    whole = of_one_tile(fitted)
    pictures = _pictures(fitted, X)
    return _highest(lambda tiles: whole.member_scores(tiles, score), fitted, pictures)[1]


def scores_and_digests(fitted: Any, X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Score normal pictures X, and digest them to know them again: float64 [n], uint64 [n]."""
    picture_source(X).require_normal()
    digest: list[int] = []

    def noted() -> Iterator[tuple[str, Picture]]:
        for name, picture in _pictures(fitted, X):
            digest.append(digest_of(picture))
            yield name, picture

    return scored(fitted, noted())[1], np.array(digest, np.uint64)


def of_one_tile(fitted: Any) -> Any:
    """Return the `Fitted` to which each tile is an image."""
    return replace(fitted, params={**fitted.params, "tile": None})


def picture_source(X: Any) -> ImageSource:
    return image_source(source_of(X), "and tiles are of pictures; leave tile out")


def _pictures(fitted: Any, X: Any) -> Iterator[tuple[str, Picture]]:
    """Yield pictures one by one, at their own size, with their names."""
    scaler, source = image_scaler(fitted.encoder_), picture_source(X)
    scaler.require_mask(source)
    return source.each(replace(scaler.form, height=0, width=0))


def outside_value(masked: bool, form: Form) -> int | None:
    """Return the value of pixels that do not count; None where all count."""
    return paint(form.bits) if masked else None


def scored(
    fitted: Any,
    pictures: Iterator[tuple[str, Picture]],
    shown: bool = False,
    total: int | None = None,
    score: str | None = None,
) -> tuple[list[str], np.ndarray]:
    """Score pictures; -> names, float64 [n]. shown: how far it is, of so many in all."""
    whole = of_one_tile(fitted)

    def call(tiles: np.ndarray) -> np.ndarray:
        return whole.anomaly_score(tiles) if score is None else whole.score_as(tiles, score)

    label = f"{fitted.name}: threshold"
    with Progress(label, total, unit="images", enabled=shown, after=SILENT_SECONDS) as progress:
        return _highest(call, fitted, pictures, progress.advance)


def _highest(
    call: Callable[[np.ndarray], np.ndarray],
    fitted: Any,
    pictures: Iterator[tuple[str, Picture]],
    told: Callable[[int], Any] = lambda done: None,
) -> tuple[list[str], np.ndarray]:
    """Call for tiles [k, side, side, channels] -> [..., k]; -> names, highest of each picture.

    Tiles of several small pictures go together, those of a large one in several calls, so that
    memory holds one picture and a few tiles.
    """
    side, names, waiting, owners = fitted.params["tile"], list[str](), [], []
    highest: list[np.ndarray] = []
    scaler = image_scaler(fitted.encoder_)
    outside = outside_value(scaler.masked, scaler.form)

    def flush() -> None:
        found = call(np.stack(waiting))
        for place, value in zip(owners, np.moveaxis(found, -1, 0), strict=True):
            if place == len(highest):
                highest.append(value)
            else:
                highest[place] = np.maximum(highest[place], value)
        waiting.clear()
        owners.clear()
        told(len(names))

    for name, picture in pictures:
        names.append(name)
        tiling = Tiling(picture.shape[0], picture.shape[1], side)
        most = _at_once(fitted, picture)
        for tile in tiling.cut(picture, tiling.counting(picture, outside)):
            waiting.append(tile)
            owners.append(len(names) - 1)
            if len(waiting) >= most:
                flush()
    if waiting:
        flush()
    return names, np.moveaxis(np.array(highest), 0, -1)


def _at_once(fitted: Any, picture: Picture) -> int:
    """Count the tiles that are scored at once."""
    side = fitted.params["tile"]
    return max(1, min(TILES_AT_ONCE, VALUES_AT_ONCE // (side * side * picture.shape[2])))


# --- reasons --------------------------------------------------------------------------------------


def explain(fitted: Any, X: Any) -> HeatMaps:
    """Blend the heat maps of tiles; of pictures longer than 1,024 pixels squares of them have one.

    Where a heat map is costly, those of the 16 highest tiles of a picture are made, and the heat is
    0 in the others.
    """
    parts = [_explained(fitted, picture) for _, picture in _pictures(fitted, X)]
    heat, images, times, scores, references = zip(*parts, strict=True)
    return HeatMaps(list(heat), list(images), None, np.array(scores), np.array(references), times)


def _explained(fitted: Any, picture: Picture) -> tuple[np.ndarray, Picture, int, float, float]:
    """Explain one picture; -> heat, picture, how often smaller both are, its score, reference."""
    whole, tiling = (
        of_one_tile(fitted),
        Tiling(picture.shape[0], picture.shape[1], fitted.params["tile"]),
    )
    cheap = isinstance(fitted.encoder_, FeatureEncoder) and fitted.encoder_.has_maps
    scaler = image_scaler(fitted.encoder_)
    inside = tiling.counting(picture, outside_value(scaler.masked, scaler.form))
    step = _at_once(fitted, picture)

    def cut(part: np.ndarray) -> np.ndarray:
        return np.stack(list(tiling.cut(picture, part)))

    def parts(numbers: np.ndarray) -> list[np.ndarray]:
        return [numbers[at : at + step] for at in range(0, len(numbers), step)]

    scores = np.concatenate([whole.anomaly_score(cut(part)) for part in parts(inside)])
    if not cheap:
        inside = inside[np.sort(np.argsort(-scores, kind="stable")[:EXPLAINED])]
    references: list[float] = []

    def maps() -> Iterator[tuple[int, np.ndarray]]:
        for part in parts(inside):
            there = whole.explain(cut(part))
            references.extend(there.reference_score.tolist())
            yield from zip(part.tolist(), there.heat, strict=True)

    heat, times = tiling.joined(maps()), -(-max(picture.shape[:2]) // LONGEST)
    smaller = np.rint(shrunk(picture, times)).astype(picture.dtype)
    return (
        shrunk(heat, times, np.maximum),
        smaller,
        times,
        float(scores.max()),
        float(np.mean(references)),
    )
