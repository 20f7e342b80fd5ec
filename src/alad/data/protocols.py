"""Who trains on which rows of a benchmark and is tested on which.

Two protocols for each benchmark: one that repeats what was published, oddities included ("paper",
and "published" of ADBench), and one that leaves the oddities out ("clean", "random"). Every split
hands out the same columns, so rows of a results table differ in the detector and in nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from alad.data.adbench import STEMS, read_adbench
from alad.data.image_splits import CLASSES, PERCENTILE, divided
from alad.data.official import KDD99_ATTRIBUTES, read_arrhythmia, read_kdd99
from alad.errors import InputError

AUTHORS_SEED = 42
KDD99_PERCENTILE = 80.0  # the authors flag the highest 20 % of the test scores
ARRHYTHMIA_PERCENTILE = 85.0
KDD99_CATEGORIES = (
    *("protocol_type", "service", "flag"),
    *("land", "logged_in", "is_host_login", "is_guest_login"),
)


@dataclass(frozen=True)
class Split:
    """Rows to learn from, rows to score, and the answers, which only the metrics may read."""

    train: np.ndarray  # float32 [n, columns], or uint8 [n, height, width, channels]
    test: np.ndarray  # the same of m rows
    test_anomalous: np.ndarray  # bool [m]
    percentile: float  # test scores at or above this percentile are flagged


@dataclass(frozen=True)
class Protocol:
    """How the rows of one benchmark are divided, and in how many ways."""

    summary: str
    seeds: tuple[int, ...]  # one split each; a single one is shared by all runs
    split: Callable[..., Split]  # from a seed and the data folder; of several tables, and its name
    tables: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # if several: seeds of each

    def parts(self) -> dict[str | None, tuple[int, ...]]:
        """Seeds of the splits of each table; None stands for the only one."""
        return {**self.tables} if self.tables else {None: self.seeds}

    def rows(self, seed: int, data_dir: str | Path | None, table: str | None) -> Split:
        """The split of that seed."""
        return self.split(seed, data_dir, *([] if table is None else [table]))


# --- KDD99: "normal." is the anomaly, because it is the fifth that differs (as in DAGMM) ---


def one_hot(table: pa.Table, categories: tuple[str, ...]) -> np.ndarray:
    """The authors' encoding: the other columns first, then the indicators of each category.

    Indicators are ordered by value within a category. -> float32 [rows, numbers + indicators]
    """
    numbers = [name for name in table.column_names if name not in categories]
    parts = [table[name].to_numpy()[:, None].astype(np.float32) for name in numbers]
    for name in categories:
        values, code = np.unique(table[name].to_numpy(), return_inverse=True)
        parts.append(np.eye(len(values), dtype=np.float32)[code])
    return np.hstack(parts)


@lru_cache(maxsize=1)  # both protocols and the development split start from these 240 MB
def _kdd99(data_dir: str | Path | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encoded rows float32 [494021, 121], anomalous bool, kept by de-duplication bool."""
    table = read_kdd99(data_dir)
    attributes = table.select(KDD99_ATTRIBUTES)
    anomalous = table["label"].to_numpy() == "normal."
    rows = one_hot(attributes, KDD99_CATEGORIES)
    return rows, anomalous, distinct(attributes, anomalous)


def distinct(attributes: pa.Table, anomalous: np.ndarray) -> np.ndarray:
    """Which rows stay when each combination of attributes may occur once: bool [rows].

    The first of equal rows stays. Of a combination that occurs both as normal and as anomalous none
    does: it has no right answer. (KDD99 has one such: two equal ICMP records, "normal." and "pod.")
    """
    row = pa.array(np.arange(len(anomalous)))
    labelled = attributes.append_column("_row", row).append_column("_label", pa.array(anomalous))
    wanted = [("_row", "min"), ("_label", "min"), ("_label", "max")]
    groups = labelled.group_by(attributes.column_names).aggregate(wanted)
    agreed = groups["_label_min"].to_numpy() == groups["_label_max"].to_numpy()
    kept = np.zeros(len(anomalous), dtype=bool)
    kept[groups["_row_min"].to_numpy()[agreed]] = True
    return kept


