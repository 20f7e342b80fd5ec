"""A trained GAN as a model: it scores a row by a search of the latent space."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from alad.anogan.scores import SCORES
from alad.anogan.settings import SearchSettings
from alad.detector.model import score_in_blocks
from alad.neural.engines import Engines
from alad.neural.model import NetworkModel
from alad.progress import Progress
from alad.row_kinds import row_kind

ENGINES: Engines = {
    "c": ("alad.anogan.native_search", "prepare"),
    "torch": ("alad.anogan.search", "prepare"),
    "numpy": ("alad.anogan.numpy_search", "prepare"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchModel(NetworkModel):
    """The model of AnoGAN; the search is part of it."""

    kind: ClassVar[str] = "search"
    offers = SCORES
    engines = ENGINES
    makes_rows: ClassVar[bool] = True
    makes_images: ClassVar[bool] = True

    search_steps: int
    search_learning_rate: float
    discrimination_weight: float

    # the search is part of the model; others have networks alone
    @property
    def settings(self) -> SearchSettings:
        return SearchSettings(
            self.search_steps, self.search_learning_rate, self.discrimination_weight
        )

    # a score is a pure function of its row, so rows that are equal are searched for once
    def in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        distinct, places = distinct_rows(np.asarray(X))
        unit, done = "rows" if X.ndim == 2 else "images", 0
        at_once = row_kind(self.row_shape).reported
        shown = bool(self.verbose)
        with Progress("anogan: search", len(distinct), unit=unit, enabled=shown) as progress:

            def one_block(block: np.ndarray) -> np.ndarray:
                nonlocal done
                scores, done = score(block), done + len(block)
                progress.advance(done)
                return scores

            scores = score_in_blocks(one_block, distinct, at_once, fill=0)
        return scores[..., places]

    def generate(self, n: int, random_state: Any) -> np.ndarray:
        """Make n images G(z), float32 [n, height, width, channels] from -1 to 1."""
        from alad.adversarial.generation import generated_by  # loads PyTorch

        return generated_by(self, n, random_state)


def distinct_rows(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different rows among X [n, *shape], and where each row of X is among them [n]."""
    rows = np.ascontiguousarray(X.reshape(len(X), math.prod(X.shape[1:])))
    whole_rows = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, places = np.unique(whole_rows, return_index=True, return_inverse=True)
    return X[first], places
