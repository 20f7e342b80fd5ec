"""A flat part of the space of rows: its directions, how many, and what lies outside."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from alad.errors import InputError
from alad.parameters import whole


@dataclass(frozen=True)
class Subspace:
    """centre [width] plus the span of orthonormal directions [width, kept], float64."""

    centre: np.ndarray
    directions: np.ndarray

    @classmethod
    def stored(cls, arrays: dict[str, np.ndarray], width: int) -> Self:
        """From arrays of a model; InputError if they are no subspace of that many columns."""
        centre, directions = arrays["centre"], arrays["directions"]
        if centre.shape != (width,) or directions.ndim != 2 or len(directions) != width:
            raise InputError(
                f"the stored centre and directions have the shapes {centre.shape} and "
                f"{directions.shape}, the rows {width} columns; save it anew"
            )
        return cls(centre, directions)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"centre": self.centre, "directions": self.directions}

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


def check_count(n_components: Any) -> None:
    """InputError unless n_components is None or a whole number of at least 1."""
    if n_components is not None:
        whole("n_components", n_components)


def fitting_count(n_components: int, width: int) -> int:
    """n_components, or InputError if that leaves none of `width` directions outside."""
    if n_components >= width:
        raise InputError(
            f"n_components is {n_components}, the encoded rows have n_features={width}, and one "
            f"direction has to be left out; give at most {width - 1}, or None"
        )
    return n_components
