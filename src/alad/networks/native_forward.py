"""The forward pass of dense layers at evaluation in C, for float32: `forward` in `score.c`.

A row's results are the same to the last bit whatever rows stand beside it, and on any
number of threads.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Collection, Sequence
from ctypes import c_int64, c_void_p
from dataclasses import replace

import numpy as np

from alad.errors import EngineError
from alad.native import build
from alad.native.memory import (
    Owner,
    PackedLayer,
    filled_up,
    panels,
    require_layout,
    threads,
    threads_for,
    workspace,
)
from alad.networks.layers import SLOPES
from alad.networks.numpy_forward import Affine, MemberEngine, MemberPass, Pass, activate


def _library() -> ctypes.CDLL:
    engine = build.library()
    engine.alad_forward.argtypes = [c_void_p, c_int64, c_void_p, c_int64, c_void_p, c_void_p]
    engine.alad_forward.restype = None
    engine.alad_forward_workspace_bytes.argtypes = [c_void_p, c_int64]
    engine.alad_forward_workspace_bytes.restype = c_int64
    engine.alad_score_structure_bytes.argtypes = [ctypes.c_int]
    engine.alad_score_structure_bytes.restype = c_int64
    require_layout((PackedLayer,), engine.alad_score_structure_bytes)
    return engine


def require_single(arrays: Collection[np.ndarray]) -> None:
    """Raise EngineError unless all of a model's arrays are float32, as C reads them."""
    if any(array.dtype != np.float32 for array in arrays):
        raise EngineError("C scores in float32 alone")


def packed_layer(layer: Affine, owner: Owner, *, back: bool = False) -> PackedLayer:
    """Lay a layer out for C; `owner` keeps its arrays. back: its transposed weight, too."""
    bias = None if layer.bias is None else owner.address(filled_up(layer.bias[np.newaxis]))
    weight = owner.address(panels(layer.weight))
    behind = owner.address(panels(layer.weight.T)) if back else None
    return PackedLayer(*layer.weight.shape, weight, behind, bias, SLOPES[layer.activation])


def native_chain(layers: Sequence[Affine]) -> Pass:
    """Make a pass in C, rows and results in float32. Raises EngineError where there is no C."""
    try:
        _library()
    except build.BuildError as error:
        raise EngineError(str(error)) from error
    parts: list[Pass] = []
    start = 0
    for end, layer in enumerate(layers, start=1):
        # C knows activations of two slopes; a tanh is NumPy's, and what goes before it ends there
        if layer.activation == "tanh" or end == len(layers):
            parts.append(NativeChain(layers[start:end]))
            start = end
    return functools.partial(_through, tuple(parts))


def _through(parts: Sequence[Pass], x: np.ndarray) -> np.ndarray:
    for part in parts:
        x = part(x)
    return x


class NativeChain:
    """Layers one after the other, in C; the last one may be followed by a tanh."""

    def __init__(self, layers: Sequence[Affine]):
        *others, last = layers
        self._owner, self._curved = Owner(), last.activation == "tanh"
        if self._curved:
            last = replace(last, activation="linear")
        self._outputs, depth = last.weight.shape[1], len(layers)
        packed = (packed_layer(layer, self._owner) for layer in (*others, last))
        self._layers, self._engine = (PackedLayer * depth)(*packed), _library()
        self._bytes = self._engine.alad_forward_workspace_bytes(self._layers, depth)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(x, np.float32)
        out = np.empty((len(x), self._outputs), np.float32)
        memory = workspace(self._bytes)
        addresses = x.ctypes.data, len(x), out.ctypes.data, memory.ctypes.data
        self._engine.alad_forward(self._layers, len(self._layers), *addresses)
        return activate("tanh", out) if self._curved else out


def native_engine(
    names: tuple[str, ...], passes: Sequence[MemberPass], double: frozenset[str]
) -> MemberEngine:
    """Make an engine of passes in C, one a member."""
    return MemberEngine(
        names,
        tuple(passes),
        np.dtype(np.float32),
        double,
        name="native",
        computes=np.float32,
        threads=lambda rows: threads_for(rows, threads()),
    )
