"""The choice of the engine that runs a model's networks: C, PyTorch, or NumPy.

A family has a table of its engines, each named by its module and the function that prepares it:

    ENGINES = {"c": ("alad.adversarial.native_score", "prepare"), ...}

Further texts are its first arguments: ("alad.autoencoders.engines", "in_c", "codes").

prepare(networks, arrays, settings) makes an engine from a described network, weights and buffers by
name, [members, ...] each, and what else the family's scores depend on; it raises EngineError, in
one line, if it cannot. A module is imported when its engine is asked for, so NumPy scores without
loading PyTorch. PyTorch's also takes the device, and whether convolutions are in C.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from alad.errors import EngineError, InputError
from alad.native import build

Engines = Mapping[str, tuple[str, ...]]  # name -> (module, what prepares an engine, *arguments)
Arrays = Mapping[str, np.ndarray]

# "native" is what the parameter of detectors calls C; what trained with 16 bits scores with 32
OTHER_NAMES = {"native": "c", "bfloat16": "auto"}


class Engine(Protocol):
    """A runner of trained networks on rows."""

    @property
    def name(self) -> str:
        """Name of the engine: "native", "torch" or "numpy"."""
        ...

    @property
    def rows_at_once(self) -> int | None:
        """Number of rows of a block; None = by the shape of a row."""
        ...

    @property
    def filled_up(self) -> int | None:
        """Number of rows that a block is padded to, for equal sums; None = a whole block."""
        ...

    @property
    def scores(self) -> Collection[str]:
        """Names of scores that it computes whole, as results [members, n] of these names.

        All others are formulas of its other results.
        """
        ...

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        """Compute the wanted results of rows x [n, *shape]: [members, n, ...] each."""
        ...


def prepared(engines: Engines, named: str, device: str, images: bool, *made_of: Any) -> Engine:
    """Prepare the engine of that name; "auto" = the first that can. InputError if it cannot.

    made_of: networks, arrays and settings.
    """
    chosen = OTHER_NAMES.get(named, named)
    if chosen not in ("auto", *engines):
        raise InputError(f"engine is {named!r}; choose one of: {', '.join(('auto', *engines))}")
    if device != "cpu":
        device = _resolved(device)
    if images or device != "cpu":
        return _torch(engines, chosen, device, images, *made_of)
    if chosen == "torch":
        return _entry(engines, "torch")(*made_of, device=device)
    if chosen != "auto":
        try:
            return _entry(engines, chosen)(*made_of)
        except EngineError as error:
            raise InputError(f"engine={named!r} cannot score this: {error}") from error
    # C is the fastest. Where it is not available NumPy scores, not PyTorch: to load PyTorch takes
    # longer than to score 100,000 rows, and if the choice depended on what is loaded, a model's
    # scores would differ in the last digits from one process to the next
    reason = ""
    for name in ("c", "numpy"):
        try:
            engine = _entry(engines, name)(*made_of)
        except EngineError as error:
            reason = reason or str(error)
            continue
        if reason:
            build.tell(reason)
        return engine
    return _entry(engines, "torch")(*made_of, device=device)


def _torch(engines: Engines, chosen: str, device: str, images: bool, *made_of: Any) -> Engine:
    """Prepare PyTorch's engine, for images and other devices; convolutions may be in C."""
    if chosen not in ("auto", "c", "torch"):
        where = "images" if images else f"device={device!r}"
        raise InputError(f"engine={chosen!r} is not for {where}; use 'auto' or 'torch'")
    if chosen == "c":
        reason = build.problem() if device == "cpu" else f"it is on {device}"
        if reason is not None:
            raise InputError(f"engine='c' cannot score this: {reason}")
    in_c = images and chosen != "torch"
    return _entry(engines, "torch")(*made_of, device=device, products_in_c=in_c)


def _resolved(device: str) -> str:
    """Resolve a device's name such as "auto"; InputError if it cannot be used here."""
    from alad.neural.torch_engine import device_named  # loads PyTorch, as only it can tell

    return str(device_named(device))


def _entry(engines: Engines, name: str) -> Any:
    if name not in engines:
        raise EngineError(f"this model has no engine {name!r}")
    module, preparing, *arguments = engines[name]
    return functools.partial(getattr(import_module(module), preparing), *arguments)
