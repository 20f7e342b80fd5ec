"""The engines in NumPy of autoencoders, VAE, DSEBM and DAGMM, on tables."""

from __future__ import annotations

from typing import Any

from alad.autoencoders.passes import FAMILIES, Family
from alad.networks.numpy_forward import Arrays, MemberEngine, dtype_of, exact_chain, members_of


def codes(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["codes"], networks, arrays)


def vae(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["vae"], networks, arrays)


def energy(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["energy"], networks, arrays)


def mixture(networks: Any, arrays: Arrays, settings: Any = None) -> MemberEngine:
    return _engine(FAMILIES["mixture"], networks, arrays)


def _engine(family: Family, networks: Any, arrays: Arrays) -> MemberEngine:
    passes = (family.kind(networks, arrays, member, exact_chain) for member in members_of(arrays))
    return MemberEngine(family.names, tuple(passes), dtype_of(arrays), family.double)
