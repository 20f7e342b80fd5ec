"""KDD99, whose attacks are the normal rows: "normal." is the anomaly, being the rare fifth."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from alad.benchmark.data.official import KDD99_ATTRIBUTES, read_kdd99
from alad.benchmark.data.splits import AUTHORS_SEED, Split, check_choice
from alad.errors import InputError

KDD99_PERCENTILE = 80.0  # the authors flag the highest 20 % of the test scores
KDD99_CATEGORIES = tuple(
    "protocol_type service flag land logged_in is_host_login is_guest_login".split()
)


def one_hot(table: pa.Table, categories: tuple[str, ...]) -> np.ndarray:
    """Encode as the authors do; -> float32 [rows, numbers + indicators].

    Indicators stand behind the numbers, ordered by value within a category.
    """
    numbers = [name for name in table.column_names if name not in categories]
    parts = [table[name].to_numpy()[:, None].astype(np.float32) for name in numbers]
    for name in categories:
        values, code = np.unique(table[name].to_numpy(), return_inverse=True)
        parts.append(np.eye(len(values), dtype=np.float32)[code])
    return np.hstack(parts)


@lru_cache(maxsize=1)  # both protocols and the development split start from these 240 MB
def _kdd99(data_dir: str | Path | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read and encode; -> rows float32 [494021, 121], anomalous bool, `distinct` bool."""
    table = read_kdd99(data_dir)
    attributes = table.select(KDD99_ATTRIBUTES)
    anomalous = table["label"].to_numpy() == "normal."
    rows = one_hot(attributes, KDD99_CATEGORIES)
    return rows, anomalous, distinct(attributes, anomalous)


def distinct(attributes: pa.Table, anomalous: np.ndarray) -> np.ndarray:
    """Mark the rows to keep, bool [rows], when each combination of attributes may occur once.

    The first of equal rows is kept; none of a combination that is both normal and anomalous, of
    which KDD99 has one: two equal ICMP records, "normal." and "pod."
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
    """Draw the training rows of the authors' random half, in drawn order: int [count / 2].

    It is the draw of pandas' `sample(frac=0.5, random_state=42)`, whose count rounds half to even.
    """
    drawn = np.random.RandomState(AUTHORS_SEED).choice(count, round(count / 2), replace=False)
    return drawn.astype(np.intp)


def _kdd99_half(protocol: str, data_dir: str | Path | None):
    """Read KDD99 and draw its halves; -> rows, anomalous, training numbers, test numbers."""
    rows, anomalous, kept = _kdd99(data_dir)
    check_choice(protocol, ("paper", "clean"), "kdd99")
    chosen = np.flatnonzero(kept) if protocol == "clean" else np.arange(len(rows))
    half = authors_half(len(chosen))
    rest = np.setdiff1d(np.arange(len(chosen)), half)
    return rows, anomalous, chosen[half], chosen[rest]


def kdd99(protocol: str = "paper", data_dir: str | Path | None = None) -> Split:
    """Split KDD99, 121 unscaled columns, to train on attacks alone.

    paper: 198,361 training rows; 247,011 test rows with 48,629 anomalies. Rows repeat: 87 % of the
      test attacks are also among the training rows.
    clean: every combination of attributes once, so that no test row was trained on; 28,807 and
      36,181 rows. "normal." rows, 60 % of the distinct ones, are thinned to 20 % of the test half,
      the share that is flagged.
    """
    rows, anomalous, train, test = _kdd99_half(protocol, data_dir)
    train = train[~anomalous[train]]
    if protocol == "clean":
        test = thinned(test, anomalous, np.random.default_rng(AUTHORS_SEED))
    return Split(rows[train], rows[test], anomalous[test], KDD99_PERCENTILE)


def kdd99_development(protocol: str = "paper", data_dir: str | Path | None = None) -> Split:
    """Split the training half alone, for choosing presets without the test half.

    Four fifths of its attacks are learnt from; the last fifth is scored, with a quarter as many of
    the "normal." rows that the protocol leaves out: 20 % anomalies, as in the test half.
    """
    rows, anomalous, train, _ = _kdd99_half(protocol, data_dir)
    attacks, discarded = train[~anomalous[train]], train[anomalous[train]]
    fitted = len(attacks) * 4 // 5  # the half lies in random order already
    held_out = np.concatenate([attacks[fitted:], discarded])
    test = thinned(held_out, anomalous, np.random.default_rng(AUTHORS_SEED))
    return Split(rows[attacks[:fitted]], rows[test], anomalous[test], KDD99_PERCENTILE)


def thinned(chosen: np.ndarray, anomalous: np.ndarray, generator: np.random.Generator):
    """Drop anomalous ones of the `chosen` row numbers until they are a fifth; -> ascending.

    Raises InputError if they are fewer than that.
    """
    normal, rare = chosen[~anomalous[chosen]], chosen[anomalous[chosen]]
    wanted = len(normal) // 4
    if wanted > len(rare):
        raise InputError(f"{len(rare)} anomalies are fewer than a fifth, {wanted} are needed")
    return np.sort(np.concatenate([normal, generator.choice(rare, wanted, replace=False)]))
