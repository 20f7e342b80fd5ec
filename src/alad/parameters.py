"""Parameters as fields of a dataclass, each checked against its annotation.

An error names the value and the remedy. A field of a detector or of an architecture reads:

    max_rows: Count = 20_000  # learn from at most this many rows, a random sample
"""

import functools
import math
import operator
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from alad.errors import InputError

MOST_HELD_OUT = 0.5  # share of the rows given to fit
LARGEST_DENOMINATOR = 10**9  # of the fraction that a decimal stands for


def whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Convert a value to a whole number from `least` to `most`, or raise InputError."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InputError(f"{name} is {value!r}; give a whole number of at least {least}")
    if most is not None and number > most:
        raise InputError(f"{name} is {value!r}; give a whole number of at most {most}")
    return number


def is_number(value: Any) -> bool:
    """Tell whether a value is a number of Python or NumPy; True and False are none."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def share(name: str, value: Any, most: float = 1.0) -> float:
    """Convert a value to a number above 0 and at most `most`, or raise InputError."""
    if not is_number(value) or not 0 < value <= most:
        raise InputError(f"{name} is {value!r}; give a number above 0 and at most {most}")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """Convert a value to a number of at least 0 and below 1, or raise InputError."""
    if not is_number(value) or not 0 <= value < 1:
        raise InputError(f"{name} is {value!r}; give a number from 0 to below 1")
    return float(value)


def folder(name: str, value: Any) -> None:
    """Raise InputError unless a value is the path of a folder, or None."""
    if not isinstance(value, str | Path | None):
        raise InputError(f"{name} is {value!r}; give a folder, or None")


def exactly(number: float) -> Fraction:
    """Convert a decimal to the fraction it stands for: 0.29 to 29/100, without its rounding."""
    simple = Fraction(number).limit_denominator(LARGEST_DENOMINATOR)
    return simple if float(simple) == number else Fraction(number)


def held_out(name: str, value: float, rows: int) -> int:
    """Count the held-out rows among `rows`; raise InputError if they are more than the rest."""
    count = math.floor(exactly(value) * rows)
    if value > MOST_HELD_OUT:
        raise InputError(
            f"{name} is {value!r}: of {rows}, {rows - count} would be left to learn from; give at "
            f"most {MOST_HELD_OUT}"
        )
    return count


def switch(name: str, value: Any) -> bool:
    """Convert a value to True or False, or raise InputError."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} is {value!r}; give True or False")
    return bool(value)


def one_of(name: str, value: Any, options: tuple[str, ...]) -> str:
    """Return a value that is among the options, or raise InputError."""
    if not isinstance(value, str) or value not in options:
        raise InputError(f"{name} is {value!r}; choose one of: {', '.join(options)}")
    return value


def positive(name: str, value: Any, *, or_zero: bool = False) -> float:
    """Convert a value to a finite number above 0 (or_zero: or 0), or raise InputError."""
    if not is_number(value) or not (0 < value < math.inf or (or_zero and value == 0)):
        least = "of at least 0" if or_zero else "above 0"
        raise InputError(f"{name} is {value!r}; give a number {least}")
    return float(value)


def check_random_state(name: str, value: Any) -> None:
    """Raise InputError unless a value is what scikit-learn calls a random state."""
    if value is None or isinstance(value, np.random.RandomState | np.random.Generator):
        return
    try:
        valid = 0 <= operator.index(value) < 2**32
    except TypeError:
        valid = False
    if not valid:
        raise InputError(
            f"{name} is {value!r}; give None, a whole number from 0 to {2**32 - 1}, or a "
            f"RandomState"
        )


