"""Which rows a model knows again, and what calibration leaves out for it."""

from warnings import warn

import numpy as np

from alad.detector.calibration import Calibration, rows_needed
from alad.errors import InputError

MOST_REMEMBERED = 100_000  # distinct rows that a model knows again, 8 bytes each
DEVIATIONS = 4  # of a count of rows that repeat, by which it may be larger than usual
MOST_SEEN = 0.05  # share of a calibration table, beyond which learnt rows among the others matter


def offset(scores: np.ndarray, held_out: np.ndarray, contamination: float) -> float:
    """Choose `offset_`, the score_samples below which about that share of rows is flagged.

    scores float64 [n], large = anomalous; held_out bool [n]. A detector may score what it learnt
    from lower than anything else, so held-out scores decide where they are enough to tell: of n
    the c (n + 1)-th highest, linear in between, which a new row exceeds with probability c. Where
    they are too few, the same share of all rows is flagged.
    """
    if held_out.sum() >= rows_needed(contamination):
        return float(np.quantile(-scores[held_out], contamination, method="weibull"))
    return float(np.quantile(-scores, contamination))


def held_out_calibration(scores: np.ndarray) -> Calibration | None:
    """Calibrate on the scores of all held-out rows [n]; None if there are none.

    Those that equal a learnt row count as well. Held-out rows were drawn from the rows given, so
    they are exchangeable with new rows that come as those came: given the learnt rows, a new row
    equals one of them as often as a held-out row does. Without such rows, calibration would be on
    the rarest normal rows alone, and its thresholds too high.
    """
    return Calibration.of(scores, "held out at fit") if len(scores) else None


def remembered(learnt: np.ndarray) -> np.ndarray:
    """Keep the `digests` by which a model knows rows again: the smallest, ascending, uint64."""
    return np.unique(learnt)[:MOST_REMEMBERED]


def repeats(learnt: np.ndarray) -> float:
    """Estimate the share of new rows that equal a learnt one, from digests [n] of learnt rows.

    It is the share of the learnt rows that equal another one: each is a new row to the others. As
    `left_out` can compare it, among rows that would be remembered.
    """
    met, counts = np.unique(learnt, return_counts=True)
    counts = counts[: len(remembered(met))]
    return float(counts[counts > 1].sum() / counts.sum())


def left_out(rows: np.ndarray, learnt: np.ndarray, usual: float, what: str) -> np.ndarray:
    """Choose the rows that may not calibrate, because they were learnt from: bool [n].

    rows: digests [n]; learnt: those that the model remembers; usual: as `repeats` estimates. What
    equals a learnt row may be a new row that repeats one, or the learnt row itself, which would
    make thresholds too low. If they are as many as repeat by chance, all rows stay. If they are
    more, learnt rows are among them, nobody knows which, and all that equal one are left out:
    thresholds then are too high rather than too low, and a warning says so. Raises InputError if
    there are more that it does not know again: thresholds would be too low.
    """
    known = np.isin(rows, learnt)
    # of the smallest digests all are remembered: there the share of known rows is that of all
    whole = len(learnt) < MOST_REMEMBERED
    within = np.ones(len(rows), bool) if whole else rows <= learnt[-1]
    count, met = int(within.sum()), int(known[within].sum())
    deviation = np.sqrt(count * usual * (1 - usual) * (1 + count / max(len(learnt), 1)))
    if met <= count * usual + DEVIATIONS * deviation:
        return np.zeros(len(rows), bool)
    share = (met / count - usual) / (1 - usual)  # learnt from, about
    if usual > MOST_SEEN and not known.all():
        warn(
            f"{met / count:.0%} of these {what} equal ones that this model has learnt from, where "
            f"{usual:.0%} would by chance: about {share:.0%} seem to be learnt ones. All that "
            f"equal one are left out, so that thresholds come out too high: calibrate it with "
            f"normal {what} that it did not learn from",
            UserWarning,
            stacklevel=4,
        )
    elif share > MOST_SEEN and not whole:
        raise InputError(
            f"this model has learnt from about {share * (~within).sum():.0f} more of these {what}, "
            f"and does not know which; thresholds would be too low: calibrate it with normal "
            f"{what} that it did not learn from"
        )
    return known
