"""The field's classic detectors, fitted by scikit-learn and kept as plain arrays.

What scikit-learn learnt (trees, support vectors, rows) is copied into arrays at fit, and scores are
computed from those arrays only: a loaded model runs the very same lines as the fitted one, and no
pickle and no internal format of scikit-learn is stored.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn import ensemble, neighbors, svm

from alad.detector import Detector, one_of, share, whole
from alad.errors import InputError

SPARE_NEIGHBOURS = 8  # fetched beyond the wanted ones, as near-ties may be fetched in either order


class IsolationForest(Detector):
    """Rows that random cuts isolate soon are anomalous. Liu, Ting, Zhou: Isolation Forest, 2008.

    Parameters
    ----------
    n_estimators : trees
    max_samples : rows drawn for each tree, at most
    scaling, drop : see `TableEncoder`; the scaling changes little, cuts being drawn by column
    contamination : share of the training rows to be flagged by `predict`
    random_state : None, an integer or a RandomState
    """

    name: ClassVar[str] = "isolation-forest"
    summary: ClassVar[str] = "few random cuts isolate an anomaly (Liu, Ting, Zhou 2008)"
    row_by_row: ClassVar[bool] = True  # comparisons, and a sum along each row's own trees

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: int = 256,
        scaling: str = "standard",
        drop: Any = (),
        contamination: float = 0.05,
        random_state: Any = None,
    ):
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.scaling = scaling
        self.drop = drop
        self.contamination = contamination
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        whole("n_estimators", self.n_estimators)
        whole("max_samples", self.max_samples, least=2)

    def _fit_matrix(self, X: np.ndarray) -> None:
        _need(self, X, 2)
        samples = min(self.max_samples, len(X))
        settings: dict[str, Any] = {"n_estimators": self.n_estimators, "max_samples": samples}
        forest = ensemble.IsolationForest(**settings, random_state=_seed(self)).fit(X)
        self._adopt(_flattened([each.tree_ for each in forest.estimators_]), samples)

    def _adopt(self, nodes: dict[str, np.ndarray], samples: int) -> None:
        self._nodes, self._samples = nodes, samples
        self._depth = int(np.ceil(np.log2(samples)))  # of the deepest leaf; all walks are as long
        mean_length = average_path_length(np.array([samples]))[0]
        self._unit = len(nodes["root"]) * mean_length

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        """2^(-mean path length / mean path length of unsuccessful search), eq. 2 of the paper."""
        nodes, rows = self._nodes, np.arange(len(X))[:, np.newaxis]
        at = np.repeat(nodes["root"][np.newaxis], len(X), axis=0)  # [n, trees]
        for _ in range(self._depth):
            right = X[rows, nodes["feature"][at]] > nodes["threshold"][at]
            at = nodes["children"][at, right.view(np.int8)]
        return np.exp2(-nodes["path_length"][at].sum(axis=1) / self._unit)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        return {"samples": self._samples}, self._nodes

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        types = {"feature": "i", "threshold": "f", "children": "i", "path_length": "f", "root": "i"}
        _check_arrays(arrays, types)
        count, width = len(arrays["feature"]), self.encoder_.width_
        bounds = {"feature": width, "children": count, "root": count}
        if any(not _within(arrays[name], bound) for name, bound in bounds.items()):
            raise InputError("the stored trees point outside the model; save it anew")
        self._adopt(arrays, whole("samples", content.get("samples"), least=2))


def _flattened(trees: list[Any]) -> dict[str, np.ndarray]:
    """The nodes of all trees side by side; `root` [trees] says where each tree begins.

    feature, threshold, path_length [nodes], children [nodes, 2]: the left child is taken where
    x[feature] <= threshold. A leaf is its own left child and sends all rows there.
    """
    begins = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    children = [_children(tree) + begin for tree, begin in zip(trees, begins, strict=True)]
    feature = np.concatenate([tree.feature for tree in trees])
    threshold = np.concatenate([tree.threshold for tree in trees])
    return {
        "feature": np.maximum(feature, 0).astype(np.int32),
        "threshold": _rounded_down(np.where(feature < 0, np.inf, threshold)),
        "children": np.concatenate(children).astype(np.int32),
        "path_length": np.concatenate([_path_length(tree) for tree in trees]),
        "root": begins.astype(np.int32),
    }


def _children(tree: Any) -> np.ndarray:
    """[nodes, 2], a leaf (-1 in scikit-learn) its own child."""
    children = np.stack([tree.children_left, tree.children_right], axis=1)
    return np.where(children < 0, np.arange(tree.node_count)[:, np.newaxis], children)


def _path_length(tree: Any) -> np.ndarray:
    """Cuts from the root to each node, and as many as its rows would take to be told apart."""
    depth = tree.compute_node_depths() - 1.0  # scikit-learn counts the root as 1
    return depth + average_path_length(tree.n_node_samples)


def average_path_length(rows: np.ndarray) -> np.ndarray:
    """Mean path length of an unsuccessful search among so many rows: eq. 1 of the paper."""
    n = np.maximum(rows.astype(np.float64), 3)
    longer = 2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, longer))


def _rounded_down(threshold: np.ndarray) -> np.ndarray:
    """float64 -> float32 such that x <= threshold has the same answer for every float32 x."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)


