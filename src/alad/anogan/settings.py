"""Settings of the search that all engines share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam as Kingma & Ba 2015 have it


@dataclass(frozen=True)
class SearchSettings:
    """How z is searched; discrimination_weight is the paper's lambda."""

    steps: int
    learning_rate: float
    discrimination_weight: float


def bias_corrections(settings: SearchSettings) -> np.ndarray:
    """Compute rate / (1 - beta1^t) and (1 - beta2^t)^(-1/2), t = 1, 2, ...: [2, steps]."""
    updates = np.arange(1, settings.steps + 1)
    rates = settings.learning_rate / (1.0 - BETA1**updates)
    return np.stack([rates, (1.0 - BETA2**updates) ** -0.5])
