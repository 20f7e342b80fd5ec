"""An affine subspace of rows: its directions, their number, and distances from it."""

from dataclasses import dataclass

import numpy as np

from alad.errors import InputError


@dataclass(frozen=True)
class Subspace:
    """A centre [width] and the span of orthonormal directions [width, kept], float64."""

    centre: np.ndarray
    directions: np.ndarray

    def __post_init__(self) -> None:
        if self.centre.ndim != 1 or self.directions.shape[:-1] != self.centre.shape:
            raise InputError(
                f"the centre and directions have the shapes {self.centre.shape} and "
                f"{self.directions.shape}; save the model anew"
            )

    def coordinates_and_rest(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Project rows [n, width]: coordinates [n, kept], and distances from the subspace [n]."""
        away = X - self.centre
        within = away @ self.directions
        return within, np.sqrt(((away - within @ self.directions.T) ** 2).sum(axis=1))


def components_to_keep(variances: np.ndarray, explained: float, most: int) -> int:
    """Count the fewest components, `most` at most, that explain a share of descending variances."""
    total = variances.sum()
    if not total > 0:
        return 0
    return min(int(np.searchsorted(np.cumsum(variances) / total, explained)) + 1, most)


def fitting_count(n_components: int, width: int) -> int:
    """Return n_components; raise InputError if it leaves none of `width` directions outside."""
    if n_components >= width:
        raise InputError(
            f"n_components is {n_components}, the encoded rows have n_features={width}, and one "
            f"direction has to be left out; give at most {width - 1}, or None"
        )
    return n_components
