"""The training loop of every model: steps, checks, best weights, checkpoints.

A step is a function of its number and of arrays that it changes in place (`Step`). At every check
the loop records the losses and lets a monitor, which reads no labels, rate each member. Members are
independent: each keeps its own best weights, and stops when its own patience ends, as it would
alone.
"""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from alad import storage
from alad.errors import ResumeError, StorageError, TrainingError
from alad.progress import Progress

FINITE_CHECK_EVERY = 20  # steps; reading the losses makes an accelerator wait


class Step(Protocol):
    """A step of training, with the arrays that it changes."""

    at_once: int  # steps that `run` makes at a time, at most

    def run(self, first: int, count: int) -> Tensor:
        """Make so many updates from number `first` (from 0); losses [count, members, kinds]."""
        ...

    def arrays(self) -> dict[str, Tensor]:
        """Name all that changes from step to step, by reference."""
        ...

    def scoring_arrays(self) -> dict[str, Tensor]:
        """Name the arrays that scores read, [members, ...] each, by reference."""
        ...


Monitor = Callable[[], np.ndarray]  # [members], lower is better
Watch = Callable[[int], None]  # called with the number of steps made; changes the step's arrays


@dataclass(frozen=True)
class Schedule:
    """The length of training; without a monitor all steps are made and the last weights kept."""

    steps: int  # at most
    check_every: int  # steps between checks; there is also one after the last step
    patience: int | None = None  # checks without improvement before a member stops; None = never


@dataclass(frozen=True)
class Checkpoint:
    """The folder and interval of checkpoints, and whether to resume from one."""

    folder: Path
    fingerprint: str  # of data and settings; must match to resume
    seconds: float = 60.0  # from one save to the next
    resume: bool = False


@dataclass
class Training:
    """The state and result of training; `history` has an entry for each check."""

    best: dict[str, Tensor]  # scoring arrays [members, ...]
    best_step: np.ndarray  # [members]
    best_value: np.ndarray  # [members], of the monitor
    stale: np.ndarray  # [members], checks since the best
    loss_sum: Tensor  # [members, kinds], over the steps since the last check
    steps_done: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def new(cls, step: Step) -> Training:
        """Begin with the initial weights of a step as the best."""
        best = {name: array.clone() for name, array in step.scoring_arrays().items()}
        members = len(next(iter(best.values())))
        zeros = np.zeros(members, np.int64)
        return cls(best, zeros, np.full(members, np.inf), zeros.copy(), torch.zeros(()))

    def exhausted(self, patience: int | None) -> np.ndarray:
        """Tell which members [members] have run out of patience."""
        return np.zeros(len(self.stale), bool) if patience is None else self.stale >= patience

    def over(self, schedule: Schedule) -> bool:
        """Tell whether all steps are made, or every member has run out of patience."""
        return self.steps_done >= schedule.steps or bool(self.exhausted(schedule.patience).all())


def train(
    step: Step,
    schedule: Schedule,
    monitor: Monitor | None = None,
    *,
    checkpoint: Checkpoint | None = None,
    watch: Watch | None = None,
    label: str = "training",
    verbose: bool = False,
) -> Training:
    """Train to the end of the schedule, or until every member has run out of patience.

    The result holds the best weights. `watch` is called before the first step and after every
    check. A checkpoint that cannot be written is warned of, and training goes on. Raises
    TrainingError at a loss that is not finite, ResumeError if the checkpoint is of another training
    or of another version, StorageError if another training writes there, and KeyboardInterrupt,
    after writing a checkpoint, at Ctrl-C.
    """
    training = Training.new(step)
    mine = storage.exclusive(checkpoint.folder, "checkpoint") if checkpoint else nullcontext()
    with mine:
        if checkpoint is not None and checkpoint.resume:
            _load(checkpoint, step, training)
        if watch is not None and training.steps_done == 0:
            watch(0)
        progress = Progress(label, schedule.steps, start=training.steps_done, enabled=verbose)
        began = saved = time.monotonic()
        before = training.seconds  # of the run that a checkpoint ended
        with progress, _interrupts() as interrupted:
            while not training.over(schedule):
                checked = _advance(step, schedule, monitor, training, progress)
                if checked and watch is not None:
                    watch(training.steps_done)
                # save now and then, and before Ctrl-C takes effect
                training.seconds = before + time.monotonic() - began
                stop = interrupted()
                if checkpoint and (stop or time.monotonic() - saved > checkpoint.seconds):
                    _save_if_possible(checkpoint, step, training)
                    saved = time.monotonic()
                if stop:
                    raise KeyboardInterrupt
    return training


