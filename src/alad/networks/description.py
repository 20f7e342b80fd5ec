"""Networks as JSON and back, whichever they are: frozen dataclasses of plain values, each by a tag.

A class signs in by `described(tag)`; fields are numbers, strings, tuples, mappings, or dataclasses
that signed in as well. So a stored model holds its own layers, and no rule that has changed since
decides what they were. Nothing here loads PyTorch.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from alad.errors import InputError

TAG = "is"  # the key of a described dataclass's tag
LAYERS = "alad.networks.layers"
CLASSES: dict[str, type] = {}

Class = TypeVar("Class", bound=type)


def described(tag: str) -> Callable[[Class], Class]:
    """Sign a frozen dataclass in under a tag, which stays the same when the class is renamed.

    "dense" is one of `alad.networks.layers`, "anogan.gan" one of `alad.anogan.networks`: there it
    is looked for when it is read.
    """

    def sign_in(one: Class) -> Class:
        CLASSES[tag] = one
        return one

    return sign_in


def description(value: Any) -> Any:
    """Write networks, layers or plain values as what JSON knows."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [description(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): description(item) for key, item in value.items()}
    told = {field.name: description(getattr(value, field.name)) for field in fields(value)}
    return {TAG: _tag_of(type(value)), **told}


def from_description(told: Any) -> Any:
    """Build what `description` wrote; lists become tuples. Raises InputError if it cannot be."""
    if isinstance(told, list):
        return tuple(from_description(item) for item in told)
    if not isinstance(told, dict):
        return told
    values = {key: from_description(item) for key, item in told.items() if key != TAG}
    return _made(_class_of(told[TAG]), values) if TAG in told else values


def _tag_of(kind: type) -> str:
    return next(tag for tag, one in CLASSES.items() if one is kind)


def _class_of(tag: Any) -> type:
    """The class under a tag. Only those that signed in can be reached, of this package alone."""
    found = re.fullmatch(r"(?:([a-z_]+)\.)?[a-z_-]+", tag) if isinstance(tag, str) else None
    if found and tag not in CLASSES:
        with suppress(ModuleNotFoundError):
            importlib.import_module(f"alad.{found[1]}.networks" if found[1] else LAYERS)
    if found is None or tag not in CLASSES:
        raise InputError(f"the model has networks of a kind unknown here, {tag!r}: update alad")
    return CLASSES[tag]


def _made(kind: type, values: dict[str, Any]) -> Any:
    known = {field.name: field for field in fields(kind)}
    needed = {
        name
        for name, field in known.items()
        if field.default is MISSING and field.default_factory is MISSING
    }
    if wrong := sorted((values.keys() - known) | (needed - values.keys())):
        kind_name, names = _tag_of(kind), ", ".join(wrong)
        raise InputError(
            f"the model's {kind_name} does not fit this version ({names}): update alad"
        )
    return kind(**values)
