"""What no learnt row had: a hole where there never was one, a new category, a constant that is not.

It is evidence in itself, whatever the detector: one that learnt from rows in which a column was
always 0 cannot see that it is 1 now, and may score such a row below all others. A row with novelty
counts at least as the most normal row given to `fit`, and each such column adds what lifts that row
to the level that as few rows reach as have such novelty by chance. All other rows keep their scores
to the last bit.
"""

from collections.abc import Iterable, Sequence
from warnings import warn

import numpy as np

from alad.encoding.known_values import KnownValues

MANY_ROWS = 20  # fewer may all hold new values by chance
MARGIN = 1e-3  # relative, by which the level is passed: it must not be lost to rounding
MOST_TOLD = 5  # columns in a warning


def learnt_novelty(
    known: KnownValues,
    learnt: Iterable[np.ndarray],
    scores: np.ndarray,
    held_out: np.ndarray,
    scored: Iterable[np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Choose what novelty does to a score, as `raises`; and raise by it the scores [n] at fit.

    known: what learnt rows had; learnt: those rows, encoded, in pieces; held_out: bool [n], which
    of the scored rows were not learnt from; scored: the rows of `scores`, encoded, in pieces.
    """
    added = raises(scores, held_out, known.chance_of_new(learnt))
    parts, at = [], 0
    for piece in scored:
        holes, values = known.novel(piece)
        parts.append(raised(scores[at : at + len(piece)], holes | values, added))
        at += len(piece)
    return added, np.concatenate(parts)


def raises(scores: np.ndarray, held_out: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Choose what novelty does to a score: float64 [1 + columns].

    First the least score of a row with novelty, then what it adds in each column, 0 or more.

    scores: float64 [n], of rows without novelty, large = anomalous; held_out: bool [n], those not
    learnt from; chance: float64 [columns], how often a normal row has novelty there.
    """
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        return np.array([low, *np.full(len(chance), abs(high) or 1.0)])
    parts = [part for part in (scores, scores[held_out]) if len(part)]
    levels = np.max([_level(part, chance) for part in parts], axis=0)
    with np.errstate(over="ignore"):
        added = np.minimum((1 + MARGIN) * (levels - low), np.finfo(np.float64).max)
    return np.array([low, *added])


def _level(scores: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Find the scores that a new row exceeds with that chance, at most: [columns]."""
    ranks = np.ceil((1 - chance) * (len(scores) + 1)).astype(int)
    return np.sort(scores)[np.clip(ranks, 1, len(scores)) - 1]


def raised(scores: np.ndarray, novel: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Raise the scores [n] of rows with novelty, bool [n, columns]; others stay.

    added: what `raises` gives, [1 + columns].
    """
    rows = np.flatnonzero(novel.any(axis=1))
    if not len(rows):
        return scores
    scores = scores.copy()
    scores[rows] = due(scores[rows], novel[rows], added)
    return scores


def due(scores: np.ndarray, novel: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Compute the scores [n] of rows all of which have novelty, as `raised`."""
    # summed row by row: a product of matrices would depend on how many rows there are
    with np.errstate(over="ignore"):
        higher = np.maximum(scores, added[0]) + np.where(novel, added[1:], 0.0).sum(axis=1)
    return np.minimum(higher, np.finfo(np.float64).max)


def tell(
    counts: np.ndarray, rows: int, columns: Sequence[tuple[str, str, str]], unit: str, raises: bool
) -> None:
    """Warn, once for all rows, of each column with novelty.

    counts: int [2, columns], of the rows with a hole and with a value never met. columns: name,
    what the value is, and what all rows being so means.
    """
    words = []
    for (name, new, all_new), hole, value in zip(columns, *counts.tolist(), strict=True):
        if hole:
            words.append(f"column {name!r} is missing in {hole:,}, it never was at fit")
        if value == rows >= MANY_ROWS:
            words.append(all_new)
        elif value:
            words.append(f"column {name!r} {new} in {value:,}")
    if words:
        more = f"; {len(words) - MOST_TOLD} more such columns" if len(words) > MOST_TOLD else ""
        end = ", which raises their scores" if raises else ""
        warn(
            f"of {rows:,} {unit}{'s' * (rows != 1)} some hold what no learnt one did{end}: "
            f"{'; '.join(words[:MOST_TOLD])}{more}",
            UserWarning,
            stacklevel=4,
        )
