"""Detectors side by side on a user's own rows: their times, how alike they rank, how well."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from alad import catalogue, metrics
from alad.adversarial import native_step
from alad.backbone.backbone import backbone_of
from alad.benchmark.division import Division, divided
from alad.data.image_source import ImageSource
from alad.data.opening import source_of
from alad.detector.contract import Detector
from alad.errors import on_one_line
from alad.metrics import Estimate
from alad.report.tables import Cell, Table

SLOW = ("anogan",)  # searches a latent code for every row: only where it is asked for
LEFT_OUT = "searches for every {}, so it is left out unless it is named with --detector"
LENGTHS = {"epochs", "max_steps"}  # parameters that say how long to train
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

    def in_words(self) -> str:
        """Write the outcome on one line."""
        if self.error:
            return f"failed, {self.error}"
        auroc = f", AUROC {self.auroc.value:.4f}" if self.auroc else ""
        return f"fitted in {self.fit_seconds:.1f} s, scored in {self.score_seconds:.1f} s{auroc}"


@dataclass(frozen=True)
class Comparison:
    """Outcomes of all detectors, and how alike they rank.

    `agreement`: Spearman's rank correlation of each pair of the detectors `ranked`, those that have
    scores; None where one of the pair gives all rows the same score.
    """

    rows: str  # which rows were learnt from, and which scored
    train_rows: int
    test_rows: int
    anomalies: int | None  # among the test rows
    outcomes: tuple[Outcome, ...]
    ranked: tuple[str, ...]
    agreement: tuple[tuple[float | None, ...], ...]
    left_out: tuple[str, ...] = ()  # detectors that are compared only where they are named
    unit: str = "row"  # what is scored: a row, or a picture


def compare(
    X: Any,
    names: Sequence[str] = (),
    *,
    label: str | None = None,
    normal: Sequence[str] = (),
    drop: Sequence[str] = (),
    seed: int = 0,
    say: Say = lambda message: None,
    **how: Any,
) -> Comparison:
    """Fit detectors on rows X and score them, one after the other; one may fail without the others.

    X: a table, or pictures, with labels or without; see `alad.benchmark.division`. names: of
    detectors, as in the catalogue; none means all but the slow ones. label, normal: column of
    labels, which no detector sees, and its values for a normal row, or for pictures the names of
    folders. drop: columns that no detector sees. how: parameters set where a detector has them.
    Raises InputError for names, labels or rows that cannot be compared on.
    """
    source = source_of(X)
    images = isinstance(source, ImageSource)
    labelled = label is not None or (images and source.anomalous(normal) is not None)
    contenders = _contenders(names, seed, untrained=labelled, how=how, images=images)
    if isinstance(source, ImageSource) and (backbone := backbone_of(how.get("backbone"))):
        tiled = how.get("tile") is not None
        source = source if backbone.side is None or tiled else source.at_most(backbone.side)
    parts = divided(source, label, normal, drop, seed, own_size=how.get("tile") is not None)
    # compile the kernels and load PyTorch beforehand, so that the first detector's time is its own
    native_step.reason()
    catalogue.make("autoencoder", max_steps=1).fit(np.eye(8))
    outcomes: list[Outcome] = []
    scores: dict[str, np.ndarray] = {}
    for title, detector in contenders.items():
        say(f"{title}: learning from {parts.learnt} {source.unit}s")
        outcome, detector_scores = _measured(title, detector, parts)
        outcomes.append(outcome)
        scores |= {} if detector_scores is None else {title: detector_scores}
        say(f"{title}: {outcome.in_words()}")
    return Comparison(
        rows=parts.words,
        train_rows=parts.learnt,
        test_rows=parts.scored,
        anomalies=None if parts.anomalous is None else int(parts.anomalous.sum()),
        outcomes=tuple(outcomes),
        ranked=tuple(scores),
        agreement=rank_agreement(list(scores.values())),
        left_out=() if names else SLOW,
        unit="picture" if images else "row",
    )


def _contenders(
    names: Sequence[str], seed: int, untrained: bool, how: dict[str, Any], images: bool = False
) -> dict[str, Detector]:
    """Make unfitted detectors by title; untrained: each with networks also before training."""
    contenders = {}
    for name in names or [name for name in catalogue.DETECTORS if name not in SLOW]:
        parameters = set(catalogue.parameter_names(name))
        networks = "epochs" in parameters
        if not networks:
            parameters -= {"max_steps"}  # robust PCA's steps are no training: few give no answer
        usual = catalogue.settings_for_pictures(name, length=not how.keys() & LENGTHS)
        params = {"random_state": seed, **(usual if images and "backbone" not in how else {})}
        if images:  # people have few, and no threshold is asked for
            params["calibration_fraction"] = 0.0
        params |= {key: how[key] for key in how if key in parameters}
        contenders[name] = catalogue.make(name, **params)
        contenders[name].check_parameters()  # refused before the first fit
        if untrained and networks:
            contenders[f"{name}{UNTRAINED}"] = catalogue.make(name, **{**params, "max_steps": 0})
    return contenders


def _measured(title: str, detector: Detector, parts: Division) -> tuple[Outcome, np.ndarray | None]:
    """Fit and score; -> the outcome, and scores [rows of the test] unless it failed."""
    trained = not title.endswith(UNTRAINED)
    try:
        begun = time.perf_counter()
        detector.fit(parts.train)
        fitted = time.perf_counter()
        scores = detector.anomaly_score(parts.test)
    except Exception as error:  # whatever a detector raises must not end the others
        return Outcome(title, trained, error=on_one_line(error)), None
    seconds = (fitted - begun, time.perf_counter() - fitted)
    truth = parts.anomalous
    estimates: dict[str, Any] = {} if truth is None else metrics.estimates(scores, truth)
    return Outcome(title, trained, *seconds, **estimates), scores


def rank_agreement(scores: Sequence[np.ndarray]) -> tuple[tuple[float | None, ...], ...]:
    """Compute Spearman's correlation of every pair of scores [n]; None where all scores tie."""
    if not scores:
        return ()
    with np.errstate(invalid="ignore"):  # scores that all tie have no spread to divide by
        matrix = np.atleast_2d(np.corrcoef([rankdata(values) for values in scores]))
    return tuple(tuple(None if np.isnan(x) else x for x in row) for row in matrix.tolist())


