"""A user's own rows or pictures, divided into those to learn from and those to score.

With labels a random half of the normal ones is learnt from and all others are scored; without
labels all are both. Pictures that lie in `train/` and elsewhere are divided as their folders say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from alad import metrics
from alad.benchmark.data.splits import half_of_normal
from alad.data.image_source import ImageSource
from alad.data.picture_labels import LABELLED_BY_FOLDER, TRAIN, parents
from alad.data.source import Source
from alad.encoding import TableEncoder
from alad.errors import InputError

LEAST_ROWS = 2  # to learn from
HALF = "trained on a random half of the normal {}s, scored on all others"
BY_FOLDER = "trained on the normal pictures in train/, scored on all that lie elsewhere"
ALL = "trained on all {}s and scored on the same ones, for there are no labels"


@dataclass(frozen=True)
class Division:
    """Rows or images to learn from, those to score, and their labels, for metrics alone."""

    # rows, images uint8 or uint16 [n, height, width, channels], or pictures that keep their size
    train: pa.Table | np.ndarray | ImageSource
    test: pa.Table | np.ndarray | ImageSource  # the same of m rows
    anomalous: np.ndarray | None  # bool [m]; None = there are no labels
    words: str  # which rows these are

    @property
    def learnt(self) -> int:
        """Number of rows to learn from."""
        return _count(self.train)

    @property
    def scored(self) -> int:
        """Number of rows to score."""
        return _count(self.test)


def _count(rows: pa.Table | np.ndarray | ImageSource) -> int:
    return len(rows.names) if isinstance(rows, ImageSource) else len(rows)


def divided(
    source: Source,
    label: str | None = None,
    normal: Sequence[str] = (),
    drop: Sequence[str] = (),
    seed: int = 0,
    own_size: bool = False,
) -> Division:
    """Divide rows, or pictures, which are read into memory; own_size: pictures are not, as tiles.

    label, normal: column of labels, and its values for a normal row; the labels of pictures are the
    names of their folders. drop: columns left out. Raises InputError for labels or rows that cannot
    be compared on.
    """
    if isinstance(source, ImageSource):
        if label is not None:
            raise InputError(f"{source.place}: {LABELLED_BY_FOLDER}")
        source = source.without(drop)
        source.anomalous(normal)  # refused before all are decoded
        if own_size:
            return _of_sizes(source, normal, seed)
        return _of_pictures(source, normal, seed)
    source, anomalous = source.held(), None
    if label is not None:
        if label not in source.names:
            there = ", ".join(source.names)
            raise InputError(f"no column {label!r} to read labels from; there are: {there}")
        anomalous = metrics.anomalous(source.table().column(label).to_pylist(), normal)
    rows = source.without([*drop, *([label] if label else [])]).table()
    # rows that no detector could learn from are refused before the first fit
    _require_rows(rows.num_rows, "row")
    TableEncoder().fit_transform(rows)
    if anomalous is None:
        return Division(rows, rows, None, ALL.format("row"))
    train, test = _halves(anomalous, seed, "row")
    return Division(rows.take(train), rows.take(test), anomalous[test], HALF.format("row"))


def _of_pictures(source: ImageSource, normal: Sequence[str], seed: int) -> Division:
    """Divide pictures of one size by the names of their folders."""
    with source.decoded() as pixels:
        train, test, anomalous, words = _parts(source, normal, seed)
        images = pixels[train]
        scored = images if anomalous is None else pixels[test]
        return Division(images, scored, anomalous, words)


def _of_sizes(source: ImageSource, normal: Sequence[str], seed: int) -> Division:
    """Divide pictures that keep their size, and are decoded when they are read."""
    for _ in source.each(source.own_size_form()):  # now those that cannot be read are known
        pass
    train, test, anomalous, words = _parts(source, normal, seed)
    return Division(source.taken(train), source.taken(test), anomalous, words)


def _parts(
    source: ImageSource, normal: Sequence[str], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, str]:
    """Choose the numbers of pictures to learn from and to score; labels of these, or None."""
    anomalous, count = source.anomalous(normal), len(source.names)
    _require_rows(count, "picture")
    if anomalous is None:
        return np.arange(count), np.arange(count), None, ALL.format("picture")
    in_train = np.array([TRAIN in parents(name) for name in source.names])
    if in_train.any() and not in_train.all():
        train, test = np.flatnonzero(in_train & ~anomalous), np.flatnonzero(~in_train)
        _require_learnable(len(train), "normal pictures in train/", LEAST_ROWS)
        return train, test, anomalous[test], BY_FOLDER
    train, test = _halves(anomalous, seed, "picture")
    return train, test, anomalous[test], HALF.format("picture")


def _halves(anomalous: np.ndarray, seed: int, unit: str) -> tuple[np.ndarray, np.ndarray]:
    """Draw the numbers of a random half of the normal rows, and give those of all others."""
    if anomalous.all() or not anomalous.any():
        kind = "anomalous" if anomalous.all() else "normal"
        raise InputError(
            f"all {unit}s are labelled {kind}; give both kinds, or leave out the label"
        )
    train = half_of_normal(anomalous, seed)
    what = f"{unit}s to learn from, half of those labelled normal"
    _require_learnable(len(train), what, 2 * LEAST_ROWS)
    return train, np.setdiff1d(np.arange(len(anomalous)), train)


def _require_learnable(count: int, what: str, wanted: int) -> None:
    if count < LEAST_ROWS:
        raise InputError(f"{count} {what}; label at least {wanted} as normal")


def _require_rows(count: int, unit: str) -> None:
    if count < LEAST_ROWS:
        number = f"1 {unit} is" if count == 1 else f"{count} {unit}s are"
        raise InputError(f"{number} too few to compare on; give at least {LEAST_ROWS}")
