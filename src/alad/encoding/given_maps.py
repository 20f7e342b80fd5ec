"""Feature maps that are given in the place of images, checked and passed on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from alad.backbone.backbone import PRECOMPUTED
from alad.encoding.rows import ReadRows, ScaledImages
from alad.errors import InputError


class GivenMaps:
    """Arrays [n, rows, columns, d] that are feature maps already, in the place of a scaler.

    After fit: `shape_` (rows, columns, d), `width_` and `n_features_in_` (their product).
    """

    def __init__(self, *, owner: str) -> None:
        self.owner = owner

    @contextmanager
    def gathered(self, X: Any) -> Iterator[np.ndarray]:
        """Give X as an array; InputError if it is no maps."""
        yield self._array(X)

    def _array(self, X: Any) -> np.ndarray:
        found = np.asarray(X) if hasattr(X, "ndim") else np.zeros(0)
        if found.ndim != 4 or 0 in found.shape or found.dtype.kind not in "fiub":
            raise InputError(
                f"with backbone={PRECOMPUTED!r} X is feature maps, an array [n, rows, columns, d] "
                f"of numbers; it is {_told(X)}. Rows [n, d] are a table: leave backbone out; of "
                "pictures name another backbone"
            )
        return found

    def fit(self, X: Any, rows: np.ndarray | None = None) -> Self:
        """Learn the shape of the maps that `gathered` gave; rows: as of `ImageScaler`, unused."""
        return self.settle(X.shape[1:])

    def settle(self, shape: Any) -> Self:
        """Set the shape of the maps."""
        self.shape_ = tuple(int(length) for length in shape)
        self.width_ = self.n_features_in_ = math.prod(self.shape_)
        return self

    def scaled(self, pixels: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Convert maps to float32, written to `out` if given; InputError unless all are finite."""
        maps = np.empty(pixels.shape, np.float32) if out is None else out
        with np.errstate(over="ignore"):
            maps[...] = pixels
        if not np.isfinite(maps).all():
            raise InputError(
                "feature maps hold values that are missing or infinite; fill them first"
            )
        return maps

    def blocks(self, X: Any) -> Iterator[np.ndarray]:
        """Yield maps in pieces, float32; InputError for another shape than at fit."""
        found = self._array(X)
        if found.shape[1:] != self.shape_:
            raise InputError(
                f"maps have the shape {found.shape[1:]}, {self.owner} was fitted on {self.shape_}; "
                "give those of the same network and size of picture"
            )
        yield from ScaledImages(self, found).pieces()

    def read(self, X: Any) -> ReadRows:
        """Read all maps: float32, and as given."""
        return ReadRows(np.concatenate(list(self.blocks(X))), lambda: self._array(X))

    def decode(self, images: np.ndarray) -> np.ndarray:
        """Give maps back as they are."""
        return images

    def state(self) -> dict[str, Any]:
        """Give all that `from_state` needs."""
        return {"owner": self.owner, "maps": list(self.shape_)}


def _told(X: Any) -> str:
    """Describe what was given in place of maps."""
    if hasattr(X, "shape"):
        return f"{type(X).__name__} of the shape {X.shape}, {getattr(X, 'dtype', 'no numbers')}"
    return f"no array but {type(X).__name__}"
