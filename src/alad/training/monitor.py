"""A stopping signal that needs no labels: does a score know rows that do not fit together?

Losses of an adversarial game do not say when to stop, and the mean score of normal rows (the
authors' rule for images) is lowest for networks that look at nothing. So every held-out normal row
gets a twin in which a random half of the columns comes from other held-out rows: each value is
plausible alone, the row as a whole is not. The signal is 1 - AUROC of the score between rows and
twins. EXPERIMENTS.md shows how it follows the detection of real anomalies that it never sees.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

SWAPPED_SHARE = 0.5  # chance of a column to be taken from another row


def swap_columns(X: np.ndarray, source: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Twins of X [n, width]: each source column swapped with chance one half for another row's.

    source [width] tells which column of the table a column of X comes from: a one-hot group is
    swapped as a whole.
    """
    twins = X.copy()
    swapped = generator.random((len(X), source.max(initial=-1) + 1)) < SWAPPED_SHARE
    for column in np.unique(source):
        donors = generator.permutation(len(X))
        rows, places = np.flatnonzero(swapped[:, column]), np.flatnonzero(source == column)
        twins[np.ix_(rows, places)] = X[np.ix_(donors[rows], places)]
    return twins


class SwappedColumns:
    """Monitor for `training.train`: 1 - AUROC [members] of held-out rows against their twins.

    score: rows [n, width] -> [members, n], larger = more anomalous. X [n, width]: the held-out
    rows. source: see `swap_columns`.
    """

    def __init__(
        self,
        score: Callable[[np.ndarray], np.ndarray],
        X: np.ndarray,
        source: np.ndarray,
        generator: np.random.Generator,
    ):
        self._score = score
        twins = swap_columns(X, source, generator)
        # a twin that equals its row (columns constant, or swapped for the same value) says nothing
        different = (twins != X).any(axis=1)
        self._rows, self._twins = X[different], twins[different]

    @property
    def informative(self) -> bool:
        """Whether there is any row to compare."""
        return len(self._rows) > 0

    def __call__(self) -> np.ndarray:
        count = len(self._rows)
        scores = np.concatenate([self._score(self._twins), self._score(self._rows)], axis=1)
        ranks = rankdata(scores, axis=1)[:, :count].sum(axis=1)  # ties count one half
        return 1.0 - (ranks - count * (count + 1) / 2) / count**2
