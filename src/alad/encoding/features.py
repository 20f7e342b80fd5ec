"""Images as rows of numbers: a backbone's features, encoded as the columns of a table are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Self

import numpy as np

from alad.backbone.backbone import PRECOMPUTED, Backbone, restored_backbone
from alad.data.array_file import ArrayFile
from alad.data.decoding import Form
from alad.encoding.given_maps import GivenMaps
from alad.encoding.images import ImageScaler
from alad.encoding.rows import ScaledImages
from alad.encoding.table import TableEncoder
from alad.errors import InputError

FEATURES = "features"  # the kind of a stored encoder
FEATURE_VALUES = 1 << 22  # of maps, encoded at a time: 16 MB
HELD_VALUES = 1 << 27  # of maps, held while a model is fitted: 512 MB; of more, none
LEARNT_VALUES = 1 << 25  # of patches that a detector learns from: 128 MB
IMAGES_SAMPLED = 4_096  # at most, whose patches are learnt from


class FeatureEncoder:
    """Images -> backbone -> features, float32 [n, width_], or of maps [n, rows, columns, width_].

    images: scales what is given; table: encodes features, fitted on those of learnt images alone,
    of maps on a sample of their patches, drawn with `seed`.

    After fit: `shape_` (width_,) or (rows, columns, width_), and what other encoders have.
    """

    unit: ClassVar[str] = "image"  # what it encodes, for messages
    feature_names_in_: np.ndarray  # of a table; never there

    def __init__(
        self, backbone: Backbone, scaling: str = "standard", *, owner: str, seed: int = 0
    ) -> None:
        self.backbone, self.owner, self.seed = backbone, owner, seed
        given = backbone.given == PRECOMPUTED
        self.images = GivenMaps(owner=owner) if given else ImageScaler(owner=owner)
        self.table = TableEncoder(scaling, owner=owner)

    @property
    def takes_maps(self) -> bool:
        """Whether it is given feature maps, not images."""
        return isinstance(self.images, GivenMaps)

    @property
    def has_maps(self) -> bool:
        """Whether an image is a map of rows, one a patch."""
        return len(self.shape_) == 3

    @property
    def form(self) -> Form:
        """Size, channels and bits that pictures are decoded to."""
        if isinstance(self.images, GivenMaps):
            raise InputError(f"{self.owner} was fitted on feature maps; give such, no pictures")
        return self.images.form

    # --- fit --------------------------------------------------------------------------------------

    def gathered(self, X: Any) -> AbstractContextManager[np.ndarray | ArrayFile]:
        """Read all images of X once, for `fit_transform`; pictures lie in a file."""
        return self.images.gathered(X)

    def fit_transform(
        self, X: np.ndarray | ArrayFile, rows: np.ndarray | None = None
    ) -> np.ndarray | PatchRows:
        """Fit, then encode all images that `gathered` gave: float32 [n, width_], or `PatchRows`.

        rows: bool [n], those to learn scales from; None = all.
        """
        rows = np.ones(len(X), bool) if rows is None else rows
        images = ScaledImages(self.images.fit(X, rows), X)
        first = self.features(np.asarray(images[:1]))
        if first.ndim == 2:
            features = np.concatenate([self.features(piece) for piece in self._pieces(images)])
            self.table.fit(features[rows])
            self._settle(first.shape[1:])
            return self.table.transform(features)
        held = None
        if len(images) * first[0].size <= HELD_VALUES:
            held = np.concatenate([self.features(piece) for piece in self._pieces(images)])
        sample = self._sample(images, held, np.flatnonzero(rows), math.prod(first.shape[1:3]))
        self.table.fit(sample)
        self._settle(first.shape[1:])
        return PatchRows(self, images, held, self.table.transform(sample))

    def _sample(
        self, images: ScaledImages, held: np.ndarray | None, learnt: np.ndarray, patches: int
    ) -> np.ndarray:
        """Draw patches of learnt images, from each as many: float32 [m, d].

        held: features of all images, if memory holds them.
        """
        generator = np.random.default_rng(self.seed)
        if len(learnt) > IMAGES_SAMPLED:
            learnt = np.sort(generator.permutation(learnt)[:IMAGES_SAMPLED])
        step = 1 if held is None else len(learnt)
        drawn: list[np.ndarray] = []
        for at in range(0, len(learnt), step):
            places = learnt[at : at + step]
            maps = self.features(np.asarray(images[places])) if held is None else held[places]
            count = max(1, min(patches, LEARNT_VALUES // (len(learnt) * maps.shape[3])))
            for one in maps.reshape(len(maps), patches, -1):
                chosen = np.sort(generator.permutation(patches)[:count])
                drawn.append(one[chosen])
        return np.concatenate(drawn)

    def _settle(self, shape: tuple[int, ...]) -> Self:
        """Set the shape of an image's features: (d,) or (rows, columns, d)."""
        self.width_ = self.table.width_
        self.shape_ = (*shape[:-1], self.width_)
        self.source_, self.output_names_ = self.table.source_, self.table.output_names_
        self.n_features_in_ = self.images.n_features_in_
        return self

    # --- images to be scored ----------------------------------------------------------------------

    def transform(self, X: Any) -> np.ndarray:
        """Encode X: float32 [n, *shape_]. InputError for another shape or kind of pixel."""
        return np.concatenate(list(self.blocks(X)))

    def blocks(self, X: Any) -> Iterator[np.ndarray]:
        """Encode X in pieces, so that neither images nor features need fit into memory."""
        return (encoded for _, encoded in self.beside(X))

    def batches(self, X: Any) -> Iterator[tuple[None, np.ndarray]]:
        """Yield the pieces that `blocks` makes, each with None, for its batch is not kept."""
        return ((None, encoded) for encoded in self.blocks(X))

    def beside(self, X: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield scaled images [k, height, width, channels], and what they are encoded to."""
        for images in self.images.blocks(X):
            step = self._at_once
            for piece in (images[at : at + step] for at in range(0, len(images), step)):
                yield piece, self.encoded(piece)

    def encoded(self, images: np.ndarray) -> np.ndarray:
        """Encode scaled images [n, height, width, channels]: float32 [n, *shape_]."""
        return self.of_features(self.features(images))

    def of_features(self, features: np.ndarray) -> np.ndarray:
        """Encode features as the backbone gives them: float32 [n, *shape_]."""
        if features.shape[1:-1] != self.shape_[:-1] or features.shape[-1] != self._given_width:
            due = (*self.shape_[:-1], self._given_width)
            raise InputError(
                f"the backbone {self.backbone.title} gives features of the shape "
                f"{features.shape[1:]} for an image, {self.owner} was fitted on {due}; give the "
                "backbone of the fit"
            )
        rows = features.reshape(-1, features.shape[-1])
        return self.table.transform(rows).reshape(len(features), *self.shape_)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Compute features of scaled images as the backbone gives them: float32 [n, d], or maps."""
        given = isinstance(self.images, GivenMaps)
        return self.backbone.features(images if given else seen_by_backbone(images))

    def _pieces(self, images: ScaledImages) -> Iterator[np.ndarray]:
        """Yield scaled images, as many at a time as suit their size."""
        step = max(1, FEATURE_VALUES // math.prod(images.shape[1:]))
        return (np.asarray(images[at : at + step]) for at in range(0, len(images), step))

    @property
    def _given_width(self) -> int:
        return self.table.n_features_in_

    @property
    def _at_once(self) -> int:
        """Count the images encoded at a time."""
        largest = max(math.prod(self.shape_), math.prod(self.images.shape_))
        return max(8, FEATURE_VALUES // largest)

    # --- storage ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Give all that `transform` needs but the weights, as JSON can hold it."""
        return {
            "kind": FEATURES,
            "backbone": self.backbone.state(),
            "images": self.images.state(),
            "shape": list(self.shape_),
            "table": self.table.state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], backbone: Any = None) -> Self:
        """Restore the encoder of a `state`; backbone: as `alad.load` was given it.

        Raises InputError if it is none, or the backbone is not there, or another one.
        """
        found = restored_backbone(state["backbone"], backbone)
        encoder = cls(found, owner=str(state["images"]["owner"]))
        encoder.table = TableEncoder.from_state(state["table"])
        shape = state["shape"]
        whole = isinstance(shape, list) and all(type(at) is int and at > 0 for at in shape)
        if not whole or len(shape) not in (1, 3) or shape[-1] != encoder.table.width_:
            raise InputError("the stored shape of features is none; save it anew")
        if isinstance(encoder.images, GivenMaps):
            encoder.images.settle(state["images"]["maps"])
        else:
            encoder.images = ImageScaler.from_state(state["images"])
        return encoder._settle(tuple(shape))


def seen_by_backbone(images: np.ndarray) -> np.ndarray:
    """Give scaled images as a backbone sees them, from 0, black, to 1."""
    return (images + 1) / np.float32(2)


class PatchRows:
    """Encoded maps [n, rows, columns, width], float32, computed when they are read.

    features: of all images, as the backbone gives them, where memory holds them; else None. sample:
    encoded patches [m, width] to learn from. Slices and selections are `PatchRows` again.
    """

    dtype = np.dtype(np.float32)
    ndim = 4

    def __init__(
        self,
        encoder: FeatureEncoder,
        images: ScaledImages,
        features: np.ndarray | None,
        sample: np.ndarray,
    ):
        self._encoder, self._images = encoder, images
        self._features, self.sample = features, sample

    def __len__(self) -> int:
        return len(self._images)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self._encoder.shape_)

    def __getitem__(self, chosen: slice | np.ndarray) -> PatchRows:
        """Select images; chosen: a slice, numbers, or bool [n]."""
        features = None if self._features is None else self._features[chosen]
        return PatchRows(self._encoder, self._images[chosen], features, self.sample)

    def pieces(self) -> Iterator[np.ndarray]:
        """Yield all maps, encoded, as many at a time as fit into memory."""
        step = self._encoder._at_once
        for at in range(0, len(self), step):
            if self._features is not None:
                yield self._encoder.of_features(self._features[at : at + step])
            else:
                yield self._encoder.encoded(np.asarray(self._images[at : at + step]))
