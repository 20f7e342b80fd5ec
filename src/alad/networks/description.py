"""Networks as JSON and back: frozen dataclasses of plain values, each under a tag.

A class is registered by `described(tag)`; fields are numbers, strings, tuples, mappings, or such
dataclasses. So a stored model holds its own layers, and no rule that has changed since decides what
they were. Nothing here loads PyTorch.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any, TypeVar

from alad.errors import InputError

TAG = "is"  # the key of a described dataclass's tag
LATER = "later"  # marks a field with a default that models stored before it do not have
LAYERS = "alad.networks.layers"
CLASSES: dict[str, type] = {}

Class = TypeVar("Class", bound=type)


def described(tag: str) -> Callable[[Class], Class]:
    """Register a frozen dataclass under a tag, which stays when the class is renamed.

    The tag says where the class is looked for when it is read: "dense" in `alad.networks.layers`,
    "anogan.gan" in `alad.anogan.networks`.
    """

    def register(kind: Class) -> Class:
        CLASSES[tag] = kind
        return kind

    return register


def description(value: Any) -> Any:
    """Turn networks, layers or plain values into what JSON can hold."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [description(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): description(item) for key, item in value.items()}
    stored = {field.name: description(getattr(value, field.name)) for field in fields(value)}
    return {TAG: _tag_of(type(value)), **stored}


def from_description(stored: Any) -> Any:
    """Build the value that `description` wrote; lists become tuples. InputError if it cannot."""
    if isinstance(stored, list):
        return tuple(from_description(item) for item in stored)
    if not isinstance(stored, dict):
        return stored
    values = {key: from_description(item) for key, item in stored.items() if key != TAG}
    return _made(_class_of(stored[TAG]), values) if TAG in stored else values


def _tag_of(kind: type) -> str:
    return next(tag for tag, registered in CLASSES.items() if registered is kind)


def _class_of(tag: Any) -> type:
    """Find the class under a tag: a registered one, in modules of this package alone."""
    match = re.fullmatch(r"(?:([a-z_]+)\.)?[a-z_-]+", tag) if isinstance(tag, str) else None
    if match and tag not in CLASSES:
        with suppress(ModuleNotFoundError):
            importlib.import_module(f"alad.{match[1]}.networks" if match[1] else LAYERS)
    if match is None or tag not in CLASSES:
        raise InputError(f"the model has networks of a kind unknown here, {tag!r}: update alad")
    return CLASSES[tag]


def _made(kind: type, values: dict[str, Any]) -> Any:
    declared = {field.name for field in fields(kind)}
    # all are written, so what lacks was lost; fields that come later carry a mark
    needed = {field.name for field in fields(kind) if LATER not in field.metadata}
    if wrong := sorted((values.keys() - declared) | (needed - values.keys())):
        kind_name, names = _tag_of(kind), ", ".join(wrong)
        raise InputError(
            f"the model's {kind_name} does not fit this version ({names}): update alad"
        )
    return kind(**values)
