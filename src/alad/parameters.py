"""Checks of what a user gives by name; each refusal names the value and the remedy."""

import math
import operator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from alad.errors import InputError

MOST_HELD_OUT = 0.5  # share of the rows given to fit
LARGEST_DENOMINATOR = 10**9  # of a fraction that somebody may have meant


def whole(name: str, value: Any, least: int = 1) -> int:
    """`value` as a whole number of at least `least`, else InputError."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InputError(f"{name} is {value!r}; give a whole number of at least {least}")
    return number


def share(name: str, value: Any, most: float = 1.0) -> float:
    """`value` as a number above 0 and at most `most`, else InputError."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 < value <= most:
        raise InputError(f"{name} is {value!r}; give a number above 0 and at most {most}")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """`value` as a number from 0 to below 1, else InputError."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        raise InputError(f"{name} is {value!r}; give a number from 0 to below 1")
    return float(value)


def folder(name: str, value: Any) -> None:
    """InputError unless `value` names a folder, or is None."""
    if not isinstance(value, str | Path | None):
        raise InputError(f"{name} is {value!r}; give a folder, or None")


def exactly(number: float) -> Fraction:
    """The fraction that was meant: 0.29 is 29/100, though 0.29 * 100 is 28.999999999999996."""
    simple = Fraction(number).limit_denominator(LARGEST_DENOMINATOR)
    return simple if float(simple) == number else Fraction(number)


def held_out(name: str, value: float, rows: int) -> int:
    """How many of `rows` rows a share holds out; InputError if they would be more than the rest."""
    count = math.floor(exactly(value) * rows)
    if value > MOST_HELD_OUT:
        raise InputError(
            f"{name} is {value!r}: of {rows}, {rows - count} would be left to learn from; give at "
            f"most {MOST_HELD_OUT}"
        )
    return count


def switch(name: str, value: Any) -> bool:
    """`value` if it is True or False, else InputError."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} is {value!r}; give True or False")
    return bool(value)


def one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    """`value` if it is one of the names in `known`, else InputError."""
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name} is {value!r}; choose one of: {', '.join(known)}")
    return value


def positive(name: str, value: Any, *, or_zero: bool = False) -> float:
    """`value` as a finite number above 0, or 0 if that is allowed, else InputError."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not (0 < value < math.inf or (or_zero and value == 0)):
        least = "of at least 0" if or_zero else "above 0"
        raise InputError(f"{name} is {value!r}; give a number {least}")
    return float(value)


def check_random_state(value: Any) -> None:
    """InputError unless it is what scikit-learn calls a random state."""
    if value is None or isinstance(value, np.random.RandomState | np.random.Generator):
        return
    try:
        known = 0 <= operator.index(value) < 2**32
    except TypeError:
        known = False
    if not known:
        raise InputError(
            f"random_state is {value!r}; give None, a whole number from 0 to {2**32 - 1}, or a "
            f"RandomState"
        )
