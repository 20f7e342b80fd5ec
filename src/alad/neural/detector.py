"""How all detectors with networks are trained: members, schedule, stopping rule, checkpoints.

A method adds its networks, its step and its scores; nothing here knows what a row looks like.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self, Unpack

import numpy as np

from alad.detector.constructors import Common
from alad.encoding import ImageScaler, ScaledImages
from alad.errors import InputError
from alad.networks.native_convolution import training_products
from alad.neural.model import Networked, device_named
from alad.parameters import (
    Widths,
    folder,
    fraction,
    held_out,
    one_of,
    positive,
    share,
    switch,
    whole,
)
from alad.presets import preset, presets_of
from alad.randomness import Purpose, seed_of, stream
from alad.row_kinds import row_kind
from alad.training.loop import Checkpoint, Monitor, Schedule, Training, Watch, train
from alad.training.monitor import SwappedColumns
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows, rows_on
from alad.training.step import NetworkStep

# parameters that may be others when an interrupted training goes on, but for the engine bfloat16,
# which is no other rounding; the rows may not, whatever share of them is held out
WITHOUT_EFFECT_ON_WEIGHTS = {
    *("checkpoint", "checkpoint_seconds", "resume", "calibration_fraction"),
    *("samples", "verbose", "device", "engine", "contamination"),
}


Encoded = np.ndarray | ScaledImages  # rows [n, *shape]


class Neural(Networked):
    """The body of every detector with networks.

    A subclass hands on the parameters below with `**common`, and may give them other defaults.

    Parameters
    ----------
    architecture : name of one of the method's architectures, mapping of its widths, or None for a
        rule from the shape of a row
    score_function : name of one of the method's scores; None = its own
    scaling, drop : see `TableEncoder`
    learning_rate, batch_size : of Adam; None = 1e-3 and 64 (a method may differ, see `usual`), and
        for images those of the method's preset "images"
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

    # of tables, where a parameter is None
    usual: ClassVar[Mapping[str, Any]] = {"learning_rate": 1e-3, "batch_size": 64}
    architectures: ClassVar[Mapping[str, Any]]  # by name, each an `architecture_type`
    architecture_type: ClassVar[type[Widths]]
    # the same for images, of a method that sees them as such
    image_architectures: ClassVar[Mapping[str, Any]] = {}
    image_architecture_type: ClassVar[type[Widths]]

    def __init__(
        self,
        *,
        architecture: str | Mapping[str, Any] | None = None,
        score_function: str | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
        max_steps: int | None = 2_000,
        validation_fraction: float = 0.1,
        patience: int | None = 20,
        check_every: int = 100,
        ema_decay: float = 0.999,
        members: int | Sequence[int] = 1,
        device: str = "cpu",
        verbose: int = 0,
        checkpoint: str | Path | None = None,
        checkpoint_seconds: float = 60.0,
        resume: bool = False,
        **common: Unpack[Common],
    ):
        super().__init__(**common)
        self.architecture = architecture
        self.score_function = score_function
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_steps = max_steps
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.check_every = check_every
        self.ema_decay = ema_decay
        self.members = members
        self.device = device
        self.verbose = verbose
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds
        self.resume = resume

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> Self:
        """A detector with the settings of one of the method's presets, some of them replaced."""
        return cls(**preset(name, cls.name) | overrides)

    # --- what a method has to say for itself ------------------------------------------------------

    @abstractmethod
    def _usual_architecture(self, shape: tuple[int, ...]) -> Any:
        """The `architecture_type` for rows of this shape where the user names none."""

    @abstractmethod
    def _make_step(self, X: Rows, seed: int) -> NetworkStep:
        """What trains them on rows X [n, *shape]."""

    def _stopping_score(self) -> str:
        """The score by which the stopping rule judges: the one that will be used."""
        return self._score_name()

    # --- parameters -------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        super()._check_parameters()
        whole("check_every", self.check_every)
        for name, least in (("batch_size", 1), ("epochs", 0), ("max_steps", 0), ("patience", 1)):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), least)
        if self.epochs is None and self.max_steps is None:
            raise InputError("epochs and max_steps are both None; give one of them")
        if self.learning_rate is not None:
            share("learning_rate", self.learning_rate)
        one_of("score_function", self._score_name(), tuple(self.scores))
        fraction("validation_fraction", self.validation_fraction)
        fraction("ema_decay", self.ema_decay)
        positive("checkpoint_seconds", self.checkpoint_seconds, or_zero=True)
        folder("checkpoint", self.checkpoint)
        switch("resume", self.resume)
        if not isinstance(self.verbose, bool):
            whole("verbose", self.verbose, 0)
        self._check_members()
        device_named(self.device)

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
            return kind.of(self.architecture)
        if self.architecture is None:
            return self._usual_architecture(shape)
        if isinstance(self.architecture, str) and self.architecture in named:
            return named[self.architecture]
        known = ", ".join(named)
        raise InputError(
            f"no architecture {self.architecture!r}; there are: {known}; or give widths by name"
        )

    def _architectures_for(self, shape: tuple[int, ...]) -> tuple[type[Widths], Mapping[str, Any]]:
        """(type, those that have names) for rows of this shape."""
        if len(shape) == 1:
            return self.architecture_type, self.architectures
        return self.image_architecture_type, self.image_architectures

    def settled(self, images: bool) -> dict[str, Any]:
        """The parameters, with what None stands for where that hangs on the kind of rows."""
        chosen = presets_of(self.name).get("images", {}) if images else {}
        usual = {name: chosen.get(name, value) for name, value in self.usual.items()}
        given = self.get_params(deep=False)
        return given | {name: value for name, value in usual.items() if given[name] is None}

    def _optimiser(self, **settings: float) -> Optimiser:
        own = self.settled(images=isinstance(getattr(self, "encoder_", None), ImageScaler))
        return Optimiser(
            own["learning_rate"], own["batch_size"], ema_decay=self.ema_decay, **settings
        )

    def _members(self) -> list[int]:
        if isinstance(self.members, Sequence):
            return [int(member) for member in self.members]
        return list(range(int(self.members)))

    # --- fitting ----------------------------------------------------------------------------------

    def _fit_matrix(self, X: Encoded) -> None:
        seed = seed_of(self.random_state)
        rows, held_out = self._split(X, seed)
        step = self._make_step(rows_on(device_named(self.device), rows), seed)
        if X.ndim > 2:
            step.products = training_products(self._engine_named(), step.like)
        self._adopt(step.networks, X.shape[1:], step.members)
        monitor = self._make_monitor(step, held_out, seed)
        patience = self.patience if monitor else None
        training = train(
            step,
            Schedule(self._steps(step.steps_per_epoch), self.check_every, patience),
            monitor,
            checkpoint=self._make_checkpoint(X, seed),
            watch=self._make_watch(step, seed),
            label=self.name,
            verbose=bool(self.verbose),
        )
        self._settle(training.best, step.X)
        self._learn_scores(step.X, self._sample(rows, seed))
        self.training_ |= self._summary(training, step, seed)

    def _split(self, X: Encoded, seed: int) -> tuple[Encoded, Encoded]:
        """Training rows, and held-out rows for the stopping rule: none if too few can be spared."""
        if self.patience is None or not self._has_stopping_rule(X):
            return X, X[:0]
        count = held_out("validation_fraction", self.validation_fraction, len(X))
        order = stream(seed, 0, Purpose.SPLIT).permutation(len(X))
        return X[np.sort(order[count:])], X[np.sort(order[:count])]

    def _has_stopping_rule(self, X: Encoded) -> bool:
        """Whether there is one for rows like these; else none are held out for it."""
        return True

    def _sample(self, X: Encoded, seed: int) -> Encoded:
        """Draw the rows that scores learn from."""
        most = row_kind(X.shape[1:]).learnt_by_scores
        if len(X) <= most:
            return X
        chosen = stream(seed, 0, Purpose.SPLIT, 2).choice(len(X), most, replace=False)
        return X[np.sort(chosen)]

    def _make_monitor(self, step: NetworkStep, held_out: Encoded, seed: int) -> Monitor | None:
        """The label-free stopping signal; None if the held-out rows give none."""
        if len(held_out) == 0:
            return None
        name = self._stopping_score()
        known = step.X[:: max(1, len(step.X) // _watched(held_out))]

        def score(X: Encoded) -> np.ndarray:
            self._settle(step.scoring_arrays(), known)
            self._learn(name, known)
            return self._raw_scores(X, name)

        return self._monitor(score, held_out, stream(seed, 0, Purpose.SPLIT, 1))

    def _monitor(
        self,
        score: Callable[[np.ndarray], np.ndarray],
        held_out: Any,
        generator: np.random.Generator,
    ) -> Monitor | None:
        """Does the score know rows from ones put together of several? See `SwappedColumns`."""
        watched = np.asarray(held_out[: _watched(held_out)])
        shape = watched.shape[1:]
        monitor = SwappedColumns(
            lambda rows: score(rows.reshape(-1, *shape)),
            watched.reshape(len(watched), -1),
            self.encoder_.source_,
            generator,
        )
        return monitor if monitor.informative else None

    def _make_watch(self, step: NetworkStep, seed: int) -> Watch | None:
        """Who looks on, if anybody does."""
        return None

    def _steps(self, per_epoch: int) -> int:
        by_epochs = [] if self.epochs is None else [self.epochs * per_epoch]
        by_steps = [] if self.max_steps is None else [self.max_steps]
        return min(by_epochs + by_steps)

    def _make_checkpoint(self, X: Encoded, seed: int) -> Checkpoint | None:
        if self.checkpoint is None:
            return None
        settings = {
            name: repr(value)
            for name, value in self.get_params().items()
            if name not in WITHOUT_EFFECT_ON_WEIGHTS or value == "bfloat16"
        }
        digest = hashlib.sha256(json.dumps([self.name, seed, settings], sort_keys=True).encode())
        for piece in [X] if isinstance(X, np.ndarray) else X.pieces():
            digest.update(np.ascontiguousarray(piece).data)
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


def _watched(held_out: Encoded) -> int:
    """How many of the held-out rows the stopping rule looks at, at most."""
    return row_kind(held_out.shape[1:]).monitored
