"""The part of a model's page about the most anomalous images, with the heat of each."""

from typing import Any

import numpy as np

from alad.report.anomalies import mark
from alad.report.axes import number
from alad.report.blocks import Block, Cell, Rows, Section, Text
from alad.report.markup import Markup, joined, tag
from alad.report.pixels import embedded, overlay, shown

MOST_IMAGES = 24  # on a page; a heat map takes some 200 scores
ALT = {
    "reconstruction": "what the model makes of it",
    "nearest learnt": "the learnt image nearest to it",
}
MOST_LETTERS = 2_400_000  # of embedded pictures, for a page below 3 MB


def anomalous_images_section(
    detector: Any, images: Any, scores: np.ndarray, flagged: np.ndarray, *, top: int
) -> Section:
    """The images with the highest scores, each beside what the model expects, and its heat.

    images: an array [n, height, width(, channels)] or `Pictures`. Raises InputError if the model
    was saved before images could be explained.
    """
    order = np.argsort(-scores, kind="stable")[: min(top, MOST_IMAGES)]
    names = names_of(images, len(scores))
    cells = [] if not len(order) else _pictures(detector, taken(images, order, detector))
    rows = []
    for at, (one, cell) in enumerate(zip(order.tolist(), cells, strict=False)):
        decision = mark(bool(flagged[one]))
        found = [
            Cell(f"{at + 1}", at + 1),
            names[one],
            Cell(number(float(scores[one])), float(scores[one])),
        ]
        if detector.calibration_ is not None:
            p = float(detector.calibration_.p_values(scores[[one]])[0])
            found.append(Cell(number(p), p))
        rows.append([*found, decision, cell])
    told = ["p-value"] if detector.calibration_ is not None else []
    heads = ["rank", "image", "score", *told, "decision", "where the score comes from"]
    numeric = frozenset(range(2, 3 + len(told))) | {0}
    table = Rows(heads, rows, "Click a head to sort.", numeric, live=True, unit="images")
    return Section(f"Most anomalous images ({len(rows)})", [*_explained(len(rows), scores), table])


def names_of(images: Any, count: int) -> list[str]:
    """File names of pictures; of arrays the numbers, from 1."""
    return list(getattr(images, "names", None) or [f"{at:,}" for at in range(1, count + 1)])


def taken(images: Any, order: np.ndarray, detector: Any) -> np.ndarray:
    """Some of the images, [n, height, width(, channels)]."""
    if hasattr(images, "taken"):
        return images.taken(detector.encoder_.form, order.tolist())
    return np.asarray(images)[order]


def _explained(count: int, scores: np.ndarray) -> list[Block]:
    words = (
        "The heat of an image adds up to its score minus that of the images it is compared with; "
        "it is strongest where the image departs most from what the model knows, each on its own "
        "scale."
    )
    if count < len(scores):
        words += f" Shown are the {count} highest of {len(scores):,} scores."
    return [Text(words)]


def _pictures(detector: Any, images: np.ndarray) -> list[Cell]:
    """A cell for each image, as many as a page can hold."""
    maps = detector.explain(images)
    own, expected = (shown(detector.encoder_, each) for each in (maps.images, maps.expected))
    what = "reconstruction" if detector.model_.makes_rows else "nearest learnt"
    cells, letters = [], 0
    for at in range(len(own)):
        row, column = maps.hottest(at)
        place = f"hottest at row {row + 1}, column {column + 1}"
        three = [
            _figure("image", own[at], "the image itself"),
            _figure(what, expected[at], ALT[what]),
            _figure("heat", overlay(own[at], maps.heat[at]), f"its heat map, {place}"),
        ]
        letters += sum(map(len, three))
        if letters > MOST_LETTERS:
            break
        cells.append(Cell(tag("div", *three, tag("small", place), class_="shots"), at))
    return cells


def _figure(caption: str, pixels: np.ndarray, alt: str) -> Markup:
    return joined([tag("figure", embedded(pixels, alt), tag("figcaption", caption))])