def _advance(
    step: Step, schedule: Schedule, monitor: Monitor | None, training: Training, progress: Progress
) -> bool:
    """Make the next steps, as far as to the next look at them; return whether a check followed."""
    done = training.steps_done
    to_a_look = (every - done % every for every in (FINITE_CHECK_EVERY, schedule.check_every))
    count = min(step.at_once, schedule.steps - done, *to_a_look)
    losses = step.run(done, count)
    for of_step in losses:
        training.loss_sum = training.loss_sum + of_step
    training.steps_done += count
    last = training.steps_done == schedule.steps
    # look at the losses, for errors and for the progress
    if training.steps_done % FINITE_CHECK_EVERY == 0 or last:
        broken = (~torch.isfinite(training.loss_sum).all(dim=1)).nonzero().flatten().tolist()
        if broken:
            raise TrainingError(
                f"the loss is no longer finite at step {training.steps_done} (member {broken[0]}): "
                "lower learning_rate, or choose a scaling that tames huge values"
            )
        means = " / ".join(f"{value:.3f}" for value in losses[-1].mean(dim=0).tolist())
        progress.advance(training.steps_done, f"loss {means}")
    due = last or training.steps_done % schedule.check_every == 0
    if due:
        _check(step, schedule, monitor, training)
    return due


def _check(step: Step, schedule: Schedule, monitor: Monitor | None, training: Training) -> None:
    """Record the mean losses; keep the weights of members that improved and have patience left."""
    counted = (training.steps_done - 1) % schedule.check_every + 1
    loss = training.loss_sum / counted
    entry: dict[str, Any] = {"step": training.steps_done, "loss": loss.tolist()}
    training.loss_sum = torch.zeros(())
    # without a monitor the latest weights are the best
    improved = np.ones(len(training.stale), bool)
    if monitor is not None:
        value = monitor()
        entry["monitor"] = value.tolist()
        improved = (value < training.best_value) & ~training.exhausted(schedule.patience)
        training.best_value = np.where(improved, value, training.best_value)
        training.stale = np.where(improved, 0, training.stale + 1)
    training.history.append(entry)
    # keep the weights of the members that improved, of no other
    training.best_step = np.where(improved, training.steps_done, training.best_step)
    for name, array in step.scoring_arrays().items():
        members = torch.from_numpy(improved).to(array.device)
        training.best[name][members] = array[members]


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Defer Ctrl-C to the end of a run of steps, so that no checkpoint holds half a step.

    So are the signals of a shutdown and of a closed terminal. A second one stops at once. Only the
    main thread may set signal handlers; in other threads each has its usual effect, as do those
    that are ignored or that somebody else handles.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    usual = {signal.SIGINT: signal.getsignal(signal.SIGINT)}
    for name in ("SIGTERM", "SIGHUP"):  # the latter is not everywhere
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            usual[number] = signal.SIG_DFL

    def restore() -> None:
        for number, handler in usual.items():
            signal.signal(number, handler)

    def ask(number: int, frame: object) -> None:
        asked.set()
        restore()

    for number in usual:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        restore()


_RESULT_ARRAYS = ("best_step", "best_value", "stale")
_RESULT_NUMBERS = ("steps_done", "seconds", "history")


def _save_if_possible(checkpoint: Checkpoint, step: Step, training: Training) -> None:
    """Write a checkpoint; a full disk must not end the training, so it is warned of."""
    try:
        _save(checkpoint, step, training)
    except StorageError as error:
        reason = getattr(error.__cause__, "strerror", None) or error
        # the same words each time: shown once
        warnings.warn(
            f"{checkpoint.folder}: {reason}; no new checkpoint could be written",
            stacklevel=2,
        )


def _save(checkpoint: Checkpoint, step: Step, training: Training) -> None:
    arrays = {f"step.{name}": array.cpu().numpy() for name, array in step.arrays().items()}
    arrays |= {f"best.{name}": array.cpu().numpy() for name, array in training.best.items()}
    arrays |= {name: getattr(training, name) for name in _RESULT_ARRAYS}
    arrays["loss_sum"] = training.loss_sum.cpu().numpy()
    summary = {name: getattr(training, name) for name in _RESULT_NUMBERS}
    summary["fingerprint"] = checkpoint.fingerprint
    storage.write(checkpoint.folder, "checkpoint", summary, arrays, locked=True)


def _load(checkpoint: Checkpoint, step: Step, training: Training) -> None:
    """Restore step and training from a checkpoint, in place, if there is one."""
    if not storage.written(checkpoint.folder):
        return
    summary, arrays = storage.read(checkpoint.folder, "checkpoint")
    # other data, other settings or another version would train something else
    if summary["fingerprint"] != checkpoint.fingerprint:
        raise ResumeError(
            f"checkpoint {checkpoint.folder} belongs to other data or settings: "
            "choose another folder, or do not resume"
        )
    if lacking := sorted({f"step.{name}" for name in step.arrays()} - arrays.keys()):
        raise ResumeError(
            f"checkpoint {checkpoint.folder} was written by another version of alad (it lacks "
            f"{lacking[0]}): choose another folder, or do not resume"
        )
    # into the arrays that the step holds, which it knows by reference
    for name, array in step.arrays().items():
        array.copy_(torch.from_numpy(arrays[f"step.{name}"]))
    for name, array in training.best.items():
        array.copy_(torch.from_numpy(arrays[f"best.{name}"]))
    for name in _RESULT_ARRAYS:
        setattr(training, name, arrays[name])
    for name in _RESULT_NUMBERS:
        setattr(training, name, summary[name])
    like = next(iter(training.best.values()))
    training.loss_sum = torch.from_numpy(arrays["loss_sum"]).to(like.device)
