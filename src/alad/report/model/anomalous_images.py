"""The most anomalous images with their heat maps: a section of a model's page, and pictures."""

import base64
from typing import Any

import numpy as np

from alad.data.opening import source_of
from alad.data.png import png
from alad.data.tiling import shrunk
from alad.encoding import FeatureEncoder, image_scaler
from alad.report.charts.axes import number
from alad.report.markup import Markup, tag
from alad.report.model.anomalous_rows import decision
from alad.report.page_parts import Section, Text
from alad.report.tables import Cell, Table

MOST_IMAGES = 24  # on a page; a heat map takes some 200 scores
MOST_LETTERS = 2_400_000  # of embedded pictures, for a page below 3 MB
# Colour of pixels that raise a score, told apart in print and by the colour-blind
HOT = np.array([213.0, 60.0, 0.0])
PALE = 0.45  # how far an image is moved towards mid-grey under its heat
PATCHES = "The heat is what each patch of an image scores, less what a normal image scores"
SHARES = "The heat of an image adds up to its score minus that of the images it is compared with"
SCALE = (
    "it is strongest where the image departs most from what the model knows. All images have one "
    "scale: those that score far below the threshold are pale."
)
MOST_SIDE = 512  # pixels, of a picture on a page
LEAST_SIDE = 256  # pixels, of a picture to be looked at by itself


def anomalous_images_section(
    detector: Any, images: Any, scores: np.ndarray, flagged: np.ndarray, *, top: int
) -> Section:
    """Show the `top` images by score, each with what the model expects and its heat map.

    images: array [n, height, width(, channels)] or `Pictures`; scores [n], flagged bool [n].
    Raises InputError if the model was saved before images could be explained.
    """
    order = np.argsort(-scores, kind="stable")[: min(top, MOST_IMAGES)]
    names = names_of(images, len(scores))
    calibration = detector.calibration_
    of_files = hasattr(images, "taken") or detector.params.get("tile") is not None
    chosen = source_of(images).taken(order) if of_files else np.asarray(images)[order]
    pictures = _pictures(detector, chosen) if len(order) else []
    rows = []
    for rank, (at, picture) in enumerate(zip(order.tolist(), pictures, strict=False), 1):
        score = float(scores[at])
        row = [Cell(f"{rank}", rank), names[at], Cell(number(score), score)]
        if calibration is not None:
            p = float(calibration.p_values(scores[[at]])[0])
            row.append(Cell(number(p), p))
        rows.append([*row, decision(bool(flagged[at])), picture])
    numbers = ["score", *(["p-value"] if calibration is not None else [])]
    heads = ["rank", "image", *numbers, "decision", "where the score comes from"]
    left = (1, len(heads) - 2, len(heads) - 1)
    table = Table("Click a head to sort.", heads, rows, left=left, unit="images")
    encoder = detector.encoder_
    of_patches = isinstance(encoder, FeatureEncoder) and encoder.has_maps
    text = f"{PATCHES if of_patches else SHARES}; {SCALE}"
    if len(rows) < len(scores):
        text += f" Shown are the {len(rows)} highest of {len(scores):,} scores."
    return Section(f"Most anomalous images ({len(rows)})", [Text(text), table])


def names_of(images: Any, count: int) -> list[str]:
    """Name images: pictures by their files, those of an array by their numbers from 1."""
    return list(getattr(images, "names", None) or [f"{at:,}" for at in range(1, count + 1)])


def taken(images: Any, order: np.ndarray, detector: Any) -> np.ndarray:
    """Take the images numbered `order` [n]; -> [n, height, width(, channels)]."""
    if hasattr(images, "taken"):
        return images.taken(detector.encoder_.form, order.tolist())
    return np.asarray(images)[order]


def _pictures(detector: Any, images: Any) -> list[Cell]:
    """Draw a cell for each image: itself, what is expected, its heat; as many as a page holds."""
    maps = detector.explain(images)
    scaler = image_scaler(detector.encoder_)
    pixels = shown(scaler, maps.images)
    expected = None if maps.expected is None else shown(scaler, maps.expected)
    what, alt = "nearest learnt", "the learnt image nearest to it"
    if detector.makes_images_again:
        what, alt = "reconstruction", "what the model makes of it"
    cells, letters, most = [], 0, full_heat(maps, -detector.offset_)
    for at in range(len(pixels)):
        row, column = maps.hottest(at)
        place = f"hottest at row {row + 1}, column {column + 1}"
        times = -(-max(pixels[at].shape) // MOST_SIDE)
        image = np.rint(shrunk(pixels[at], times)).astype(np.uint8)
        heat = overlay(image, shrunk(maps.heat[at], times, np.maximum), most)
        figures = [_figure("image", image, "the image itself")]
        figures += [] if expected is None else [_figure(what, expected[at], alt)]
        figures.append(_figure("heat", heat, f"its heat map, {place}"))
        letters += sum(map(len, figures))
        if letters > MOST_LETTERS:
            break
        cells.append(Cell(tag("div", *figures, tag("small", place), class_="shots"), at))
    return cells


def _figure(caption: str, pixels: np.ndarray, alt: str) -> Markup:
    return tag("figure", embedded(pixels, alt), tag("figcaption", caption))


# --- pictures to be looked at ---------------------------------------------------------------------


def shown(scaler: Any, images: Any) -> list[np.ndarray]:
    """Turn images [height, width, channels] of training's pixels into uint8, 1 or 3 channels."""
    parts = (np.clip(scaler.scaled(image), -1, 1) for image in images)
    return [
        np.rint((part[..., : min(3, part.shape[2])] + 1) * 127.5).astype(np.uint8) for part in parts
    ]


def full_heat(maps: Any, threshold: float) -> float:
    """Choose the heat that has the full colour, one for all images: that of the hottest pixel.

    If no image is flagged, as much more as the highest score would have to rise to be: images that
    are all good are all pale. Infinite if no score is above that of its references.
    """
    top = int(np.argmax(maps.score))
    above = float(maps.score[top] - maps.reference_score[top])
    lacking = float(threshold - maps.reference_score[top])
    if above <= 0:
        return np.inf
    return max(float(heat.max()) for heat in maps.heat) * max(1.0, lacking / above)


def overlay(image: np.ndarray, heat: np.ndarray, most: float) -> np.ndarray:
    """Lay heat [height, width] over the image in pale grey; -> uint8 [height, width, 3].

    A pixel of heat `most` has the full colour; where heat is 0 or below there is none.
    """
    grey = image.mean(axis=2, keepdims=True)
    pale = grey * (1 - PALE) + 127.5 * PALE
    strength = np.clip(heat / most, 0, 1)[..., np.newaxis] if most > 0 else 0.0
    return np.rint(pale * (1 - strength) + HOT * strength).astype(np.uint8)


def enlarged(image: np.ndarray) -> np.ndarray:
    """Repeat each pixel as often as makes the image's longer side at least 256."""
    times = max(1, -(-LEAST_SIDE // max(image.shape[:2])))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def embedded(image: np.ndarray, alt: str) -> Markup:
    """Write an `<img>` that holds the image itself."""
    source = base64.b64encode(png(image)).decode()
    return tag("img", src=f"data:image/png;base64,{source}", alt=alt)
