"""The structures of `step.c` and `layers.h`, field by field; how networks become a `Plan`."""

from __future__ import annotations

import ctypes
import math
from ctypes import POINTER, c_float, c_int32, c_int64, c_void_p
from dataclasses import replace

from alad.adversarial.game import DENOISING, XX, XX_DENOISED, XZ, ZZ, Game
from alad.adversarial.networks import GameNetworks
from alad.networks.layers import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM, SLOPES, Dense, Periodic
from alad.networks.weights import Layout, buffer_layout, weight_layout


class Layer(ctypes.Structure):
    _fields_ = (
        ("inputs", c_int64),
        ("outputs", c_int64),
        ("weight", c_int64),
        ("bias", c_int64),
        ("gamma", c_int64),
        ("beta", c_int64),
        ("mean", c_int64),
        ("variance", c_int64),
        ("u", c_int64),
        ("dropout", c_int32),
        ("threshold", c_int32),
        ("batch_norm", c_int32),
        ("spectral", c_int32),
        ("keep", c_float),
        ("slope", c_float),
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
        ("batch", c_int64),
        ("width", c_int64),
        ("latent", c_int64),
        ("encoder", c_int64),
        ("generator", c_int64),
        ("xz", c_int64),
        ("xx", c_int64),
        ("zz", c_int64),
        ("noisy", c_int64),
        ("periods", c_int64),
        ("frequencies", c_int64),
        ("layers", POINTER(Layer)),
        ("norm_epsilon", c_float),
        ("norm_momentum", c_float),
        ("lowest", c_float),
        ("highest", c_float),
        ("denoising", c_float),
    )


class Member(ctypes.Structure):
    _fields_ = (
        ("generator", State),
        ("discriminator", State),
        ("generator_adam", c_void_p),
        ("discriminator_adam", c_void_p),
        ("buffers", c_void_p),
        ("X", c_void_p),
        ("X_stride", c_int64),
        ("rows", c_void_p * 2),
        ("seed", c_void_p),
        ("losses", c_void_p),
    )


STRUCTURES = (Layer, Adam, State, Plan, Member)  # in the order of `alad_structure_bytes`


TERMS = (XZ, XX, ZZ)  # those that step.c knows, each by a field of `Plan`, in this order
NOISY_TERMS = (XZ, XX_DENOISED, ZZ)  # of a game with noise
NEEDED = XZ


def refusal(game: Game) -> str | None:
    """Say in one line what of a game the C step cannot play; None if it can play all of it."""
    noisy = game.noise is not None and XX_DENOISED in game.terms and game.noise.conditions
    terms = NOISY_TERMS if noisy else TERMS
    penalties = [replace(DENOISING, weight=penalty.weight) for penalty in game.penalties]
    strange = [p for p, known in zip(game.penalties, penalties, strict=True) if p != known]
    strange = strange if noisy and len(penalties) < 2 else [*game.penalties]
    unknown = [f"D_{term.name}" for term in game.terms if term not in terms]
    unknown += [f"the penalty {penalty.name!r}" for penalty in strange]
    unknown += ["noise"] if game.noise is not None and not noisy else []
    if unknown:
        return f"the native step does not know {', '.join(unknown)}"
    if NEEDED not in game.terms or game.terms != tuple(t for t in terms if t in game.terms):
        return f"the native step plays D_{NEEDED.name} first, and the others in their order"
    return None


def plan(networks: GameNetworks, game: Game, batch: int) -> Plan:
    """Describe the networks of a game to the C step; the plan keeps its layers alive."""
    layers = _layers(networks)
    dense = [layer for layer in networks.encoder.layers if isinstance(layer, Dense)]
    periods = [layer for layer in networks.encoder.layers if isinstance(layer, Periodic)]
    starts = _starts(weight_layout(networks.groups["generator"]))
    discriminators = networks.discriminators
    depths = {name: len(network.joint.layers) for name, network in discriminators.items()}
    return Plan(
        batch=batch,
        width=networks.shape[0],
        latent=networks.latent,
        encoder=len(dense),
        generator=len(networks.generator.layers),
        **{term.name: depths.get(term.name, 0) for term in TERMS},
        noisy=game.noise is not None,
        periods=periods[0].count if periods else 0,
        frequencies=starts[f"{periods[0].name}.weight"] if periods else 0,
        layers=(Layer * len(layers))(*layers),
        norm_epsilon=BATCH_NORM_EPSILON,
        norm_momentum=BATCH_NORM_MOMENTUM,
        lowest=0.0 if game.noise is None else math.log(game.noise.low),
        highest=0.0 if game.noise is None else math.log(game.noise.high),
        denoising=sum(penalty.weight for penalty in game.penalties),
    )


def _layers(networks: GameNetworks) -> list[Layer]:
    buffers = _starts(buffer_layout(networks.layers))
    described = []
    for layers in networks.groups.values():
        starts = _starts(weight_layout(layers)) | buffers
        described += [_layer(layer, starts) for layer in layers if isinstance(layer, Dense)]
    return described


def _starts(layout: Layout) -> dict[str, int]:
    """Map each name to its offset in the flat array."""
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
