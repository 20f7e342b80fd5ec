"""A flat part of the space of rows: its directions, how many, and what lies outside."""

from dataclasses import dataclass

import numpy as np

from alad.errors import InputError


@dataclass(frozen=True)
class Subspace:
    """centre [width] plus the span of orthonormal directions [width, kept], float64."""

    centre: np.ndarray
    directions: np.ndarray

    def __post_init__(self) -> None:
        if self.centre.ndim != 1 or self.directions.shape[:-1] != self.centre.shape:
            raise InputError(
                f"the centre and directions have the shapes {self.centre.shape} and "
                f"{self.directions.shape}; save the model anew"
            )

    def coordinates_and_rest(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of rows [n, width]: [n, kept] within the subspace, and the length outside it [n]."""
        away = X - self.centre
        within = away @ self.directions
        return within, np.sqrt(((away - within @ self.directions.T) ** 2).sum(axis=1))


def components_to_keep(variances: np.ndarray, explained: float, most: int) -> int:
    """The fewest that explain this share of all variance; `variances` descend."""
    total = variances.sum()
    if not total > 0:
        return 0
    return min(int(np.searchsorted(np.cumsum(variances) / total, explained)) + 1, most)


def fitting_count(n_components: int, width: int) -> int:
    """n_components, or InputError if that leaves none of `width` directions outside."""
    if n_components >= width:
        raise InputError(
            f"n_components is {n_components}, the encoded rows have n_features={width}, and one "
            f"direction has to be left out; give at most {width - 1}, or None"
        )
    return n_components
