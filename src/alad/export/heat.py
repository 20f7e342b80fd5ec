"""Heat maps in a graph: scores of patches less what is usual, enlarged by matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from alad.detector.explanation import usual_patches
from alad.detector.fitted import Fitted
from alad.detector.patches import blur_of, weights
from alad.encoding import FeatureEncoder


def heat(fitted: Fitted, encoder: FeatureEncoder, maps: Any) -> Any:
    """Make heat maps [rows, height, width] of scores of patches [rows, down, across].

    As `explanation.heat_of_patches`: spreading is linear, and so is the blur of small pictures.
    """
    (rows, columns), (height, width, _) = encoder.shape_[:2], encoder.images.shape_
    down, across = weights(rows, height), weights(columns, width)
    usual = usual_patches(fitted, encoder)
    if isinstance(usual, np.ndarray):
        deviation = blur_of(max(height, width) / max(rows, columns))
        down, across = (
            gaussian_filter1d(side, deviation, axis=0, mode="constant") for side in (down, across)
        )
    return down @ (maps.astype(np.float64) - usual) @ across.T
