"""Checks of stored arrays of the models here."""

import numpy as np

from alad.errors import InputError


def within(numbers: np.ndarray, bound: int) -> bool:
    """Tell whether all numbers are at least 0 and below `bound`."""
    return bool(((numbers >= 0) & (numbers < bound)).all())


def check_rows(rows: np.ndarray, least: int = 1) -> None:
    """Raise InputError unless stored rows are a matrix of at least `least` rows."""
    if rows.ndim != 2 or len(rows) < least:
        raise InputError(f"the stored rows have the shape {rows.shape}; save them anew")
