"""A trained GAN as a model: for every row a search of the latent space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from alad.adversarial.generation import generated
from alad.anogan.fixed_layers import fixed_weights
from alad.anogan.native_search import NativeSearch
from alad.anogan.networks import START
from alad.anogan.scores import SCORES, TrainedGan
from alad.anogan.search import LatentSearch, SearchSettings
from alad.detector.rows import score_in_blocks
from alad.native import build
from alad.networks.context import Context
from alad.neural.model import NetworkModel, common_scale
from alad.progress import Progress
from alad.randomness import seed_of
from alad.row_kinds import row_kind


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchModel(NetworkModel):
    """The model of AnoGAN; the search is part of it."""

    kind: ClassVar[str] = "search"
    offers = SCORES
    makes_rows: ClassVar[bool] = True
    makes_images: ClassVar[bool] = True

    search_steps: int
    search_learning_rate: float
    discrimination_weight: float

    def _reader(self, context: Context) -> TrainedGan:
        settings = SearchSettings(
            self.search_steps, self.search_learning_rate, self.discrimination_weight
        )
        start = context.buffers[START]
        kind = self._engine(start) if len(self.row_shape) == 1 else LatentSearch
        search = kind(self.networks, fixed_weights(self.networks, context), start, settings)
        return TrainedGan(self.networks, context, search, search.block_rows)

    def _engine(self, start: Tensor) -> type[LatentSearch]:
        """For tables: C where it can be had; asked for by name, it must be there."""
        if self.engine == "torch" or (self.engine == "auto" and start.device.type != "cpu"):
            return LatentSearch
        problem = build.problem()
        if self.engine == "auto" and problem is not None:
            build.tell(problem)
            return LatentSearch
        return NativeSearch

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

    # one search serves all scores that need one
    @torch.no_grad()
    def scaled(self, X: Any) -> Self:
        if len(self.members) == 1:
            return self
        x = self.tensor(X)
        ends = self.reader.search(x)
        once = replace(self.reader, search=lambda _: ends)
        values = {name: score.value(once, x, {}) for name, score in self.offers.items()}
        scales = {name: common_scale(v.double().cpu().numpy()) for name, v in values.items()}
        return replace(self, scales=scales)

    def _reconstruction(self, x: Tensor) -> Tensor:
        """G(z) where the search ends."""
        return self.reader.search(x).generated

    def generate(self, n: int, random_state: Any) -> np.ndarray:
        """Make n images G(z), float32 [n, height, width, channels] from -1 to 1."""
        return generated(self.networks, self.context, n, seed_of(random_state))


def distinct_rows(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different rows among X [n, *shape], and where each row of X is among them [n]."""
    rows = np.ascontiguousarray(X.reshape(len(X), -1))
    whole_rows = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, places = np.unique(whole_rows, return_index=True, return_inverse=True)
    return X[first], places
