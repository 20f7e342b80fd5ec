"""Which columns give a row away: those reconstructed worse than they usually are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from alad.neural import Neural

NAMED = 3  # columns named for a row
RARELY = 0.01  # share of the mean usual error below which a column's own is not divided by


@dataclass(frozen=True)
class Misses:
    """How badly each column of some rows is reconstructed, as a multiple of what is usual."""

    columns: tuple[str, ...]
    times: np.ndarray  # [n, columns], 1 = as usual for normal rows

    def worst(self, row: int, count: int = NAMED) -> list[tuple[str, float]]:
        """(column, times the usual) of one row, the most missed first."""
        order = np.argsort(-self.times[row], kind="stable")[:count]
        return [(self.columns[at], float(self.times[row, at])) for at in order]


def misses(detector: "Neural", rows: Any, normal: Any) -> Misses:
    """Reconstruction errors of `rows`, column by column, over their mean for `normal` rows.

    Both are tables as the detector takes them. Errors are absolute, in encoded units, summed over
    the encoded columns that stem from one column of the table.
    """
    usual = _column_errors(detector, normal).mean(axis=0)
    floor = max(RARELY * float(usual.mean()), float(np.finfo(np.float32).tiny))
    names = getattr(detector, "feature_names_in_", None)
    kept = np.unique(detector.encoder_.source_)
    columns = tuple(f"x{at}" if names is None else str(names[at]) for at in kept)
    return Misses(columns, _column_errors(detector, rows) / np.maximum(usual, floor))


def _column_errors(detector: "Neural", rows: Any) -> np.ndarray:
    """Absolute reconstruction error [n, columns of the table that were used]."""
    encoded = detector.encoder_.transform(rows)
    errors = np.abs(detector.reconstruct(rows) - encoded).astype(np.float64)
    kept, place = np.unique(detector.encoder_.source_, return_inverse=True)
    summed = np.zeros((len(errors), len(kept)))
    np.add.at(summed.T, place, errors.T)
    return summed
