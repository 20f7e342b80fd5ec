"""Pixels as the input of a graph, their way to what a model sees, and images to compare on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from onnx import helper

from alad.detector.fitted import Fitted
from alad.encoding import ImageScaler
from alad.errors import InputError
from alad.export.graph import Graph
from alad.export.traced import Traced

IMAGES = "images"  # the input
MOST, LEAST = 1024, 7  # images at once, in comparisons
MOST_VALUES = 1 << 22  # of them together, of larger images fewer are compared
DISTURBED = 16  # images, at least
PATCHES = 4  # along a side, of patches that are swapped
SEED = 0


@dataclass(frozen=True)
class PixelInput:
    """How images come into a graph, and images to compare on; see `encoding.GraphInput`.

    An image comes as pixels of the size and kind at fit; the graph scales them.
    """

    fitted: Fitted
    scaler: ImageScaler
    remedy = ""

    @classmethod
    def of(cls, fitted: Fitted) -> Self:
        """Take a detector of images; InputError where its images are no input of a graph."""
        if not isinstance(fitted.encoder_, ImageScaler):
            raise InputError(f"this {fitted.name} has a backbone; only those without are exported")
        if fitted.params.get("tile") is not None:
            raise InputError(
                f"this {fitted.name} scores pictures of any size tile by tile, and a graph takes "
                "images of one size: fit without tile (leave --tile out)"
            )
        return cls(fitted, fitted.encoder_)

    @property
    def most(self) -> int:
        """Count the images at once, in comparisons: at most 1,024, of large ones as few as 7."""
        return max(LEAST, min(MOST, MOST_VALUES // self.scaler.width_))

    def facts(self) -> dict[str, str]:
        """Tell shape and kind of pixel of the images, and the range of their values."""
        scaler = self.scaler
        told = {
            "shape": scaler.shape_,
            "pixel": self._kind.name,
            "range": [scaler.low, scaler.high],
        }
        return {IMAGES: json.dumps(told)}

    def sizes(self) -> set[int]:
        """List sizes of arrays that a number of images must not be taken for."""
        halved = {-(-side // 2**times) for side in self.scaler.shape_ for times in range(10)}
        return {self.scaler.width_} | halved

    @property
    def _kind(self) -> np.dtype:
        return np.dtype("float32" if self.scaler.kind == "float" else self.scaler.kind)

    def encoded(self, graph: Graph, rows: int) -> Any:
        """Add the input, and scale it: float32 [rows, height, width, channels]."""
        shape = self.scaler.shape_
        name = graph.input(IMAGES, helper.np_dtype_to_tensor_dtype(self._kind), shape)
        if self._kind != np.float32:
            name = graph.cast(name, np.dtype(np.float32))
        pixels: Any = Traced(graph, name, np.zeros((rows, *shape), np.float32), rows)
        return self.scaler.scaled(pixels)

    # --- images to compare on ---------------------------------------------------------------------

    def read(self, X: Any) -> np.ndarray:
        """Read images X as for scoring, pictures resized: pixels [n, height, width, channels]."""
        return np.concatenate(list(self.scaler.pixels(X))).astype(self._kind)

    def first(self, rows: np.ndarray, count: int) -> np.ndarray:
        """Take the first images."""
        return rows[:count]

    def inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Give the graph's input."""
        return {IMAGES: np.ascontiguousarray(rows, self._kind)}

    def scored(self, rows: np.ndarray) -> np.ndarray:
        """Score images by alad: float64 [n]."""
        return self.fitted.score_encoded(self.scaler.scaled(rows))

    def kept(self) -> np.ndarray:
        """Decode the learnt images that the model keeps; InputError if it keeps none."""
        if self.fitted.references_ is None:
            raise InputError(f"this {self.fitted.name} keeps no images to compare with; give some")
        scaled = self.fitted.references_.reshape(-1, *self.scaler.shape_)
        return self.scaler.decode(scaled).astype(self._kind)

    def disturbed(self, rows: np.ndarray) -> np.ndarray:
        """Add noise, swap patches with other images, invert, draw noise alone; black and white."""
        rng = np.random.default_rng(SEED)
        images = self.scaler.scaled(np.resize(rows, (max(len(rows), DISTURBED), *rows.shape[1:])))
        n, height, width, _ = images.shape
        kinds = np.arange(n) % 4
        noise = rng.normal(0, 0.3, images.shape)
        images = np.where(_by_image(kinds == 0), images + noise, images)
        grid = rng.random((n, PATCHES, PATCHES)) < 0.3
        down, across = (np.arange(side) * PATCHES // side for side in (height, width))
        swapped = grid[:, down][:, :, across, np.newaxis] & _by_image(kinds == 1)
        images = np.where(swapped, images[rng.permutation(n)], images)
        images = np.where(_by_image(kinds == 2), -images, images)
        images = np.where(_by_image(kinds == 3), rng.uniform(-1, 1, images.shape), images)
        images[0], images[-1] = -1, 1
        return self.scaler.decode(images.astype(np.float32)).astype(self._kind)


def _by_image(chosen: np.ndarray) -> np.ndarray:
    return chosen[:, np.newaxis, np.newaxis, np.newaxis]
