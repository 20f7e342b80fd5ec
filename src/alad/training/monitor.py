"""A stopping signal without labels: how well scores detect rows with swapped columns.

Losses of an adversarial game do not say when to stop, and the mean score of normal rows (the
authors' rule for images) is lowest for networks that ignore their input. So every held-out row gets
a twin in which a random half of the columns comes from other held-out rows: each value is plausible
alone, the row as a whole is not. The signal is 1 - AUROC of the score between rows and twins.
EXPERIMENTS.md shows how it follows the detection of real anomalies, which it never sees.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

SWAPPED_SHARE = 0.5  # probability that a column is taken from another row


def swap_columns(X: np.ndarray, source: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Make twins of X [n, width] in which a random half of the columns comes from other rows.

    source [width]: the table's column that each column of X encodes; a one-hot group is swapped as
    a whole.
    """
    twins = X.copy()
    swapped = generator.random((len(X), source.max(initial=-1) + 1)) < SWAPPED_SHARE
    for column in np.unique(source):
        donors = generator.permutation(len(X))
        rows, places = np.flatnonzero(swapped[:, column]), np.flatnonzero(source == column)
        twins[np.ix_(rows, places)] = X[np.ix_(donors[rows], places)]
    return twins


class SwappedColumns:
    """Monitor of `loop.train`: 1 - AUROC [members] of held-out rows against their twins.

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
        # a twin equal to its row (constant columns, or swapped for equal values) says nothing
        different = (twins != X).any(axis=1)
        self._rows, self._twins = X[different], twins[different]

    @property
    def informative(self) -> bool:
        """Tell whether there is any row to compare."""
        return len(self._rows) > 0

    def __call__(self) -> np.ndarray:
        """Score rows and twins, and compute 1 - AUROC [members]."""
        count = len(self._rows)
        scores = np.concatenate([self._score(self._twins), self._score(self._rows)], axis=1)
        ranks = rankdata(scores, axis=1)[:, :count].sum(axis=1)  # ties count one half
        return 1.0 - (ranks - count * (count + 1) / 2) / count**2
