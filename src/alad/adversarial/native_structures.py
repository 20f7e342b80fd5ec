"""The structures of `step.c` and `layers.h`, field by field; how networks become a `Plan`."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int32, c_int64, c_void_p

from alad.adversarial.networks import DenseNetworks, PairDiscriminator
from alad.networks.dense import BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM, SLOPES, Dense
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
        *((name, State) for name in ("players", "judges")),
        *((name, c_void_p) for name in ("players_adam", "judges_adam", "buffers", "X")),
        ("X_stride", c_int64),
        ("rows", c_void_p * 2),
        *((name, c_void_p) for name in ("random", "losses")),
    )


STRUCTURES = (Layer, Adam, State, Plan, Member)  # in the order of `alad_structure_bytes`


def plan(networks: DenseNetworks, batch: int) -> Plan:
    """What the C step needs to know about the networks; it keeps its layers alive."""
    layers = _layers(networks)
    return Plan(
        batch=batch,
        width=networks.width,
        latent=networks.latent,
        encoder=len(networks.encoder.layers),
        generator=len(networks.generator.layers),
        xz=_depth(networks.xz),
        xx=_depth(networks.xx),
        zz=_depth(networks.zz),
        layers=(Layer * len(layers))(*layers),
        norm_epsilon=BATCH_NORM_EPSILON,
        norm_momentum=BATCH_NORM_MOMENTUM,
    )


def _depth(judge: PairDiscriminator | None) -> int:
    return 0 if judge is None else len(judge.joint.layers)


def _layers(networks: DenseNetworks) -> list[Layer]:
    buffers = _starts(buffer_layout(networks.layers))
    described = []
    for layers in (networks.player_layers, networks.judge_layers):
        weights = _starts(weight_layout(layers))
        described += [_layer(layer, weights | buffers) for layer in layers]
    return described


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
