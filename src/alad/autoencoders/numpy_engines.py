"""The engines in NumPy of autoencoders, VAE, DSEBM and DAGMM, on tables."""

from __future__ import annotations

from typing import Any

from alad.autoencoders import passes
from alad.networks.numpy_forward import Arrays, NumpyEngine, dtype_of, exact_chain, members_of


def _engine(
    kind: Any, names: tuple[str, ...], double: tuple[str, ...], networks: Any, arrays: Arrays
) -> NumpyEngine:
    each = (kind(networks, arrays, member, exact_chain) for member in members_of(arrays))
    return NumpyEngine(names, tuple(each), dtype_of(arrays), frozenset(double))


def codes(networks: Any, arrays: Arrays, settings: Any = None) -> NumpyEngine:
    return _engine(passes.CodePass, passes.CODE_NAMES, (), networks, arrays)


def vae(networks: Any, arrays: Arrays, settings: Any = None) -> NumpyEngine:
    return _engine(passes.VAEPass, passes.VAE_NAMES, ("log_likelihood",), networks, arrays)


def energy(networks: Any, arrays: Arrays, settings: Any = None) -> NumpyEngine:
    return _engine(passes.EnergyPass, passes.ENERGY_NAMES, ("energy",), networks, arrays)


def mixture(networks: Any, arrays: Arrays, settings: Any = None) -> NumpyEngine:
    double = ("responsibilities",)
    return _engine(passes.MixturePass, passes.MIXTURE_NAMES, double, networks, arrays)