class OneClassSVM(Detector):
    """Distance beyond a smooth border around most rows. Schölkopf et al. 2001.

    The kernel is exp(-gamma |x - s|²) with gamma = 1 / (width · variance of the encoded sample).
    Far from all rows it vanishes: of two distant anomalies it cannot tell which is farther.

    Parameters
    ----------
    nu : at most this share of the fitted rows lies outside, at least this share are support vectors
    max_rows : with more training rows it learns from a random sample of so many; its cost grows
        with the square of the rows
    scaling, drop : see `TableEncoder`
    contamination : share of the training rows to be flagged by `predict`
    random_state : of the sample: None, an integer or a RandomState
    """

    name: ClassVar[str] = "oc-svm"
    summary: ClassVar[str] = "outside a smooth border around most rows (Schölkopf et al. 2001)"

    def __init__(
        self,
        *,
        nu: float = 0.5,
        max_rows: int = 5000,
        scaling: str = "standard",
        drop: Any = (),
        contamination: float = 0.05,
        random_state: Any = None,
    ):
        self.nu = nu
        self.max_rows = max_rows
        self.scaling = scaling
        self.drop = drop
        self.contamination = contamination
        self.random_state = random_state

    def _check_parameters(self) -> None:
        super()._check_parameters()
        share("nu", self.nu, most=0.999)  # at 1 every row may lie outside, and there is no border
        whole("max_rows", self.max_rows)

    def _fit_matrix(self, X: np.ndarray) -> None:
        sample = _sample(self, X)
        spread = float(sample.var(dtype=np.float64))
        gamma = 1 / (sample.shape[1] * spread) if spread else 1.0  # as gamma="scale"
        settings: dict[str, Any] = {"nu": self.nu, "gamma": gamma}
        machine = svm.OneClassSVM(**settings)
        machine.random_state = 0  # without it, fit draws an unused seed from the global generator
        fitted = machine.fit(sample.astype(np.float64))
        vectors = fitted.support_vectors_.astype(np.float32)  # exact: they are rows of the sample
        self._adopt(vectors, fitted.dual_coef_[0], gamma, float(fitted.intercept_[0]))

    def _adopt(self, vectors: np.ndarray, weights: np.ndarray, gamma: float, shift: float) -> None:
        self._vectors, self._weights, self._gamma, self._shift = vectors, weights, gamma, shift
        self._columns = np.ascontiguousarray(vectors.astype(np.float64).T)  # [width, vectors]
        self._squares = (self._columns**2).sum(axis=0)

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        x = X.astype(np.float64)
        squares = (x**2).sum(axis=1, keepdims=True)
        distance = np.maximum(squares - 2 * (x @ self._columns) + self._squares, 0)
        kernel = np.exp(-self._gamma * distance)  # [n, vectors]
        return -((kernel * self._weights).sum(axis=1) + self._shift)

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        content = {"gamma": self._gamma, "shift": self._shift}
        return content, {"vectors": self._vectors, "weights": self._weights}

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        _check_arrays(arrays, {"vectors": "f", "weights": "f"})
        vectors, weights = arrays["vectors"], arrays["weights"]
        if vectors.shape != (len(weights), self.encoder_.width_):
            raise InputError(f"the stored vectors have the shape {vectors.shape}; save them anew")
        self._adopt(vectors, weights, float(content["gamma"]), float(content["shift"]))


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
        _need(self, X, self.n_neighbors, "lower n_neighbors or ")
        self._adopt(_sample(self, X))

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
        _check_arrays(arrays, {"rows": "f"})
        rows = arrays["rows"]
        if rows.ndim != 2 or rows.shape[1] != self.encoder_.width_ or len(rows) < self.n_neighbors:
            raise InputError(f"the stored rows have the shape {rows.shape}; save them anew")
        self._adopt(rows)


# --- common to the three --------------------------------------------------------------------------


def _seed(detector: Detector) -> int:
    from alad.randomness import seed_of  # it loads torch, which scoring here does without

    detector.training_["seed"] = seed_of(detector.random_state)
    return detector.training_["seed"]


def _sample(detector: "OneClassSVM | KNN", X: np.ndarray) -> np.ndarray:
    """X, or `max_rows` of its rows in their order, if it has more; `training_` says how many."""
    seed, rows = _seed(detector), min(detector.max_rows, len(X))
    detector.training_["rows_used"] = rows
    if rows == len(X):
        return X
    chosen = np.random.default_rng(seed).choice(len(X), rows, replace=False)
    return X[np.sort(chosen)]


def _need(detector: Detector, X: np.ndarray, least: int, remedy: str = "") -> None:
    if len(X) < least:
        raise InputError(
            f"{detector.name} learns from at least {least} rows, X has n_samples={len(X)}; "
            f"{remedy}give more rows"
        )


def _check_arrays(arrays: Mapping[str, np.ndarray], kinds: Mapping[str, str]) -> None:
    """Is there an array of each name, with numbers of that kind ("i" whole, "f" real)?"""
    found = {name: array.dtype.kind for name, array in arrays.items()}
    if found != dict(kinds):
        raise InputError(f"the model holds the arrays {sorted(found)}, not {sorted(kinds)}")


def _within(numbers: np.ndarray, bound: int) -> bool:
    return bool(((numbers >= 0) & (numbers < bound)).all())
