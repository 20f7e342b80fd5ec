"""Detectors side by side on a user's own table: their times, how alike they rank, how well.

With labels half of the normal rows, drawn at random, are learnt from and all others are scored, so
that no score is of a row that the detector has seen. Without labels every row is both.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import rankdata

from alad import catalogue, metrics
from alad.adversarial import native_step
from alad.benchmark.data.splits import half_of_normal
from alad.data.opening import source_of
from alad.detector.contract import Detector
from alad.encoding import TableEncoder
from alad.errors import InputError, on_one_line
from alad.metrics import Estimate

LEAST_ROWS = 2  # to learn from
SLOW = ("anogan",)  # searches a latent code for every row: only where it is asked for
HALF = "trained on a random half of the normal rows, scored on all others"
ALL_ROWS = "trained on all rows and scored on the same ones, for there are no labels"
UNTRAINED = ", untrained"  # ends the title of a detector's networks before their first step

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """One detector: its times, and with labels how well it ranks; or why it has no scores."""

    detector: str  # as shown
    trained: bool
    fit_seconds: float | None = None
    score_seconds: float | None = None
    auroc: Estimate | None = None
    average_precision: Estimate | None = None
    error: str | None = None


@dataclass(frozen=True)
class Comparison:
    """What was found. `agreement` holds rank correlations (Spearman) of the scores of all pairs.

    It is in the order of `ranked`, the detectors that have scores; None where a detector gives all
    rows the same score.
    """

    rows: str  # which rows were learnt from, and which scored
    train_rows: int
    test_rows: int
    anomalies: int | None  # among the test rows
    outcomes: tuple[Outcome, ...]
    ranked: tuple[str, ...]
    agreement: tuple[tuple[float | None, ...], ...]

    left_out: tuple[str, ...] = ()  # detectors that are compared only where they are named


def compare(
    table: pa.Table,
    names: Sequence[str] = (),
    *,
    label: str | None = None,
    normal: Sequence[str] = (),
    drop: Sequence[str] = (),
    seed: int = 0,
    say: Say = lambda message: None,
    **how: Any,
) -> Comparison:
    """Fit and judge detectors on a table, one after the other; one that fails does not end it.

    names: of detectors, as in the catalogue; none means all but the slow ones.
    label, normal: column of labels, never shown to a detector, and its values for a normal row.
    drop: columns that no detector is to see. how: parameters set where a detector has them.
    Raises InputError for what cannot be compared at all.
    """
    contenders = _contenders(names, seed, untrained=label is not None, how=how)
    anomalous = None if label is None else metrics.anomalous(_column(table, label), normal)
    rows = source_of(table).without([*drop, *([label] if label else [])]).table()
    _check_readable(rows)
    train, test = _divided(rows, anomalous, seed)
    _load()
    truth = None if anomalous is None else anomalous[test]
    outcomes, scores = [], {}
    for title, detector in contenders.items():
        say(f"{title}: learning from {len(train)} rows")
        outcome, found = _measured(title, detector, rows.take(train), rows.take(test), truth)
        outcomes.append(outcome)
        scores |= {} if found is None else {title: found}
        say(f"{title}: {_told(outcome)}")
    return Comparison(
        rows=ALL_ROWS if truth is None else HALF,
        train_rows=len(train),
        test_rows=len(test),
        anomalies=None if truth is None else int(truth.sum()),
        outcomes=tuple(outcomes),
        ranked=tuple(scores),
        agreement=rank_agreement(list(scores.values())),
        left_out=() if names else SLOW,
    )


def _contenders(
    names: Sequence[str], seed: int, untrained: bool, how: dict[str, Any]
) -> dict[str, Detector]:
    """Unfitted detectors by title; networks are joined by their untrained selves."""
    found = {}
    for name in names or [name for name in catalogue.DETECTORS if name not in SLOW]:
        known = set(catalogue.parameter_names(name))
        networks = "epochs" in known
        if not networks:
            known -= {"max_steps"}  # robust PCA's are no training, and too few of them no answer
        params = {"random_state": seed, **{key: how[key] for key in how if key in known}}
        found[name] = catalogue.make(name, **params)
        found[name].check_parameters()  # what all fits would refuse is refused before the first
        if untrained and networks:
            found[f"{name}{UNTRAINED}"] = catalogue.make(name, **{**params, "max_steps": 0})
    return found


def _column(table: pa.Table, label: str) -> list[Any]:
    if label not in table.column_names:
        raise InputError(
            f"no column {label!r} to read labels from; there are: {', '.join(table.column_names)}"
        )
    return table.column(label).to_pylist()


def _check_readable(rows: pa.Table) -> None:
    """InputError, before any detector meets it, for a table that none of them could learn from."""
    if rows.num_rows < LEAST_ROWS:
        raise InputError(f"{_counted(rows.num_rows)} to compare on; give at least {LEAST_ROWS}")
    TableEncoder().fit_transform(rows)


def _counted(rows: int) -> str:
    return "1 row is too few" if rows == 1 else f"{rows} rows are too few"


def _load() -> None:
    """Load what detectors load when they are first used; the first one is not to pay for it."""
    native_step.reason()  # compiles, where that has not been done
    # PyTorch itself, and what it loads for its first gradient: seconds each
    catalogue.make("autoencoder", max_steps=1).fit(np.eye(8))


def _divided(rows: pa.Table, anomalous: np.ndarray | None, seed: int):
    """Numbers of the rows to learn from, and of those to score."""
    everything = np.arange(rows.num_rows)
    if anomalous is None:
        return everything, everything
    if anomalous.all() or not anomalous.any():
        kind = "anomalous" if anomalous.all() else "normal"
        raise InputError(f"all rows are labelled {kind}; give both kinds, or leave out the label")
    train = half_of_normal(anomalous, seed)
    if len(train) < LEAST_ROWS:
        raise InputError(
            f"{len(train)} rows to learn from, half of those labelled normal; label at least "
            f"{2 * LEAST_ROWS} rows as normal"
        )
    return train, np.setdiff1d(everything, train)


def _measured(
    title: str, detector: Detector, train: pa.Table, test: pa.Table, truth: np.ndarray | None
) -> tuple[Outcome, np.ndarray | None]:
    """The outcome, and the scores [rows of test] unless it failed."""
    trained = not title.endswith(UNTRAINED)
    try:
        begun = time.perf_counter()
        detector.fit(train)
        fitted = time.perf_counter()
        scores = detector.anomaly_score(test)
    except Exception as error:  # whatever a detector raises must not end the others
        reason = on_one_line(error)
        return Outcome(title, trained, error=reason), None
    seconds = (fitted - begun, time.perf_counter() - fitted)
    judged: dict[str, Any] = {} if truth is None else metrics.estimates(scores, truth)
    return Outcome(title, trained, *seconds, **judged), scores


def _told(outcome: Outcome) -> str:
    if outcome.error:
        return f"failed, {outcome.error}"
    found = f", AUROC {outcome.auroc.value:.4f}" if outcome.auroc else ""
    return f"fitted in {outcome.fit_seconds:.1f} s, scored in {outcome.score_seconds:.1f} s{found}"


def rank_agreement(scores: Sequence[np.ndarray]) -> tuple[tuple[float | None, ...], ...]:
    """Spearman's correlation of every pair of scores, ties given their mean rank; None if all tie.

    1: the same order of rows; 0: nothing in common; -1: the reverse order.
    """
    ranks = [rankdata(each) for each in scores]
    centred = [each - each.mean() for each in ranks]
    lengths = [float(np.linalg.norm(each)) for each in centred]

    def correlation(first: int, second: int) -> float | None:
        length = lengths[first] * lengths[second]
        return float(centred[first] @ centred[second] / length) if length else None

    count = range(len(scores))
    return tuple(tuple(correlation(first, second) for second in count) for first in count)
