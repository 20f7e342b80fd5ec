"""The way of a row through trained networks in C: `score.c`, behind what `scores.Cycle` offers."""

from __future__ import annotations

import ctypes
import itertools
from ctypes import POINTER, c_int64, c_void_p
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from alad.adversarial.networks import GameNetworks
from alad.adversarial.scores import Cycle
from alad.errors import InputError
from alad.native import build
from alad.native.memory import (
    Owner,
    PackedLayer,
    filled_up,
    panels,
    require_layout,
    share_out,
    supported,
    workspace,
)
from alad.networks.context import Context
from alad.networks.layers import BATCH_NORM_EPSILON, SLOPES, Conditioned, Dense

ROWS_OF_A_THREAD = 384  # at least: a thread costs as much as some hundred rows to start


class Way(ctypes.Structure):
    _fields_ = (
        *((name, c_int64) for name in ("encoder", "generator", "kept", "varied", "joint")),
        ("kept_reads_code", c_int64),
        ("layers", POINTER(PackedLayer)),
    )


class Rows(ctypes.Structure):
    _fields_ = (
        ("x", c_void_p),
        ("count", c_int64),
        *((name, c_void_p) for name in ("code", "reconstruction", "real", "fake", "logit")),
    )


class Plain(NamedTuple):
    """What C multiplies with: weight [inputs, outputs], and bias [1, outputs] or none."""

    weight: np.ndarray
    bias: np.ndarray | None
    slope: float = 1.0


def cycle(networks: GameNetworks, context: Context) -> Cycle:
    """Score in C where it can be had and knows the layers, else in PyTorch."""
    dense = all(isinstance(layer, Dense) for layer in networks.layers)
    suits = dense and all(supported(weight) for weight in context.weights.values())
    if not suits or isinstance(networks.encoder, Conditioned):
        return Cycle(networks, context)
    try:
        return NativeCycle(networks, context)
    except build.BuildError as error:
        build.tell(str(error))
        return Cycle(networks, context)


