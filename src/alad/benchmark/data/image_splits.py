"""Splits of CIFAR-10, SVHN and MNIST in which one class is normal.

paper   the authors' code: official training and test images in one pool, a fifth of it for testing
        (drawn with seed 42, not stratified). Of the rest the normal class is kept; the authors
        hold out a quarter of it for their stopping rule, here a detector does so itself.
common  as most of the field does: the official training images of the normal class, and all the
        official test images.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from alad.benchmark.data.image_sets import (
    CIFAR10_CLASSES,
    DIGITS,
    LabelledImages,
    read_cifar10,
    read_mnist,
    read_svhn,
)

Reader = Callable[[str | Path | None], tuple[LabelledImages, LabelledImages]]

READERS: dict[str, Reader] = {"cifar10": read_cifar10, "svhn": read_svhn, "mnist": read_mnist}
CLASSES = {"cifar10": CIFAR10_CLASSES, "svhn": DIGITS, "mnist": DIGITS}
AUTHORS_SEED = 42
TEST_SHARE = 0.2
PERCENTILE = 10.0  # the authors flag the highest 90 % of the test scores, as nine classes are odd

Division = tuple[np.ndarray, np.ndarray, np.ndarray]


@lru_cache(maxsize=1)  # ten classes are divided from the same 180 MB
def _read(name: str, data_dir: str | Path | None) -> tuple[LabelledImages, LabelledImages]:
    return READERS[name](data_dir)


def divided(
    name: str, protocol: str, normal_class: str, data_dir: str | Path | None = None
) -> Division:
    """Divide a data set; -> training images (all normal), test images, anomalous bool [test]."""
    train, test = _read(name, data_dir)
    number = CLASSES[name].index(normal_class)
    return pooled(train, test, number) if protocol == "paper" else official(train, test, number)


def official(train: LabelledImages, test: LabelledImages, number: int) -> Division:
    """Divide as the field does; number: of the normal class."""
    return train.images[train.labels == number], test.images, test.labels != number


def pooled(train: LabelledImages, test: LabelledImages, number: int) -> Division:
    """Divide as the authors' code does; number: of the normal class."""
    from sklearn.model_selection import train_test_split

    labels = np.concatenate([train.labels, test.labels])
    halves = train_test_split(
        np.arange(len(labels)), test_size=TEST_SHARE, random_state=AUTHORS_SEED
    )
    learnt, scored = np.asarray(halves[0]), np.asarray(halves[1])
    learnt = learnt[labels[learnt] == number]
    images = np.concatenate([train.images, test.images])
    return images[learnt], images[scored], labels[scored] != number
