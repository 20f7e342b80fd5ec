"""Distances to the nearest training rows."""

from typing import Any, ClassVar

import numpy as np
from sklearn import neighbors

from alad.classic.sampling import need, sample
from alad.classic.stored import check_arrays
from alad.detector import Detector, one_of, whole
from alad.errors import InputError

SPARE_NEIGHBOURS = 8  # fetched beyond the wanted ones, as near-ties may be fetched in either order


class KNN(Detector):
    """Distance to the nearest training rows. Ramaswamy, Rastogi, Shim 2000; Angiulli, Pizzuti 2002.

    A training row is its own nearest neighbour, at distance 0: among training rows scores are a
    little lower than among new ones, and `predict` flags new rows a little more often.

    Parameters
    ----------
    n_neighbors : how many neighbours
    distance : "kth", to the farthest of them, or "mean", over all of them
    max_rows : with more training rows, a random sample of so many are the possible neighbours
    scaling, drop : see `TableEncoder`
    contamination : share of the training rows to be flagged by `predict`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "knn"
    summary: ClassVar[str] = "far from its nearest training rows (Ramaswamy et al. 2000)"

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        distance: str = "kth",
        max_rows: int = 20_000,
        scaling: str = "standard",
        drop: Any = (),
        contamination: float = 0.05,
        random_state: Any = None,
    ):
        self.n_neighbors = n_neighbors
        self.distance = distance
        self.max_rows = max_rows
        self.scaling = scaling
        self.drop = drop
        self.contamination = contamination
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        one_of("distance", self.distance, ("kth", "mean"))
        whole("max_rows", self.max_rows, least=whole("n_neighbors", self.n_neighbors))

    def _fit_matrix(self, X: np.ndarray) -> None:
        need(self, X, self.n_neighbors, "lower n_neighbors or ")
        self._adopt(sample(self, X))

    def _adopt(self, rows: np.ndarray) -> None:
        count = min(self.n_neighbors + SPARE_NEIGHBOURS, len(rows))
        self._rows = rows
        self._search = neighbors.NearestNeighbors(n_neighbors=count, algorithm="brute").fit(rows)

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        """The search finds who is near, fast but rounded; how near is then measured exactly."""
        near = self._search.kneighbors(X, return_distance=False)  # [n, neighbours]
        gap = X[:, np.newaxis].astype(np.float64) - self._rows[near]
        distance = np.sort(np.sqrt((gap**2).sum(axis=2)), axis=1)[:, : self.n_neighbors]
        return distance[:, -1] if self.distance == "kth" else distance.mean(axis=1)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {}, {"rows": self._rows}

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"rows": "f"})
        rows = arrays["rows"]
        if rows.ndim != 2 or rows.shape[1] != self.encoder_.width_ or len(rows) < self.n_neighbors:
            raise InputError(f"the stored rows have the shape {rows.shape}; save them anew")
        self._adopt(rows)
