"""ALAD and its relatives as detectors: one body, the game as data.

Zenati, Romain, Foo, Lecouat, Chandrasekhar: Adversarially Learned Anomaly Detection, ICDM 2018
(ALAD); Li et al. 2017 (ALICE); Donahue et al. 2017, Dumoulin et al. 2017 and Zenati et al. 2018b
(BiGAN for anomaly detection).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from alad.adversarial import native_step, native_structures
from alad.adversarial.architectures import (
    ARCHITECTURES,
    IMAGE_ARCHITECTURES,
    AnyArchitecture,
    Architecture,
    ImageArchitecture,
    architecture_for,
    image_architecture_for,
)
from alad.adversarial.game import FAMILY, ZZ, Game
from alad.adversarial.generation import Generating
from alad.adversarial.native_score import NativeCycle, cycle
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.scores import SCORES, Cycle
from alad.adversarial.step import GameStep
from alad.detector.rows import score_in_blocks
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.native_convolution import NativeProducts
from alad.parameters import one_of
from alad.row_kinds import row_kind
from alad.training.loop import Monitor, Training
from alad.training.rows import Rows
from alad.training.step import NetworkStep

ENGINES = ("auto", "torch", "native", "bfloat16")
STOPPING_RULES = ("swapped", "mean-score")


class Adversarial(Generating):
    """The body of ALAD, ALICE and BiGAN.

    Networks E, G and pair discriminators, trained as a game on normal rows. A step updates both
    sides once, by Adam with betas (0.5, 0.999).

    Parameters, beside those of `Generating`
    ----------
    spectral_norm, latent_discriminator : the paper's ablation switches SN and DL; None = as the
        method was published
    share_batch : whether both sides of a step see the same rows and noise, which saves a tenth
        of its time; False = each its own, as published; None = for images
    stopping_rule : what held-out rows are asked: "swapped" = whether the score knows them from rows
        put together of several, which tells nothing of images: those are trained to the end;
        "mean-score" = how low its mean over all of them is, the authors' rule for images, as in the
        preset "cifar10-paper": the weights of the lowest are kept
    engine : "torch", "native" (C, compiled on first use), or "auto" = native where it can be had;
        the two differ by rounding. For images also "bfloat16": trains with numbers of 16 bits in
        convolutions, faster where the processor has matrix units for them (AMX); weights and sums
        stay float32. Scores are float32, made by C unless it is "torch", and where C cannot be had
        by PyTorch, whatever trained
    """

    method: ClassVar[str]
    own_score = "features"
    usual: ClassVar = {**Generating.usual, "share_batch": False}
    scores = SCORES
    architectures = ARCHITECTURES
    architecture_type = Architecture
    image_architectures = IMAGE_ARCHITECTURES
    image_architecture_type = ImageArchitecture
    sees_images = True
    streams_images = True

    def __init__(
        self,
        *,
        spectral_norm: bool | None = None,
        latent_discriminator: bool | None = None,
        share_batch: bool | None = None,
        stopping_rule: str = "swapped",
        engine: str = "auto",
        **common: Any,
    ):
        super().__init__(**common)
        self.spectral_norm = spectral_norm
        self.latent_discriminator = latent_discriminator
        self.share_batch = share_batch
        self.stopping_rule = stopping_rule
        self.engine = engine

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name in ("spectral_norm", "latent_discriminator", "share_batch"):
            switch(name, getattr(self, name))
        one_of("engine", self.engine, ENGINES)
        one_of("stopping_rule", self.stopping_rule, STOPPING_RULES)

    def _game(self) -> Game:
        game = FAMILY[self.method]
        if self.spectral_norm is not None:
            game = replace(game, spectral=bool(self.spectral_norm))
        if self.latent_discriminator is not None:
            game = game.switched(ZZ, bool(self.latent_discriminator))
        return game

    def _usual_architecture(self, shape: tuple[int, ...]) -> AnyArchitecture:
        return architecture_for(shape[0]) if len(shape) == 1 else image_architecture_for(shape)

    def _networks_for(self, shape: tuple[int, ...]) -> GameNetworks:
        return game_networks(shape, self._architecture(shape), self._game())

    def _make_step(self, X: Rows, seed: int) -> GameStep:
        step = self._engine(X)(
            X,
            self._networks_for(tuple(X.shape[1:])),
            self._game(),
            self._optimiser(),
            seed=seed,
            members=self._members(),
        )
        step.share_batch = bool(self.settled(images=X.ndim > 2)["share_batch"])
        return step

    def _engine(self, X: Rows) -> type[GameStep]:
        """The C step where it can be had and pays; asked for by name, it must be there.

        Of images only the convolutions are in C.
        """
        if X.ndim == 2 and self.engine == "bfloat16":
            raise InputError("engine='bfloat16' is for images: use 'auto'")
        if X.ndim > 2 or (self.share_batch and self.engine != "native"):
            return GameStep
        if self.share_batch:
            raise InputError("share_batch is not for engine='native' on tables: use 'torch'")
        suits = X.device.type == "cpu" and native_structures.refusal(self._game()) is None
        if self.engine == "torch" or (self.engine == "auto" and not suits):
            return GameStep
        if self.engine == "native" or native_step.preferred():
            return native_step.NativeGameStep
        return GameStep

    def _summary(self, training: Training, step: NetworkStep, seed: int) -> dict[str, Any]:
        native_suits = step.X.device.type == "cpu"
        in_c = isinstance(step, native_step.NativeGameStep)
        engine = {
            "engine": "native" if in_c else step.products.engine,
            "scoring_engine": "native" if self._scored_in_c() else "torch",
            "engine_note": self._engine_note() if self.engine == "auto" and native_suits else None,
        }
        return super()._summary(training, step, seed) | engine

    def _engine_note(self) -> str | None:
        return native_structures.refusal(self._game()) or native_step.reason()

    def _scored_in_c(self) -> bool:
        products = self._model.context.products
        return isinstance(self._model, NativeCycle) or isinstance(products, NativeProducts)

    def _make_model(self, networks: GameNetworks, context: Context) -> Cycle:
        """A model scores anywhere: in C where that can be had, whatever it was trained with."""
        return (Cycle if self.engine == "torch" else cycle)(networks, context)

    def _in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        """C leaves each row alone by itself; PyTorch needs blocks of one size for that."""
        if not self._scored_in_c():
            return super()._in_blocks(score, X)
        kind = row_kind(X.shape[1:])
        at_once = kind.blocks_in_c * kind.scored.rows(X.shape[1:])
        return score_in_blocks(score, X, at_once, fill=kind.filled_up_in_c)

    def _reconstruction(self, x: Tensor) -> Tensor:
        """G(E(x))."""
        return self._model.reconstruct(x)[2]

    def _has_stopping_rule(self, X: Any) -> bool:
        """Swapped cells of images tell nothing, or the contrary (EXPERIMENTS.md)."""
        return X.ndim == 2 or self.stopping_rule == "mean-score"

    def _monitor(
        self,
        score: Callable[[np.ndarray], np.ndarray],
        held_out: Any,
        generator: np.random.Generator,
    ) -> Monitor | None:
        if self.stopping_rule == "mean-score":  # of all of them, as the authors do
            return lambda: score(held_out).mean(axis=1)
        return super()._monitor(score, held_out, generator)

    def _stopping_score(self) -> str:
        """What a whitened score learns would have to be learnt anew at every check."""
        name = super()._stopping_score()
        return "features" if SCORES[name].fit else name


class ALAD(Adversarial):
    """Adversarially learned anomaly detection (Zenati et al. 2018).

    D_xz tells (x, E(x)) from (G(z), z), D_xx (x, x) from (x, G(E(x))), D_zz (z, z) from
    (z, E(G(z))); with spectral normalisation. Score, large = anomalous: the L1 length of
    f(x, x) - f(x, G(E(x))), f [hidden] the activations before D_xx's logit (eq. 9).
    """

    name: ClassVar[str] = "alad"
    summary: ClassVar[str] = "adversarially learned anomaly detection (Zenati et al., ICDM 2018)"
    method: ClassVar[str] = "alad"


class ALICE(Adversarial):
    """ALICE (Li et al. 2017): D_xz and D_xx; the baseline of the ALAD paper's ablations.

    D_xx, here without spectral normalisation, is its adversarial term for cycle consistency: it
    tells (x, x) from (x, G(E(x))). Score as ALAD's, large = anomalous (Zenati et al. 2018, eq. 9).
    """

    name: ClassVar[str] = "alice"
    summary: ClassVar[str] = "ALAD without D_zz and spectral norm (Li et al., NeurIPS 2017)"
    method: ClassVar[str] = "alice"


class BiGAN(Adversarial):
    """BiGAN (Donahue et al. 2017) for anomaly detection (EGBAD, Zenati et al. 2018b).

    D_xz alone. Score, large = anomalous, with x' = G(E(x)): 0.9 |x - x'|_1 + 0.1 |f(x, E(x)) -
    f(x', E(x))|_1, f [hidden] the activations before D_xz's logit.
    """

    name: ClassVar[str] = "bigan"
    summary: ClassVar[str] = "bidirectional GAN with the EGBAD score (Zenati et al., 2018)"
    method: ClassVar[str] = "bigan"
    own_score: ClassVar[str] = "egbad"


def switch(name: str, value: Any) -> None:
    """InputError unless `value` is True, False or None: "no" would count as yes."""
    if not isinstance(value, bool | np.bool_ | None):
        raise InputError(f"{name} is {value!r}; give True, False, or None for the method's own")