def authors_half(count: int) -> np.ndarray:
    """Training row numbers of the authors' random half, in their order: int [count / 2].

    The same draw as pandas' `sample(frac=0.5, random_state=42)`, whose count is rounded half to
    even.
    """
    drawn = np.random.RandomState(AUTHORS_SEED).choice(count, round(count / 2), replace=False)
    return drawn.astype(np.intp)


def _halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training half (in drawn order) and of the rest (in file order)."""
    first = authors_half(count)
    return first, np.setdiff1d(np.arange(count), first)


def _kdd99_half(protocol: str, data_dir: str | Path | None):
    """Encoded rows, anomalous, and the two halves' row numbers under `protocol`."""
    rows, anomalous, kept = _kdd99(data_dir)
    _known(protocol, "kdd99")
    chosen = np.flatnonzero(kept) if protocol == "clean" else np.arange(len(rows))
    train, test = (chosen[half] for half in _halves(len(chosen)))
    return rows, anomalous, train, test


def kdd99(protocol: str = "paper", data_dir: str | Path | None = None) -> Split:
    """KDD99, 121 unscaled columns; trained on attacks alone, "normal." is the anomaly.

    paper: 198,361 training rows; 247,011 test rows with 48,629 anomalies. Rows occur many times:
      87 % of the test attacks are also among the training rows.
    clean: every combination of attributes once, so that no test row was trained on; 28,807 and
      36,181 rows. Of the distinct rows 60 % are "normal.": they are thinned in the test half
      to 20 %, so that the flagged share stays the paper's and still fits the anomalies.
    """
    rows, anomalous, train, test = _kdd99_half(protocol, data_dir)
    train = train[~anomalous[train]]
    if protocol == "clean":
        test = thinned(test, anomalous, np.random.default_rng(AUTHORS_SEED))
    return Split(rows[train], rows[test], anomalous[test], KDD99_PERCENTILE)


def kdd99_development(protocol: str = "paper", data_dir: str | Path | None = None) -> Split:
    """A split of the training half alone, for choosing presets without a look at the test half.

    Four fifths of the half's attacks to learn from; the last fifth, with a quarter as many of the
    "normal." rows that the protocol throws away, to score: 20 % anomalies, as in the test half.
    """
    rows, anomalous, train, _ = _kdd99_half(protocol, data_dir)
    attacks, discarded = train[~anomalous[train]], train[anomalous[train]]
    fitted = len(attacks) * 4 // 5  # the half lies in random order already
    held_out = np.concatenate([attacks[fitted:], discarded])
    test = thinned(held_out, anomalous, np.random.default_rng(AUTHORS_SEED))
    return Split(rows[attacks[:fitted]], rows[test], anomalous[test], KDD99_PERCENTILE)


def thinned(chosen: np.ndarray, anomalous: np.ndarray, generator: np.random.Generator):
    """`chosen` row numbers without so many anomalous ones that they are a fifth, ascending.

    Raises InputError if there are too few to begin with.
    """
    normal, rare = chosen[~anomalous[chosen]], chosen[anomalous[chosen]]
    wanted = len(normal) // 4
    if wanted > len(rare):
        raise InputError(f"{len(rare)} anomalies are fewer than a fifth, {wanted} are needed")
    return np.sort(np.concatenate([normal, generator.choice(rare, wanted, replace=False)]))


# --- Arrhythmia ---


def arrhythmia(
    protocol: str = "paper", seed: int = AUTHORS_SEED, data_dir: str | Path | None = None
) -> Split:
    """ODDS Arrhythmia, 274 unscaled columns, a random half of 452 rows to learn from.

    paper: the seed is 42, and the training half keeps its 34 anomalies, as in the authors' code.
    clean: the training half keeps normal rows only.
    """
    from sklearn.model_selection import train_test_split

    _known(protocol, "arrhythmia")
    rows, anomalous = read_arrhythmia(data_dir)
    halves = train_test_split(np.arange(len(rows)), test_size=0.5, random_state=seed)
    train, test = np.asarray(halves[0]), np.asarray(halves[1])
    if protocol == "clean":
        train = train[~anomalous[train]]
    rows = rows.astype(np.float32)
    return Split(rows[train], rows[test], anomalous[test], ARRHYTHMIA_PERCENTILE)


