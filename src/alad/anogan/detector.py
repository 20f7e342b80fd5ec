"""AnoGAN: a GAN learns what is normal; a row is as odd as what its nearest G(z) leaves unexplained.

Schlegl et al.: Unsupervised Anomaly Detection with Generative Adversarial Networks to Guide Marker
Discovery, IPMI 2017; networks and settings for tables from Zenati et al. 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from alad.adversarial import native_step
from alad.adversarial.generation import Generating
from alad.anogan.architectures import (
    GAN_ARCHITECTURES,
    IMAGE_GAN_ARCHITECTURES,
    GanArchitecture,
    ImageGanArchitecture,
    gan_architecture_for,
)
from alad.anogan.fixed_layers import fixed_weights
from alad.anogan.native_search import NativeSearch
from alad.anogan.networks import START, GanNetworks, gan_networks
from alad.anogan.scores import SCORES, TrainedGan
from alad.anogan.search import LatentSearch, SearchSettings
from alad.anogan.step import GanStep
from alad.detector.rows import score_in_blocks
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.stacks import USUAL_WIDTH
from alad.neural.model import common_scale
from alad.parameters import one_of, share, whole
from alad.progress import Progress
from alad.randomness import Purpose, stream
from alad.row_kinds import row_kind
from alad.training.loop import Training
from alad.training.rows import Rows
from alad.training.step import NetworkStep

ENGINES = ("auto", "torch", "native")


class AnoGAN(Generating):
    """A GAN on normal rows, and a search of its latent space for every row that is scored.

    Schlegl et al. 2017. Score, large = anomalous: the loss (1 - lambda) R(z) + lambda D(z) (eq. 5)
    where the search for z ends, with R(z) = |x - G(z)|_1 (eq. 2) and D(z) = |f(x) - f(G(z))|_1
    (eq. 4), f [hidden] the activations before D's logit.

    Training alternates between D and G, by Adam with betas (0.5, 0.999); it runs to the end unless
    `patience` is given, and then stops by D's logits: a search at every check would cost more than
    the training. Scoring costs search_steps passes through G and D and back for each different row.

    Parameters, beside those of `Generating`
    ----------
    search_steps : Adam updates of z for each row (500 in the paper)
    search_learning_rate : of these updates. ALAD's authors used 1e-3, by which no coordinate of z
        moves further than about 0.5, too little to arrive; EGBAD's began with 0.01, as is done here
    discrimination_weight : lambda, the discrimination term's share of the loss (0.1 in the paper)
    threshold_rows : so many of the rows given to `fit`, drawn at random, are searched for there;
        they set `offset_` and, as far as they were held out, the calibration. Every row costs a
        search: those of KDD99 would take longer than the training. None = 2,000 rows of a table, or
        200 images, of which each takes a second or more
    engine : what searches: "torch", "native" (C, compiled on first use), or "auto" = native on a
        CPU where it can be had
    """

    name: ClassVar[str] = "anogan"
    summary: ClassVar[str] = "GAN with a search of its latent space (Schlegl et al., IPMI 2017)"
    row_by_row: ClassVar[bool] = True  # the search sees to it
    own_score = "anogan"
    scores = SCORES
    architectures = GAN_ARCHITECTURES
    architecture_type = GanArchitecture
    image_architectures = IMAGE_GAN_ARCHITECTURES
    image_architecture_type = ImageGanArchitecture
    sees_images = True
    streams_images = True

    def __init__(
        self,
        *,
        search_steps: int = 500,
        search_learning_rate: float = 0.01,
        discrimination_weight: float = 0.1,
        threshold_rows: int | None = None,
        engine: str = "auto",
        patience: int | None = None,
        **common: Any,
    ):
        super().__init__(patience=patience, **common)
        self.search_steps = search_steps
        self.search_learning_rate = search_learning_rate
        self.discrimination_weight = discrimination_weight
        self.threshold_rows = threshold_rows
        self.engine = engine

    # --- parameters -------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        whole("search_steps", self.search_steps, 0)
        share("search_learning_rate", self.search_learning_rate)
        share("discrimination_weight", self.discrimination_weight)
        if self.threshold_rows is not None:
            whole("threshold_rows", self.threshold_rows)
        one_of("engine", self.engine, ENGINES)

    def _usual_architecture(self, shape: tuple[int, ...]) -> Any:
        if len(shape) == 1:
            return gan_architecture_for(shape[0])
        return ImageGanArchitecture(width=USUAL_WIDTH)

    def _networks_for(self, shape: tuple[int, ...]) -> GanNetworks:
        return gan_networks(shape, self._architecture(shape))

    # --- training ---------------------------------------------------------------------------------

    def _make_step(self, X: Rows, seed: int) -> GanStep:
        if self.engine == "native" and X.ndim > 2:
            raise InputError("the native search is not for images; give engine='auto' or 'torch'")
        networks = self._networks_for(tuple(X.shape[1:]))
        return GanStep(X, networks, self._optimiser(), seed=seed, members=self._members())

    def _stopping_score(self) -> str:
        return "logits"

    def _summary(self, training: Training, step: NetworkStep, seed: int) -> dict[str, Any]:
        fast = isinstance(self._model.search, NativeSearch)
        chosen_for = step.X.device.type if self.engine == "auto" and step.X.ndim == 2 else None
        engine = {
            "search_engine": "native" if fast else "torch",
            "search_engine_note": native_step.reason() if chosen_for == "cpu" else None,
        }
        return super()._summary(training, step, seed) | engine

    def _sample(self, X: Any, seed: int) -> Any:
        """Draw fewer rows than scores without a search would get."""
        sample = super()._sample(X, seed)
        return sample[:: -(-len(sample) // row_kind(X.shape[1:]).scaled)]

    @torch.no_grad()
    def _learn_scores(self, rows: Rows, sample: Any) -> None:
        """The members' common scales; one search serves all scores that need one."""
        x = self._tensor(sample)
        found = self._model.search(x)
        once = replace(self._model, search=lambda _: found)
        for name, score in SCORES.items():
            self._scales[name] = common_scale(score.value(once, x, {}).double().cpu().numpy())

    # --- scoring ----------------------------------------------------------------------------------

    def _judged(self, n: int) -> slice | np.ndarray:
        usual = row_kind(self._row_shape).thresholded
        most = usual if self.threshold_rows is None else self.threshold_rows
        if n <= most:
            return super()._judged(n)
        generator = stream(self.training_["seed"], 0, Purpose.SPLIT, 3)
        return np.sort(generator.permutation(n)[:most])

    def _make_model(self, networks: GanNetworks, context: Context) -> TrainedGan:
        settings = SearchSettings(
            self.search_steps, self.search_learning_rate, self.discrimination_weight
        )
        start = context.buffers[START]
        kind = self._engine(start) if len(networks.shape) == 1 else LatentSearch
        search = kind(networks, fixed_weights(networks, context), start, settings)
        return TrainedGan(networks, context, search, search.block_rows)

    def _engine(self, start: Tensor) -> type[LatentSearch]:
        """For tables: C where it can be had; asked for by name, it must be there."""
        if self.engine == "torch" or (self.engine == "auto" and start.device.type != "cpu"):
            return LatentSearch
        if self.engine == "native" or native_step.preferred():
            return NativeSearch
        return LatentSearch

    def _in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        """As a score is a pure function of its row, rows that are equal are searched for once."""
        distinct, places = distinct_rows(np.asarray(X))
        label, unit, done = f"{self.name}: search", f"{self.encoder_.unit}s", 0
        told = bool(self.verbose and self.training_)  # training has its own progress
        with Progress(label, len(distinct), unit=unit, enabled=told) as progress:

            def one_block(block: np.ndarray) -> np.ndarray:
                nonlocal done
                scores, done = score(block), done + len(block)
                progress.advance(done)
                return scores

            at_once = row_kind(X.shape[1:]).reported
            scores = score_in_blocks(one_block, distinct, at_once, fill=0)
        return scores[..., places]

    def _reconstruction(self, x: Tensor) -> Tensor:
        """G(z) where the search ends."""
        return self._model.search(x).generated


def distinct_rows(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different rows among X [n, *shape], and where each row of X stands among them [n]."""
    rows = np.ascontiguousarray(X.reshape(len(X), -1))
    whole_rows = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, places = np.unique(whole_rows, return_index=True, return_inverse=True)
    return X[first], places
