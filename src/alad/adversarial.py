"""ALAD and its relatives as detectors: one body, the game as data.

Zenati, Romain, Foo, Lecouat, Chandrasekhar: Adversarially Learned Anomaly Detection, ICDM 2018
(ALAD); Li et al. 2017 (ALICE); Donahue et al. 2017, Dumoulin et al. 2017 and Zenati et al. 2018b
(BiGAN for anomaly detection).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from alad import native
from alad.detector import Detector, one_of, score_in_blocks, share, whole
from alad.errors import InputError
from alad.game import FAMILY, Game
from alad.monitor import SwappedColumns
from alad.networks import Architecture, Context, DenseNetworks, scoring_weights
from alad.presets import ARCHITECTURES, architecture_for, preset
from alad.randomness import Purpose, seed_of, stream
from alad.scores import SCORES, Cycle
from alad.steps import GameStep, Optimiser
from alad.training import Checkpoint, Schedule, Training, train

ENGINES = ("auto", "torch", "native")
MONITOR_ROWS = 4_000  # held-out rows that the stopping rule looks at; it must cost little
SCORE_FIT_ROWS = 20_000  # training rows from which scores learn scales; more change nothing
# parameters that may be others when an interrupted training goes on
WITHOUT_EFFECT_ON_WEIGHTS = {
    *("checkpoint", "checkpoint_seconds", "resume"),
    *("verbose", "device", "engine", "contamination"),
}


class Adversarial(Detector):
    """The body of ALAD, ALICE and BiGAN.

    Networks E, G and pair discriminators, trained as a game on normal rows.

    Parameters
    ----------
    architecture : name in `presets.ARCHITECTURES`, mapping of widths, or None for a rule from the
        number of columns
    latent_dim : width of the latent code; None = the architecture's
    spectral_norm, latent_discriminator : the paper's ablation switches SN and DL; None = as the
        method was published
    score_function : name in `scores.SCORES`; None = the method's own (features; egbad for BiGAN)
    scaling, drop : see `TableEncoder`
    learning_rate, batch_size : of Adam with betas (0.5, 0.999), for both players
    epochs, max_steps : how long to train at most, the smaller of the two; a step updates both
        players once; 0 = untrained
    validation_fraction, patience, check_every : share of rows held out for the stopping rule,
        checks without improvement after which a member stops learning, steps between two checks;
        patience None = train to the end
    ema_decay : of the moving average of the weights that is used for scoring
    members : how many copies to train side by side, or which ones ([3] = the fourth one alone);
        their mean score counts
    contamination : share of the training rows to be flagged by `predict`
    random_state : None, an integer or a RandomState; with an integer the same data give the same
        bytes on a CPU
    device : "cpu", "cuda", or "auto"
    engine : "torch", "native" (C, compiled on first use), or "auto" = native where it can be had
    verbose : 1 shows progress on stderr
    checkpoint, checkpoint_seconds, resume : folder, interval, and whether to go on from what lies
        in it
    """

    method: ClassVar[str]
    own_score: ClassVar[str] = "features"

    def __init__(
        self,
        *,
        architecture: str | Mapping[str, Any] | None = None,
        latent_dim: int | None = None,
        spectral_norm: bool | None = None,
        latent_discriminator: bool | None = None,
        score_function: str | None = None,
        scaling: str = "standard",
        drop: Sequence[str] = (),
        learning_rate: float = 1e-3,
        batch_size: int = 64,
        epochs: int | None = None,
        max_steps: int | None = 2_000,
        validation_fraction: float = 0.1,
        patience: int | None = 10,
        check_every: int = 100,
        ema_decay: float = 0.999,
        members: int | Sequence[int] = 1,
        contamination: float = 0.05,
        random_state: object = None,
        device: str = "cpu",
        engine: str = "auto",
        verbose: int = 0,
        checkpoint: str | Path | None = None,
        checkpoint_seconds: float = 60.0,
        resume: bool = False,
    ):
        self.architecture = architecture
        self.latent_dim = latent_dim
        self.spectral_norm = spectral_norm
        self.latent_discriminator = latent_discriminator
        self.score_function = score_function
        self.scaling = scaling
        self.drop = drop
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_steps = max_steps
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.check_every = check_every
        self.ema_decay = ema_decay
        self.members = members
        self.contamination = contamination
        self.random_state = random_state
        self.device = device
        self.engine = engine
        self.verbose = verbose
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.resume = resume

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> Self:
        """A detector with the settings of one row of `presets.PRESETS`, some of them replaced."""
        return cls(**preset(name) | overrides)

    # --- parameters -------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name in ("batch_size", "check_every"):
            whole(name, getattr(self, name))
        for name, least in (("latent_dim", 1), ("epochs", 0), ("max_steps", 0), ("patience", 1)):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), least)
        if self.epochs is None and self.max_steps is None:
            raise InputError("epochs and max_steps are both None; give one of them")
        share("learning_rate", self.learning_rate)
        one_of("score_function", self._score_name(), tuple(SCORES))
        one_of("engine", self.engine, ENGINES)
        _fraction("validation_fraction", self.validation_fraction)
        _fraction("ema_decay", self.ema_decay)
        self._check_members()
        self._device()

    def _check_members(self) -> None:
        if isinstance(self.members, Sequence) and not isinstance(self.members, str):
            numbers = [whole("members", member, 0) for member in self.members]
            if not numbers or len(set(numbers)) < len(numbers):
                raise InputError(
                    f"members is {self.members!r}; give how many, or different numbers from 0 up"
                )
        else:
            whole("members", self.members)

    # --- fitting ----------------------------------------------------------------------------------

    def _fit_matrix(self, X: np.ndarray) -> None:
        seed = seed_of(self.random_state)
        rows, held_out = self._split(X, seed)
        step = self._make_step(rows, seed)
        self._adopt(step.networks, step.members)
        monitor = self._make_monitor(step, held_out, seed)
        patience = self.patience if monitor else None
        training = train(
            step,
            Schedule(self._steps(step.steps_per_epoch), self.check_every, patience),
            monitor,
            checkpoint=self._make_checkpoint(X, seed),
            label=self.name,
            verbose=bool(self.verbose),
        )
        self._settle(training.best)
        self._learn_scores(self._sample(rows, seed))
        self.training_ = self._summary(training, step, seed)

    def _split(self, X: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Training rows, and held-out rows for the stopping rule: none if too few can be spared."""
        if self.patience is None:
            return X, X[:0]
        held_out = int(self.validation_fraction * len(X))
        order = stream(seed, 0, Purpose.SPLIT).permutation(len(X))
        return X[np.sort(order[held_out:])], X[np.sort(order[:held_out])]

    def _make_step(self, rows: np.ndarray, seed: int) -> GameStep:
        optimiser = Optimiser(self.learning_rate, self.batch_size, ema_decay=self.ema_decay)
        data = torch.from_numpy(rows).to(self._device())
        chosen = self._engine(data)
        return chosen(
            data,
            self._game(),
            self._architecture(rows.shape[1]),
            optimiser,
            seed=seed,
            members=self._members(),
        )

    def _engine(self, data: Tensor) -> type[GameStep]:
        """The C step where it can be had and pays; asked for by name, it must be there."""
        if self.engine == "torch" or (self.engine == "auto" and data.device.type != "cpu"):
            return GameStep
        if self.engine == "native" or native.available():
            return native.NativeGameStep
        return GameStep

    def _sample(self, X: np.ndarray, seed: int) -> np.ndarray:
        """At most SCORE_FIT_ROWS of the rows."""
        if len(X) <= SCORE_FIT_ROWS:
            return X
        chosen = stream(seed, 0, Purpose.SPLIT, 2).choice(len(X), SCORE_FIT_ROWS, replace=False)
        return X[np.sort(chosen)]

    def _make_monitor(
        self, step: GameStep, held_out: np.ndarray, seed: int
    ) -> SwappedColumns | None:
        """The label-free stopping signal, judged by the score that will be used."""
        if len(held_out) == 0:
            return None

        name = self._score_name()
        if SCORES[name].fit:  # it would have to be fitted anew at every check
            name = "features"

        def score(X: np.ndarray) -> np.ndarray:
            self._settle(step.scoring_arrays())
            return self._raw_scores(X, name)

        generator = stream(seed, 0, Purpose.SPLIT, 1)
        monitor = SwappedColumns(score, held_out[:MONITOR_ROWS], self.encoder_.source_, generator)
        return monitor if monitor.informative else None

    def _steps(self, per_epoch: int) -> int:
        by_epochs = [] if self.epochs is None else [self.epochs * per_epoch]
        by_steps = [] if self.max_steps is None else [self.max_steps]
        return min(by_epochs + by_steps)

    def _make_checkpoint(self, X: np.ndarray, seed: int) -> Checkpoint | None:
        if self.checkpoint is None:
            return None
        settings = {
            name: repr(value)
            for name, value in self.get_params().items()
            if name not in WITHOUT_EFFECT_ON_WEIGHTS
        }
        digest = hashlib.sha256(json.dumps([self.name, seed, settings], sort_keys=True).encode())
        digest.update(np.ascontiguousarray(X).data)
        return Checkpoint(
            Path(self.checkpoint), digest.hexdigest(), self.checkpoint_seconds, self.resume
        )

    def _summary(self, training: Training, step: GameStep, seed: int) -> dict[str, Any]:
        chosen_for = step.X.device.type if self.engine == "auto" else None
        return {
            "seed": seed,
            "engine": "native" if isinstance(step, native.NativeGameStep) else "torch",
            "engine_note": native.reason() if chosen_for == "cpu" else None,
            "rows": len(step.X),
            "steps": training.steps_done,
            "best_step": training.best_step.tolist(),
            "seconds": round(training.seconds, 3),
            "architecture": asdict(self._architecture(step.X.shape[1])),
            "history": training.history,
        }

    # --- what the parameters mean -----------------------------------------------------------------

    def _game(self) -> Game:
        game = FAMILY[self.method]
        if self.spectral_norm is not None:
            game = replace(game, spectral=bool(self.spectral_norm))
        if self.latent_discriminator is not None:
            game = replace(game, zz=bool(self.latent_discriminator))
        return game

    def _architecture(self, width: int) -> Architecture:
        if isinstance(self.architecture, Mapping):
            shape = _architecture_of(self.architecture)
        elif self.architecture is None:
            shape = architecture_for(width)
        elif self.architecture in ARCHITECTURES:
            shape = ARCHITECTURES[self.architecture]
        else:
            raise InputError(
                f"no architecture {self.architecture!r}; there are: {', '.join(ARCHITECTURES)}"
            )
        return shape if self.latent_dim is None else replace(shape, latent=self.latent_dim)

    def _members(self) -> list[int]:
        if isinstance(self.members, int):
            return list(range(self.members))
        return [int(member) for member in self.members]

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self.device)
        except (RuntimeError, TypeError):
            raise InputError(f"device is {self.device!r}; give 'cpu', 'cuda' or 'auto'") from None
        if device.type == "cuda" and not torch.cuda.is_available():
            raise InputError("device is 'cuda', but there is none here; give 'cpu' or 'auto'")
        return device

    def _score_name(self) -> str:
        return self.own_score if self.score_function is None else self.score_function

    # --- scoring ----------------------------------------------------------------------------------

    def _adopt(self, networks: DenseNetworks, members: Sequence[int]) -> None:
        self._networks, self.members_ = networks, list(members)
        self._fitted: dict[str, dict[str, Tensor]] = {}
        self._scales: dict[str, np.ndarray] = {}

    def _settle(self, arrays: Mapping[str, Tensor]) -> None:
        """Score with these averaged weights: spectral norms divided out, once and exactly."""
        self._cycle = Cycle(self._networks, Context(*scoring_weights(self._networks, arrays)))

    def _tensor(self, X: np.ndarray) -> Tensor:
        return torch.from_numpy(X).to(self._device())

    @torch.no_grad()
    def _evaluate(self, X: np.ndarray, name: str) -> np.ndarray:
        """Score `name` of one block of rows X [n, width]: [members, n], float64."""
        value = SCORES[name].value(self._cycle, self._tensor(X), self._fitted.get(name, {}))
        return value.double().cpu().numpy()

    def _raw_scores(self, X: np.ndarray, name: str) -> np.ndarray:
        """The same for any number of rows."""
        return score_in_blocks(lambda block: self._evaluate(block, name), X)

    @torch.no_grad()
    def _learn_scores(self, X: np.ndarray) -> None:
        """From training rows X: whitening, and for every member the common scale of an ensemble."""
        gaps = self._cycle.gap(self._tensor(X))
        self._fitted = {name: score.fit(gaps) for name, score in SCORES.items() if score.fit}
        self._scales = {name: common_scale(self._raw_scores(X, name)) for name in SCORES}

    def _score_matrix(self, X: np.ndarray) -> np.ndarray:
        name = self._score_name()
        return self._combine(self._evaluate(X, name), name)

    def _combine(self, scores: np.ndarray, name: str) -> np.ndarray:
        """[members, n] -> [n]: one member's own score, or the mean on the members' common scale."""
        if len(scores) == 1:
            return scores[0]
        center, spread = self._scales[name]
        return ((scores - center[:, None]) / spread[:, None]).mean(axis=0)

    def member_scores(self, X: Any) -> np.ndarray:
        """Float64 [members, n], large = anomalous: each member's own score, on its own scale."""
        check_is_fitted(self)
        return self._raw_scores(self.encoder_.transform(X), self._score_name())

    def score_as(self, X: Any, score: str) -> np.ndarray:
        """Float64 [n], large = anomalous, by any of the scores in `scores.SCORES`, no new fit."""
        check_is_fitted(self)
        one_of("score", score, tuple(SCORES))
        return self._combine(self._raw_scores(self.encoder_.transform(X), score), score)

    @torch.no_grad()
    def reconstruct(self, X: Any) -> np.ndarray:
        """G(E(x)) of encoded rows, float32 [n, width], mean over members.

        `encoder_.output_names_` names the columns.
        """
        check_is_fitted(self)

        def one_block(block: np.ndarray) -> np.ndarray:
            return self._cycle.reconstruct(self._tensor(block))[2].mean(dim=0).T.cpu().numpy()

        return np.ascontiguousarray(score_in_blocks(one_block, self.encoder_.transform(X)).T)

    # --- storage ----------------------------------------------------------------------------------

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        groups = {"weight": self._cycle.context.weights, "buffer": self._cycle.context.buffers}
        arrays = {
            f"{kind}/{name}": value.cpu().numpy()
            for kind, group in groups.items()
            for name, value in group.items()
        }
        for score, fitted in self._fitted.items():
            arrays |= {
                f"score/{score}/{name}": value.cpu().numpy() for name, value in fitted.items()
            }
        arrays |= {f"scale/{name}": scale for name, scale in self._scales.items()}
        return {"members": self.members_, "width": self.encoder_.width_}, arrays

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self._adopt(self._networks_for(content["width"]), content["members"])
        device = self._device()
        groups: dict[str, dict[str, Tensor]] = {"weight": {}, "buffer": {}}
        for path, array in arrays.items():
            kind, _, name = path.partition("/")
            if kind == "scale":
                self._scales[name] = array
            elif kind == "score":
                score, _, part = name.partition("/")
                self._fitted.setdefault(score, {})[part] = torch.from_numpy(array).to(device)
            else:
                groups[kind][name] = torch.from_numpy(array).to(device)
        _require_shapes(self._networks, groups["weight"], len(self.members_))
        self._require_complete(groups["buffer"])
        self._cycle = Cycle(self._networks, Context(groups["weight"], groups["buffer"]))

    def _require_complete(self, buffers: Mapping[str, Tensor]) -> None:
        missing = [name for name in SCORES if name not in self._scales]
        fitted = [name for name, score in SCORES.items() if score.fit]
        missing += [name for name in fitted if name not in self._fitted]
        needed = [name for layer in self._networks.layers for name in layer.buffer_shapes()]
        missing += [name for name in needed if name not in buffers]
        if missing:
            raise InputError(f"the model lacks {', '.join(missing)}; save it anew")

    def _networks_for(self, width: int) -> DenseNetworks:
        game = self._game()
        return DenseNetworks(
            width, self._architecture(width), spectral=game.spectral, xx=game.xx, zz=game.zz
        )