# --- ADBench, one-class: half of the normal rows to learn from, all others to score ---

FEW_ROWS, MANY_ROWS = 1_000, 50_000  # the published protocol draws tables outside of these anew
SMALL = ("breastw", "glass", "ionosphere", "pima", "wdbc", "wine")  # of ADBench's
REDRAWN = (*SMALL, "cover")


def adbench(
    name: str, protocol: str = "random", seed: int = 0, data_dir: str | Path | None = None
) -> Split:
    """One table of ADBench; as many test rows are flagged as are anomalies, as in the published F1.

    random: a random half of the normal rows to learn from, all others to score.
    published: the first half in the file's order, as in Livernoche et al., ICLR 2024. A table of
      fewer than 1,000 rows is first resampled with replacement to 1,000: the same row is then
      learnt from and scored, which flatters every detector. Of one with more than 50,000 rows so
      many are drawn, in random order, so that its first half is a random one. (This is not told;
      with it the published k-NN of `cover` comes out, 97.5, and without it 91.3.)
    """
    _known(protocol, "adbench")
    rows, anomalous = read_adbench(name, data_dir)
    if protocol == "published":
        drawn = _redrawn(len(rows), seed)
        rows, anomalous = rows[drawn], anomalous[drawn]
    train = half_of_normal(anomalous, seed if protocol == "random" else None)
    test = np.setdiff1d(np.arange(len(rows)), train)
    percentile = 100 * (1 - float(anomalous[test].mean()))
    return Split(rows[train], rows[test], anomalous[test], percentile)


def _redrawn(count: int, seed: int) -> np.ndarray:
    """Row numbers of a table under the published protocol, most often all in the file's order."""
    drawn = np.random.RandomState(seed)
    if count < FEW_ROWS:
        return drawn.choice(count, FEW_ROWS, replace=True)
    return drawn.choice(count, MANY_ROWS, replace=False) if count > MANY_ROWS else np.arange(count)


def half_of_normal(anomalous: np.ndarray, seed: int | None = None) -> np.ndarray:
    """Row numbers, ascending, of half of the normal rows: a random one, or the first (None)."""
    normal = np.flatnonzero(~anomalous)
    if seed is not None:
        normal = np.random.default_rng(seed).permutation(normal)
    return np.sort(normal[: len(normal) // 2])


# --- fewer rows ---

QUICK_ROWS = 10_000


def fewer(split: Split, train: int | None, test: int | None = None) -> Split:
    """At most so many training rows and test rows (None = all), drawn at random, in their order."""
    first, second = (
        _drawn(len(rows), count) for rows, count in ((split.train, train), (split.test, test))
    )
    return Split(
        split.train[first], split.test[second], split.test_anomalous[second], split.percentile
    )


def _drawn(count: int, wanted: int | None) -> np.ndarray:
    if wanted is None or wanted >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(AUTHORS_SEED).choice(count, wanted, replace=False))


# --- images: one class is normal; see `image_splits` ---

QUICK_IMAGES = 2_000


def _images(name: str, protocol: str, summary: str, images: int | None = None) -> Protocol:
    """Each class is normal once; of training and test images at most `images`."""

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
IMAGE_BENCHMARKS |= {
    f"{name}-quick": {
        "quick": _images(
            name,
            "common",
            "2,000 official training images and 2,000 official test images",
            QUICK_IMAGES,
        )
    }
    for name in CLASSES
}


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
            "1,000, and of `cover` 50,000 rows are drawn",
            (),
            lambda seed, data_dir, name: adbench(name, "published", seed, data_dir),
            tables={name: tuple(range(5)) if name in REDRAWN else (0,) for name in STEMS},
        ),
    },
}


def _known(protocol: str, benchmark: str) -> None:
    if protocol not in PROTOCOLS[benchmark]:
        names = ", ".join(PROTOCOLS[benchmark])
        raise InputError(f"{benchmark} has no protocol {protocol!r}; choose one of: {names}")
