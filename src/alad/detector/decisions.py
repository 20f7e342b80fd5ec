"""Which rows a model knows again, and what calibration leaves out for it."""

from warnings import warn

import numpy as np

from alad.detector.calibration import Calibration, rows_needed

MOST_REMEMBERED = 100_000  # distinct rows that a model knows again, 8 bytes each
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


def held_out_calibration(
    scores: np.ndarray, rows: np.ndarray, learnt: np.ndarray
) -> Calibration | None:
    """Calibrate on the scores of held-out rows, save those that equal a learnt one.

    scores [n]; rows, learnt: `digests`, uint64 [n] and [m]. None if no row is left.
    """
    known = np.isin(rows, learnt)
    if known.all():
        return None
    return Calibration.of(scores[~known], "held out at fit", scores[known])


def remembered(learnt: np.ndarray) -> np.ndarray:
    """Keep the `digests` by which a model knows rows again: the smallest, ascending, uint64."""
    return np.unique(learnt)[:MOST_REMEMBERED]


def warn_of_learnt(rows: np.ndarray, known: np.ndarray, learnt: np.ndarray, what: str) -> None:
    """Warn if more of the rows, `digests` [n], were learnt from than are `known`, bool [n].

    Only the smallest digests are remembered: up to the largest of these all is known, and the share
    of learnt rows there is that of all.
    """
    if len(learnt) < MOST_REMEMBERED:
        return  # all of them are known
    within = rows <= learnt[-1]
    share = known[within].mean() if within.any() else 0.0
    if share > MOST_SEEN:
        warn(
            f"this model has learnt from about {share * (~within).sum():.0f} more of these "
            f"{what}, too, and does not know which; thresholds come out too low: calibrate it "
            f"with normal {what} that it did not learn from",
            UserWarning,
            stacklevel=4,
        )
