"""Entries of an array by an array of places, which may stand for one in a graph to export."""

from typing import Any

import numpy as np


def entries(array: np.ndarray, at: Any) -> Any:
    """Give array[at]: of an `export.traced.Traced`, for which NumPy would need numbers, its own."""
    return array[at] if isinstance(at, np.ndarray) else at.among(array)
