"""From scores to decisions whose errors are known: arrays in, arrays out, no detector known.

A calibration set holds scores of normal rows that the detector never learnt from. As long as new
normal rows are exchangeable with those, whatever the detector and the distribution:

| asked for                      | promise                                                       |
|--------------------------------|---------------------------------------------------------------|
| p <= alpha, or a threshold     | false-alarm rate <= alpha, on average over calibration sets   |
| a threshold with a confidence  | false-alarm rate <= alpha for at least that share of the sets |
| a selection from a batch, at q | false discoveries <= q of those selected, on average          |

Scores are large for anomalies, and ties count against flagging. Anomalies among the calibration
rows make thresholds higher: fewer false alarms than asked, and fewer anomalies found.

Vovk, Gammerman, Shafer: Algorithmic Learning in a Random World, 2005 (p-values, martingales);
Bates, Candès, Lei, Romano, Sesia: Testing for Outliers with Conformal p-values, Annals of
Statistics 2023 (conditional thresholds, false discoveries).
"""

import math
from dataclasses import dataclass, field
from hashlib import shake_256
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from alad.errors import InputError
from alad.parameters import exactly

STOREY_LAMBDA = 0.5  # p-values above it are taken to be of normal rows
DIGESTED_AT_ONCE = 1 << 20  # numbers
ROUNDING = 1e-12  # relative: a p-value exactly at its bound must not be lost to float64


@dataclass(frozen=True, eq=False)
class Calibration:
    """Scores of normal rows that were not learnt from, and where they come from.

    scores: float64 [n], ascending. origin: "held out at fit" or "given". repeated: float64,
    ascending, of given rows that are left out of thresholds because they equal a training row, more
    of them than new rows do by chance; `drift` looks at them too. source, made: of what file or
    folder the rows were given, if that is known, and when (ISO 8601); "" = held out at fit.
    """

    scores: np.ndarray
    origin: str = "given"
    repeated: np.ndarray = field(default_factory=lambda: np.zeros(0))
    source: str = ""
    made: str = ""

    @classmethod
    def of(
        cls, scores: ArrayLike, origin: str = "given", repeated: ArrayLike = (), **how: str
    ) -> "Calibration":
        """Sort scores. Raises InputError if there is none, or one is not finite."""
        ordered, left_out = (
            np.sort(numbers_of(each, "calibration score")) for each in (scores, repeated)
        )
        if not len(ordered):
            raise InputError("there is no calibration score; give at least one, of a normal row")
        if not np.isfinite(ordered).all() or not np.isfinite(left_out).all():
            raise InputError("a calibration score is infinite; leave it out")
        return cls(ordered, origin, left_out, **how)

    @property
    def told(self) -> str:
        """Where its rows come from, in words."""
        return provenance(self.origin, self.source, self.made)

    @property
    def seen(self) -> int:
        """How many rows were left out because they equal a training row."""
        return len(self.repeated)

    def with_repeated(self) -> "Calibration":
        """Count in those rows, too, that equal a training row, as new normal rows may."""
        return Calibration.of(np.concatenate([self.scores, self.repeated]), self.origin)

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def smallest_rate(self) -> float:
        """The smallest p-value there can be, and so the smallest false-alarm rate to ask for."""
        return 1 / (len(self) + 1)

    def p_values(self, scores: ArrayLike) -> np.ndarray:
        """Compute (1 + #{calibration score >= score}) / (calibration rows + 1): float64 [n]."""
        below = np.searchsorted(self.scores, numbers_of(scores), side="left")
        return (1 + len(self) - below) / (len(self) + 1)

    def threshold(self, rate: float, confidence: float | None = None) -> float:
        """Flag scores strictly above it: at most `rate` of normal rows are flagged.

        confidence None: averaged over calibration sets, and the same decision as p <= rate.
        Otherwise: for at least that share of all calibration sets, so most likely for this one.
        Raises InputError, with the number of rows that it takes, if there are too few.
        """
        rate = between_0_and_1("false_alarm_rate", rate)
        if confidence is None:
            rank = marginal_rank(len(self), rate)
        else:
            confidence = between_0_and_1("confidence", confidence)
            rank = conditional_rank(len(self), rate, confidence)
        if rank is None:
            raise InputError(self._too_few("false-alarm", rate, confidence))
        return float(self.scores[rank - 1])

    def _too_few(self, kind: str, rate: float, confidence: float | None = None) -> str:
        sure = "" if confidence is None else f" with confidence {confidence:g}"
        return (
            f"{len(self)} calibration scores are too few for a {kind} rate of {rate:g}{sure}: "
            f"it takes {rows_needed(rate, confidence)}; calibrate with more, or ask for a higher "
            f"rate"
        )

    def select(self, scores: ArrayLike, fdr: float, *, adaptive: bool = False) -> np.ndarray:
        """Choose the rows of a batch to report, on average at most `fdr` of them normal: bool [n].

        adaptive: Storey's form, which finds more if many rows are anomalous. Raises InputError if
        no p-value can be small enough.
        """
        self.check_fdr(fdr)
        p = self.p_values(scores)
        return storey(p, fdr) if adaptive else p <= self.selected_up_to(self.tally(scores), fdr)

    def check_fdr(self, fdr: float) -> None:
        """Raise InputError if no p-value can be small enough for that share."""
        if marginal_rank(len(self), between_0_and_1("fdr", fdr)) is None:
            raise InputError(self._too_few("false-discovery", fdr))

    def tally(self, scores: ArrayLike) -> np.ndarray:
        """Count the scores of each p-value, the smallest first: int64 [calibration rows + 1]."""
        below = np.searchsorted(self.scores, numbers_of(scores), side="left")
        return np.bincount(len(self) - below, minlength=len(self) + 1)

    def selected_up_to(self, tally: np.ndarray, fdr: float) -> float:
        """Find the p-value up to which `select` chooses, by the `tally` of a batch; 0 = none.

        Tallies of parts of a batch can be added, so the batch itself need not be held.
        """
        p = (1 + np.arange(len(tally))) / (len(self) + 1)
        ranks = np.cumsum(tally)
        met = np.flatnonzero(tally)
        chosen = met[p[met] * (ranks[-1] / ranks[met]) <= fdr * (1 + ROUNDING)]
        return float(p[chosen[-1]]) if len(chosen) else 0.0

    def fewest_selectable(self, rows: int, fdr: float) -> int:
        """Count the fewest of so many rows that `select` reports, if any."""
        return max(1, math.ceil(exactly(fdr) ** -1 * rows / (len(self) + 1)))


