"""How a category column becomes columns of a matrix, fitted on training rows.

A 0/1 column for each level, for "missing" if that occurred, and a last one for what training rows
never held (or held too rarely to have its own).
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from alad.data.columns import Column

FLAGS = frozenset({"false", "true"})
NUMBERED_FLAGS = {"0": "false", "0.0": "false", "1": "true", "1.0": "true"}
MOST_LEVELS = 100  # levels with a column of their own; the rarer ones share one
MOST_RARER = 10_000  # rarer levels that are known by name; of more, none is told from a new one
NEW = 2.0  # in the column that rarer levels share, where theirs is 1: a level never met


@dataclass(frozen=True)
class CategoryCode:
    """A category column: one of its output columns is 1, the others are 0."""

    name: str
    levels: list[str]
    missing: bool
    rare: bool  # whether training rows held more levels, rarer ones, which share the last column
    rarer: list[str] = field(default_factory=list)  # these levels; none if they are too many
    once: int = 0  # number of these levels that a single training row held

    @classmethod
    def fit(cls, column: Column) -> Self:
        levels = list(column.levels or [])
        counts = np.bincount(column.values[column.values >= 0], minlength=len(levels))
        ordered = np.argsort(-counts, kind="stable")  # ties: by alphabet
        kept, rarer = (
            [levels[i] for i in sorted(part)]
            for part in (ordered[:MOST_LEVELS], ordered[MOST_LEVELS:])
        )
        missing, rare = bool((column.values < 0).any()), bool(rarer)
        once = int((counts[ordered[MOST_LEVELS:]] == 1).sum())
        return cls(
            column.name, kept, missing, rare, rarer if len(rarer) <= MOST_RARER else [], once
        )

    @property
    def output_names(self) -> list[str]:
        marks = [*(["<missing>"] if self.missing else []), "<other>" if self.rare else "<unseen>"]
        return [f"{self.name}={level}" for level in [*self.levels, *marks]]

    def decode(self, encoded: np.ndarray) -> list[str | None]:
        """Give each row's likeliest level [n]; None for missing, a mark for all others."""
        marks = [*([None] if self.missing else []), "<other>" if self.rare else "<unseen>"]
        names = [*self.levels, *marks]
        return [names[at] for at in encoded.argmax(axis=1)]

    def meant(self, level: str) -> str:
        """Spell a level as training rows did: 0 and 1 as false and true where those were flags.

        Arrays and lists of rows turn flags beside numbers into numbers.
        """
        flags = bool(self.levels) and FLAGS.issuperset(self.levels)
        return NUMBERED_FLAGS.get(level, level) if flags else level

    def encode(self, column: Column, out: np.ndarray) -> None:
        """Fill out [n, width], which holds zeros.

        In the last column NaN for a hole never met at fit, NEW for a level never met among rarer
        ones.
        """
        other = len(self.output_names) - 1
        unmarked = np.float32(1 if self.missing else np.nan)  # in the last column, for a hole
        if column.levels is None:  # no row that was learnt from had a number: no number was met
            missing = np.isnan(column.values)
            out[np.arange(len(out)), np.where(missing, other - self.missing, other)] = np.where(
                missing, unmarked, np.float32(1)
            )
            return
        place = {level: i for i, level in enumerate(self.levels)}
        missing = len(self.levels) if self.missing else other
        chosen = [*(place.get(self.meant(level), other) for level in column.levels), missing]
        out[np.arange(len(out)), np.array(chosen)[column.values]] = 1  # code -1 reads the last
        if self.rarer:
            met = {*self.levels, *self.rarer}
            new = [*(self.meant(level) not in met for level in column.levels), False]
            out[np.array(new)[column.values], other] = NEW
        out[column.values < 0, missing] = unmarked


def sound_category(code: CategoryCode) -> bool:
    lists = isinstance(code.levels, list) and isinstance(code.rarer, list)
    if not lists or not all(isinstance(level, str) for level in [*code.levels, *code.rarer]):
        return False
    flags = isinstance(code.missing, bool) and isinstance(code.rare, bool)
    rarer = type(code.once) is int and code.once >= 0 and code.rare >= bool(code.rarer)
    met = {*code.levels, *code.rarer}
    return flags and rarer and len(met) == len(code.levels) + len(code.rarer)
