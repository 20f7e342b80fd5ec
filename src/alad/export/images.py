"""Images as the input of a graph, their way to what a model sees, and images to compare on."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper

from alad.backbone.backbone import with_place
from alad.detector.explanation import heat_of_patches, usual_patches
from alad.detector.fitted import Fitted
from alad.detector.patches import highest, patches_of
from alad.detector.scoring import combined_scores
from alad.encoding import FeatureEncoder, ImageScaler
from alad.encoding.features import seen_by_backbone
from alad.encoding.given_maps import GivenMaps
from alad.errors import InputError
from alad.export.cells import of_numbers, ordered
from alad.export.graph import HEAT, SCORE, Graph, Untraceable
from alad.export.traced import Traced

IMAGES, FEATURES = "images", "features"  # inputs, one of them
MOST, LEAST = 1024, 7  # images at once, in comparisons
MOST_VALUES = 1 << 22  # of them together: of larger images fewer are compared
MOST_DISTANCES = 1 << 25  # of patches to kept rows, 256 MB; of fewer images than LEAST, if need be
DISTURBED = 16  # images, at least
PATCHES = 4  # along a side, of patches that are swapped
SEED = 0


@dataclass(frozen=True)
class ImageInput:
    """How images come into a graph, and images to compare on; see `encoding.GraphInput`.

    An image comes as pixels of the size and kind at fit; the graph scales them. Behind a backbone
    that cannot be written down it comes as the backbone's features.
    """

    fitted: Fitted
    encoder: ImageScaler | FeatureEncoder
    remedy = ""

    @property
    def scaler(self) -> ImageScaler | GivenMaps:
        """What scales pixels, or checks maps."""
        encoder = self.encoder
        return encoder.images if isinstance(encoder, FeatureEncoder) else encoder

    @property
    def name(self) -> str:
        """Name of the graph's input."""
        encoder = self.encoder
        has_graph = isinstance(encoder, ImageScaler) or encoder.backbone.formulas is not None
        return IMAGES if has_graph else FEATURES

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the input, without the number of images."""
        if isinstance(self.encoder, FeatureEncoder) and self.name == FEATURES:
            return (*self.encoder.shape_[:-1], self.encoder.table.n_features_in_)
        return self.scaler.shape_

    @property
    def _kind(self) -> np.dtype:
        """The kind of pixel; float32 of floats and of maps."""
        scaler = self.scaler
        kind = scaler.kind if isinstance(scaler, ImageScaler) else "float"
        return np.dtype("float32" if kind == "float" else kind)

    @property
    def most(self) -> int:
        """Count the images at once, in comparisons: at most 1,024, of large ones as few as 7."""
        encoder, values, patches = self.encoder, self.scaler.width_, 1
        if isinstance(encoder, FeatureEncoder):
            patches = math.prod(encoder.shape_[:-1])
            side = encoder.backbone.side if encoder.backbone.network is not None else None
            values = max(values, 3 * (side or 0) ** 2)
        by_size = max(LEAST, min(MOST, MOST_VALUES // values))
        distances = patches * self.fitted.model_.compared
        return max(1, min(by_size, MOST_DISTANCES // max(distances, 1)))

    def facts(self) -> dict[str, str]:
        """Tell shape and kind of the input, the range of pixels, and whose features."""
        told: dict[str, Any] = {"shape": self.shape}
        if self.name == IMAGES:
            scaler: Any = self.scaler
            told |= {"pixel": self._kind.name, "range": [scaler.low, scaler.high]}
        if isinstance(self.encoder, FeatureEncoder):
            told |= {"backbone": self.encoder.backbone.title}
        return {self.name: json.dumps(told)}

    def sizes(self) -> set[int]:
        """List sizes of arrays that a number of images must not be taken for."""
        shapes = self.encoder.shape_, self.scaler.shape_, self.shape
        sides = {side for shape in shapes for side in shape}
        if isinstance(self.encoder, FeatureEncoder):
            sides.add(self.encoder.backbone.side or 1)
        if isinstance(self.encoder, FeatureEncoder) and self.encoder.has_maps:
            sides.add(highest(patches_of(self.encoder.shape_)))
        halved = {-(-side // 2**times) for side in sides for times in range(10)}
        return {self.encoder.width_, self.scaler.width_} | halved

    def encoded(self, graph: Graph, rows: int) -> Any:
        """Add the input, and its encoding: float32 [rows, *shape], of maps each patch a row."""
        single = np.dtype(np.float32)
        kind = self._kind if self.name == IMAGES else single
        name = graph.input(self.name, helper.np_dtype_to_tensor_dtype(kind), self.shape)
        name = name if kind == single else graph.cast(name, single)
        x: Any = Traced(graph, name, np.zeros((rows, *self.shape), single), rows)
        encoder = self.encoder
        if isinstance(encoder, ImageScaler):
            return encoder.scaled(x)
        if self.name == IMAGES:
            x = _features(encoder, encoder.images.scaled(x))
        codes, width = encoder.table.number_codes_, encoder.table.n_features_in_
        if len(codes.codes) != width:
            raise Untraceable("some of the backbone's features are no columns of numbers")
        cells = x.regrouped((width,)).astype(np.float64)
        places = np.concatenate(codes.places).tolist()
        return ordered([of_numbers(encoder.table, cells)], places)

    # --- images to compare on ---------------------------------------------------------------------

    def read(self, X: Any, most: int | None = None) -> np.ndarray:
        """Read images X as for scoring, pictures resized: pixels [n, height, width, channels]."""
        scaler, parts, n = self.scaler, [], 0
        for pixels in scaler.blocks(X) if isinstance(scaler, GivenMaps) else scaler.pixels(X):
            parts.append(pixels[: None if most is None else most - n])
            n += len(parts[-1])
            if n == most:
                break
        return np.concatenate(parts).astype(self._kind)

    def inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Give the graph's input."""
        if isinstance(self.encoder, FeatureEncoder) and self.name == FEATURES:
            return {FEATURES: self.encoder.features(self.scaler.scaled(rows))}
        return {IMAGES: np.ascontiguousarray(rows, self._kind)}

    def due(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Score images by alad; of maps make the heat, too."""
        scaled, encoder = self.scaler.scaled(rows), self.encoder
        if isinstance(encoder, ImageScaler):
            return {SCORE: self.fitted.score_encoded(scaled)}
        encoded = encoder.encoded(scaled)
        scores = {SCORE: self.fitted.score_encoded(encoded)}
        if not encoder.has_maps:
            return scores
        patches = combined_scores(self.fitted, encoded, patches=True)
        usual = usual_patches(self.fitted, encoder)
        return scores | {HEAT: heat_of_patches(patches, usual, encoder)}

    def kept(self, most: int) -> np.ndarray:
        """Decode the first learnt images that the model keeps; InputError if it keeps none."""
        if self.fitted.references_ is None:
            raise InputError(f"this {self.fitted.name} keeps no images to compare with; give some")
        scaled = self.fitted.references_[:most].reshape(-1, *self.scaler.shape_)
        return self.scaler.decode(scaled).astype(self._kind)

    def disturbed(self, rows: np.ndarray) -> np.ndarray:
        """Add noise, swap patches with other images, invert, draw noise alone; black and white."""
        whole = self.scaler.scaled(np.resize(rows, (max(len(rows), DISTURBED), *rows.shape[1:])))
        if isinstance(self.scaler, ImageScaler):
            return self.scaler.decode(_disturbed(whole)).astype(self._kind)
        middle, spread = whole.mean(), max(2 * whole.std(), np.float32(1e-6))
        return _disturbed((whole - middle) / spread) * spread + middle


def image_input(fitted: Fitted) -> ImageInput:
    """Take a detector of images; InputError where its images are no input of a graph."""
    if fitted.params.get("tile") is not None:
        raise InputError(
            f"this {fitted.name} scores pictures of any size tile by tile, and a graph takes "
            "images of one size: fit without tile (leave --tile out)"
        )
    encoder: Any = fitted.encoder_
    return ImageInput(fitted, encoder)


def _features(encoder: FeatureEncoder, images: Any) -> Any:
    """Run the backbone's formulas on scaled images."""
    backbone = encoder.backbone
    features = (backbone.formulas or backbone.call)(seen_by_backbone(images))
    return with_place(features, backbone.title) if backbone.placed else features


def _disturbed(images: np.ndarray) -> np.ndarray:
    """Disturb scaled images [n, height, width, channels], each in one of four ways: float32."""
    rng = np.random.default_rng(SEED)
    n, height, width, _ = images.shape
    kinds = (np.arange(n) % 4)[:, np.newaxis, np.newaxis, np.newaxis]
    images = np.where(kinds == 0, images + rng.normal(0, 0.3, images.shape), images)
    grid = rng.random((n, PATCHES, PATCHES)) < 0.3
    down, across = (np.arange(side) * PATCHES // side for side in (height, width))
    swapped = grid[:, down][:, :, across, np.newaxis] & (kinds == 1)
    images = np.where(swapped, images[rng.permutation(n)], images)
    images = np.where(kinds == 2, -images, images)
    images = np.where(kinds == 3, rng.uniform(-1, 1, images.shape), images)
    images[0], images[-1] = -1, 1
    return images.astype(np.float32)
