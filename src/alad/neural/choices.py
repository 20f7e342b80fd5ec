"""What may be chosen of a detector with networks: members, a device, an architecture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.encoding import Encoded
from alad.errors import InputError
from alad.neural.torch_engine import device_named
from alad.parameters import Widths, whole
from alad.randomness import Purpose, stream
from alad.row_kinds import row_kind


def members_named(name: str, value: Any) -> None:
    """Raise InputError unless `value` says how many members there are, or which."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        whole(name, value)
        return
    numbers = [whole(name, member, 0) for member in value]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"{name} is {value!r}; give how many, or different numbers from 0 up")


def usable_device(name: str, value: Any) -> None:
    """Raise InputError unless `value` names a device that can be used here."""
    device_named(value)


def places_kept(rows: int, most: int, seed: int) -> np.ndarray:
    """Draw the places, ascending, of `most` of so many rows, or of all, for a score to keep."""
    return np.sort(stream(seed, 0, Purpose.SPLIT, 3).permutation(rows)[:most])


def fingerprint(description: Any, X: Encoded) -> str:
    """Compute the digest of a training: of what describes it, as JSON has it, and of its rows."""
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for piece in [X] if isinstance(X, np.ndarray) else X.pieces():
        digest.update(np.ascontiguousarray(piece).data)
    return digest.hexdigest()


def rows_for_scores(X: Encoded, seed: int, amount: str) -> Encoded:
    """Draw as many of the rows as scores learn their scales from; amount: one of `row_kinds`."""
    kind = row_kind(X.shape[1:])
    most = getattr(kind, amount)
    drawn = max(most, kind.learnt_by_scores)
    if len(X) > drawn:
        generator = stream(seed, 0, Purpose.SPLIT, 2)
        X = X[np.sort(generator.choice(len(X), drawn, replace=False))]
    return X[:: -(-len(X) // most)] if len(X) > most else X


@dataclass(frozen=True)
class Architectures:
    """The architectures of a method for one kind of row: named ones, and a rule for others."""

    kind: type[Widths]
    named: Mapping[str, Any]
    rule: Callable[[tuple[int, ...]], Any]

    def chosen(self, given: Any, shape: tuple[int, ...]) -> Any:
        """Return the architecture for rows of `shape`: by name, by widths, or by the rule (None).

        Raises InputError if there is none of that name, or the widths make no sense.
        """
        if given is None:
            return self.rule(shape)
        if isinstance(given, Mapping):
            return self.kind.of(given)
        if isinstance(given, str) and given in self.named:
            return self.named[given]
        names, rows = ", ".join(self.named), "images" if len(shape) > 1 else "tables and features"
        raise InputError(
            f"no architecture {given!r} for {rows}; there are: {names}; or give widths by name, or "
            "leave out the architecture, or the preset that has it"
        )
