"""KDD99: who learns from which connections. Its "normal." is the anomaly, being the rare fifth.

So it is in DAGMM, ALAD and their successors.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from alad.benchmark.data.official import KDD99_ATTRIBUTES, read_kdd99
from alad.benchmark.data.splits import AUTHORS_SEED, Split, check_protocol
from alad.errors import InputError

KDD99_PERCENTILE = 80.0  # the authors flag the highest 20 % of the test scores
KDD99_CATEGORIES = (
    *("protocol_type", "service", "flag"),
    *("land", "logged_in", "is_host_login", "is_guest_login"),
)


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
    check_protocol(protocol, "kdd99", ("paper", "clean"))
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
