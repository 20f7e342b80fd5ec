"""Isolation Forest: scikit-learn's trees in flat arrays, all descended at the same time."""

import functools
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from sklearn import ensemble

from alad.classic.models import ForestModel, average_path_length
from alad.classic.sampling import need, seed_for
from alad.detector.contract import Detector, Fit
from alad.parameters import Count, whole


@dataclass(kw_only=True, eq=False, repr=False)
class IsolationForest(Detector):
    """Isolation Forest: anomalies are isolated by few random cuts. Liu, Ting, Zhou 2008.

    Score, large = anomalous: 2^(-E(h(x)) / c(psi)) (eq. 2), between 0 and 1; h(x) is the number of
    cuts to x in a tree, c(psi) that of an unsuccessful search among psi rows (eq. 1). The scaling
    changes little, as cuts are drawn by column.
    """

    name: ClassVar[str] = "isolation-forest"
    summary: ClassVar[str] = "few random cuts isolate an anomaly (Liu, Ting, Zhou 2008)"
    model = ForestModel

    n_estimators: Count = 100  # number of trees
    max_samples: Annotated[int, functools.partial(whole, least=2)] = 256  # most rows of a tree

    def _learn(self, X: np.ndarray, fit: Fit) -> ForestModel:
        need(self, X, fit, 2)
        samples = min(self.max_samples, len(X))
        settings: dict[str, Any] = {"n_estimators": self.n_estimators, "max_samples": samples}
        seed = seed_for(self, fit)
        forest = ensemble.IsolationForest(**settings, random_state=seed).fit(X)
        drawn = np.concatenate(forest.estimators_samples_)
        fit.facts["rows_used"] = len(np.unique(drawn))
        nodes = _flattened([tree.tree_ for tree in forest.estimators_])
        return ForestModel(**nodes, samples=samples, width=X.shape[1])


def _flattened(trees: list[Any]) -> dict[str, np.ndarray]:
    """Concatenate the nodes of all trees into the arrays of `ForestModel`."""
    begins = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    children, path_length = [], []
    for tree, begin in zip(trees, begins, strict=True):
        # a leaf, whose children are -1 in scikit-learn, becomes its own child
        pair = np.stack([tree.children_left, tree.children_right], axis=1)
        itself = np.arange(tree.node_count)[:, np.newaxis]
        children.append(np.where(pair < 0, itself, pair) + begin)
        # isolating the rows of a leaf would take further cuts; scikit-learn's depths begin at 1
        depth = tree.compute_node_depths() - 1.0
        path_length.append(depth + average_path_length(tree.n_node_samples))
    feature = np.concatenate([tree.feature for tree in trees])
    threshold = np.concatenate([tree.threshold for tree in trees])
    return {
        "feature": np.maximum(feature, 0).astype(np.int32),
        "threshold": _rounded_down(np.where(feature < 0, np.inf, threshold)),
        "children": np.concatenate(children).astype(np.int32),
        "path_length": np.concatenate(path_length),
        "root": begins.astype(np.int32),
    }


def _rounded_down(threshold: np.ndarray) -> np.ndarray:
    """Round to float32 so that x <= threshold has the same answer for every float32 x."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
