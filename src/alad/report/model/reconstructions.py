"""Images beside their reconstructions, as in the paper's figures: sections of the page, and a PNG.

Typical and most anomalous images of those scored, and what the generator makes of random codes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alad.data.png import grid, write_grid
from alad.report.markup import Markup, tag
from alad.report.model.anomalous_images import embedded, taken
from alad.report.page_parts import Block, Section, Text

ACROSS = 6  # images in a row
GENERATED = 12  # images of random codes, always of the same ones
SIDE = 64  # pixels of an image, about: larger ones lose pixels, smaller ones are enlarged


@dataclass(frozen=True)
class Grid(Block):
    """Rows of images, one below the other in one picture."""

    rows: tuple[np.ndarray, ...]  # [n, height, width, channels] each, from -1 to 1
    caption: str

    def html(self) -> Markup:
        picture = grid([to_look_at(row) for row in self.rows])
        return tag("figure", embedded(picture, self.caption), tag("figcaption", self.caption))

    def markdown(self) -> str:
        return self.caption


def reconstructions_section(
    detector: Any, images: Any, scores: np.ndarray, flagged: np.ndarray
) -> Section | None:
    """Show typical and most anomalous images with their reconstructions.

    images: array [n, height, width(, channels)] or `Pictures`. None if the model makes no images,
    or if there are fewer than two.
    """
    typical, anomalous = chosen(scores, flagged)
    in_tiles = detector.params.get("tile") is not None
    if in_tiles or not detector.makes_images_again or not typical.size:
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
    """Show what the generator of images makes of random codes; None without such a generator."""
    if not detector.makes_images_again or not detector.model_.makes_images:
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
    """Choose as many typical images as most anomalous ones; -> their numbers, two arrays.

    Typical are those in the middle of the scores not flagged, lowest first; where nearly all are
    flagged, those of the lowest scores.
    """
    order = np.argsort(-scores, kind="stable")
    count = min(ACROSS, len(scores) // 2)
    rest = order[count:]
    passed = rest[~flagged[rest]]
    passed = passed if len(passed) >= count else rest[len(rest) - count :]
    start = (len(passed) - count) // 2
    return passed[start : start + count][::-1], order[:count]


def to_look_at(images: np.ndarray) -> np.ndarray:
    """Leave out or repeat pixels of images [n, height, width, channels]: sides of about 64."""
    longer = max(images.shape[1:3])
    step, times = -(-longer // SIDE), max(1, SIDE // longer)
    thinned = images[:, ::step, ::step]
    return thinned.repeat(times, axis=1).repeat(times, axis=2)


def beside_reconstructions(detector: Any, *groups: np.ndarray) -> list[np.ndarray]:
    """List two arrays a group, scaled from -1 to 1: its images, and their reconstructions G(E(x)).

    groups: images as the detector takes them, [n, height, width(, channels)] each. Raises
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
