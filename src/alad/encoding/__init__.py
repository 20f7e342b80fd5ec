"""Rows as numbers of one scale; fitted on training rows only, and stored with the model."""

from collections.abc import Mapping
from typing import Any

from alad.data.frames import Drop
from alad.data.source import Source
from alad.encoding.images import IMAGES, ImageScaler
from alad.encoding.rows import ReadRows, ScaledImages
from alad.encoding.scalings import SCALINGS
from alad.encoding.table import TableEncoder

__all__ = [
    "SCALINGS",
    "ImageScaler",
    "ReadRows",
    "ScaledImages",
    "TableEncoder",
    "encoder_for",
    "encoder_from_state",
]


def encoder_for(
    source: Source, *, scaling: str, drop: Drop, owner: str
) -> TableEncoder | ImageScaler:
    """Make an encoder, not yet fitted, for a kind of source; scaling and drop are for tables."""
    if source.kind == "images":
        return ImageScaler(owner=owner)
    return TableEncoder(scaling, drop, owner=owner)


def encoder_from_state(state: Mapping[str, Any]) -> TableEncoder | ImageScaler:
    """Restore the encoder of a `state`; InputError if it is none."""
    kind = ImageScaler if state.get("kind") == IMAGES else TableEncoder
    return kind.from_state(state)