class NativeCycle(Cycle):
    """`Cycle` with another engine, for float32 on the CPU.

    A row gets the same to the last bit whatever stands beside it, and whatever the number of
    threads, torch.get_num_threads(); it differs from PyTorch's by rounding.

    Raises BuildError if there is no compiled library.
    """

    engine: ClassVar[str] = "native"

    def __init__(self, networks: GameNetworks, context: Context):
        super().__init__(networks, context)
        self._engine = _library()
        self._owner = Owner()
        self._count = len(next(iter(context.weights.values())))
        self._ways = (Way * self._count)(*(self._way(member) for member in range(self._count)))
        self._workspace_bytes = self._engine.alad_score_workspace_bytes(self._ways)
        self._features = self.discriminator.logit.inputs

    def __reduce__(self) -> tuple[Any, ...]:
        """Addresses mean nothing in another process, and there may be no compiler."""
        return cycle, (self.networks, self.context)

    # --- from the networks to what C reads --------------------------------------------------------

    def _way(self, member: int) -> Way:
        networks, discriminator = self.networks, self.discriminator
        parts = [
            [_plain(layer, self.context, member) for layer in layers]
            for layers in (
                networks.encoder.layers,
                networks.generator.layers,
                *(branch.layers for branch in discriminator.branches),
                discriminator.joint.layers,
                (discriminator.logit,),
            )
        ]
        encoder, generator, a, b, joint, logit = parts
        # D_xx sees (x, x) and (x, x'), D_xz (x, E(x)) and (x', E(x))
        kept, varied, in_front = (a, b, True) if self.has_xx else (b, a, False)
        share, joint[0] = _divided(joint[0], _width(varied, networks.shape[0]), in_front)
        kept.append(share)
        chosen = (encoder, generator, kept, varied, joint)
        layers = [self._packed(layer) for part in (*chosen, logit) for layer in part]
        return Way(*map(len, chosen), not self.has_xx, (PackedLayer * len(layers))(*layers))

    def _packed(self, layer: Plain) -> PackedLayer:
        bias = None if layer.bias is None else self._owner.address(filled_up(layer.bias))
        packed = self._owner.address(panels(layer.weight))
        return PackedLayer(*layer.weight.shape, packed, None, bias, layer.slope)

    # --- rows -------------------------------------------------------------------------------------

    def reconstruct(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        code, reconstruction = self._run(
            x, code=(self.networks.latent,), reconstruction=self.networks.shape
        )
        return x.expand(self._count, *x.shape), code, reconstruction

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        real, fake = self._run(x, real=(self._features,), fake=(self._features,))
        return real, fake

    def logit(self, x: Tensor) -> Tensor:
        (logit,) = self._run(x, logit=())
        return logit

    def _run(self, x: Tensor, **wanted: tuple[int, ...]) -> list[Tensor]:
        """The results that are named, each [members, n, *shape]."""
        if not supported(x):
            raise InputError(f"scores in C need float32 on the CPU, not {x.dtype} on {x.device}")
        x, n = x.contiguous(), len(x)
        found = {name: torch.empty(self._count, n, *shape) for name, shape in wanted.items()}
        results = {name: tensor.data_ptr() for name, tensor in found.items()}
        rows = Rows(x=x.data_ptr(), count=n, **results)

        def score(piece: tuple[int, int]) -> None:
            memory = workspace(self._workspace_bytes)
            given = ctypes.addressof(rows), *piece, memory.ctypes.data
            self._engine.alad_score(self._ways, self._count, *given)

        threads = max(1, torch.get_num_threads())
        share_out(score, _pieces(n, threads), threads)
        return list(found.values())


def _library() -> ctypes.CDLL:
    library = build.library()
    library.alad_score.argtypes = [c_void_p, c_int64, c_void_p, c_int64, c_int64, c_void_p]
    library.alad_score.restype = None
    library.alad_score_workspace_bytes.argtypes = [c_void_p]
    library.alad_score_workspace_bytes.restype = c_int64
    library.alad_score_structure_bytes.argtypes = [ctypes.c_int]
    library.alad_score_structure_bytes.restype = c_int64
    require_layout((PackedLayer, Way, Rows), library.alad_score_structure_bytes)
    return library


def _plain(layer: Dense, context: Context, member: int) -> Plain:
    """At evaluation, batch norm worked into weight and bias."""
    names = ("weight", "bias", "gamma", "beta", "mean", "variance")
    found = {**context.weights, **context.buffers}
    arrays = {
        name: found[f"{layer.name}.{name}"][member].detach().double().numpy()
        for name in names
        if f"{layer.name}.{name}" in found
    }
    weight, bias = arrays["weight"], arrays["bias"]
    if layer.batch_norm:
        scale = arrays["gamma"] / np.sqrt(arrays["variance"] + BATCH_NORM_EPSILON)
        weight, bias = weight * scale, (bias - arrays["mean"]) * scale + arrays["beta"]
    return Plain(weight, bias, SLOPES[layer.activation])


def _divided(layer: Plain, varied: int, kept_in_front: bool) -> tuple[Plain, Plain]:
    """A layer on (a, b) as two: the share of what is kept, and that of `varied` numbers."""
    at = len(layer.weight) - varied if kept_in_front else varied
    front, back = layer.weight[:at], layer.weight[at:]
    kept, moving = (front, back) if kept_in_front else (back, front)
    return Plain(kept, None), layer._replace(weight=moving)


def _width(layers: list[Plain], inputs: int) -> int:
    return layers[-1].weight.shape[1] if layers else inputs


def _pieces(n: int, threads: int) -> list[tuple[int, int]]:
    """(first row, how many) for each thread, of about equal size."""
    count = max(1, min(threads, n // ROWS_OF_A_THREAD))
    borders = [n * piece // count for piece in range(count + 1)]
    return [(a, b - a) for a, b in itertools.pairwise(borders)]
