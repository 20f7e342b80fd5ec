"""Choose a configuration on one half of the tables, confirm it on the other: again and again.

The best of many configurations looks better on the tables that it was chosen on than it is. Here
every choice of a default is made on a random half of the tables and reported on the other half.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alad.errors import InputError
from alad.parameters import whole

REPETITIONS = 1_000
LEVEL = 0.9  # of the intervals


@dataclass(frozen=True)
class Interval:
    """A mean, and the percentiles between which LEVEL of the values lie."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray) -> "Interval":
        low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return cls(float(values.mean()), float(low), float(high))


@dataclass(frozen=True)
class Confirmation:
    """What the configuration chosen on one half of the tables is worth on the other half.

    lead: its value minus the control's. Intervals are over the repetitions, each with another half:
    they say what another half of such tables might have shown.
    """

    control: str
    configurations: int  # among which was chosen, without the control
    tables: int
    seeds: int
    repetitions: int
    lead_where_chosen: Interval  # too good by what chance added to the best
    value: Interval  # on the other half
    lead: Interval  # on the other half: the number to report
    ahead: float  # share of the repetitions in which the lead on the other half is above 0
    chosen: Mapping[str, float]  # configuration -> share of the halves that chose it, most first


def confirm(
    scores: np.ndarray,
    names: Sequence[str],
    control: str,
    *,
    repetitions: int = REPETITIONS,
    seed: int = 0,
) -> Confirmation:
    """Choose on random halves of the tables and confirm on the others.

    scores: [configurations, tables, seeds], larger = better; a configuration is judged by its mean
    over tables and seeds. names: of the configurations; control: one of them, which is not chosen.
    Of an odd number of tables the choosing half is the smaller one. Raises InputError for fewer
    than two tables, for scores that are not finite, and for names that do not fit.
    """
    scores = np.asarray(scores, np.float64)
    _check(scores, names, control)
    whole("repetitions", repetitions)
    by_table = scores.mean(axis=2)  # [configurations, tables]
    candidates = [name for name in names if name != control]
    ours = by_table[[names.index(name) for name in candidates]]
    leads = ours - by_table[names.index(control)]
    generator = np.random.default_rng(seed)
    picks, found = Counter[str](), np.empty((repetitions, 3))
    for repetition in range(repetitions):
        first, second = np.split(generator.permutation(ours.shape[1]), [ours.shape[1] // 2])
        best = int(np.argmax(ours[:, first].mean(axis=1)))
        picks[candidates[best]] += 1
        parts = leads[best, first], ours[best, second], leads[best, second]
        found[repetition] = [part.mean() for part in parts]
    where_chosen, value, lead = map(Interval.of, found.T)
    return Confirmation(
        control=control,
        configurations=len(candidates),
        tables=scores.shape[1],
        seeds=scores.shape[2],
        repetitions=repetitions,
        lead_where_chosen=where_chosen,
        value=value,
        lead=lead,
        ahead=float((found[:, 2] > 0).mean()),
        chosen={name: count / repetitions for name, count in picks.most_common()},
    )


def _check(scores: np.ndarray, names: Sequence[str], control: str) -> None:
    if scores.ndim != 3 or len(scores) != len(names) or len(set(names)) < len(names):
        raise InputError(
            f"scores have the shape {scores.shape} for {len(names)} names; give [configurations, "
            "tables, seeds], and a name of its own for each configuration"
        )
    if control not in names or len(names) < 2:
        raise InputError(
            f"control is {control!r}; choose one of: {', '.join(names)}, and give another "
            "configuration beside it"
        )
    if scores.shape[1] < 2 or scores.shape[2] < 1:
        raise InputError(
            f"scores are of {scores.shape[1]} tables and {scores.shape[2]} seeds; give at least "
            "two tables and one seed"
        )
    if not np.isfinite(scores).all():
        at = int(np.argmin(np.isfinite(scores).all(axis=(1, 2))))
        raise InputError(f"a score of {names[at]!r} is not finite; measure it again")
