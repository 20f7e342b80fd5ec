"""Isolation Forest: the trees of scikit-learn, laid out side by side and walked together."""

from typing import Any, ClassVar, Unpack

import numpy as np
from sklearn import ensemble

from alad.classic.sampling import check_arrays, need, seed_for, within
from alad.detector.constructors import Common
from alad.detector.contract import Detector
from alad.errors import InputError
from alad.parameters import whole


class IsolationForest(Detector):
    """Rows that random cuts isolate soon are anomalous. Liu, Ting, Zhou: Isolation Forest, 2008.

    Score, large = anomalous: 2^(-E(h(x)) / c(psi)) (eq. 2), between 0 and 1; h(x) is the number of
    cuts to x in a tree, c(psi) that of an unsuccessful search among psi rows (eq. 1).

    Parameters
    ----------
    n_estimators : trees
    max_samples : rows drawn for each tree, at most
    scaling, drop : see `TableEncoder`; the scaling changes little, cuts being drawn by column
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
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
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.n_estimators = n_estimators
        self.max_samples = max_samples

    def _check_parameters(self) -> None:
        super()._check_parameters()
        whole("n_estimators", self.n_estimators)
        whole("max_samples", self.max_samples, least=2)

    def _fit_matrix(self, X: np.ndarray) -> None:
        need(self, X, 2)
        samples = min(self.max_samples, len(X))
        settings: dict[str, Any] = {"n_estimators": self.n_estimators, "max_samples": samples}
        forest = ensemble.IsolationForest(**settings, random_state=seed_for(self)).fit(X)
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
        check_arrays(arrays, types)
        count, width = len(arrays["feature"]), self.encoder_.width_
        bounds = {"feature": width, "children": count, "root": count}
        if any(not within(arrays[name], bound) for name, bound in bounds.items()):
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
