"""A comparison as tables for people: one line a detector, and how alike the trained ones rank."""

from collections.abc import Sequence

from alad import metrics
from alad.benchmark.comparison import UNTRAINED, Comparison, Outcome
from alad.benchmark.sheets import Sheet

LEFT_OUT = "searches for every row, so it is left out unless it is named with --detector"


def sheets(found: Comparison) -> list[Sheet]:
    """The detectors and, of two or more that have scores, how alike they rank the rows."""
    trained = [name for name in found.ranked if not name.endswith(UNTRAINED)]
    return [_outcomes(found), *([_agreement(found, trained)] if len(trained) > 1 else [])]


# --- detectors ------------------------------------------------------------------------------------


def _outcomes(found: Comparison) -> Sheet:
    """Networks before their first step are no lines but columns of the trained ones' lines."""
    labelled = found.anomalies is not None
    before = {one.detector: one for one in found.outcomes if not one.trained}
    heads = ["detector", "fit s", "score s"]
    heads += ["AUROC", "95 % interval", "AP", "95 % interval of AP"] if labelled else []
    heads += ["untrained AUROC", "untrained AP"] if before else []
    body = []
    for one in found.outcomes:
        if one.trained:
            cells = [one.detector, *_times(one), *(_measures(one) if labelled else [])]
            if before:
                cells += _untrained(before.get(one.detector + UNTRAINED))
            body.append(cells)
    return Sheet("Detectors", heads, body, _notes(found, bool(before)))


def _times(one: Outcome) -> list[str]:
    if one.error:
        return ["failed", ""]
    return [f"{one.fit_seconds:.2f}", f"{one.score_seconds:.2f}"]


def _measures(one: Outcome) -> list[str]:
    if one.auroc is None or one.average_precision is None:
        return [""] * 4
    return [
        cell
        for estimate in (one.auroc, one.average_precision)
        for cell in (f"{estimate.value:.4f}", f"{estimate.low:.4f} … {estimate.high:.4f}")
    ]


def _untrained(one: Outcome | None) -> list[str]:
    if one is None:
        return ["", ""]
    if one.auroc is None or one.average_precision is None:
        return ["failed", ""]
    return [f"{one.auroc.value:.4f}", f"{one.average_precision.value:.4f}"]


def _notes(found: Comparison, untrained: bool) -> list[str]:
    notes = [f"{found.rows}: {found.train_rows} and {found.test_rows} rows"]
    if found.anomalies is not None:
        notes[0] += f", {found.anomalies} of these anomalous"
        notes.append(f"intervals: {metrics.ROUNDS} bootstrap samples of the scored rows")
    if untrained:
        notes.append(
            "untrained: the same networks before their first step; what training adds is the "
            "difference"
        )
    if found.left_out:
        notes.append(f"{', '.join(found.left_out)}: {LEFT_OUT}")
    return [*notes, *(f"{one.detector} failed: {one.error}" for one in found.outcomes if one.error)]


# --- agreement ------------------------------------------------------------------------------------


def _agreement(found: Comparison, trained: Sequence[str]) -> Sheet:
    """Columns have numbers, the lines' own: so many names side by side would not fit."""
    places = [found.ranked.index(name) for name in trained]
    body = [
        (f"{number} {found.ranked[first]}", *(_hundredths(found.agreement[first][second])
                                              for second in places))
        for number, first in enumerate(places, 1)
    ]  # fmt: skip
    heads = ("", *(str(number) for number in range(1, len(places) + 1)))
    notes = [
        "in hundredths; 100: the same order of rows, 0: nothing in common, -100: the reverse order",
        *_alike(found, places),
    ]
    return Sheet("Agreement of the scores' ranks (Spearman)", heads, body, notes)


def _hundredths(value: float | None) -> str:
    return "" if value is None else f"{round(100 * value)}"


def _alike(found: Comparison, places: Sequence[int]) -> list[str]:
    """Which two agree most, and who agrees least with all others."""
    known = {
        (first, second): value
        for first in places
        for second in places
        if first != second and (value := found.agreement[first][second]) is not None
    }
    if len(places) < 3 or not known:
        return []
    first, second = max(known, key=lambda pair: known[pair])
    own = {at: [value for pair, value in known.items() if pair[0] == at] for at in places}
    means = {at: sum(values) / len(values) for at, values in own.items() if values}
    last = min(means, key=lambda at: means[at])
    return [
        f"most alike: {found.ranked[first]} and {found.ranked[second]}; least like the others: "
        f"{found.ranked[last]}, on average {round(100 * means[last])}"
    ]
