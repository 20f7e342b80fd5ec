"""The engines in NumPy and in C of all methods of this package, on tables: passes of one table."""

from __future__ import annotations

from typing import Any

from alad.autoencoders.passes import FAMILIES
from alad.networks.native_forward import native_chain, native_engine, require_single
from alad.networks.numpy_forward import Arrays, MemberEngine, dtype_of, exact_chain, members_of


def in_numpy(family: str, networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    """Prepare the engine in NumPy of a family, in float64."""
    of = FAMILIES[family]
    passes = (of.kind(networks, arrays, member, exact_chain) for member in members_of(arrays))
    return MemberEngine(of.names, tuple(passes), dtype_of(arrays), of.double)


def in_c(family: str, networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    """Prepare the engine of a family whose products are in C, in float32.

    Raises EngineError where there is no compiled library, or the weights are not float32.
    """
    require_single(arrays.values())
    of = FAMILIES[family]
    passes = (of.kind(networks, arrays, member, native_chain) for member in members_of(arrays))
    return native_engine(of.names, tuple(passes), of.double)
