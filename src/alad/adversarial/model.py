"""Trained E, G and discriminators as a model: a row goes through E and G, and D_xx compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from alad.adversarial.generation import generated
from alad.adversarial.native_score import cycle
from alad.adversarial.scores import SCORES, Cycle
from alad.detector.rows import score_in_blocks
from alad.networks.context import Context
from alad.neural.model import NetworkModel
from alad.randomness import seed_of
from alad.row_kinds import row_kind


@dataclass(frozen=True, eq=False, kw_only=True)
class CycleModel(NetworkModel):
    """The model of ALAD, ALICE and BiGAN."""

    kind: ClassVar[str] = "cycle"
    offers = SCORES
    makes_rows: ClassVar[bool] = True
    makes_images: ClassVar[bool] = True

    def _reader(self, context: Context) -> Cycle:
        """A model scores anywhere: in C where that can be had, whatever it was trained with."""
        if self.engine == "torch" or len(self.row_shape) > 1:
            return Cycle(self.networks, context)
        return cycle(self.networks, context)

    # an engine knows how many rows suit it: C leaves each row alone by itself, PyTorch needs blocks
    # of one size for that
    def in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        if self.scored_by() != "native":
            return score_in_blocks(score, X)
        kind = row_kind(self.row_shape)
        at_once = kind.blocks_in_c * kind.scored.rows(self.row_shape)
        return score_in_blocks(score, X, at_once, fill=kind.filled_up_in_c)

    def _reconstruction(self, x: Tensor) -> Tensor:
        return self.reader.reconstruct(x)[2]

    def generate(self, n: int, random_state: Any) -> np.ndarray:
        """Make n images G(z), float32 [n, height, width, channels] from -1 to 1."""
        return generated(self.networks, self.context, n, seed_of(random_state))
