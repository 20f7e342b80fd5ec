"""Detectors by nearest neighbours: distance (k-NN), its ratio to theirs, and density (LOF)."""

import functools
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from alad.classic.neighbour_models import DensityModel, NeighbourModel, RatioModel, density_of
from alad.classic.neighbour_search import Nearest
from alad.classic.sampling import need, sample
from alad.detector.contract import Detector, Fit
from alad.parameters import Count, whole


def _enough_rows(detector: "KNN | NeighbourRatio | LOF", beside: int = 0) -> None:
    """Raise InputError if max_rows is below the neighbours, plus (not k-NN) the row itself."""
    whole("max_rows", detector.max_rows, least=detector.n_neighbors + beside)


@dataclass(kw_only=True, eq=False, repr=False)
class KNN(Detector):
    """Distance to the nearest training rows. Ramaswamy, Rastogi, Shim 2000; Angiulli, Pizzuti 2002.

    Score, large = anomalous: the mean of the distances to the k nearest (Angiulli and Pizzuti's
    weight over k), or D^k(x), that to the k-th nearest (Ramaswamy), in encoded units.
    A training row is its own nearest neighbour, at distance 0: among training rows scores are a
    little lower than among new ones, and `predict` flags new rows a little more often.
    """

    name: ClassVar[str] = "knn"
    summary: ClassVar[str] = "far from its nearest training rows (Ramaswamy et al. 2000)"
    model = NeighbourModel
    streams_rows = True
    rules = (_enough_rows,)

    n_neighbors: Count = 5  # number of neighbours
    distance: Literal["kth", "mean"] = "mean"  # "mean": over all k; "kth": to the k-th nearest
    max_rows: Count = 20_000  # learn from at most this many rows, a random sample

    def _learn(self, X: np.ndarray, fit: Fit) -> NeighbourModel:
        need(self, X, fit, self.n_neighbors, "lower n_neighbors or ")
        return NeighbourModel(sample(self, X, fit), self.n_neighbors, self.distance)


@dataclass(kw_only=True, eq=False, repr=False)
class NeighbourRatio(Detector):
    """Distance to the nearest training rows over the root of the distance that is usual there.

    Score, large = anomalous: s(x) = d(x) / sqrt(mean of d(o) over the k neighbours o of x), where d
    is the mean distance to the k nearest training rows, of a training row to the k nearest others.
    Without the divisor it is k-NN (Angiulli, Pizzuti 2002); divided by the mean itself, the nearest
    neighbour data description (de Ridder, Tax, Duin 1998), a simplified LOF (Schubert, Zimek,
    Kriegel 2014). The root stands half-way between the two.
    """

    name: ClassVar[str] = "neighbour-ratio"
    summary: ClassVar[str] = "farther from its neighbours than they are (de Ridder et al. 1998)"
    model = RatioModel
    streams_rows = True
    rules = (functools.partial(_enough_rows, beside=1),)

    n_neighbors: Count = 5  # number of neighbours
    max_rows: Count = 20_000  # learn from at most this many rows, a random sample

    def _learn(self, X: np.ndarray, fit: Fit) -> RatioModel:
        need(self, X, fit, self.n_neighbors + 1, "lower n_neighbors or ")
        return RatioModel.of(sample(self, X, fit), self.n_neighbors)


@dataclass(kw_only=True, eq=False, repr=False)
class LOF(Detector):
    """Local outlier factor: less dense than its neighbours. Breunig et al. 2000.

    Each training row has a reach, the distance to its k-th neighbour; the density at x is
    1 / mean over its k neighbours o of max(reach of o, |x - o|) (def. 6), and the score, large =
    anomalous, the mean of the neighbours' densities over that of x (def. 7): about 1 within a
    cluster, however dense. New rows are compared with training rows only. A training row, when
    scored, is its own nearest neighbour at distance 0, and seems a little denser than it is.
    """

    name: ClassVar[str] = "lof"
    summary: ClassVar[str] = "thinner than among its neighbours (Breunig et al. 2000)"
    model = DensityModel
    streams_rows = True
    rules = (functools.partial(_enough_rows, beside=1),)

    # number of neighbours k, less than the number of rows; 20 is in the middle of the range that
    # the paper advises (at least 10 for stable scores, 30 to 50 as the size of small clusters)
    n_neighbors: Count = 20
    max_rows: Count = 20_000  # learn from at most this many rows, a random sample

    def _learn(self, X: np.ndarray, fit: Fit) -> DensityModel:
        need(self, X, fit, 2)
        rows = sample(self, X, fit)
        model = self._model(rows)
        if not model.reach.all():
            # with more copies of a row than neighbours its density would be infinite, and normal
            # rows beside it the most anomalous; so equal rows count once (the paper's
            # k-distinct-distance, remark to def. 3)
            distinct = np.unique(rows, axis=0)
            model = self._model(distinct) if len(distinct) > 1 else model
            fit.facts["distinct_rows"] = len(distinct)
        fit.facts["neighbours"] = model.neighbours
        return model

    def _model(self, rows: np.ndarray) -> DensityModel:
        """Measure reach and density of each row among the others."""
        count = min(self.n_neighbors, len(rows) - 1)
        nearest = Nearest(rows)
        ends = nearest.search(rows, count + 1)  # the first is the row itself
        distance, neighbour = ends.distance[:, 1:], nearest.first[ends.row[:, 1:]]
        reach = distance[:, -1]
        return DensityModel(rows, reach, density_of(distance, reach[neighbour]), count)
