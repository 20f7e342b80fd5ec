"""What a user gives by name: fields whose annotation is the check, and what refuses a value.

Each refusal names the value and the remedy. The parameters of a detector, and the widths of an
architecture, are fields of a dataclass:

    max_rows: Count = 20_000  # with more training rows, a random sample of so many is kept
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


def check_random_state(name: str, value: Any) -> None:
    """InputError unless it is what scikit-learn calls a random state."""
    if value is None or isinstance(value, np.random.RandomState | np.random.Generator):
        return
    try:
        known = 0 <= operator.index(value) < 2**32
    except TypeError:
        known = False
    if not known:
        raise InputError(
            f"{name} is {value!r}; give None, a whole number from 0 to {2**32 - 1}, or a "
            f"RandomState"
        )


def not_empty(name: str, value: tuple[Any, ...]) -> tuple[Any, ...]:
    """`value` if there is anything in it, else InputError."""
    if not value:
        raise InputError(f"{name} is (); give at least one, such as (64,)")
    return value


# --- kinds of value: a type, and what refuses a value of it by its name ---------------------------

Count = Annotated[int, whole]  # 1, 2, …
CountOrZero = Annotated[int, functools.partial(whole, least=0)]
Share = Annotated[float, share]  # above 0, at most 1
Proportion = Annotated[float, fraction]  # from 0 to below 1
Positive = Annotated[float, positive]
PositiveOrZero = Annotated[float, functools.partial(positive, or_zero=True)]
Switch = Annotated[bool, switch]
Folder = Annotated[str | Path | None, folder]
RandomState = Annotated[Any, check_random_state]

Width = Count  # of a layer
Rate = Proportion  # of dropout
SomeWidths = Annotated[tuple[Width, ...], not_empty]


def checked(name: str, value: Any, kind: Any) -> Any:
    """`value` as one of `kind`, an annotation, lists as tuples; else InputError.

    A union of None and one other kind is checked as that one; of several, what takes the value has
    to look at it.
    """
    if get_origin(kind) is Annotated:
        refuse = kind.__metadata__[0]
        result = refuse(name, checked(name, value, kind.__origin__))
        return value if result is None else result
    if get_origin(kind) in (Union, types.UnionType):
        others = [one for one in get_args(kind) if one is not type(None)]
        one_kind = value is not None and len(others) == 1
        return checked(name, value, others[0]) if one_kind else value
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
    """A field that says how a fit is run, not what is fitted: a device, a checkpoint, messages.

    It is not stored with a model and no part of a fingerprint, and may change after the fit.
    """
    return field(default=default, metadata={HOW: True})


def decides(default: Default) -> Default:
    """A field that tells thresholds, not weights: a resumed training may have another value."""
    return field(default=default, metadata={DECIDES: True})


def replaces(name: str, default: Default) -> Default:
    """A field that, unless it is None, replaces the value `name` of an architecture."""
    return field(default=default, metadata={REPLACES: name})


def marked(owner: Any, mark: str) -> dict[str, Any]:
    """The fields of a dataclass with that mark: name -> what the mark holds."""
    return {one.name: one.metadata[mark] for one in fields(owner) if mark in one.metadata}


@functools.cache
def kinds_of(cls: type) -> dict[str, Any]:
    """Annotation of every field, by name."""
    hints = get_type_hints(cls, include_extras=True)
    return {one.name: hints[one.name] for one in fields(cls)}


def check_fields(owner: Any) -> None:
    """Raise InputError, naming field, value and remedy, if a value is not of its field's kind."""
    for name, kind in kinds_of(type(owner)).items():
        checked(name, getattr(owner, name), kind)


# --- architectures --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Widths:
    """The body of an architecture: a dataclass whose values make sense once it exists.

    Lists become tuples. Raises InputError that names field, value and remedy.
    """

    def __post_init__(self) -> None:
        for name, kind in kinds_of(type(self)).items():
            value = checked(f"architecture: {name}", getattr(self, name), kind)
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Make one of names and values. Raises InputError if some are unknown, or lacking."""
        known = {one.name: is_needed(one) for one in fields(cls)}
        if unknown := [str(name) for name in given if name not in known]:
            raise InputError(f"architecture: no {', '.join(unknown)}; there are {', '.join(known)}")
        if lacking := [name for name, needed in known.items() if needed and name not in given]:
            raise InputError(f"architecture: {', '.join(lacking)} not given; add it")
        return cls(**given)


def is_needed(one: Field[Any]) -> bool:
    """Whether a field has no default."""
    return one.default is MISSING and one.default_factory is MISSING
