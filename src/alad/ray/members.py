"""Members of one training, trained by the workers of a cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from alad import storage
from alad.errors import InputError, TrainingError
from alad.progress import Progress
from alad.ray.started import started

if TYPE_CHECKING:
    from alad.detector.contract import Detector
    from alad.encoding import Encoded, Encoder
    from alad.neural.detector import NetworkDetector
    from alad.neural.facts import Trained

MOST_VALUES = 1 << 29  # of encoded rows, which every machine holds: 2 GB
LIVES = 10  # workers of a task that may die
SECONDS_TO_STOP = 60  # for the checkpoints of trainings that are stopped


def fit(detector: Detector, X: Any) -> Detector:
    """Fit a detector with networks as its `fit` does, each of its members trained by a task of Ray.

    X is read, encoded and split here, and sent to the machines of the cluster; scores, threshold
    and calibration are made here, of all members. With `checkpoint`, a folder that all machines
    see, a task keeps its training in a folder member-NUMBER there: one whose worker dies goes on
    from it on another, and `resume=True` goes on with all of them after an interruption.

    A member draws its own numbers, whoever trains beside it: on a CPU the C engine gives the model
    of `fit` to the last bit, PyTorch up to rounding. Raises InputError as `fit` does, without Ray,
    for a detector without members, for encoded rows of more than 2 GB, and with `samples`.
    """
    whole = of_members(detector)
    ray = started(logging_level="warning", log_to_driver=False)

    def train(X: Encoded, encoder: Encoder, seed: int) -> Trained:
        return _train(ray, whole, X, encoder, seed)

    return whole.fit_by(X, lambda X, fit: whole.learn(X, fit, train))


def of_members(detector: Detector) -> NetworkDetector:
    """Return a detector whose members can be trained apart; InputError for any other."""
    from alad.neural.detector import NetworkDetector  # loads PyTorch

    if not isinstance(detector, NetworkDetector):
        raise InputError(f"{detector.name} has no members to train on a cluster; fit it here")
    if detector.get_params(deep=False).get("samples") is not None:
        raise InputError("samples are pictures of a training on one machine; leave samples out")
    return detector


def _train(ray: Any, detector: NetworkDetector, X: Encoded, encoder: Encoder, seed: int) -> Trained:
    """Train each member by a task; give all of them side by side."""
    from alad.neural.facts import together

    if math.prod(X.shape) > MOST_VALUES:
        raise InputError(
            f"X has {len(X)} encoded rows of {math.prod(X.shape[1:])} numbers, more than are sent "
            "to other machines; train here, or on fewer rows"
        )
    rows, encoder = ray.put(np.asarray(X)), ray.put(encoder)
    on_gpu = str(detector.device) != "cpu"
    task = ray.remote(num_cpus=1, num_gpus=int(on_gpu), max_retries=LIVES)(_trained)
    alone = [_alone(detector, member, seed) for member in detector.member_numbers()]
    trained: dict[Any, Trained | None] = {task.remote(one, rows, encoder): None for one in alone}
    waiting = list(trained)
    label, shown = f"{detector.name}: members trained", bool(detector.verbose)
    with Progress(label, len(waiting), unit="members", enabled=shown) as progress:
        try:
            while waiting:
                (done,), waiting = ray.wait(waiting)
                trained[done] = _result(ray, done)
                progress.advance(len(trained) - len(waiting))
        except BaseException:
            _stop(ray, waiting)
            raise
    return together([part for part in trained.values() if part is not None])


def _alone(detector: NetworkDetector, member: int, seed: int) -> NetworkDetector:
    """Make the detector of one member alone, which goes on from its checkpoint if there is one."""
    alone: Any = clone(detector)
    alone.set_params(members=[member], random_state=seed, verbose=0)
    if detector.checkpoint is not None:
        place = Path(detector.checkpoint).absolute() / f"{storage.MEMBER}{member}"
        if not detector.resume:
            storage.remove(place)  # of an earlier fit; what is there later is of an earlier worker
        alone.set_params(checkpoint=place, resume=True)
    return alone


def _trained(detector: NetworkDetector, X: np.ndarray, encoder: Encoder) -> Trained:
    """Train one member where this runs. X is shared, and PyTorch wants rows of its own."""
    return detector.trained(np.array(X), encoder, int(detector.random_state))


def _result(ray: Any, done: Any) -> Trained:
    """Give what a task gives, or raise what it raised, as it would be raised here."""
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        expected = isinstance(error.cause, InputError | TrainingError)
        raise error.cause if expected else error from None


def _stop(ray: Any, tasks: Sequence[Any]) -> None:
    """Stop tasks, each after its step, and wait until they have written their checkpoints."""
    for task in tasks:
        ray.cancel(task)
    if tasks:
        ray.wait(list(tasks), num_returns=len(tasks), timeout=SECONDS_TO_STOP)
