"""What all detectors with networks share: members, schedule, stopping rule, checkpoints, storage.

A method adds its networks, its step and its scores; nothing here knows what a row looks like.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from alad.context import Context, Networks
from alad.detector import Detector
from alad.errors import InputError
from alad.monitor import SwappedColumns
from alad.named_tensors import from_named_tensors, named_tensors, require_whole
from alad.parameters import fraction, one_of, positive, share, whole
from alad.presets import preset
from alad.randomness import Purpose, seed_of, stream
from alad.scores import Score
from alad.steps import NetworkStep, Optimiser
from alad.training import Checkpoint, Monitor, Schedule, Training, train
from alad.weights import scoring_weights

MONITOR_IMAGES = 256
MONITOR_ROWS = 4_000  # rows that the stopping rule looks at; it must cost little
SCORE_FIT_ROWS = 20_000  # training rows from which scores learn scales; more change nothing
SCORE_FIT_IMAGES = 512
# images from which batch norm's statistics are measured, as far as memory allows
MEASURED_IMAGES, LEAST_MEASURED, MEASURED_PIXELS = 512, 32, 1 << 19
# parameters that may be others when an interrupted training goes on; the rows may not, whatever
# share of them is held out
WITHOUT_EFFECT_ON_WEIGHTS = {
    *("checkpoint", "checkpoint_seconds", "resume", "calibration_fraction"),
    *("verbose", "device", "engine", "contamination"),
}


class Neural(Detector):
    """The body of every detector with networks.

    A subclass hands on the parameters below with `**common`, and may give them other defaults.

    Parameters
    ----------
    architecture : name of one of the method's architectures, mapping of its widths, or None for a
        rule from the shape of a row
    score_function : name of one of the method's scores; None = its own
    scaling, drop : see `TableEncoder`
    learning_rate, batch_size : of Adam
    epochs, max_steps : how long to train at most, the smaller of the two; 0 = untrained
    validation_fraction, patience, check_every : share of rows held out for the stopping rule,
        checks without improvement after which a member stops learning, steps between two checks;
        patience None = train to the end
    ema_decay : of the moving average of the weights that is used for scoring
    members : how many copies to train side by side, or which ones ([3] = the fourth one alone);
        their mean score counts
    contamination : share of the rows given to fit to be flagged by `predict`
    calibration_fraction : share of them held out for p-values and thresholds; see `fit`
    random_state : None, an integer or a RandomState; with an integer the same data give the same
        bytes on a CPU
    device : "cpu", "cuda", or "auto"
    verbose : 1 shows progress on stderr
    checkpoint, checkpoint_seconds, resume : folder, interval, and whether to go on from what lies
        in it
    """

    own_score: ClassVar[str]
    scores: ClassVar[Mapping[str, Score[Any]]]
    architectures: ClassVar[Mapping[str, Any]]  # by name, each an `architecture_type`
    architecture_type: ClassVar[type]  # a dataclass
    # the same for images, of a method that sees them as such
    image_architectures: ClassVar[Mapping[str, Any]] = {}
    image_architecture_type: ClassVar[type]

    def __init__(
        self,
        *,
        architecture: str | Mapping[str, Any] | None = None,
        score_function: str | None = None,
        scaling: str = "standard",
        drop: Sequence[str] = (),
        learning_rate: float = 1e-3,
        batch_size: int = 64,
        epochs: int | None = None,
        max_steps: int | None = 2_000,
        validation_fraction: float = 0.1,
        patience: int | None = 20,
        check_every: int = 100,
        ema_decay: float = 0.999,
        members: int | Sequence[int] = 1,
        contamination: float = 0.05,
        calibration_fraction: float = 0.1,
        random_state: object = None,
        device: str = "cpu",
        verbose: int = 0,
        checkpoint: str | Path | None = None,
        checkpoint_seconds: float = 60.0,
        resume: bool = False,
    ):
        self.architecture = architecture
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
        self.calibration_fraction = calibration_fraction
        self.random_state = random_state
        self.device = device
        self.verbose = verbose
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.resume = resume

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Let the constructor's signature, which scikit-learn reads, show what `**common` hides."""
        super().__init_subclass__(**keywords)
        if "__init__" in vars(cls):
            cls.__init__.__signature__ = _whole_signature(cls)  # pyright: ignore

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> Self:
        """A detector with the settings of one of the method's presets, some of them replaced."""
        return cls(**preset(name, cls.name) | overrides)

    # --- what a method has to say for itself ------------------------------------------------------

    @abstractmethod
    def _usual_architecture(self, shape: tuple[int, ...]) -> Any:
        """The `architecture_type` for rows of this shape where the user names none."""

    @abstractmethod
    def _networks_for(self, shape: tuple[int, ...]) -> Networks:
        """The networks for rows of this shape; they hold no weights."""

    @abstractmethod
    def _make_step(self, X: Tensor, seed: int) -> NetworkStep:
        """What trains them on rows X [n, *shape]."""

    @abstractmethod
    def _make_model(self, networks: Any, context: Context) -> Any:
        """What the method's scores read, at evaluation. For images it has a method `measure`."""

    @abstractmethod
    def _reconstruction(self, x: Tensor) -> Tensor:
        """The model's version of rows x [n, *shape]: [members, n, *shape]."""

    def _stopping_score(self) -> str:
        """The score by which the stopping rule judges: the one that will be used."""
        return self._score_name()

    # --- parameters -------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name in ("batch_size", "check_every"):
            whole(name, getattr(self, name))
        for name, least in (("epochs", 0), ("max_steps", 0), ("patience", 1)):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), least)
        if self.epochs is None and self.max_steps is None:
            raise InputError("epochs and max_steps are both None; give one of them")
        share("learning_rate", self.learning_rate)
        one_of("score_function", self._score_name(), tuple(self.scores))
        fraction("validation_fraction", self.validation_fraction)
        fraction("ema_decay", self.ema_decay)
        positive("checkpoint_seconds", self.checkpoint_seconds, or_zero=True)
        if not isinstance(self.checkpoint, str | Path | None):
            raise InputError(f"checkpoint is {self.checkpoint!r}; give a folder, or None")
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

    def _architecture(self, shape: tuple[int, ...]) -> Any:
        kind, named = self._architectures_for(shape)
        if isinstance(self.architecture, Mapping):
            return self._architecture_of(kind, self.architecture)
        if self.architecture is None:
            return self._usual_architecture(shape)
        if isinstance(self.architecture, str) and self.architecture in named:
            return named[self.architecture]
        known = ", ".join(named)
        raise InputError(f"no architecture {self.architecture!r}; there are: {known}")

    def _architectures_for(self, shape: tuple[int, ...]) -> tuple[type, Mapping[str, Any]]:
        """(type, those that have names) for rows of this shape."""
        if len(shape) == 1:
            return self.architecture_type, self.architectures
        return self.image_architecture_type, self.image_architectures

    def _architecture_of(self, kind: type, widths: Mapping[str, Any]) -> Any:
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in widths.items()
        }
        try:
            return kind(**given)
        except TypeError as error:
            raise InputError(f"architecture {widths!r} does not fit: {error}") from None

    def _optimiser(self, **settings: float) -> Optimiser:
        return Optimiser(self.learning_rate, self.batch_size, ema_decay=self.ema_decay, **settings)

    def _members(self) -> list[int]:
        if isinstance(self.members, Sequence):
            return [int(member) for member in self.members]
        return list(range(int(self.members)))

    def _device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self.device)
        except (RuntimeError, TypeError):
            raise InputError(f"device is {self.device!r}; give 'cpu', 'cuda' or 'auto'") from None
        if device.type not in ("cpu", "cuda"):
            raise InputError(f"device is {self.device!r}; give 'cpu', 'cuda' or 'auto'")
        if device.type == "cuda" and not torch.cuda.is_available():
            raise InputError("device is 'cuda', but there is none here; give 'cpu' or 'auto'")
        return device

    def _score_name(self) -> str:
        return self.own_score if self.score_function is None else self.score_function

    # --- fitting ----------------------------------------------------------------------------------

    def _fit_matrix(self, X: np.ndarray) -> None:
        seed = seed_of(self.random_state)
        rows, held_out = self._split(X, seed)
        step = self._make_step(self._tensor(rows), seed)
        self._adopt(step.networks, X.shape[1:], step.members)
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
        self._settle(training.best, step.X)
        self._learn_scores(step.X, self._sample(rows, seed))
        self.training_ = self._summary(training, step, seed)

    def _split(self, X: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Training rows, and held-out rows for the stopping rule: none if too few can be spared."""
        if self.patience is None:
            return X, X[:0]
        held_out = int(self.validation_fraction * len(X))
        order = stream(seed, 0, Purpose.SPLIT).permutation(len(X))
        return X[np.sort(order[held_out:])], X[np.sort(order[:held_out])]

    def _sample(self, X: np.ndarray, seed: int) -> np.ndarray:
        """At most SCORE_FIT_ROWS of the rows, or SCORE_FIT_IMAGES of images."""
        most = SCORE_FIT_ROWS if X.ndim == 2 else SCORE_FIT_IMAGES
        if len(X) <= most:
            return X
        chosen = stream(seed, 0, Purpose.SPLIT, 2).choice(len(X), most, replace=False)
        return X[np.sort(chosen)]

    def _make_monitor(self, step: NetworkStep, held_out: np.ndarray, seed: int) -> Monitor | None:
        """The label-free stopping signal; None if the held-out rows give none."""
        if len(held_out) == 0:
            return None
        name = self._stopping_score()
        most = MONITOR_ROWS if held_out.ndim == 2 else MONITOR_IMAGES
        known = step.X[:: max(1, len(step.X) // most)]

        def score(X: np.ndarray) -> np.ndarray:
            self._settle(step.scoring_arrays(), known)
            self._learn(name, known)
            return self._raw_scores(X, name)

        return self._monitor(score, held_out[:most], stream(seed, 0, Purpose.SPLIT, 1))

    def _monitor(
        self,
        score: Callable[[np.ndarray], np.ndarray],
        held_out: np.ndarray,
        generator: np.random.Generator,
    ) -> Monitor | None:
        """Does the score know rows from ones put together of several? See `SwappedColumns`."""
        shape = held_out.shape[1:]
        monitor = SwappedColumns(
            lambda rows: score(rows.reshape(-1, *shape)),
            held_out.reshape(len(held_out), -1),
            self.encoder_.source_,
            generator,
        )
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

    def _summary(self, training: Training, step: NetworkStep, seed: int) -> dict[str, Any]:
        return {
            "seed": seed,
            "rows": len(step.X),
            "steps": training.steps_done,
            "best_step": training.best_step.tolist(),
            "seconds": round(training.seconds, 3),
            "architecture": asdict(self._architecture(self._row_shape)),
            "history": training.history,
        }

    # --- scoring ----------------------------------------------------------------------------------

    def _adopt(
        self, networks: Networks, row_shape: tuple[int, ...], members: Sequence[int]
    ) -> None:
        self._networks, self._row_shape, self.members_ = networks, row_shape, list(members)
        one_of("score_function", self._score_name(), tuple(self._offered))
        self._fitted: dict[str, dict[str, Tensor]] = {}
        self._scales: dict[str, np.ndarray] = {}

    @property
    def _offered(self) -> dict[str, Score[Any]]:
        """The method's scores for rows of this shape."""
        images = len(self._row_shape) > 1
        return {name: one for name, one in self.scores.items() if one.for_images or not images}

    def _settle(self, arrays: Mapping[str, Tensor], rows: Tensor) -> None:
        """Score with these averaged weights: spectral norms divided out, once and exactly.

        rows: training rows, from which statistics may be measured.
        """
        self._use(Context(*scoring_weights(self._networks, arrays)))
        self._measure(rows)

    @torch.no_grad()
    def _measure(self, rows: Tensor) -> None:
        """Let the model take its batch norm's statistics from some training images."""
        if rows.ndim > 2:
            pixels = rows.shape[1] * rows.shape[2]
            count = min(MEASURED_IMAGES, max(LEAST_MEASURED, MEASURED_PIXELS // pixels))
            self._model.measure(rows[:: max(1, len(rows) // count)][:count])
            self._use(self._evaluated)

    def _use(self, context: Context) -> None:
        self._evaluated, self._model = context, self._make_model(self._networks, context)

    def _tensor(self, X: np.ndarray) -> Tensor:
        return torch.from_numpy(X).to(self._device())

    @torch.no_grad()
    def _evaluate(self, X: np.ndarray, name: str) -> np.ndarray:
        """Score `name` of one block of rows X [n, *shape]: [members, n], float64."""
        value = self.scores[name].value(self._model, self._tensor(X), self._fitted.get(name, {}))
        return value.double().cpu().numpy()

    def _raw_scores(self, X: np.ndarray, name: str) -> np.ndarray:
        """The same for any number of rows."""
        return self._in_blocks(lambda block: self._evaluate(block, name), X)

    @torch.no_grad()
    def _learn(self, name: str, x: Tensor) -> None:
        """What score `name` needs to know, from training rows x."""
        fit = self.scores[name].fit
        if fit is not None:
            self._fitted[name] = fit(self._model, x)

    def _learn_scores(self, rows: Tensor, sample: np.ndarray) -> None:
        """What scores need to know, and for every member the common scale of an ensemble."""
        for name, score in self._offered.items():
            self._learn(name, rows if score.fit_to_all else self._tensor(sample))
        self._scales = {
            name: common_scale(self._raw_scores(sample, name)) for name in self._offered
        }

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
        return self._streamed(X, self._score_name())

    def _streamed(self, X: Any, name: str) -> np.ndarray:
        blocks = [self._raw_scores(block, name) for block in self._encoded(X)]
        return np.concatenate(blocks, axis=1)

    def score_as(self, X: Any, score: str) -> np.ndarray:
        """Float64 [n], large = anomalous, by any of the method's scores, no new fit."""
        check_is_fitted(self)
        one_of("score", score, tuple(self._offered))
        return self._combine(self._streamed(X, score), score)

    @torch.no_grad()
    def reconstruct(self, X: Any) -> np.ndarray:
        """The model's version of encoded rows, float32 [n, *shape], mean over members.

        `encoder_.output_names_` names the columns.
        """
        check_is_fitted(self)

        def one_block(block: np.ndarray) -> np.ndarray:
            mean = self._reconstruction(self._tensor(block)).mean(dim=0)
            return np.moveaxis(mean.cpu().numpy(), 0, -1)

        rows = self._in_blocks(one_block, self._seen(self.encoder_.transform(X)))
        return np.ascontiguousarray(np.moveaxis(rows, -1, 0))

    def _own_version(self, X: Any) -> np.ndarray:
        return self.reconstruct(X)

    # --- storage ----------------------------------------------------------------------------------

    def _state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        tensors = named_tensors(self._evaluated, self._fitted)
        arrays = {path: value.cpu().numpy() for path, value in tensors.items()}
        arrays |= {f"scale/{name}": scale for name, scale in self._scales.items()}
        return {"members": self.members_, "shape": list(self._row_shape)}, arrays

    def _restore(self, content: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        # before there were images, `width` was the shape
        shape = tuple(content["shape"] if "shape" in content else [content["width"]])
        self._adopt(self._networks_for(shape), shape, content["members"])
        require_whole(arrays, self._networks.layers, self._offered, len(self.members_))
        self._scales = {name: arrays[f"scale/{name}"] for name in self._offered}
        tensors = {
            path: self._tensor(array)
            for path, array in arrays.items()
            if not path.startswith("scale/")
        }
        context, self._fitted = from_named_tensors(tensors)
        self._use(context)


def _whole_signature(cls: type) -> inspect.Signature:
    """That of the constructor of `cls`, with `**common` replaced by what it is handed on to."""
    own = inspect.signature(cls.__init__).parameters
    handed_on = inspect.signature(super(cls, cls).__init__).parameters  # pyright: ignore
    named = {k: p for k, p in own.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
    if len(named) < len(own):
        named |= {k: p for k, p in handed_on.items() if k not in named}
    return inspect.Signature(list(named.values()))


def common_scale(scores: np.ndarray) -> np.ndarray:
    """Median and mean deviation from it, [2, members], of scores [members, n] of training rows."""
    center = np.median(scores, axis=1)
    spread = np.abs(scores - center[:, None]).mean(axis=1)
    return np.stack([center, np.where(spread > 0, spread, 1.0)])