def provenance(origin: str, source: str, made: str) -> str:
    """Say "held out at fit", or "given from more.csv at 2026-01-31T12:00:00+00:00"."""
    parts = (origin, source and f"from {source}", made and f"at {made}")
    return " ".join(part for part in parts if part)


def numbers_of(scores: ArrayLike, what: str = "score") -> np.ndarray:
    """Check scores: float64 [n]; InputError for anything but numbers, because NaN has no rank."""
    try:
        found = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"a {what} is no number ({error}); give an array [n]") from error
    if found.ndim != 1:
        raise InputError(f"{what}s have the shape {found.shape}; give one number a row, [n]")
    if np.isnan(found).any():
        at = int(np.isnan(found).argmax())
        raise InputError(f"{what} {at} is NaN, which has no rank; leave it out")
    return found


# --- thresholds -----------------------------------------------------------------------------------


def between_0_and_1(name: str, value: Any) -> float:
    """Check that `value` is a number strictly between 0 and 1; InputError if not."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 < value < 1:
        raise InputError(f"{name} is {value!r}; give a number between 0 and 1, such as 0.01")
    return float(value)


def marginal_rank(n: int, rate: float) -> int | None:
    """Tell which of n ascending scores (from 1) is the threshold; None if n < 1 / rate - 1."""
    allowed = math.floor(exactly(rate) * (n + 1))  # calibration scores at or above a flagged one
    return n + 1 - allowed if allowed else None


def conditional_rank(n: int, rate: float, confidence: float) -> int | None:
    """Tell the same, for a false-alarm rate that holds given the calibration set.

    Above the i-th smallest of n lies Beta(n + 1 - i, i) of a continuous law; the smallest i with
    P(Beta(n + 1 - i, i) <= rate) = P(Binomial(n, 1 - rate) <= i - 1) >= confidence.
    """
    from scipy.stats import binom

    rank = int(binom.ppf(confidence, n, 1 - rate)) + 1
    return rank if rank <= n else None


def rows_needed(rate: float, confidence: float | None = None) -> int:
    """Count the fewest calibration rows with which `rate` can be asked for."""
    if confidence is None:
        return max(1, math.ceil(1 / exactly(rate)) - 1)
    # the highest of n must do: (1 - rate)^n <= 1 - confidence
    return max(1, math.ceil(math.log1p(-confidence) / math.log1p(-rate)))


# --- false discoveries ----------------------------------------------------------------------------


def benjamini_hochberg(p_values: ArrayLike, fdr: float) -> np.ndarray:
    """Select the k smallest p-values, for the largest k with p_(k) <= fdr k / n: bool [n].

    Benjamini, Hochberg 1995. Conformal p-values share their calibration set and so depend on each
    other positively, for which it holds (Bates et al. 2023).
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, np.float64)
    if not len(p):
        return np.zeros(0, bool)
    return false_discovery_control(p, method="bh") <= fdr * (1 + ROUNDING)


def null_share(p_values: ArrayLike, cut: float = STOREY_LAMBDA) -> float:
    """Estimate the share of normal rows, as Storey: (1 + #{p > cut}) / (n (1 - cut)).

    It may exceed 1; it is not cut there, which makes the selection stricter.
    """
    p = np.asarray(p_values, np.float64)
    return float((1 + (p > cut).sum()) / (len(p) * (1 - cut)))


def storey(p_values: ArrayLike, fdr: float, cut: float = STOREY_LAMBDA) -> np.ndarray:
    """Select by Benjamini-Hochberg at fdr / null_share, no p-value above `cut`: bool [n].

    Storey, Taylor, Siegmund 2004.
    """
    p = np.asarray(p_values, np.float64)
    if not len(p):
        return np.zeros(0, bool)
    return benjamini_hochberg(p, fdr / null_share(p, cut)) & (p <= cut)


# --- rows -----------------------------------------------------------------------------------------


def digests(rows: Any) -> np.ndarray:
    """Digest float32 rows [n, *shape]: uint64 [n], the same for equal rows, hardly ever for others.

    Each number, as 32 bits, times a weight of its own, added up modulo 2^64: universal hashing
    (Carter, Wegman 1979).
    """
    width = math.prod(rows.shape[1:])
    weights = np.frombuffer(shake_256(b"alad").digest(8 * width), "<u8")
    found, step = np.empty(len(rows), np.uint64), max(1, DIGESTED_AT_ONCE // width)
    for at in range(0, len(rows), step):
        piece = np.asarray(rows[at : at + step]) + np.float32(0)  # -0.0 is 0.0
        words = piece.reshape(len(piece), -1).view(np.uint32)
        found[at : at + step] = words.astype(np.uint64) @ weights
    return found
