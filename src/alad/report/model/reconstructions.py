"""What the model takes images for, as the paper's figures show it; on its page, and as a PNG.

Typical images of those scored, and below them their reconstructions; the most anomalous ones, and
below them theirs. And what its generator makes of random codes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alad.data.png import grid, write_grid
from alad.report.markup import Markup, tag
from alad.report.model.anomalous_images import embedded, taken
from alad.report.model.training import of_tables
from alad.report.page_parts import Block, Section, Text

ACROSS = 6  # images in a row
GENERATED = 12  # images of random codes, always of the same ones
SIDE = 64  # pixels of an image, about: larger ones lose pixels, smaller ones are enlarged


@dataclass(frozen=True)
class Grid(Block):
    """Rows of images, each from -1 to 1, one below the other in one picture."""

    rows: tuple[np.ndarray, ...]  # [n, height, width, channels] each
    caption: str

    def html(self) -> Markup:
        picture = grid([to_look_at(row) for row in self.rows])
        return tag("figure", embedded(picture, self.caption), tag("figcaption", self.caption))

    def markdown(self) -> str:
        return self.caption


def reconstructions_section(
    detector: Any, images: Any, scores: np.ndarray, flagged: np.ndarray
) -> Section | None:
    """Show typical and most anomalous images with their reconstructions; none is picked by eye.

    None if the model makes no images, or if there are fewer than two. images: an array
    [n, height, width(, channels)] or `Pictures`.
    """
    typical, anomalous = chosen(scores, flagged)
    if not detector.model_.makes_rows or not typical.size:
        return None
    groups = (taken(images, places, detector) for places in (typical, anomalous))
    words = (
        "A model that has learnt normal images gives them back, and others less well: what is "
        "odd, it replaces by what it knows."
    )
    caption = (
        "From above: images whose scores lie in the middle of those not flagged, and their "
        "reconstructions; the images with the highest scores, and theirs."
    )
    shown = Grid(tuple(beside_reconstructions(detector, *groups)), caption)
    return Section("What the model takes images for", [Text(words), shown])


def generated_section(detector: Any) -> Section | None:
    """Show what a generator makes of random codes; None without one, or if it is of a table."""
    if of_tables(detector) or not detector.model_.makes_images:
        return None
    images = detector.encoder_.transform(detector.generate(GENERATED, random_state=0))
    words = (
        "Images that the generator makes of random codes, none picked. The better it knows "
        "normal images, the more these look like some. If they look like nothing, the "
        "scores may still be good: a score reads an image and its reconstruction, not these."
    )
    made = Grid((images[:ACROSS], images[ACROSS:]), "What the generator makes of random codes.")
    return Section("What the model makes up", [Text(words), made])


def chosen(scores: np.ndarray, flagged: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose typical images, lowest score first, and the most anomalous, highest first: numbers.

    As many of one as of the other, and none is both. Where all are flagged, the lowest scores are
    typical.
    """
    order = np.argsort(-scores, kind="stable")
    count = min(ACROSS, len(scores) // 2)
    rest = order[count:]
    passed = rest[~flagged[rest]]
    passed = passed if len(passed) >= count else rest[len(rest) - count :]
    start = (len(passed) - count) // 2
    return passed[start : start + count][::-1], order[:count]


def to_look_at(images: np.ndarray) -> np.ndarray:
    """Thin or repeat pixels so that sides are about SIDE long."""
    longer = max(images.shape[1:3])
    every, times = -(-longer // SIDE), max(1, SIDE // longer)
    thinned = images[:, ::every, ::every]
    return thinned.repeat(times, axis=1).repeat(times, axis=2)


def beside_reconstructions(detector: Any, *groups: np.ndarray) -> list[np.ndarray]:
    """Lay two rows a group: its images, from -1 to 1, and each G(E(x)), the model's version.

    groups: images as the fitted `detector` takes them, [n, height, width(, channels)] each. Raises
    InputError if they are not what it was fitted on.
    """
    return [
        row
        for images in groups
        for row in (detector.encoder_.transform(images), detector.reconstruct(images))
    ]


def write_reconstructions(
    path: str | Path, detector: Any, *groups: np.ndarray, enlarge: int = 2
) -> None:
    """Write a PNG of groups of images, each group above its reconstructions."""
    write_grid(path, beside_reconstructions(detector, *groups), enlarge)
