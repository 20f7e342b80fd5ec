"""Trained E, G and discriminators as a model: a row goes through E and G, and D_xx compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from alad.adversarial.generation import generated
from alad.adversarial.native_score import NativeCycle, cycle
from alad.adversarial.scores import SCORES, Cycle
from alad.detector.rows import block_rows, score_in_blocks
from alad.networks.context import Context
from alad.neural.model import NetworkModel
from alad.randomness import seed_of

SCORED_AT_ONCE = 1_024  # rows, in C: enough to forget the call, few enough to stay near
BLOCKS_AT_ONCE = 4  # of images, in C, where a block's copies of patches are not there
LEAST_IMAGES = 2  # in C: of one alone PyTorch may add up the features in another order


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
        if isinstance(self.reader, NativeCycle):
            return score_in_blocks(score, X, SCORED_AT_ONCE, fill=0)
        if self.scored_by() == "native":
            at_once = BLOCKS_AT_ONCE * block_rows(X.shape[1:])
            return score_in_blocks(score, X, at_once, fill=LEAST_IMAGES)
        return score_in_blocks(score, X)

    def _reconstruction(self, x: Tensor) -> Tensor:
        return self.reader.reconstruct(x)[2]

    def generate(self, n: int, random_state: Any) -> np.ndarray:
        """Make n images G(z), float32 [n, height, width, channels] from -1 to 1."""
        return generated(self.networks, self.context, n, seed_of(random_state))
