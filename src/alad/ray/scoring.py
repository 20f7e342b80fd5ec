"""Rows scored by the workers of a cluster, to the last bit as on one machine."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alad.errors import InputError
from alad.ray.started import processors, session, started, uninterrupted

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

    from alad.data.frames import Columns
    from alad.detector.scoring import Work

BATCH_ROWS = 65_536  # scored at a time by a worker
PATIENCE = 10.0  # seconds until tasks of ended workers have failed
AHEAD = 2  # batches a worker has at a time: it works on one while the next arrives


class Scorer:
    """A worker's own copy of the model; a call scores a batch.

    It is made once for each worker, from the folder of the model, which all machines must see.
    """

    def __init__(
        self, model: str, false_alarm_rate: float | None = None, confidence: float | None = None
    ):
        from alad import catalogue

        self._fitted = catalogue.load(model)
        self._calibration = None
        if false_alarm_rate is None:
            self._threshold = -self._fitted.offset_
        else:
            self._calibration = self._fitted.calibrated()
            self._threshold = self._fitted.threshold(false_alarm_rate, confidence)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Add anomaly_score, is_anomaly and, with a false-alarm rate, p_value to a table."""
        from alad.data.writing import with_columns

        scores = self._fitted.anomaly_score(batch)
        added = {"anomaly_score": scores}
        if self._calibration is not None:
            added["p_value"] = self._calibration.p_values(scores)
        return with_columns(batch, added | {"is_anomaly": scores > self._threshold})


def score(
    dataset: Dataset,
    model: str | Path,
    *,
    false_alarm_rate: float | None = None,
    confidence: float | None = None,
    workers: int | tuple[int, int] | None = None,
    batch_rows: int = BATCH_ROWS,
) -> Dataset:
    """Score the rows of a Ray dataset: the same dataset, with columns anomaly_score and is_anomaly.

    model: a folder that `alad fit` or `save` wrote, on a file system that all machines see.
    false_alarm_rate, confidence: as in `Fitted.threshold`; with a rate, column p_value is added.
    workers: how many, or (fewest, most); None = from one to one for each processor of the cluster.
    batch_rows: scored at a time. Nothing is computed before the dataset is asked for. Rows of one
    block keep their order; for that of all blocks set `preserve_order` in Ray's `DataContext`.

    Raises InputError without Ray, or for a folder without a model.
    """
    from alad import catalogue

    fitted = catalogue.load(model)  # a wrong folder or rate is told here, not by every worker
    if false_alarm_rate is not None:
        fitted.threshold(false_alarm_rate, confidence)
    ray = started()
    everywhere = 1, processors(ray)
    fewest, most = (workers, workers) if isinstance(workers, int) else workers or everywhere
    return dataset.map_batches(
        Scorer,
        fn_constructor_args=(str(Path(model).absolute()), false_alarm_rate, confidence),
        batch_format="pyarrow",
        batch_size=batch_rows,
        zero_copy_batch=True,
        compute=ray.data.ActorPoolStrategy(min_size=fewest, max_size=most),
        num_cpus=1,
    )


class BatchScorer:
    """A worker's own copy of the model, which scores batches of a table."""

    def __init__(self, model: str, device: str | None, engine: str | None):
        from alad import catalogue

        self._fitted = catalogue.load(model, device=device, engine=engine)

    def scores(self, batch: Columns, score: str | None) -> tuple[np.ndarray, Any, list[str]]:
        """Score a batch: scores [n], what is new in it, and what was warned of."""
        from alad.detector import scoring

        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            parts = list(scoring.in_batches(self._fitted, batch, score, None))
        _, scores, new = zip(*parts, strict=True)
        return np.concatenate(scores), sum(new), [str(one.message) for one in told]


class Pool:
    """Workers of Ray, each with a copy of a model, that score batches of a table: a `Work`."""

    def __init__(self, ray: Any, model: str | Path, how: Sequence[Any], workers: int | None):
        count = workers or processors(ray)
        of_ray: Any = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(BatchScorer)
        self._ray = ray
        self._workers = [of_ray.remote(str(Path(model).absolute()), *how) for _ in range(count)]
        self._sent: deque[tuple[Columns, Any]] = deque()

    def __call__(
        self, batches: Iterator[Columns], score: str | None
    ) -> Iterator[tuple[Columns, np.ndarray, Any]]:
        """Yield batches with their scores, and what is new in them."""
        sent, count, told = self._sent, len(self._workers), set[str]()
        sent.clear()
        for number, batch in enumerate(batches):
            worker = self._workers[number % count]
            sent.append((batch, worker.scores.remote(replace(batch, given=None), score)))
            if len(sent) > AHEAD * count:
                yield _got(self._ray, *sent.popleft(), told)
        while sent:
            yield _got(self._ray, *sent.popleft(), told)

    def end(self) -> None:
        """End the workers; whatever they still had to do has failed afterwards.

        Ray that is shut down before that tells of each on standard error.
        """
        for worker in self._workers:
            self._ray.kill(worker)
        if refs := [ref for _, ref in self._sent]:
            self._ray.wait(refs, num_returns=len(refs), timeout=PATIENCE)


def scoring_by(
    model: str | Path,
    *,
    device: str | None = None,
    engine: str | None = None,
    workers: int | None = None,
) -> Pool:
    """Give what scores batches of a table by workers of Ray, for `Fitted.scored` and `alad score`.

    model: a folder on a file system that all machines see. workers: None = one for each processor.
    Batches are read here, scored there and given back in their order, two a worker at a time. A
    worker that dies is replaced, and its batches are scored again. Raises InputError without Ray.
    """
    ray = started(logging_level="warning", log_to_driver=False)
    return Pool(ray, model, (device, engine), workers)


@contextmanager
def scoring_session(
    model: str | Path, *, device: str | None = None, engine: str | None = None
) -> Iterator[Work]:
    """Give what `scoring_by` gives, within a session of its own."""
    with session():
        pool = scoring_by(model, device=device, engine=engine)
        try:
            yield pool
        finally:
            with uninterrupted():
                pool.end()


def _got(ray: Any, batch: Columns, sent: Any, told: set[str]) -> tuple[Columns, np.ndarray, Any]:
    """Wait for the scores of a batch; warn of what was not told yet."""
    try:
        scores, new, messages = ray.get(sent)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, InputError) else error from None
    for message in dict.fromkeys(messages):
        if message not in told:
            warnings.warn(message, UserWarning, stacklevel=2)
    told.update(messages)
    return batch, scores, new
