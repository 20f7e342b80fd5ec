"""The protocols of every benchmark: which rows are learnt from, which are scored.

"paper", and "published" of ADBench, repeat what was published, oddities included; "clean", "random"
and "common" leave the oddities out. All detectors of a protocol get the same splits and columns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alad.benchmark.data.adbench import REDRAWN, STEMS, adbench
from alad.benchmark.data.arrhythmia import arrhythmia
from alad.benchmark.data.image_splits import CLASSES, PERCENTILE, divided
from alad.benchmark.data.kdd99 import kdd99
from alad.benchmark.data.one_class import TABLES, one_class
from alad.benchmark.data.splits import AUTHORS_SEED, Split, fewer

QUICK_ROWS = 10_000
QUICK_IMAGES = 2_000


@dataclass(frozen=True)
class Protocol:
    """How the rows of one benchmark are divided, and in how many ways."""

    summary: str
    seeds: tuple[int, ...]  # one split each; a single one is shared by all runs
    split: Callable[..., Split]  # from a seed and the data folder; of several tables, and its name
    tables: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # if several: seeds of each

    def parts(self) -> dict[str | None, tuple[int, ...]]:
        """List the seeds of the splits of each table; None stands for the only one."""
        return {**self.tables} if self.tables else {None: self.seeds}

    def rows(self, seed: int, data_dir: str | Path | None, table: str | None) -> Split:
        """Make the split of that seed."""
        return self.split(seed, data_dir, *([] if table is None else [table]))


# --- images: one class is normal; see `image_splits` ----------------------------------------------


def _images(name: str, protocol: str, summary: str, images: int | None = None) -> Protocol:
    """Make each class normal once; images: the most to train on, and to test on."""

    def split(seed: int, data_dir: str | Path | None, normal_class: str) -> Split:
        rows = divided(name, protocol, normal_class, data_dir)
        return fewer(Split(*rows, PERCENTILE), images, images)

    return Protocol(summary, (), split, tables=dict.fromkeys(CLASSES[name], (AUTHORS_SEED,)))


IMAGE_BENCHMARKS = {
    name: {
        "paper": _images(name, "paper", "training and test images pooled, a fifth is tested"),
        "common": _images(name, "common", "official training and test images"),
    }
    for name in CLASSES
}
FEW_IMAGES = "2,000 official training images and 2,000 official test images"
IMAGE_BENCHMARKS |= {
    f"{name}-quick": {"quick": _images(name, "common", FEW_IMAGES, QUICK_IMAGES)}
    for name in CLASSES
}


# splits of the published protocol of ADBench: several where rows are drawn anew
PUBLISHED_SEEDS = {name: tuple(range(5)) if name in REDRAWN else (0,) for name in STEMS}

# --- all ------------------------------------------------------------------------------------------

PROTOCOLS: dict[str, dict[str, Protocol]] = {
    **IMAGE_BENCHMARKS,
    "kdd99": {
        "paper": Protocol(
            "authors' random half, attacks are normal, duplicates kept, highest 20 % flagged",
            (AUTHORS_SEED,),
            lambda seed, data_dir: kdd99("paper", data_dir),
        ),
        "clean": Protocol(
            "distinct rows only, test anomalies thinned to 20 %, highest 20 % flagged",
            (AUTHORS_SEED,),
            lambda seed, data_dir: kdd99("clean", data_dir),
        ),
    },
    "arrhythmia": {
        "paper": Protocol(
            "authors' random half, its anomalies kept in training, highest 15 % flagged",
            (AUTHORS_SEED,),
            lambda seed, data_dir: arrhythmia("paper", seed, data_dir),
        ),
        "clean": Protocol(
            "20 random halves, trained on normal rows only, highest 15 % flagged",
            tuple(range(20)),
            lambda seed, data_dir: arrhythmia("clean", seed, data_dir),
        ),
    },
    "kdd99-quick": {
        "quick": Protocol(
            "10,000 training and 10,000 test rows of the authors' half, highest 20 % flagged",
            (AUTHORS_SEED,),
            lambda seed, data_dir: fewer(kdd99("paper", data_dir), QUICK_ROWS, QUICK_ROWS),
        ),
    },
    "arrhythmia-quick": {
        "quick": Protocol(
            "2 random halves, trained on normal rows only, highest 15 % flagged",
            (0, 1),
            lambda seed, data_dir: arrhythmia("clean", seed, data_dir),
        ),
    },
    "adbench": {
        "random": Protocol(
            "a random half of the normal rows trains, all others are scored",
            (),
            lambda seed, data_dir, name: adbench(name, "random", seed, data_dir),
            tables=dict.fromkeys(STEMS, (0, 1, 2)),
        ),
        "published": Protocol(
            "the first half of the normal rows trains; tables under 1,000 rows are resampled to "
            "1,000, so that the same row is learnt from and scored; of cover 50,000 rows are drawn",
            (),
            lambda seed, data_dir, name: adbench(name, "published", seed, data_dir),
            tables=PUBLISHED_SEEDS,
        ),
    },
    "one-class": {
        "random": Protocol(
            "a random half of the normal rows trains, at most 3,000; all others are scored, at "
            "most 10,000",
            (),
            lambda seed, data_dir, name: one_class(name, "random", seed, data_dir),
            tables=dict.fromkeys(TABLES, (0, 1, 2)),
        ),
        "published": Protocol(
            "as the protocol of that name of adbench",
            (),
            lambda seed, data_dir, name: one_class(name, "published", seed, data_dir),
            tables=PUBLISHED_SEEDS,
        ),
    },
}