def not_empty(name: str, value: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a tuple of at least one item, or raise InputError."""
    if not value:
        raise InputError(f"{name} is (); give at least one, such as (64,)")
    return value


# --- kinds of value: a type, and the function that checks a value of it ---------------------------

Count = Annotated[int, whole]  # 1, 2, …
# pixels: smaller tells too little, and of larger ones a gigabyte does not hold a few
TileSide = Annotated[int, functools.partial(whole, least=16, most=4096)]
CountOrZero = Annotated[int, functools.partial(whole, least=0)]
Share = Annotated[float, share]  # above 0, at most 1
Proportion = Annotated[float, fraction]  # from 0 to below 1
Scaling = Literal[
    "none", "minmax", "standard", "robust", "robust-minmax", "log", "log-minmax", "quantile"
]
Contamination = Annotated[float, functools.partial(share, most=0.5)]
Positive = Annotated[float, positive]
PositiveOrZero = Annotated[float, functools.partial(positive, or_zero=True)]
Switch = Annotated[bool, switch]
Folder = Annotated[str | Path | None, folder]
RandomState = Annotated[Any, check_random_state]

Width = Count  # of a layer
Rate = Proportion  # of dropout
SomeWidths = Annotated[tuple[Width, ...], not_empty]


def checked(name: str, value: Any, kind: Any) -> Any:
    """Check a value against an annotation, and convert lists to tuples; or raise InputError.

    A union of None and one other kind is checked as that kind; a union of several kinds is left to
    the code that uses the value.
    """
    if get_origin(kind) is Annotated:
        check = kind.__metadata__[0]
        result = check(name, checked(name, value, kind.__origin__))
        return value if result is None else result
    if get_origin(kind) in (Union, types.UnionType):
        kinds = [option for option in get_args(kind) if option is not type(None)]
        single = value is not None and len(kinds) == 1
        return checked(name, value, kinds[0]) if single else value
    if get_origin(kind) is Literal:
        return one_of(name, value, get_args(kind))
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{name} is {value!r}; give a tuple, such as (64,) or (128, 64)")
        return tuple(checked(name, item, get_args(kind)[0]) for item in value)
    return switch(name, value) if kind is bool else value


# --- fields ---------------------------------------------------------------------------------------

Default = TypeVar("Default")
HOW, DECIDES, REPLACES = "how", "decides", "replaces"  # marks, in the metadata of a field


def how(default: Default) -> Default:
    """Declare a field for how a fit is run (device, checkpoint, messages), not what is fitted.

    It is neither stored with a model nor part of a fingerprint, and may change after the fit.
    """
    return field(default=default, metadata={HOW: True})


def decides(default: Default) -> Default:
    """Declare a field of which thresholds depend, not weights; a resumed fit may change it."""
    return field(default=default, metadata={DECIDES: True})


def replaces(name: str, default: Default) -> Default:
    """Declare a field that, unless it is None, replaces the value `name` of an architecture."""
    return field(default=default, metadata={REPLACES: name})


def marked(owner: Any, mark: str) -> dict[str, Any]:
    """List the fields of a dataclass that have a mark: name -> value of the mark."""
    return {item.name: item.metadata[mark] for item in fields(owner) if mark in item.metadata}


@functools.cache
def kinds_of(cls: type) -> dict[str, Any]:
    """Collect the annotations of a dataclass's fields, by name."""
    hints = get_type_hints(cls, include_extras=True)
    return {item.name: hints[item.name] for item in fields(cls)}


def check_fields(owner: Any) -> None:
    """Raise InputError, naming field, value and remedy, if a value does not fit its annotation."""
    for name, kind in kinds_of(type(owner)).items():
        checked(name, getattr(owner, name), kind)


# --- architectures --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Widths:
    """Base of architectures: a dataclass whose values are checked when it is made.

    Lists become tuples. Raises InputError that names field, value and remedy.
    """

    def __post_init__(self) -> None:
        for name, kind in kinds_of(type(self)).items():
            value = checked(f"architecture: {name}", getattr(self, name), kind)
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Build an architecture from values by name; InputError if any is unknown or missing."""
        names = {item.name: _has_no_default(item) for item in fields(cls)}
        if unknown := [str(name) for name in values if name not in names]:
            raise InputError(f"architecture: no {', '.join(unknown)}; there are {', '.join(names)}")
        if missing := [name for name, needed in names.items() if needed and name not in values]:
            raise InputError(f"architecture: {', '.join(missing)} not given; add it")
        return cls(**values)


def _has_no_default(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def level(name: str, value: Any) -> None:
    """Raise InputError unless `value` is True, False or a whole number from 0 up."""
    if not isinstance(value, bool):
        whole(name, value, 0)
