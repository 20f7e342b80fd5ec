"""ALAD and its relatives as detectors: one body, the game as data.

Zenati, Romain, Foo, Lecouat, Chandrasekhar: Adversarially Learned Anomaly Detection, ICDM 2018
(ALAD); Li et al. 2017 (ALICE); Donahue et al. 2017, Dumoulin et al. 2017 and Zenati et al. 2018b
(BiGAN for anomaly detection).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from alad.adversarial import native_step, native_structures
from alad.adversarial.architectures import (
    ARCHITECTURES,
    IMAGE_ARCHITECTURES,
    WIDE,
    Architecture,
    ImageArchitecture,
    architecture_for,
    denoising_architecture_for,
    image_architecture_for,
)
from alad.adversarial.game import DENOISING_FAMILY, FAMILY, ZZ, Game
from alad.adversarial.generation import sample_writer
from alad.adversarial.joint_scores import NEIGHBOURS
from alad.adversarial.model import CycleModel
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.scores import DENOISING_SCORE, IMAGE_SCORE, SCORES, WIDE_SCORE
from alad.adversarial.step import GameStep
from alad.adversarial.trimming import trim
from alad.errors import InputError
from alad.neural.choices import Architectures
from alad.neural.detector import Encoded, NetworkDetector
from alad.parameters import Count, Folder, Proportion, Switch, how, replaces, whole
from alad.training.loop import Watch
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows

Form = Literal["denoising", "published"]


def _has_form(detector: ALAD) -> None:
    """Require a form that the method has."""
    if detector.form == "denoising" and detector.name not in DENOISING_FAMILY:
        raise InputError(f"form is 'denoising'; {detector.name} is 'published' alone: leave it out")


def _keeps_enough(detector: ALAD) -> None:
    """Require more kept rows than neighbours, and none to be asked for where none are kept."""
    score, kept = detector.score_function, detector.kept_rows
    if score in SCORES and SCORES[score].keeps:
        whole("kept_rows", kept, least=NEIGHBOURS + 1)
    elif kept != type(detector).kept_rows:
        raise InputError(
            f"kept_rows is {kept}, and only score_function='joint-neighbours' keeps rows (--score "
            "joint-neighbours), of images 'joint-projected-neighbours'; ask for it, too, or leave "
            "kept_rows out"
        )


@dataclass(kw_only=True, eq=False, repr=False)
class ALAD(NetworkDetector):
    """Adversarially learned anomaly detection (Zenati et al. 2018).

    D_xz tells (x, E(x)) from (G(z), z), D_xx (x, x) from (x, G(E(x))), D_zz (z, z) from
    (z, E(G(z))); with spectral normalisation. Score as published, large = anomalous: the L1 length
    of f(x, x) - f(x, G(E(x))), f [hidden] the activations before D_xx's logit (eq. 9).

    For tables the default is the form "denoising": D_xx tells (x, x) from (x, G(E(x~))), x~ a row
    with noise that E and G learn to take away, and the score is the Mahalanobis length of D_xx's
    features and E(x); of wide rows of a backbone, of D_xx's features and the row itself
    (docs/accuracy.md). For images the default is the published game with the Mahalanobis length of
    E(x) and of D_xx's features, projected. The preset "paper" has the published form.

    E, G and the discriminators are trained as a game on normal rows. A step updates both sides
    once, by Adam with betas (0.5, 0.999).
    """

    name: ClassVar[str] = "alad"
    summary: ClassVar[str] = "adversarially learned anomaly detection (Zenati et al., ICDM 2018)"
    own_score: ClassVar[str] = "features"
    model = CycleModel
    tables = Architectures(Architecture, ARCHITECTURES, lambda shape: architecture_for(shape[0]))
    images = Architectures(ImageArchitecture, IMAGE_ARCHITECTURES, image_architecture_for)
    beta1: ClassVar[float] = 0.5
    usual: ClassVar[Mapping[str, Any]] = {
        **NetworkDetector.usual,
        "share_batch": False,
        "form": "denoising",  # of tables; the preset for images has the other
    }
    rules = (*NetworkDetector.rules, _has_form, _keeps_enough)

    # the game on tables: "denoising", where E and G take noise away from rows, or "published", game
    # and score as in the paper; None = "denoising" for tables, for images the published game with
    # the score "projected"
    form: Form | None = None
    latent_dim: Count | None = replaces("latent", None)  # width of the latent code
    # folder for pictures of G(z) over training, for images: step-000000.png before the first step,
    # and another at every check, all of the same 32 codes; None = none
    samples: Folder = how(None)
    # spectral normalisation, the paper's switch SN; None = as the method was published
    spectral_norm: Switch | None = None
    # D_zz beside the others, the paper's switch DL; None = as the method was published
    latent_discriminator: Switch | None = None
    # whether both sides of a step see the same rows and noise, which saves a tenth of its time;
    # False = each its own, as published; None = for images
    share_batch: Switch | None = None
    # share of the training rows set aside because they come back worst, from a quarter of the
    # training on and anew at every check; for tables whose training rows hold anomalies
    trim: Proportion = 0.0
    # what the stopping rule of the published form asks of held-out rows: "swapped" = whether the
    # score tells them from rows put together of several, which says nothing of images: those are
    # trained to the end;
    # "mean-score" = how low their mean score is, the authors' rule for images, as in the preset
    # "cifar10-paper": the weights with the lowest are kept
    stopping_rule: Literal["swapped", "mean-score"] = "swapped"
    # training rows that a score with neighbours keeps, at most, a random sample; none is kept for
    # another score
    kept_rows: Count = 3_000  # pyright: ignore[reportIncompatibleVariableOverride]
    # what trains: "torch", "native" (C), or "auto" = native where it is
    # available; the two differ by rounding. For images also "bfloat16": convolutions train with
    # numbers of 16 bits, faster where the processor has matrix units for them (AMX); weights and
    # sums stay float32. Scores are float32 whatever trained, made by C unless it is "torch"; where
    # C is not available by NumPy, for images by PyTorch
    engine: Literal["auto", "torch", "native", "bfloat16"] = how("auto")  # pyright: ignore

    def _denoises(self, images: bool) -> bool:
        plays = self.settled(images=images)["form"] == "denoising"
        return plays and self.name in DENOISING_FAMILY  # others play what FAMILY says

    def own_score_name(self, shape: tuple[int, ...] = (1,)) -> str:
        if self.score_function is not None:
            return self.score_function
        images = len(shape) > 1
        if self._denoises(images):
            wide = self.backbone is not None and shape[0] > WIDE
            return WIDE_SCORE if wide else DENOISING_SCORE
        chosen = images and self.form is None and self.name in DENOISING_FAMILY
        return IMAGE_SCORE if chosen else self.own_score

    def _architectures(self, shape: tuple[int, ...]) -> Architectures:
        images = len(shape) > 1
        if not self._denoises(images):
            return super()._architectures(shape)
        if images:
            raise InputError("form='denoising' is for tables; for images leave form out")
        return replace(self.tables, rule=lambda shape: denoising_architecture_for(shape[0]))

    def _game(self, images: bool = False) -> Game:
        game = (DENOISING_FAMILY if self._denoises(images) else FAMILY)[self.name]
        if self.spectral_norm is not None:
            game = replace(game, spectral=bool(self.spectral_norm))
        if self.latent_discriminator is not None:
            game = game.switched(ZZ, bool(self.latent_discriminator))
        return game

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> GameNetworks:
        return game_networks(shape, architecture, self._game(images=len(shape) > 1))

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> GameStep:
        game = self._game(images=X.ndim > 2)
        step = self._engine(X, game)(
            X,
            self._networks(tuple(X.shape[1:]), architecture),
            game,
            optimiser,
            seed=seed,
            members=self.member_numbers(),
        )
        step.share_batch = bool(self.settled(images=X.ndim > 2)["share_batch"])
        step.watch = sample_writer(self.samples, step, seed)
        if self.trim:
            step.watch = self._trimming(step, tuple(X.shape[1:]))
        step.note = native_structures.refusal(game)
        return step

    def _trimming(self, step: GameStep, shape: tuple[int, ...]) -> Watch:
        """Set rows aside from a quarter of the training on; InputError for images."""
        if len(shape) > 1:
            raise InputError("trim is for tables: leave it out")

        def errors() -> np.ndarray:
            model = self._model(step, step.scoring_arrays(), shape)
            blocks = (model.member_scores(rows, "l2") for rows in self._blocks(step.X))
            return np.concatenate(list(blocks), axis=1)

        steps, rows = self._steps(step.steps_per_epoch), len(step.X)
        begin = steps // 4
        first = -(-begin // self.check_every) * self.check_every  # the first check from there on
        if int(self.trim * rows) < 1 or max(first, self.check_every) >= steps > 0:
            raise InputError(
                f"trim={self.trim} sets no row aside: {rows} rows, {steps} steps, a check every "
                f"{self.check_every}; train longer, check more often, or leave trim out"
            )
        return trim(step, self.trim, begin, errors)

    def _engine(self, X: Rows, game: Game) -> type[GameStep]:
        """Choose the C step where it is available and faster; InputError if asked for in vain.

        For images only the convolutions are in C.
        """
        if X.ndim == 2 and self.engine == "bfloat16":
            raise InputError("engine='bfloat16' is for images: use 'auto'")
        if X.ndim > 2 or (self.share_batch and self.engine != "native"):
            return GameStep
        if self.share_batch:
            raise InputError("share_batch is not for engine='native' on tables: use 'torch'")
        suits = X.device.type == "cpu" and native_structures.refusal(game) is None
        if self.engine == "torch" or (self.engine == "auto" and not suits):
            return GameStep
        if self.engine == "native" or native_step.preferred():
            return native_step.NativeGameStep
        return GameStep

    # swapped cells of images tell nothing, or the contrary (EXPERIMENTS.md); the denoising form is
    # trained to the end
    def _stopping(self, X: Encoded) -> Literal["swapped", "mean-score"] | None:
        if self._denoises(images=X.ndim > 2):
            return None
        swapped = self.stopping_rule == "swapped"
        return None if swapped and X.ndim > 2 else self.stopping_rule


@dataclass(kw_only=True, eq=False, repr=False)
class ALICE(ALAD):
    """ALICE (Li et al. 2017): D_xz and D_xx; the baseline of the ALAD paper's ablations.

    D_xx, here without spectral normalisation, is its adversarial term for cycle consistency: it
    tells (x, x) from (x, G(E(x))). Score as ALAD's, large = anomalous (Zenati et al. 2018, eq. 9).
    """

    name: ClassVar[str] = "alice"
    summary: ClassVar[str] = "ALAD without D_zz and spectral norm (Li et al., NeurIPS 2017)"
    usual: ClassVar[Mapping[str, Any]] = {**ALAD.usual, "form": "published"}


@dataclass(kw_only=True, eq=False, repr=False)
class BiGAN(ALAD):
    """BiGAN (Donahue et al. 2017) for anomaly detection (EGBAD, Zenati et al. 2018b).

    D_xz alone. Score, large = anomalous, with x' = G(E(x)): 0.9 |x - x'|_1 + 0.1 |f(x, E(x)) -
    f(x', E(x))|_1, f [hidden] the activations before D_xz's logit.
    """

    name: ClassVar[str] = "bigan"
    summary: ClassVar[str] = "bidirectional GAN with the EGBAD score (Zenati et al., 2018)"
    usual: ClassVar[Mapping[str, Any]] = {**ALAD.usual, "form": "published"}
    own_score: ClassVar[str] = "egbad"
