"""Arrhythmia: a random half of the patients is learnt from."""

from pathlib import Path

import numpy as np

from alad.benchmark.data.official import read_arrhythmia
from alad.benchmark.data.splits import AUTHORS_SEED, Split, check_choice

ARRHYTHMIA_PERCENTILE = 85.0  # the highest 15 % of the test scores are flagged


def arrhythmia(
    protocol: str = "paper", seed: int = AUTHORS_SEED, data_dir: str | Path | None = None
) -> Split:
    """Split ODDS Arrhythmia, 452 rows of 274 unscaled columns, into random halves.

    paper: the seed is 42, and the training half keeps its 34 anomalies, as in the authors' code.
    clean: the training half keeps normal rows only.
    """
    from sklearn.model_selection import train_test_split

    check_choice(protocol, ("paper", "clean"), "arrhythmia")
    rows, anomalous = read_arrhythmia(data_dir)
    halves = train_test_split(np.arange(len(rows)), test_size=0.5, random_state=seed)
    train, test = np.asarray(halves[0]), np.asarray(halves[1])
    if protocol == "clean":
        train = train[~anomalous[train]]
    rows = rows.astype(np.float32)
    return Split(rows[train], rows[test], anomalous[test], ARRHYTHMIA_PERCENTILE)
