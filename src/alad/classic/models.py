"""Models of forests, kernels and directions: arrays, and how rows score by them.

Nothing here loads scikit-learn: what only fits need is in the detectors' modules.
"""

import functools
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from alad.classic.checks import check_rows, within
from alad.classic.kernel import Gaussian, weights
from alad.classic.subspace import Subspace
from alad.detector.model import Floats, Integers, Model
from alad.errors import InputError
from alad.indexing import entries
from alad.parameters import positive, whole


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


def average_path_length(rows: np.ndarray) -> np.ndarray:
    """Compute the mean path length of an unsuccessful search among `rows` rows, eq. 1."""
    n = np.maximum(rows.astype(np.float64), 3)
    longer = 2 * (np.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, longer))


@dataclass(frozen=True, eq=False)
class BorderModel(Model):
    """The border where the weighted kernels with the vectors, plus the shift, add up to 0.

    vectors: float32 [m, width]; weights [m]; gamma: of the kernel.
    """

    kind: ClassVar[str] = "border"

    vectors: Floats
    weights: Floats
    gamma: float
    shift: float

    def __post_init__(self) -> None:
        check_rows(self.vectors)
        if self.weights.shape != (len(self.vectors),):
            raise InputError(
                f"the model holds {len(self.vectors)} vectors and weights of the shape "
                f"{self.weights.shape}; save it anew"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.vectors.shape[1:]

    @functools.cached_property
    def _kernel(self) -> Gaussian:
        return Gaussian(self.vectors, self.gamma)

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by the negative decision function, float64 [1, n]; above 0 outside."""
        kernel = self._kernel(X)
        kernel *= self.weights
        return -(kernel.sum(axis=1) + self.shift)[np.newaxis]


@dataclass(frozen=True, eq=False)
class KernelDirections(Model):
    """Training rows, float32 [m, width], and principal directions in their feature space.

    weights [m, kept] of the rows in each direction; shift [kept], the coordinates of the mean; mean
    of the rows' kernel matrix.
    """

    kind: ClassVar[str] = "kernel-directions"

    rows: Floats
    weights: Floats
    shift: Floats
    gamma: float
    mean: float

    def __post_init__(self) -> None:
        check_rows(self.rows)
        if self.weights.shape != (len(self.rows), len(self.shift)) or self.shift.ndim != 1:
            raise InputError(
                f"the model holds {len(self.rows)} rows, weights of the shape "
                f"{self.weights.shape} and shifts of the shape {self.shift.shape}; save it anew"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape[1:]

    @functools.cached_property
    def _kernel(self) -> Gaussian:
        return Gaussian(self.rows, self.gamma)

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by their squared length outside the directions, float64 [1, n]."""
        kernel = self._kernel(X)  # [n, rows]
        # the weights of a direction add up to 0, so a row's mean kernel adds nothing to coordinates
        coordinates = kernel @ self.weights - self.shift  # f_l(x), [n, kept]
        length = 1 - 2 * kernel.mean(axis=1) + self.mean  # k'(x, x)
        return (length - (coordinates**2).sum(axis=1))[np.newaxis]


@dataclass(frozen=True, eq=False)
class KernelMeanModel(Model):
    """Training rows, float32 [m, width], and the bandwidth of the kernel, in encoded units."""

    kind: ClassVar[str] = "kernel-mean"

    rows: Floats
    bandwidth: float

    def __post_init__(self) -> None:
        check_rows(self.rows)
        positive("bandwidth", self.bandwidth)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.rows.shape[1:]

    @functools.cached_property
    def _kernel(self) -> Gaussian:
        return Gaussian(self.rows, gamma_of(self.bandwidth))

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by their distance from the weighted mean, float64 [1, n]."""
        kernel = self._kernel
        mean = weights(kernel.squared_distances(X), kernel.gamma) @ self.rows.astype(np.float64)
        return np.sqrt(((X - mean) ** 2).sum(axis=1))[np.newaxis]


def gamma_of(bandwidth: float) -> float:
    """Compute 1 / (2 h²)."""
    return 0.5 / bandwidth**2


@dataclass(frozen=True, eq=False)
class PrincipalModel(Model):
    """A centre [width], orthonormal directions [width, kept] and the variance along each [kept].

    noise: the variance in each of the other directions.
    """

    kind: ClassVar[str] = "principal"

    centre: Floats
    directions: Floats
    variances: Floats
    noise: float
    distance: Literal["residual", "mahalanobis"]

    def __post_init__(self) -> None:
        if self.variances.shape != self._subspace.directions.shape[1:]:
            raise InputError("there is not one stored variance for each direction; save it anew")

    @property
    def shape(self) -> tuple[int, ...]:
        return self.centre.shape

    @functools.cached_property
    def _subspace(self) -> Subspace:
        return Subspace(self.centre, self.directions)

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score rows by residual or Mahalanobis length, float64 [1, n]."""
        within, rest = self._subspace.coordinates_and_rest(X)
        if self.distance == "residual":
            return rest[np.newaxis]
        length = (within**2 / self.variances).sum(axis=1) + rest**2 / self.noise
        return np.sqrt(length)[np.newaxis]


@dataclass(frozen=True, eq=False)
class RowSpaceModel(Model):
    """A centre [width] and orthonormal directions [width, kept]; scores are lengths outside."""

    kind: ClassVar[str] = "row-space"

    centre: Floats
    directions: Floats

    def __post_init__(self) -> None:
        _ = self._subspace  # checks that the shapes match

    @property
    def shape(self) -> tuple[int, ...]:
        return self.centre.shape

    @functools.cached_property
    def _subspace(self) -> Subspace:
        return Subspace(self.centre, self.directions)

    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        return self._subspace.coordinates_and_rest(X)[1][np.newaxis]
