"""Widths of networks, as a user may give them: each is checked by what its field says it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal, Self, get_args, get_origin, get_type_hints

from alad.errors import InputError
from alad.parameters import fraction, one_of, positive, whole


def not_empty(name: str, value: tuple[Any, ...]) -> tuple[Any, ...]:
    """`value` if there is anything in it, else InputError."""
    if not value:
        raise InputError(f"{name} is (); give at least one, such as (64,)")
    return value


# a type, and what refuses a value of it by its name
Width = Annotated[int, whole]
Rate = Annotated[float, fraction]
Positive = Annotated[float, positive]
SomeWidths = Annotated[tuple[Width, ...], not_empty]


@dataclass(frozen=True)
class Widths:
    """The body of an architecture: a dataclass whose values make sense once it exists.

    Lists become tuples. Raises InputError that names field, value and remedy.
    """

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self), include_extras=True)
        for field in fields(self):
            value = _checked(
                f"architecture: {field.name}", getattr(self, field.name), kinds[field.name]
            )
            object.__setattr__(self, field.name, value)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From names and values. Raises InputError if there are unknown ones, or some lack."""
        known = {field.name: field.default is MISSING for field in fields(cls)}
        if unknown := [str(name) for name in given if name not in known]:
            raise InputError(f"architecture: no {', '.join(unknown)}; there are {', '.join(known)}")
        if lacking := [name for name, needed in known.items() if needed and name not in given]:
            raise InputError(f"architecture: {', '.join(lacking)} not given; add it")
        return cls(**given)


def _checked(name: str, value: Any, kind: Any) -> Any:
    """`value` as one of `kind`, else InputError."""
    if get_origin(kind) is Annotated:
        return kind.__metadata__[0](name, _checked(name, value, kind.__origin__))
    if get_origin(kind) is Literal:
        return one_of(name, value, get_args(kind))
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{name} is {value!r}; give a tuple, such as (64,) or (128, 64)")
        return tuple(_checked(name, item, get_args(kind)[0]) for item in value)
    if kind is bool and not isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; give True or False")
    return value
