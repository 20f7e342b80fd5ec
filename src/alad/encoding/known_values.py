"""What learnt rows had in each column of a table, and what is new beside it in encoded rows.

New are a hole where there was none, a category never met, and another value in a column that was
constant.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from alad.data.refusals import listed
from alad.encoding.category_columns import NEW, CategoryCode
from alad.encoding.columns import Code
from alad.encoding.number_columns import NumberCode, NumberCodes
from alad.encoding.scalings import SAME


class KnownValues:
    """Tells known from new values in encoded rows [n, width].

    codes: those of the used columns; starts: the first output column of each; numbers: the number
    columns among them.
    """

    def __init__(self, codes: Sequence[Code], starts: Sequence[int], numbers: NumberCodes):
        self._codes, self._starts = codes, starts
        last = [
            start + len(code.output_names) - 1 for code, start in zip(codes, starts, strict=True)
        ]
        # places (used column, output column) to look at; a hole that is new is NaN there
        self._never_missing = [
            (at, starts[at] if isinstance(code, NumberCode) else last[at])
            for at, code in enumerate(codes)
            if not code.missing
        ]
        self._unseen = [
            (at, last[at], np.float32(NEW if code.rare else 1))
            for at, code in enumerate(codes)
            if isinstance(code, CategoryCode) and (code.rarer or not code.rare)
        ]
        self._constants = [
            (at, starts[at], 0.0 if code.kept is None else code.kept)
            for at, code in enumerate(codes)
            if isinstance(code, NumberCode) and (code.constant is not None or code.kept is not None)
        ]
        usual = np.zeros((1, last[-1] + 1), np.float32)
        usual[0, last] = 1  # a hole in a category that never had one is another level
        if numbers.codes:
            numbers.encode(np.array([[code.fill for code in numbers.codes]]), usual)
        self._usual = usual[0]

    def filled(self, rows: np.ndarray) -> np.ndarray:
        """Fill encoded rows as models see them: a hole never met as the median.

        A level never met is one of those that share a column.
        """
        holes = np.isnan(rows)
        rows = np.where(holes, self._usual, rows) if holes.any() else rows
        shared = [at for _, at, mark in self._unseen if mark == NEW]
        if shared and (rows[:, shared] == NEW).any():
            rows = rows.copy()
            rows[:, shared] = np.minimum(rows[:, shared], 1)
        return rows

    def novel(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find what no learnt row had, in encoded rows: two of bool [n, used columns].

        Holes where there were none, and values: a category never met, a constant that is another.
        """
        shape = (len(rows), len(self._codes))
        holes, values = (np.zeros_like(rows, bool, shape=shape) for _ in range(2))
        absent = np.isnan(rows)
        if self._never_missing and absent.any():  # there is NaN only where `_never_missing` looks
            of, at = map(list, zip(*self._never_missing, strict=True))
            holes[:, of] = absent[:, at]
        if self._unseen:
            of, at, marks = map(list, zip(*self._unseen, strict=True))
            values[:, of] = rows[:, at] == np.array(marks)
        if self._constants:
            of, at, met = map(list, zip(*self._constants, strict=True))
            values[:, of] = np.abs(rows[:, at] - np.array(met)) > SAME * np.abs(met)
        return holes, values

    def without_new(self, rows: np.ndarray) -> np.ndarray:
        """Put into encoded rows [..., width] that a model made what constant columns had."""
        rows = rows.copy()
        for _, at, met in self._constants:
            rows[..., at] = met
        return rows

    def chance_of_new(self, learnt: Iterable[np.ndarray]) -> np.ndarray:
        """Estimate how often a row has novelty, by column, from learnt rows: float64 [columns].

        learnt: encoded, in pieces [n, width]. (1 + levels met once) / (n + 1), after Good and
        Turing 1953.
        """
        once, rows, met = np.ones(len(self._codes)), 0, np.zeros(len(self._usual))
        for piece in learnt:
            rows, met = rows + len(piece), met + piece.sum(axis=0, dtype=np.float64)
        for at, last, _ in self._unseen:
            code = self._codes[at]
            once[at] += (met[self._starts[at] : last] == 1).sum()
            once[at] += code.once if isinstance(code, CategoryCode) else 0
        return np.minimum(once / (rows + 1), 1.0)

    def messages(self) -> list[tuple[str, str, str]]:
        """Say of each used column its name, what a new value is, and that all values are new."""
        return [_message(code) for code in self._codes]


def _message(code: Code) -> tuple[str, str, str]:
    if isinstance(code, CategoryCode):
        every = (
            f"column {code.name!r} holds no value that it had at fit ({listed(code.levels)}); "
            "is it written in another way?"
        )
        return code.name, "holds a value that it never had at fit", every
    met = code.kept if code.constant is None else code.constant
    new = f"was {met:g} in all learnt rows and is not" if met is not None else "is new"
    return code.name, new, f"column {code.name!r} {new} in any"
