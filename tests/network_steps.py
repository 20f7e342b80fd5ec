"""What detectors make for rows before they learn: networks, and the step that trains them."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from alad.neural.detector import NetworkDetector
from alad.training.step import NetworkStep


def networks_of(detector: Any, shape: tuple[int, ...]) -> Any:
    """Of the architecture that it chooses for rows of this shape; some see rows of pixels."""
    shape = shape if detector.sees_images else (math.prod(shape),)
    return detector._networks(shape, detector._architecture(shape))


def step_of(detector: Any, X: Tensor, seed: int) -> NetworkStep:
    """On rows X [n, *shape], with the detector's own settings."""
    assert isinstance(detector, NetworkDetector)
    optimiser = detector._optimiser(images=X.ndim > 2)
    return detector._step(X, detector._architecture(tuple(X.shape[1:])), optimiser, seed)