def _fraction(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise InputError(f"{name} is {value!r}; give a number from 0 to below 1")


def _architecture_of(widths: Mapping[str, Any]) -> Architecture:
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in widths.items()
    }
    try:
        return Architecture(**given)
    except TypeError as error:
        raise InputError(f"architecture {widths!r} does not fit: {error}") from None


def common_scale(scores: np.ndarray) -> np.ndarray:
    """Median and mean deviation from it, [2, members], of scores [members, n] of training rows."""
    center = np.median(scores, axis=1)
    spread = np.abs(scores - center[:, None]).mean(axis=1)
    return np.stack([center, np.where(spread > 0, spread, 1.0)])


def _require_shapes(networks: DenseNetworks, weights: Mapping[str, Tensor], members: int) -> None:
    for layer in networks.layers:
        for name, shape in layer.shapes().items():
            found, expected = tuple(weights[name].shape), (members, *shape)
            if found != expected:
                raise InputError(f"weights {name} have shape {found}, not {expected}")


class ALAD(Adversarial):
    """Adversarially learned anomaly detection (Zenati et al. 2018).

    D_xz, D_xx and D_zz, spectrally normalised.
    """

    name: ClassVar[str] = "alad"
    summary: ClassVar[str] = "adversarially learned anomaly detection (Zenati et al., ICDM 2018)"
    method: ClassVar[str] = "alad"


class ALICE(Adversarial):
    """ALICE (Li et al. 2017): D_xz and D_xx; the baseline of the ALAD paper's ablations."""

    name: ClassVar[str] = "alice"
    summary: ClassVar[str] = "ALAD without D_zz and spectral norm (Li et al., NeurIPS 2017)"
    method: ClassVar[str] = "alice"


class BiGAN(Adversarial):
    """BiGAN for anomaly detection (Zenati et al. 2018b, EGBAD).

    D_xz alone, scored by residual and features.
    """

    name: ClassVar[str] = "bigan"
    summary: ClassVar[str] = "bidirectional GAN with the EGBAD score (Zenati et al., 2018)"
    method: ClassVar[str] = "bigan"
    own_score: ClassVar[str] = "egbad"
