"""Trained E, G and discriminators as a model: a row goes through E and G, and D_xx compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from alad.adversarial.scores import SCORES
from alad.neural.engines import Engines
from alad.neural.model import NetworkModel

ENGINES: Engines = {
    "c": ("alad.adversarial.native_score", "prepare"),
    "torch": ("alad.adversarial.torch_cycle", "prepare"),
    "numpy": ("alad.adversarial.numpy_cycle", "prepare"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class CycleModel(NetworkModel):
    """The model of ALAD, ALICE and BiGAN."""

    kind: ClassVar[str] = "cycle"
    offers = SCORES
    engines = ENGINES
    makes_rows: ClassVar[bool] = True
    makes_images: ClassVar[bool] = True

    def generate(self, n: int, random_state: Any) -> np.ndarray:
        """Make n images G(z), float32 [n, height, width, channels] from -1 to 1."""
        from alad.adversarial.generation import generated_by  # loads PyTorch

        return generated_by(self, n, random_state)
