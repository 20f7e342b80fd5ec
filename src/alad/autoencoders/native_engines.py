"""The engines in C of autoencoders, VAE, DSEBM and DAGMM, on tables: C multiplies.

Each raises EngineError where there is no compiled library, or the weights are not float32.
"""

from __future__ import annotations

from typing import Any

from alad.autoencoders import passes
from alad.networks.native_forward import NativeEngine, native_chain, require_single
from alad.networks.numpy_forward import Arrays, members_of


def _engine(kind: Any, names: tuple[str, ...], networks: Any, arrays: Arrays) -> NativeEngine:
    require_single(arrays.values())
    each = (kind(networks, arrays, member, native_chain) for member in members_of(arrays))
    return NativeEngine(names, tuple(each))


def codes(networks: Any, arrays: Arrays, settings: Any = None) -> NativeEngine:
    return _engine(passes.CodePass, passes.CODE_NAMES, networks, arrays)


def vae(networks: Any, arrays: Arrays, settings: Any = None) -> NativeEngine:
    return _engine(passes.VAEPass, passes.VAE_NAMES, networks, arrays)


def energy(networks: Any, arrays: Arrays, settings: Any = None) -> NativeEngine:
    return _engine(passes.EnergyPass, passes.ENERGY_NAMES, networks, arrays)


def mixture(networks: Any, arrays: Arrays, settings: Any = None) -> NativeEngine:
    return _engine(passes.MixturePass, passes.MIXTURE_NAMES, networks, arrays)
