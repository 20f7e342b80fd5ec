"""A row's pass through trained networks in C, `score.c`; the results are those of `numpy_cycle`."""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from ctypes import POINTER, c_double, c_int64, c_void_p, pointer
from typing import Any, ClassVar

import numpy as np

from alad.adversarial.networks import GameNetworks
from alad.adversarial.numpy_cycle import Parts
from alad.errors import EngineError, InputError
from alad.native import build
from alad.native.memory import (
    Owner,
    PackedLayer,
    pieces,
    require_layout,
    share_out,
    threads,
    workspace,
)
from alad.networks.native_forward import packed_layer, require_single
from alad.networks.numpy_forward import Affine, Arrays, members_of
from alad.neural.score import learnt_parts
from alad.row_kinds import TABLE


class Whitening(ctypes.Structure):
    _fields_ = (
        ("per_unit", c_double * 3),
        ("mean", c_void_p),
        ("unmix", PackedLayer),
    )


class Way(ctypes.Structure):
    _fields_ = (
        ("encoder", c_int64),
        ("generator", c_int64),
        ("kept", c_int64),
        ("varied", c_int64),
        ("joint", c_int64),
        ("kept_reads_code", c_int64),
        ("columns", c_int64),
        ("periods", c_int64),
        ("frequencies", c_void_p),
        ("layers", POINTER(PackedLayer)),
        ("whitening", POINTER(Whitening)),
    )


class Rows(ctypes.Structure):
    _fields_ = (
        ("x", c_void_p),
        ("count", c_int64),
        ("code", c_void_p),
        ("reconstruction", c_void_p),
        ("real", c_void_p),
        ("fake", c_void_p),
        ("gap", c_void_p),
        ("logit", c_void_p),
        ("joint", c_void_p),
    )


def prepare(networks: GameNetworks, arrays: Arrays, settings: Any = None) -> NativeCycle:
    """Prepare the engine. Raises EngineError without a compiled library, or for unknown layers.

    settings: what scores have learnt: the length of score "joint" is measured in C, too.
    """
    return NativeCycle(networks, arrays, learnt_parts(settings or {}, "joint"))


class NativeCycle:
    """The pass of rows through E, G and a discriminator in C, for float32.

    Where score "joint" has learnt, C measures its length too, with the row's features at hand.

    A row's results are the same to the last bit whatever rows stand beside it, on any number of
    threads; they differ from PyTorch's by rounding.
    """

    name: ClassVar[str] = "native"
    rows_at_once: ClassVar[int | None] = TABLE.blocks_in_c * TABLE.scored.most
    filled_up: ClassVar[int | None] = 0

    def __init__(self, networks: GameNetworks, arrays: Arrays, learnt: Arrays):
        require_single(arrays.values())
        parts = [Parts.of(networks, arrays, member) for member in members_of(arrays)]
        try:
            self._engine = _library()
        except build.BuildError as error:
            raise EngineError(str(error)) from error
        self._owner, self._shape = Owner(), networks.shape
        features = (parts[0].logit.weight.shape[0],)
        self.scores = frozenset({"joint"} if learnt else ())
        whitenings = self._whitenings(learnt, len(parts), 2 * features[0] + networks.latent)
        self._ways = (Way * len(parts))(*map(self._way, parts, whitenings))
        self._workspace_bytes = self._engine.alad_score_workspace_bytes(self._ways)
        self._shapes: dict[str, tuple[int, ...]] = {
            "code": (networks.latent,),
            "reconstruction": networks.shape,
            "real": features,
            "fake": features,
            "gap": features,
            "logit": (),
            "joint": (),
        }

    def _whitenings(self, learnt: Arrays, members: int, width: int) -> list[Whitening | None]:
        """Lay out what each member's "joint" has learnt; None where it has not.

        Raises InputError for shapes that are not the networks', which C would read beyond.
        """
        if not learnt:
            return [None] * members
        shapes = {"units": (3,), "mean": (1, width), "unmix": (width, width)}
        for name, shape in shapes.items():
            if learnt[name].shape != (members, *shape):
                raise InputError(
                    f"joint/{name} has shape {learnt[name].shape}, not {(members, *shape)}; save "
                    "the model anew"
                )
        if np.triu(learnt["unmix"], 1).any():
            raise InputError("joint/unmix is not lower triangular; save the model anew")
        found: list[Whitening | None] = []
        for units, mean, unmix in zip(*(learnt[name] for name in shapes), strict=True):
            layer = Affine(unmix.T, None, "linear", single=True)
            mean = self._owner.address(mean, np.float64)
            per_unit = (c_double * 3)(*(1 / units))
            found.append(Whitening(per_unit, mean, packed_layer(layer, self._owner)))
        return found

    def _way(self, parts: Parts, whitening: Whitening | None) -> Way:
        """Pack a member's layers for C."""
        chosen = (parts.encoder, parts.generator, parts.kept, parts.varied, parts.joint)
        flat = [layer for part in (*chosen, [parts.logit]) for layer in part]
        if any(layer.activation == "tanh" for layer in flat):
            raise EngineError("C knows activations of two slopes, not tanh")
        packed = (packed_layer(layer, self._owner) for layer in flat)
        layers = (PackedLayer * len(flat))(*packed)
        columns, periods, frequencies = self._shape[0], 0, None
        if parts.periods is not None:
            periods = parts.periods.frequencies.shape[1]
            frequencies = self._owner.address(parts.periods.frequencies)
        counts = (*map(len, chosen), parts.kept_reads_code, columns, periods)
        measured = None if whitening is None else pointer(whitening)
        return Way(*counts, frequencies, layers, measured)

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        """Compute the wanted results of rows x [n, width]: [members, n, ...] each.

        Score "joint" is float64, the others float32.
        """
        x, count = np.ascontiguousarray(x, np.float32), len(self._ways)
        arrays = {
            name: np.empty((count, len(x), *self._shapes[name]), self._dtype(name))
            for name in wanted
        }
        results = {name: array.ctypes.data for name, array in arrays.items()}
        rows = Rows(x=x.ctypes.data, count=len(x), **results)

        def score(share: tuple[tuple[int, int], np.ndarray]) -> None:
            piece, memory = share
            given = ctypes.addressof(rows), *piece, memory.ctypes.data
            self._engine.alad_score(self._ways, count, *given)

        at_most = threads()
        shares = pieces(len(x), at_most)
        memories = [workspace(self._workspace_bytes) for _ in shares]
        share_out(score, list(zip(shares, memories, strict=True)), at_most)
        return arrays

    def _dtype(self, result: str) -> type[np.floating]:
        return np.float64 if result in self.scores else np.float32


def _library() -> ctypes.CDLL:
    library = build.library()
    library.alad_score.argtypes = [c_void_p, c_int64, c_void_p, c_int64, c_int64, c_void_p]
    library.alad_score.restype = None
    library.alad_score_workspace_bytes.argtypes = [c_void_p]
    library.alad_score_workspace_bytes.restype = c_int64
    library.alad_score_structure_bytes.argtypes = [ctypes.c_int]
    library.alad_score_structure_bytes.restype = c_int64
    require_layout((PackedLayer, Way, Rows, Whitening), library.alad_score_structure_bytes)
    return library
