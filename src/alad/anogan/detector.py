"""AnoGAN: a GAN learns normal rows; a row's score is its distance from the nearest G(z).

Schlegl et al.: Unsupervised Anomaly Detection with Generative Adversarial Networks to Guide Marker
Discovery, IPMI 2017; networks and settings for tables from Zenati et al. 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from alad.adversarial.generation import sample_writer
from alad.anogan.architectures import (
    GAN_ARCHITECTURES,
    IMAGE_GAN_ARCHITECTURES,
    GanArchitecture,
    ImageGanArchitecture,
    gan_architecture_for,
)
from alad.anogan.model import SearchModel
from alad.anogan.networks import GanNetworks, gan_networks
from alad.anogan.step import GanStep
from alad.detector.contract import Fit
from alad.errors import InputError
from alad.networks.image_stacks import USUAL_WIDTH
from alad.neural.choices import Architectures
from alad.neural.detector import NetworkDetector
from alad.parameters import Count, CountOrZero, Folder, Share, how, replaces
from alad.randomness import Purpose, stream
from alad.row_kinds import row_kind
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows


@dataclass(kw_only=True, eq=False, repr=False)
class AnoGAN(NetworkDetector):
    """A GAN on normal rows, and a search of its latent space for every row that is scored.

    Schlegl et al. 2017. Score, large = anomalous: the loss (1 - lambda) R(z) + lambda D(z) (eq. 5)
    where the search for z ends, with R(z) = |x - G(z)|_1 (eq. 2) and D(z) = |f(x) - f(G(z))|_1
    (eq. 4), f [hidden] the activations before D's logit.

    Training alternates between D and G, by Adam with betas (0.5, 0.999); it runs to the end unless
    `patience` is given, and then stops by D's logits: a search at every check would cost more than
    the training. Scoring costs search_steps passes through G and D and back for each different row.
    """

    name: ClassVar[str] = "anogan"
    summary: ClassVar[str] = "GAN with a search of its latent space (Schlegl et al., IPMI 2017)"
    own_score: ClassVar[str] = "anogan"
    model = SearchModel
    tables = Architectures(
        GanArchitecture, GAN_ARCHITECTURES, lambda shape: gan_architecture_for(shape[0])
    )
    images = Architectures(
        ImageGanArchitecture,
        IMAGE_GAN_ARCHITECTURES,
        lambda shape: ImageGanArchitecture(width=USUAL_WIDTH),
    )
    beta1: ClassVar[float] = 0.5
    settings_of_model = ("search_steps", "search_learning_rate", "discrimination_weight")
    scaled_by: ClassVar[str] = "scaled"  # fewer rows: each costs a search

    patience: Count | None = None  # checks without improvement before a member stops; None = never
    latent_dim: Count | None = replaces("latent", None)  # width of the latent code
    samples: Folder = how(None)  # folder for pictures of G(z) over training, for images
    search_steps: CountOrZero = 500  # Adam updates of z for each row (500 in the paper)
    # learning rate of these updates. ALAD's authors used 1e-3, with which no coordinate of z moves
    # further than about 0.5, too little to converge; EGBAD's began with 0.01, as is done here
    search_learning_rate: Share = 0.01
    # lambda, the share of the discrimination term in the loss of a search (0.1 in the paper)
    discrimination_weight: Share = 0.1
    # how many of the rows given to `fit`, drawn at random, are searched for there; they set
    # `offset_` and, as far as they were held out, the calibration: to search for all rows of KDD99
    # would take longer than the training. None = 2,000 rows of a table, or 200 images, each of
    # which takes a second
    threshold_rows: Count | None = None
    # what searches: "torch", "native" (C), or "auto" = native on a CPU where
    # it is available
    engine: Literal["auto", "torch", "native"] = how("auto")  # pyright: ignore

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> GanNetworks:
        return gan_networks(shape, architecture)

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> GanStep:
        if self.engine == "native" and X.ndim > 2:
            raise InputError("the native search is not for images; give engine='auto' or 'torch'")
        networks = self._networks(tuple(X.shape[1:]), architecture)
        step = GanStep(X, networks, optimiser, seed=seed, members=self.member_numbers())
        step.watch = sample_writer(self.samples, step, seed)
        return step

    # every row costs a search
    def scored_at_fit(self, n: int, fit: Fit) -> slice | np.ndarray:
        usual = row_kind(fit.encoder.shape_).thresholded
        most = usual if self.threshold_rows is None else self.threshold_rows
        if n <= most:
            return slice(None)
        generator = stream(fit.facts["seed"], 0, Purpose.SPLIT, 3)
        return np.sort(generator.permutation(n)[:most])
