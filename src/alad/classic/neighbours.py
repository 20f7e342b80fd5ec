"""How far the nearest training rows are, and how dense they lie."""

from typing import Any, ClassVar, Unpack

import numpy as np

from alad.classic.neighbour_search import Nearest
from alad.classic.sampling import check_arrays, check_rows, need, sample
from alad.detector.constructors import Common
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.parameters import one_of, whole

SMALLEST_REACH = 1e-10  # added to the mean reach, as scikit-learn does: copies have none


class KNN(Detector):
    """Distance to the nearest training rows. Ramaswamy, Rastogi, Shim 2000; Angiulli, Pizzuti 2002.

    Score, large = anomalous: D^k(x), the distance to the k-th nearest, or the mean of the k
    distances (Angiulli and Pizzuti's weight over k), in encoded units.
    A training row is its own nearest neighbour, at distance 0: among training rows scores are a
    little lower than among new ones, and `predict` flags new rows a little more often.

    Parameters
    ----------
    n_neighbors : how many neighbours
    distance : "kth", to the farthest of them, or "mean", over all of them
    max_rows : with more training rows, a random sample of so many are the possible neighbours
    scaling, drop : see `TableEncoder`
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "knn"
    summary: ClassVar[str] = "far from its nearest training rows (Ramaswamy et al. 2000)"
    row_by_row: ClassVar[bool] = True  # what `Nearest` finds does not depend on the other rows

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        distance: str = "kth",
        max_rows: int = 20_000,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.n_neighbors = n_neighbors
        self.distance = distance
        self.max_rows = max_rows

    def _check_parameters(self) -> None:
        super()._check_parameters()
        one_of("distance", self.distance, ("kth", "mean"))
        whole("max_rows", self.max_rows, least=whole("n_neighbors", self.n_neighbors))

    def _fit_matrix(self, X: np.ndarray) -> None:
        need(self, X, self.n_neighbors, "lower n_neighbors or ")
        self._adopt(sample(self, X))

    def _adopt(self, rows: np.ndarray) -> None:
        self._rows, self._nearest = rows, Nearest(rows)

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        distance = self._nearest.search(X, self.n_neighbors).distance
        return distance[:, -1] if self.distance == "kth" else distance.mean(axis=1)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {}, {"rows": self._rows}

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"rows": "f"})
        check_rows(arrays["rows"], self.encoder_.width_, self.n_neighbors)
        self._adopt(arrays["rows"])


class LOF(Detector):
    """Thinner among its neighbours than they are among theirs. Breunig et al.: LOF, 2000.

    Each training row has a reach, the distance to its k-th neighbour; the density at x is
    1 / mean over its k neighbours o of max(reach of o, |x - o|) (def. 6), and the score, large =
    anomalous, the mean of the neighbours' densities over that of x (def. 7): about 1 within a
    cluster, however dense. As
    novelty detection: a new row meets the training rows only. A training row, when scored, is its
    own nearest neighbour at distance 0, and seems a little denser than it is.

    Parameters
    ----------
    n_neighbors : k, at most one fewer than the rows; 20 stands in the middle of the range that the
        paper advises (10 as the least that is stable, 30 to 50 as the size of small clusters)
    max_rows : with more training rows, a random sample of so many are the possible neighbours
    scaling, drop : see `TableEncoder`
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "lof"
    summary: ClassVar[str] = "thinner than among its neighbours (Breunig et al. 2000)"
    row_by_row: ClassVar[bool] = True  # what `Nearest` finds does not depend on the other rows

    def __init__(
        self,
        *,
        n_neighbors: int = 20,
        max_rows: int = 20_000,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.n_neighbors = n_neighbors
        self.max_rows = max_rows

    def _check_parameters(self) -> None:
        super()._check_parameters()
        whole("max_rows", self.max_rows, least=whole("n_neighbors", self.n_neighbors) + 1)

    def _fit_matrix(self, X: np.ndarray) -> None:
        need(self, X, 2)
        rows = sample(self, X)
        self._adopt(rows, min(self.n_neighbors, len(rows) - 1))
        self.training_["neighbours"] = self._count
        found = self._nearest.search(rows, self._count + 1)  # the first is the row itself
        distance, neighbour = found.distance[:, 1:], self._nearest.first[found.row[:, 1:]]
        self._reach = distance[:, -1]
        self._density = _density(distance, self._reach[neighbour])

    def _adopt(self, rows: np.ndarray, count: int) -> None:
        self._rows, self._nearest, self._count = rows, Nearest(rows), count

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        distance, row = self._nearest.search(X, self._count)
        neighbour = self._nearest.first[row]
        density = _density(distance, self._reach[neighbour])
        return (self._density[neighbour] / density[:, np.newaxis]).mean(axis=1)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        arrays = {"rows": self._rows, "reach": self._reach, "density": self._density}
        return {"neighbours": self._count}, arrays

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        check_arrays(arrays, {"rows": "f", "reach": "f", "density": "f"})
        rows, reach, density = arrays["rows"], arrays["reach"], arrays["density"]
        count = whole("neighbours", content["neighbours"])
        check_rows(rows, self.encoder_.width_, count + 1)
        if not reach.shape == density.shape == (len(rows),):
            raise InputError(
                f"for {len(rows)} rows the model holds reaches of the shape {reach.shape} and "
                f"densities of the shape {density.shape}; save it anew"
            )
        self._adopt(rows, count)
        self._reach, self._density = reach, density


def _density(distance: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Local reachability density [n] from distances to neighbours and their reach, [n, k] each."""
    return 1 / (np.maximum(distance, reach).mean(axis=1) + SMALLEST_REACH)
