"""The parts of a model's page that show what the model takes images for, as the paper's figures do.

Typical images of those scored, and below them their reconstructions; the most anomalous ones, and
below them theirs. And what its generator makes of random codes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.data.png import grid
from alad.report.anomalous_images import taken
from alad.report.blocks import Block, Section, Text
from alad.report.learnt import of_tables
from alad.report.markup import Markup, tag
from alad.report.pixels import embedded

ACROSS = 6  # images in a row
GENERATED = 12  # images of random codes, always of the same ones
SIDE = 64  # pixels of an image, about: larger ones lose pixels, smaller ones are enlarged


@dataclass(frozen=True)
class Grid(Block):
    """Rows of images, each from -1 to 1, one below the other in one picture."""

    rows: tuple[np.ndarray, ...]  # [n, height, width, channels] each
    told: str

    def html(self) -> Markup:
        picture = grid([to_look_at(row) for row in self.rows])
        return tag("figure", embedded(picture, self.told), tag("figcaption", self.told))

    def markdown(self) -> str:
        return self.told


def reconstructed_section(
    detector: Any, images: Any, scores: np.ndarray, flagged: np.ndarray
) -> Section | None:
    """None if the model makes no images, or if there are fewer than two.

    images: an array [n, height, width(, channels)] or `Pictures`; none of them is picked by eye.
    """
    groups = chosen(scores, flagged)
    if not detector.model_.makes_rows or not groups[0].size:
        return None
    rows: list[np.ndarray] = []
    for places in groups:
        some = taken(images, places, detector)
        rows += [detector.encoder_.transform(some), detector.reconstruct(some)]
    words = (
        "A model that has learnt normal images gives them back, and others less well: what is "
        "odd, it replaces by what it knows."
    )
    told = (
        "From above: images whose scores lie in the middle of those not flagged, and their "
        "reconstructions; the images with the highest scores, and theirs."
    )
    return Section("What the model takes images for", [Text(words), Grid(tuple(rows), told)])


def generated_section(detector: Any) -> Section | None:
    """None if the model has no generator, or is of a table."""
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
    """Numbers of typical images, lowest score first, and of the most anomalous, highest first.

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
    """The same with sides of about SIDE pixels: every so many of theirs, or each so many times."""
    longer = max(images.shape[1:3])
    every, times = -(-longer // SIDE), max(1, SIDE // longer)
    thinned = images[:, ::every, ::every]
    return thinned.repeat(times, axis=1).repeat(times, axis=2)