# --- tables ---------------------------------------------------------------------------------------


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Make the table of detectors and, if two or more have scores, that of rank correlations."""
    trained = [name for name in comparison.ranked if not name.endswith(UNTRAINED)]
    places = [comparison.ranked.index(name) for name in trained]
    return [_outcomes(comparison), *([_agreement(comparison, places)] if len(places) > 1 else [])]


def _outcomes(comparison: Comparison) -> Table:
    """Make the table of detectors; their untrained networks are columns of their rows."""
    trained = [outcome for outcome in comparison.outcomes if outcome.trained]
    before = {outcome.detector: outcome for outcome in comparison.outcomes if not outcome.trained}
    # columns and notes depend on labels and on networks
    columns = ["detector", "fit s", "score s"]
    unit = comparison.unit
    notes = [f"{comparison.rows}: {comparison.train_rows} and {comparison.test_rows} {unit}s"]
    if comparison.anomalies is not None:
        columns += ["AUROC", "95 % interval", "AP", "95 % interval of AP"]
        notes[0] += f", {comparison.anomalies} of these anomalous"
        notes.append(f"intervals: {metrics.ROUNDS} bootstrap samples of the scored {unit}s")
    if before:
        columns += ["untrained AUROC", "untrained AP"]
        notes.append(
            "untrained: the same networks before their first step; what training adds is the "
            "difference"
        )
    # one row for each trained detector
    highest = max((outcome.auroc.value for outcome in trained if outcome.auroc), default=None)
    body = []
    for outcome in trained:
        seconds = (outcome.fit_seconds, outcome.score_seconds)
        cells: list[str | Cell] = [outcome.detector]
        cells += ["failed", ""] if outcome.error else [f"{time:.2f}" for time in seconds]
        if comparison.anomalies is not None:
            for estimate in (outcome.auroc, outcome.average_precision):
                value = f"{estimate.value:.4f}" if estimate else ""
                best = estimate is outcome.auroc and estimate and estimate.value == highest
                interval = f"{estimate.low:.4f} … {estimate.high:.4f}" if estimate else ""
                cells += [Cell(value, mark="best" if best else ""), interval]
        if twin := before.get(outcome.detector + UNTRAINED):
            estimates = (twin.auroc, twin.average_precision)
            values = [f"{estimate.value:.4f}" for estimate in estimates if estimate]
            cells += values or ["failed", ""]
        body.append([*cells, *[""] * (len(columns) - len(cells))])
    notes += (
        [f"{', '.join(comparison.left_out)}: {LEFT_OUT.format(unit)}"]
        if comparison.left_out
        else []
    )
    errors = {outcome.detector: outcome.error for outcome in comparison.outcomes if outcome.error}
    notes += [f"{name} failed: {error}" for name, error in errors.items()]
    return Table("Detectors", columns, body, notes)


def _agreement(comparison: Comparison, places: Sequence[int]) -> Table:
    """Make the table of rank correlations, columns numbered as the rows to save room."""
    names, agreement = comparison.ranked, comparison.agreement
    body = []
    for number, first in enumerate(places, 1):
        values = [agreement[first][second] for second in places]
        cells = ("" if value is None else f"{round(100 * value)}" for value in values)
        body.append((f"{number} {names[first]}", *cells))
    notes = [
        f"in hundredths; 100: the same order of {comparison.unit}s, 0: nothing in common, -100: "
        "the reverse order"
    ]
    both = permutations(places, 2)
    pairs = {pair: value for pair in both if (value := agreement[pair[0]][pair[1]]) is not None}
    # the extremes, which a reader would look for among the numbers
    if len(places) > 2 and pairs:
        first, second = max(pairs, key=lambda pair: pairs[pair])
        others = {at: [value for pair, value in pairs.items() if pair[0] == at] for at in places}
        means = {at: sum(values) / len(values) for at, values in others.items() if values}
        last = min(means, key=lambda at: means[at])
        notes.append(
            f"most alike: {names[first]} and {names[second]}; least like the others: "
            f"{names[last]}, on average {round(100 * means[last])}"
        )
    columns = ("", *map(str, range(1, len(places) + 1)))
    return Table("Agreement of the scores' ranks (Spearman)", columns, body, notes)
