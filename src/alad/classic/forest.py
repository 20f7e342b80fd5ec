"""Isolation Forest: scikit-learn's trees in flat arrays, all descended at the same time."""

import functools
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from sklearn import ensemble

from alad.classic.sampling import need, seed_for, within
from alad.detector.contract import Detector, Fit
from alad.detector.model import Floats, Integers, Model
from alad.errors import InputError
from alad.indexing import entries
from alad.parameters import Count, whole


@dataclass(frozen=True, eq=False)
class ForestModel(Model):
    """The nodes of all trees in one array; `root` [trees] is the node where each tree begins.

    feature, threshold, path_length [nodes], children [nodes, 2]: the left child is taken where
    x[feature] <= threshold. A leaf is its own left child and sends all rows there.
    """

    kind: ClassVar[str] = "forest"
    row_by_row: ClassVar[bool] = True  # comparisons, and a sum over trees for each row

    feature: Integers
    threshold: Floats
    children: Integers
    path_length: Floats
    root: Integers
    samples: int  # rows of a tree
    width: int  # of a row

    def __post_init__(self) -> None:
        whole("samples", self.samples, least=2)
        count = len(self.feature)
        shapes = {"feature": (count,), "threshold": (count,), "path_length": (count,)}
        shapes |= {"children": (count, 2), "root": (len(self.root),)}
        if any(getattr(self, name).shape != shape for name, shape in shapes.items()):
            raise InputError("the stored trees are of several sizes; save it anew")
        bounds = {"feature": self.width, "children": count, "root": count}
        if any(not within(getattr(self, name), bound) for name, bound in bounds.items()):
            raise InputError("the stored trees point outside the model; save it anew")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.width,)

    @functools.cached_property
    def _unit(self) -> float:
        """The mean path length of an unsuccessful search, summed over trees."""
        return len(self.root) * average_path_length(np.array([self.samples]))[0]

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by 2^(-mean path length / that of an unsuccessful search), eq. 2."""
        node = np.zeros_like(X[:, :1], np.intp) + self.root  # [n, trees]
        # as many steps as the deepest leaf needs; leaves lead to themselves
        for _ in range(int(np.ceil(np.log2(self.samples)))):
            value = np.take_along_axis(X, entries(self.feature, node), axis=1)
            right = value > entries(self.threshold, node)
            node = entries(self.children.ravel(), 2 * node + right)
        return np.exp2(-entries(self.path_length, node).sum(axis=1) / self._unit)[np.newaxis]


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


def average_path_length(rows: np.ndarray) -> np.ndarray:
    """Compute the mean path length of an unsuccessful search among `rows` rows, eq. 1."""
    n = np.maximum(rows.astype(np.float64), 3)
    longer = 2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, longer))


def _rounded_down(threshold: np.ndarray) -> np.ndarray:
    """Round to float32 so that x <= threshold has the same answer for every float32 x."""
    rounded = threshold.astype(np.float32)
    return np.where(rounded > threshold, np.nextafter(rounded, np.float32(-np.inf)), rounded)
