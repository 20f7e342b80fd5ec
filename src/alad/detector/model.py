"""What a detector has learnt, as a value: arrays and plain numbers that score encoded rows.

A model is a frozen dataclass. How it is written and read follows from its fields, so a new kind of
model has nothing to say about files.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin

import numpy as np

from alad.errors import InputError
from alad.parameters import HOW, kinds_of
from alad.row_kinds import row_kind

# Arrays, and the kind of their numbers: "f" real, "i" whole
Floats = Annotated[np.ndarray, "f"]
Integers = Annotated[np.ndarray, "i"]
Arrays = dict[str, np.ndarray]

WRITTEN_AS = "written as"  # mark of a field: functions to what JSON has, and back


@dataclass(frozen=True, eq=False)
class Model(ABC):
    """The body of all models: one step from encoded rows to scores, large = anomalous.

    A subclass is a frozen dataclass of arrays (`Floats`, `Integers`), mappings of arrays, and plain
    values. Fields marked `how` say where and by what it scores; they are not stored.
    """

    kind: ClassVar[str]  # its name in stored models
    offers: ClassVar[Mapping[str, Any]] = {}  # scores to choose from, by name; most have but one
    row_by_row: ClassVar[bool] = False  # does its arithmetic leave each row alone by itself?
    makes_rows: ClassVar[bool] = False  # has it a version G(E(x)) of a row x?
    makes_images: ClassVar[bool] = False  # can it make images of random codes?
    own: ClassVar[str] = ""  # the name of its own score, among those that it offers
    scales: ClassVar[Mapping[str, np.ndarray]] = {}  # by score: median, mean deviation [2, members]
    members: ClassVar[tuple[int, ...]] = (0,)
    engine: ClassVar[str] = "auto"  # what scores, where there is a choice

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The shape of a row as the model sees it: (width,), or of an image."""

    @property
    def compared(self) -> int:
        """Number of stored rows with each of which a row is compared."""
        return 0

    @abstractmethod
    def scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score a block of encoded rows [n, *shape]: float64 [members, n], large = anomalous.

        name: one of those it offers; None = its own.
        """

    @classmethod
    def offered(cls, *, images: bool) -> tuple[str, ...]:
        """Name the scores to choose from, for tables or for images."""
        kind = "for_images" if images else "for_tables"
        return tuple(name for name, one in cls.offers.items() if getattr(one, kind))

    def score_names(self) -> tuple[str, ...]:
        """Name the scores that this model has, to choose from; () if there is but one."""
        offered = self.offered(images=len(self.shape) > 1)
        # one that learns much is learnt only where it is the model's own
        return tuple(name for name in offered if not self.offers[name].only_own or name == self.own)

    def member_scores(self, X: np.ndarray, name: str | None = None) -> np.ndarray:
        """Score any number of encoded rows: float64 [members, n]."""
        return self.in_blocks(functools.partial(self.scores, name=name), X)

    def in_blocks(self, score: Callable[[np.ndarray], np.ndarray], X: np.ndarray) -> np.ndarray:
        """Call score(X) [..., n] for as many rows at once as suit the model."""
        return score_in_blocks(score, X, fill=0 if self.row_by_row else None)


def combined(scores: np.ndarray, scale: np.ndarray | None) -> np.ndarray:
    """Combine [members, n] to [n]: the one member's, or the mean on the members' common scale."""
    if len(scores) == 1:
        return scores[0]
    if scale is None:
        raise InputError("these members have no common scale for that score; fit again")
    center, spread = scale
    return ((scores - center[:, None]) / spread[:, None]).mean(axis=0)


def score_in_blocks(
    score: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    rows: int | None = None,
    *,
    fill: int | None = None,
) -> np.ndarray:
    """Compute score(X) [..., n] by blocks of `rows` rows, the last filled up to `fill` at least.

    rows: None = what suits the shape of a row. fill: None = to a whole block.

    A matrix product adds up in an order that depends on its shape. With one shape for all, the
    score of a row does not depend on how many other rows come with it. Where in its block the row
    stands may still matter (to OpenBLAS in float32 it does): the contract's tests watch over that.
    """
    rows = rows or block_rows(X.shape[1:])
    least = rows if fill is None else min(fill, rows)
    parts = []
    for start in range(0, max(len(X), 1), rows):
        block = np.ascontiguousarray(X[start : start + rows])
        parts.append(score(_filled(block, least)))
    return np.concatenate(parts, axis=-1)[..., : len(X)]


def block_rows(shape: tuple[int, ...]) -> int:
    """Tell how many rows of this shape are scored at a time."""
    return row_kind(shape).scored.rows(shape)


def _filled(block: np.ndarray, rows: int) -> np.ndarray:
    """Repeat the last row of `block` (zeros, if it has none) until there are at least `rows`."""
    short = max(0, rows - len(block))
    last = block[-1:] if len(block) else np.zeros((1, *block.shape[1:]), block.dtype)
    return np.concatenate([block, np.repeat(last, short, axis=0)]) if short else block


# --- as files have it -----------------------------------------------------------------------------


Kind = TypeVar("Kind", bound=Model)


def written(model: Model, plain: Callable[[str, Any], Any]) -> tuple[dict[str, Any], Arrays]:
    """Return the values for JSON and the arrays of a model.

    plain: turns a value into what JSON has, or raises InputError by its name. An array is called as
    its field is, one of a mapping FIELD/KEY.
    """
    values: dict[str, Any] = {"kind": model.kind}
    arrays: Arrays = {}
    for field in fields(model):
        value = getattr(model, field.name)
        if HOW in field.metadata:
            continue
        if isinstance(value, np.ndarray):
            arrays[field.name] = value
        elif _holds_arrays(kinds_of(type(model))[field.name]):
            arrays |= {f"{field.name}/{key}": array for key, array in value.items()}
        elif WRITTEN_AS in field.metadata:
            values[field.name] = field.metadata[WRITTEN_AS][0](value)
        else:
            values[field.name] = plain(field.name, value)
    return values, arrays


def read(
    cls: type[Kind], values: Mapping[str, Any], arrays: Mapping[str, np.ndarray], **how: Any
) -> Kind:
    """Return the model that `written` took apart; InputError if something lacks or is too much.

    how: values of the fields that are not stored.
    """
    given: dict[str, Any] = {}
    left = set(arrays)
    for field in fields(cls):
        kind = kinds_of(cls)[field.name]
        if HOW in field.metadata:
            continue
        if _holds_arrays(kind):
            named = {path: path.partition("/")[2] for path in arrays if _within(path, field.name)}
            given[field.name] = {key: arrays[path] for path, key in named.items()}
            left -= named.keys()
        elif get_origin(kind) is Annotated and get_args(kind)[0] is np.ndarray:
            given[field.name] = _array(field.name, arrays, get_args(kind)[1])
            left.discard(field.name)
        elif field.name in values:
            back = field.metadata[WRITTEN_AS][1] if WRITTEN_AS in field.metadata else from_json
            given[field.name] = back(values[field.name])
        else:
            raise InputError(f"the model lacks {field.name}; save it anew")
    if left:
        raise InputError(f"the model has no place for {', '.join(sorted(left))}; save it anew")
    return cls(**given, **how)


def storable(name: str, value: Any) -> Any:
    """Return a value as JSON has it; InputError names the parameter if JSON cannot."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Set):
        value = sorted(value, key=str)
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: storable(name, item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | str):
        return value
    # an Index or a Series of names, too
    if isinstance(value, Collection) and not isinstance(value, bytes | Mapping):
        return [storable(name, item) for item in value]
    if isinstance(value, float) and np.isfinite(value):
        return value
    raise InputError(f"{name}={value!r} cannot be saved; set_params({name}=…) to a plain value")


def from_json(value: Any) -> Any:
    """Return a value as it was before it was written: sequences were tuples."""
    if isinstance(value, dict):
        return {key: from_json(item) for key, item in value.items()}
    return tuple(from_json(item) for item in value) if isinstance(value, list) else value


def _holds_arrays(kind: Any) -> bool:
    """Tell whether a field's annotation is a mapping of arrays."""
    return get_origin(kind) is Mapping and get_args(kind)[1] is np.ndarray


def _within(path: str, name: str) -> bool:
    return path.startswith(f"{name}/")


def _array(name: str, arrays: Mapping[str, np.ndarray], kind: str) -> np.ndarray:
    if name not in arrays:
        raise InputError(f"the model lacks {name}; save it anew")
    if arrays[name].dtype.kind != kind:
        raise InputError(f"{name} holds {arrays[name].dtype}; save the model anew")
    return arrays[name]
