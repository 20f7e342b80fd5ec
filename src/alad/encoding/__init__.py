"""Rows as numbers of one scale; fitted on training rows only, and stored with the model."""

from collections.abc import Mapping
from typing import Any

from alad.data.frames import Drop
from alad.data.source import Source
from alad.encoding.features import FEATURES, FeatureEncoder, PatchRows
from alad.encoding.images import IMAGES, ImageScaler
from alad.encoding.rows import Encoded, FileRows, LazyRows, ReadRows, ScaledImages
from alad.encoding.scalings import SCALINGS
from alad.encoding.table import TableEncoder
from alad.errors import InputError

__all__ = [
    "SCALINGS",
    "Encoded",
    "Encoder",
    "FeatureEncoder",
    "FileRows",
    "ImageScaler",
    "LazyRows",
    "PatchRows",
    "ReadRows",
    "ScaledImages",
    "TableEncoder",
    "encoder_for",
    "encoder_from_state",
    "image_scaler",
]


CONTRAST_OF_PIXELS = "equal_contrast is of pictures' pixels"
WITHOUT_CONTRAST = "leave equal_contrast out (--no-equal-contrast)"

Encoder = TableEncoder | ImageScaler | FeatureEncoder


def encoder_for(
    source: Source,
    *,
    scaling: str,
    drop: Drop,
    owner: str,
    equal_contrast: bool = False,
    shown: bool = False,
) -> TableEncoder | ImageScaler:
    """Make an encoder, not yet fitted, for a kind of source; scaling and drop are for tables.

    equal_contrast: of images; InputError for a table. shown: is progress shown while it reads and
    encodes a table?
    """
    if source.kind == "images":
        return ImageScaler(owner=owner, equal_contrast=equal_contrast)
    if equal_contrast:
        raise InputError(f"{CONTRAST_OF_PIXELS}, and X is a table; {WITHOUT_CONTRAST}")
    return TableEncoder(scaling, drop, owner=owner, shown=shown)


def image_scaler(encoder: Encoder) -> ImageScaler:
    """Return what scales the images of an encoder; InputError if it encodes none."""
    scaler = encoder.images if isinstance(encoder, FeatureEncoder) else encoder
    if not isinstance(scaler, ImageScaler):
        raise InputError("this model is of no images that can be shown")
    return scaler


def encoder_from_state(state: Mapping[str, Any], backbone: Any = None) -> Encoder:
    """Restore the encoder of a `state`; InputError if it is none.

    backbone: what `alad.load` was given, for a model that was fitted with a function before it.
    """
    if state.get("kind") == FEATURES:
        return FeatureEncoder.from_state(state, backbone)
    if backbone is not None:
        raise InputError("this model was fitted without a backbone; leave backbone out")
    kind = ImageScaler if state.get("kind") == IMAGES else TableEncoder
    return kind.from_state(state)
