"""Rows as numbers of one scale; fitted on training rows only, and stored with the model."""

from collections.abc import Mapping
from typing import Any

from alad.encoding.images import IMAGES, ImageScaler, is_images, pixels_of
from alad.encoding.rows import ScaledImages
from alad.encoding.scalings import SCALINGS
from alad.encoding.table import TableEncoder

__all__ = [
    "SCALINGS",
    "ImageScaler",
    "ScaledImages",
    "TableEncoder",
    "encoder_from_state",
    "is_images",
    "pixels_of",
]


def encoder_from_state(state: Mapping[str, Any]) -> TableEncoder | ImageScaler:
    """The encoder whose `state` this is; InputError if it is none's."""
    kind = ImageScaler if state.get("kind") == IMAGES else TableEncoder
    return kind.from_state(state)
