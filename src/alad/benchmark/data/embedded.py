"""Images of a data set as a backbone's features, computed once and kept in the cache.

Sixty thousand images take minutes to hours on a CPU, and every row, class and seed of a benchmark
reads the same.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

import numpy as np

from alad.backbone.backbone import Backbone, backbone_of
from alad.benchmark.data.official import cache_folder
from alad.data.writing import replacing
from alad.detector.calibration import digests
from alad.encoding import ImageScaler
from alad.errors import InputError

PART = 4_096  # images computed between two files


def embedded(images: np.ndarray, name: str) -> np.ndarray:
    """Give the features of images [n, height, width, channels] by a named backbone: [n, d].

    What the cache lacks is computed and written there, so that an interrupted run goes on. Raises
    InputError if the backbone is not there, or gives maps.
    """
    backbone = backbone_of(name)
    if backbone is None or backbone.network is None:
        raise InputError(f"{name!r} is no network by name, whose features could be kept")
    scaled = ImageScaler().fit_transform(images)
    own = np.concatenate([digests(piece) for piece in scaled.pieces()])
    shape = "x".join(map(str, images.shape[1:]))
    use = hashlib.sha256(json.dumps(backbone.state(), sort_keys=True).encode()).hexdigest()
    folder = cache_folder() / "features" / f"{name}-{use[:12]}" / shape
    known, features = _kept(folder, _parts(folder))
    new = np.flatnonzero(~np.isin(own, known))
    new = new[np.unique(own[new], return_index=True)[1]]
    for at in range(0, len(new), PART):
        chosen = np.sort(new[at : at + PART])
        _write(folder, own[chosen], _computed(backbone, np.asarray(scaled[chosen])))
    if len(new):
        known, features = _kept(folder, _parts(folder))
    order = np.argsort(known)
    return features[order[np.searchsorted(known, own, sorter=order)]]


def _computed(backbone: Backbone, images: np.ndarray) -> np.ndarray:
    features = backbone.features((images + 1) / np.float32(2))
    if features.ndim != 2:
        raise InputError(f"{backbone.title} gives maps; of a benchmark's images a row each is kept")
    return features


def _parts(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.glob("*.npz"))) if folder.is_dir() else ()


@functools.lru_cache(maxsize=1)
def _kept(folder: Path, parts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Read all parts: digests of images uint64 [m], and features float32 [m, d]."""
    if not parts:
        return np.zeros(0, np.uint64), np.zeros((0, 0), np.float32)
    read = [np.load(folder / part, allow_pickle=False) for part in parts]
    return (
        np.concatenate([one["digests"] for one in read]),
        np.concatenate([one["features"] for one in read]),
    )


def _write(folder: Path, digest: np.ndarray, features: np.ndarray) -> None:
    """Write a part under the name of its first digest: beside, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{int(digest[0]):016x}-{len(digest)}.npz"
    with replacing(target) as file:
        np.savez(file, digests=digest, features=features)
