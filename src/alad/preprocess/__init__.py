"""Rows as numbers of one scale; fitted on training rows only, and stored with the model."""

from alad.preprocess.encoder import TableEncoder
from alad.preprocess.scalings import SCALINGS

__all__ = ["SCALINGS", "TableEncoder"]
