"""The engines in C of autoencoders, VAE, DSEBM and DAGMM, on tables: products are in C.

Each raises EngineError where there is no compiled library, or the weights are not float32.
"""

from __future__ import annotations

from typing import Any

from alad.autoencoders.passes import FAMILIES, Family
from alad.networks.native_forward import native_chain, native_engine, require_single
from alad.networks.numpy_forward import Arrays, MemberEngine, members_of


def codes(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["codes"], networks, arrays)


def vae(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["vae"], networks, arrays)


def energy(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["energy"], networks, arrays)


def mixture(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["mixture"], networks, arrays)


def _engine(family: Family, networks: Any, arrays: Arrays) -> MemberEngine:
    require_single(arrays.values())
    passes = (family.kind(networks, arrays, member, native_chain) for member in members_of(arrays))
    return native_engine(family.names, tuple(passes), family.double)
