"""Models of neighbours' detectors: training rows, and how new rows score beside them.

Nothing here loads scikit-learn: what only fits need is in `neighbours`.
"""

import functools
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from alad.classic.checks import check_rows
from alad.classic.neighbour_search import Nearest
from alad.detector.model import Floats, Model
from alad.errors import InputError
from alad.indexing import entries
from alad.parameters import whole

SMALLEST_REACH = 1e-10  # added to the mean reach, as in scikit-learn: that of copies is 0
SMALLEST_DISTANCE = 1e-6  # added to the neighbours' mean distance: that of copies is 0


@dataclass(frozen=True, eq=False)
class RowsModel(Model):
    """Training rows, float32 [m, width], among which the nearest of new rows are searched for."""

    row_by_row: ClassVar[bool] = True  # what `Nearest` finds does not depend on the other rows

    rows: Floats

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape[1:]

    @property
    def compared(self) -> int:
        return len(self.rows)

    @functools.cached_property
    def _nearest(self) -> Nearest:
        return Nearest(self.rows)


@dataclass(frozen=True, eq=False)
class NeighbourModel(RowsModel):
    """Training rows, float32 [m, width]; scores are distances to the nearest of them."""

    kind: ClassVar[str] = "neighbours"

    n_neighbors: int
    distance: Literal["kth", "mean"]

    def __post_init__(self) -> None:
        check_rows(self.rows, self.n_neighbors)

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by their distance to training rows, float64 [1, n]."""
        distance = self._nearest.search(X, self.n_neighbors).distance
        chosen = distance[:, -1] if self.distance == "kth" else distance.mean(axis=1)
        return chosen[np.newaxis]


@dataclass(frozen=True, eq=False)
class RatioModel(RowsModel):
    """Training rows, float32 [m, width], and the distance [m] of each to its own neighbours."""

    kind: ClassVar[str] = "neighbour-ratio"

    distance: Floats
    n_neighbors: int

    def __post_init__(self) -> None:
        check_rows(self.rows, self.n_neighbors)
        if self.distance.shape != (len(self.rows),):
            raise InputError(
                f"for {len(self.rows)} rows the model holds distances of the shape "
                f"{self.distance.shape}; save it anew"
            )

    @classmethod
    def of(cls, rows: np.ndarray, n_neighbors: int) -> "RatioModel":
        """Make the model of rows, float32 [m, width], more of them than neighbours."""
        ends = Nearest(rows).search(rows, n_neighbors + 1)  # the first is the row itself
        return cls(rows, ends.distance[:, 1:].mean(axis=1), n_neighbors)

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by their distance over the root of their neighbours' own, float64 [1, n]."""
        distance, row = self._nearest.search(X, self.n_neighbors)
        usual = entries(self.distance, entries(self._nearest.first, row)).mean(axis=1)
        return (distance.mean(axis=1) / np.sqrt(usual + SMALLEST_DISTANCE))[np.newaxis]


@dataclass(frozen=True, eq=False)
class DensityModel(RowsModel):
    """Training rows, float32 [m, width], with the reach [m] and the density [m] of each."""

    kind: ClassVar[str] = "density"

    reach: Floats
    density: Floats
    neighbours: int

    def __post_init__(self) -> None:
        whole("neighbours", self.neighbours)
        check_rows(self.rows, self.neighbours + 1)
        if not self.reach.shape == self.density.shape == (len(self.rows),):
            raise InputError(
                f"for {len(self.rows)} rows the model holds reaches of the shape "
                f"{self.reach.shape} and densities of the shape {self.density.shape}; save it anew"
            )

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by their neighbours' mean density over their own, float64 [1, n]."""
        distance, row = self._nearest.search(X, self.neighbours)
        neighbour = entries(self._nearest.first, row)
        density = density_of(distance, entries(self.reach, neighbour))
        return (entries(self.density, neighbour) / density[:, np.newaxis]).mean(axis=1)[np.newaxis]


def density_of(distance: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Compute reachability densities [n] from distances to neighbours and their reach, [n, k]."""
    return 1 / (np.maximum(distance, reach).mean(axis=1) + SMALLEST_REACH)
