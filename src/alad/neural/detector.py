"""What all detectors with networks share: members, schedule, stopping rule, checkpoints.

A method adds its networks, its step and its scores; nothing here knows what a row looks like.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np

from alad.detector.contract import Detector, Fit
from alad.encoding import Encoded, Encoder
from alad.errors import InputError
from alad.networks.native_convolution import training_products
from alad.networks.weights import scoring_weights
from alad.neural.choices import (
    Architectures,
    fingerprint,
    members_named,
    places_kept,
    rows_for_scores,
    usable_device,
)
from alad.neural.facts import Trained, engine_facts, training_facts
from alad.neural.model import NetworkModel, measured_images
from alad.neural.torch_engine import arrays_of, device_named
from alad.parameters import (
    DECIDES,
    HOW,
    REPLACES,
    Count,
    CountOrZero,
    Folder,
    PositiveOrZero,
    Proportion,
    Share,
    Switch,
    held_out,
    how,
    kinds_of,
    marked,
    one_of,
)
from alad.presets import preset
from alad.randomness import Purpose, seed_of, stream
from alad.row_kinds import row_kind
from alad.training.loop import Checkpoint, Monitor, Schedule, train
from alad.training.monitor import SwappedColumns
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows, blocks_of, rows_on
from alad.training.step import NetworkStep


def _ends(detector: NetworkDetector) -> None:
    """Require a limit of epochs or steps."""
    if detector.epochs is None and detector.max_steps is None:
        raise InputError("epochs and max_steps are both None; give one of them")


def _has_score(detector: NetworkDetector) -> None:
    """Require a score that the method has."""
    one_of("score_function", detector.own_score_name(), tuple(detector.model.offers))


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkDetector(Detector):
    """What every detector with networks shares.

    A subclass says which networks, which step trains them, and which model scores by them.
    """

    model: ClassVar[type[NetworkModel]]
    own_score: ClassVar[str]
    tables: ClassVar[Architectures]
    images: ClassVar[Architectures]
    beta1: ClassVar[float] = 0.9  # of Adam; its beta2 is 0.999
    settings_of_model: ClassVar[tuple[str, ...]] = ()  # parameters that the model scores with
    engine: ClassVar[str] = "auto"  # of methods that offer no choice; of others a field
    kept_rows: ClassVar[int] = 0  # of methods whose scores keep none; of others a field
    # which amount of `row_kinds` says from how many rows members get their common scale
    scaled_by: ClassVar[str] = "learnt_by_scores"
    sees_images = True
    streams_images = streams_rows = True
    usual: ClassVar[Mapping[str, Any]] = {"learning_rate": 1e-3, "batch_size": 64}
    rules = (_ends, _has_score)

    # name of an architecture, mapping of its widths, or None for a rule from the shape of a row
    architecture: str | Mapping[str, Any] | None = None
    score_function: str | None = None  # name of one of the method's scores; None = its own
    learning_rate: Share | None = None  # of Adam; None = 1e-3, for images the preset's
    batch_size: Count | None = None  # rows of a step; None = 64, for images the preset's
    epochs: CountOrZero | None = None  # passes over the rows at most; None = as max_steps says
    max_steps: CountOrZero | None = 2_000  # updates at most; 0 = untrained
    validation_fraction: Proportion = 0.1  # share of rows held out for the stopping rule
    patience: Count | None = 20  # checks without improvement before a member stops; None = never
    check_every: Count = 100  # steps between two checks
    ema_decay: Proportion = 0.999  # of the moving average of the weights that is used for scoring
    # copies trained side by side, or which ones ([3] = the fourth alone); their mean score counts
    members: Annotated[int | Sequence[int], members_named] = 1
    device: Annotated[str, usable_device] = how("cpu")  # where it trains: cpu, cuda, or auto
    checkpoint: Folder = how(None)  # folder for checkpoints; None = none
    checkpoint_seconds: PositiveOrZero = how(60.0)  # from one checkpoint to the next
    resume: Switch = how(False)  # go on from the checkpoint in the folder

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> Self:
        """Return a detector with the settings of a preset of the method, some of them replaced."""
        return cls(**preset(name, cls.name) | overrides)

    # --- what each method defines -----------------------------------------------------------------

    @abstractmethod
    def _networks(self, shape: tuple[int, ...], architecture: Any) -> Any:
        """Describe the networks for rows of this shape; they hold no weights."""

    @abstractmethod
    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> NetworkStep:
        """Make the step that trains the networks on rows X [n, *shape]."""

    def _stopping(self, X: Encoded) -> Literal["swapped", "mean-score"] | None:
        """Say what the stopping rule asks of held-out rows like these; None = there is no rule."""
        return "swapped"

    # --- parameters -------------------------------------------------------------------------------

    def own_score_name(self, shape: tuple[int, ...] = (1,)) -> str:
        """Return the name of the score that counts, for encoded rows of this shape."""
        return self.own_score if self.score_function is None else self.score_function

    def check_shape(self, shape: tuple[int, ...]) -> None:
        self._architecture(shape)

    def _architecture(self, shape: tuple[int, ...]) -> Any:
        changes = {
            value: getattr(self, name)
            for name, value in marked(self, REPLACES).items()
            if getattr(self, name) is not None
        }
        return replace(self._architectures(shape).chosen(self.architecture, shape), **changes)

    def _architectures(self, shape: tuple[int, ...]) -> Architectures:
        return self.tables if len(shape) == 1 else self.images

    def member_numbers(self) -> list[int]:
        """Return the numbers of the members that are trained, from 0."""
        given = self.members
        return list(map(int, given if isinstance(given, Sequence) else range(int(given))))

    def _optimiser(self, images: bool) -> Optimiser:
        settled = self.settled(images=images)
        return Optimiser(
            settled["learning_rate"],
            settled["batch_size"],
            beta1=self.beta1,
            ema_decay=self.ema_decay,
        )

    # --- fitting ----------------------------------------------------------------------------------

    def _learn(self, X: Encoded, fit: Fit) -> NetworkModel:
        return self.learn(X, fit, self.trained)

    def learn(
        self, X: Encoded, fit: Fit, train_members: Callable[[Encoded, Encoder, int], Trained]
    ) -> NetworkModel:
        """Let members be trained, by `trained` or elsewhere, and scores learn what they need."""
        seed = seed_of(self.random_state)
        trained = train_members(X, fit.encoder, seed)
        learnt, rows = trained.model, self._split(X, seed)[0]
        for name in learnt.offered(images=X.ndim > 2):
            score = learnt.offers[name]
            if not score.only_own or name == learnt.own:
                amount = score.sample or self.scaled_by
                source = rows if score.learns_from_all else rows_for_scores(rows, seed, amount)
                kept = [places_kept(len(source), self.kept_rows, seed)] if score.keeps else []
                learnt = learnt.having_learnt(name, self._blocks(source), *kept)
        learnt = learnt.scaled(np.asarray(rows_for_scores(rows, seed, self.scaled_by)))
        engine = engine_facts(learnt, trained) if "engine" in kinds_of(type(self)) else {}
        fit.facts |= trained.facts | engine
        return replace(learnt, verbose=int(self.verbose))

    def trained(self, X: Encoded, encoder: Encoder, seed: int) -> Trained:
        """Train the members on encoded rows X [n, *shape]."""
        rows, watched = self._split(X, seed)
        shape = tuple(X.shape[1:])
        architecture = self._architecture(shape)
        placed, optimiser = rows_on(device_named(self.device), rows), self._optimiser(X.ndim > 2)
        step = self._step(placed, architecture, optimiser, seed)
        if X.ndim > 2:
            step.products = training_products(self.engine, step.like)

        # scoring needs the averaged weights, and for images statistics measured under them
        def model(arrays: Mapping[str, Any], training_rows: Rows) -> NetworkModel:
            """Make the model of these averaged weights, ready to score."""
            made = self._model(step, arrays, shape)
            if len(shape) == 1:
                return made
            count = measured_images(shape)
            chosen = training_rows[:: max(1, len(training_rows) // count)][:count]
            return made.measured(next(blocks_of(chosen, count)))

        # the step trains until the stopping rule or the schedule ends it
        monitor = self._monitor(step, model, watched, encoder, seed)
        patience = self.patience if monitor else None
        training = train(
            step,
            Schedule(self._steps(step.steps_per_epoch), self.check_every, patience),
            monitor,
            checkpoint=self._checkpoint(X, seed),
            watch=step.watch,
            label=self.name,
            verbose=bool(self.verbose),
        )
        facts = training_facts(training, step, seed, architecture)
        return Trained(model(training.best, step.X), facts, step.engine, step.note)

    def _model(
        self, step: NetworkStep, arrays: Mapping[str, Any], shape: tuple[int, ...]
    ) -> NetworkModel:
        weights, buffers = scoring_weights(step.networks, arrays)
        settings = {name: getattr(self, name) for name in self.settings_of_model}
        return self.model(
            networks=step.networks,
            row_shape=shape,
            members=tuple(step.members),
            own=self.own_score_name(shape),
            weights=arrays_of(weights),
            buffers=arrays_of(buffers),
            learnt={},
            scales={},
            engine=self.engine,
            device=self.device,
            **settings,
        )

    def _split(self, X: Encoded, seed: int) -> tuple[Encoded, Encoded]:
        """Split X into training rows and held-out rows for the stopping rule, none if too few."""
        if self.patience is None or self._stopping(X) is None:
            return X, X[:0]
        count = held_out("validation_fraction", self.validation_fraction, len(X))
        order = stream(seed, 0, Purpose.SPLIT).permutation(len(X))
        return X[np.sort(order[count:])], X[np.sort(order[:count])]

    def _blocks(self, rows: Any) -> Iterator[np.ndarray]:
        """Yield the rows that a score learns from, block by block."""
        return blocks_of(rows, row_kind(rows.shape[1:]).learnt_at_once)

    def _monitor(
        self,
        step: NetworkStep,
        model: Callable[[Mapping[str, Any], Rows], NetworkModel],
        held_out: Encoded,
        encoder: Encoder,
        seed: int,
    ) -> Monitor | None:
        """Make the label-free stopping signal; None if the held-out rows give none."""
        if len(held_out) == 0:
            return None
        own_score = self.own_score_name(tuple(held_out.shape[1:]))
        name = self.model.offers[own_score].watched_as or own_score
        sample = step.X[:: max(1, len(step.X) // row_kind(held_out.shape[1:]).monitored)]

        def score(X: np.ndarray) -> np.ndarray:
            made = model(step.scoring_arrays(), sample)
            return made.having_learnt(name, self._blocks(sample)).member_scores(X, name)

        if self._stopping(held_out) == "mean-score":  # of all of them, as the authors do
            return lambda: score(held_out).mean(axis=1)  # pyright: ignore[reportArgumentType]
        # whether the score tells rows from ones put together of several: see `SwappedColumns`
        watched = np.asarray(held_out[: row_kind(held_out.shape[1:]).monitored])
        monitor = SwappedColumns(
            lambda rows: score(rows.reshape(-1, *watched.shape[1:])),
            watched.reshape(len(watched), -1),
            encoder.source_,
            stream(seed, 0, Purpose.SPLIT, 1),
        )
        return monitor if monitor.informative else None

    def _steps(self, per_epoch: int) -> int:
        limits = [] if self.epochs is None else [self.epochs * per_epoch]
        limits += [] if self.max_steps is None else [self.max_steps]
        return min(limits)

    def _checkpoint(self, X: Encoded, seed: int) -> Checkpoint | None:
        if self.checkpoint is None:
            return None
        declared = [at for at in fields(self) if not {HOW, DECIDES} & at.metadata.keys()]
        settings = {at.name: repr(getattr(self, at.name)) for at in declared}
        # what it makes of the images is X itself; a function's repr is another every time
        settings.pop("backbone")
        # a training with 16 bits is another one, not the same up to rounding
        precision = "bfloat16" if self.engine == "bfloat16" else "float32"
        digest = fingerprint([self.name, seed, settings, precision], X)
        place = Path(self.checkpoint)
        return Checkpoint(place, digest, self.checkpoint_seconds, self.resume)
