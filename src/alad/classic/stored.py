"""Is what was stored what a detector needs?"""

from collections.abc import Mapping

import numpy as np

from alad.errors import InputError


def check_arrays(arrays: Mapping[str, np.ndarray], kinds: Mapping[str, str]) -> None:
    """Is there an array of each name, with numbers of that kind ("i" whole, "f" real)?"""
    found = {name: array.dtype.kind for name, array in arrays.items()}
    if found != dict(kinds):
        raise InputError(f"the model holds the arrays {sorted(found)}, not {sorted(kinds)}")


def within(numbers: np.ndarray, bound: int) -> bool:
    """Are all numbers at least 0 and below `bound`?"""
    return bool(((numbers >= 0) & (numbers < bound)).all())


def check_rows(rows: np.ndarray, width: int, least: int = 1) -> None:
    """Are they at least `least` rows of that width?"""
    if rows.ndim != 2 or rows.shape[1] != width or len(rows) < least:
        raise InputError(f"the stored rows have the shape {rows.shape}; save them anew")
