"""The structures of `step.c` and `layers.h`, field by field; how networks become a `Plan`."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int32, c_int64, c_void_p

from alad.adversarial.game import XX, XZ, ZZ, Game
from alad.adversarial.networks import GameNetworks
from alad.networks.layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM, SLOPES, Dense
from alad.networks.weights import Layout, buffer_layout, weight_layout


class Layer(ctypes.Structure):
    _fields_ = (
        *((name, c_int64) for name in ("inputs", "outputs", "weight", "bias", "gamma", "beta")),
        *((name, c_int64) for name in ("mean", "variance", "u")),
        *((name, c_int32) for name in ("dropout", "threshold", "batch_norm", "spectral")),
        *((name, c_float) for name in ("keep", "slope")),
    )


class Adam(ctypes.Structure):
    _fields_ = tuple(
        (name, c_float)
        for name in ("beta1", "beta2", "rest1", "rest2", "epsilon", "rate", "root", "average")
    )


class State(ctypes.Structure):
    _fields_ = tuple((name, c_void_p) for name in ("weights", "average", "moment", "square"))


class Plan(ctypes.Structure):
    _fields_ = (
        *(
            (name, c_int64)
            for name in ("batch", "width", "latent", "encoder", "generator", "xz", "xx", "zz")
        ),
        ("layers", POINTER(Layer)),
        *((name, c_float) for name in ("norm_epsilon", "norm_momentum")),
    )


class Member(ctypes.Structure):
    _fields_ = (
        *((name, State) for name in ("generator", "discriminator")),
        *((name, c_void_p) for name in ("generator_adam", "discriminator_adam", "buffers", "X")),
        ("X_stride", c_int64),
        ("rows", c_void_p * 2),
        *((name, c_void_p) for name in ("random", "losses")),
    )


STRUCTURES = (Layer, Adam, State, Plan, Member)  # in the order of `alad_structure_bytes`


TERMS = (XZ, XX, ZZ)  # those that step.c knows, each by a field of `Plan`, in this order
NEEDED = XZ


def refusal(game: Game) -> str | None:
    """Say in one line what of a game the C step cannot play; None if it can play all of it."""
    unknown = [f"D_{term.name}" for term in game.terms if term not in TERMS]
    unknown += [f"the penalty {penalty.name!r}" for penalty in game.penalties]
    unknown += ["noise"] if game.noise is not None else []
    if unknown:
        return f"the native step does not know {', '.join(unknown)}"
    if NEEDED not in game.terms or game.terms != tuple(t for t in TERMS if t in game.terms):
        return f"the native step plays D_{NEEDED.name} first, and the others in their order"
    return None


def plan(networks: GameNetworks, batch: int) -> Plan:
    """Describe the networks of a game to the C step; the plan keeps its layers alive."""
    layers = _layers(networks)
    discriminators = networks.discriminators
    depths = {name: len(one.joint.layers) for name, one in discriminators.items()}
    return Plan(
        batch=batch,
        width=networks.shape[0],
        latent=networks.latent,
        encoder=len(networks.encoder.layers),
        generator=len(networks.generator.layers),
        **{term.name: depths.get(term.name, 0) for term in TERMS},
        layers=(Layer * len(layers))(*layers),
        norm_epsilon=BATCH_NORM_EPSILON,
        norm_momentum=BATCH_NORM_MOMENTUM,
    )


def _layers(networks: GameNetworks) -> list[Layer]:
    buffers = _starts(buffer_layout(networks.layers))
    found = []
    for layers in networks.groups.values():
        weights = _starts(weight_layout(layers))
        found += [_layer(one, weights | buffers) for one in layers if isinstance(one, Dense)]
    return found


def _starts(layout: Layout) -> dict[str, int]:
    """Name -> offset in the flat array."""
    starts, start = {}, 0
    for name, shape in layout.shapes.items():
        starts[name] = start
        start += shape[0] * shape[1]
    return starts


def _layer(layer: Dense, starts: dict[str, int]) -> Layer:
    kinds = ("weight", "bias", "gamma", "beta", "mean", "variance", "u")
    return Layer(
        inputs=layer.inputs,
        outputs=layer.outputs,
        dropout=layer.dropout > 0,
        threshold=round(layer.dropout * 2**16),
        batch_norm=layer.batch_norm,
        spectral=layer.spectral,
        keep=1.0 / (1.0 - layer.dropout),
        slope=SLOPES[layer.activation],
        **{kind: starts.get(f"{layer.name}.{kind}", -1) for kind in kinds},
    )
