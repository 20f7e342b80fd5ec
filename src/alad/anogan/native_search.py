"""AnoGAN's search in C: `search.c` for blocks of rows and members, on several threads."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int64, c_void_p
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from alad.anogan.fixed_layers import FixedDense
from alad.anogan.search import BETA1, BETA2, EPSILON, Found, LatentSearch, bias_corrections
from alad.errors import InputError
from alad.native import build
from alad.native.memory import (
    ROWS_OF_TILE,
    Owner,
    PackedLayer,
    panels,
    require_layout,
    share_out,
    supported,
    workspace,
)

ROWS = 48  # that one thread takes at once: whole tiles, and activations that stay near


class Search(ctypes.Structure):
    _fields_ = (
        *((name, c_int64) for name in ("generator", "discriminator", "steps")),
        ("layers", POINTER(PackedLayer)),
        *((name, c_void_p) for name in ("start", "rates", "roots")),
        *((name, c_float) for name in ("beta1", "beta2", "rest1", "rest2", "epsilon")),
        *((name, c_float) for name in ("residual", "discrimination")),
    )


class Rows(ctypes.Structure):
    _fields_ = (
        ("x", c_void_p),
        *((name, c_int64) for name in ("stride", "count")),
        *((name, c_void_p) for name in ("z", "generated", "residual", "discrimination")),
    )


def _library() -> ctypes.CDLL:
    library = build.library()
    library.alad_search.argtypes = [c_void_p] * 3
    library.alad_search.restype = None
    library.alad_search_workspace_bytes.argtypes = [c_void_p, c_int64]
    library.alad_search_workspace_bytes.restype = c_int64
    library.alad_search_structure_bytes.argtypes = [ctypes.c_int]
    library.alad_search_structure_bytes.restype = c_int64
    require_layout((PackedLayer, Search, Rows), library.alad_search_structure_bytes)
    return library


class Results(NamedTuple):
    """What C fills in: all of `Found` but the loss."""

    z: np.ndarray
    generated: np.ndarray
    residual: np.ndarray
    discrimination: np.ndarray


class NativeSearch(LatentSearch):
    """`LatentSearch` with another engine, for float32 on the CPU.

    A row gets the same to the last bit whatever stands beside it, and whatever the number of
    threads, torch.get_num_threads(); it differs from the plain search by rounding, which grows on
    the way.

    Raises InputError if there is no compiled library, or the weights are not float32 on the CPU.
    """

    engine: ClassVar[str] = "native"

    def _prepare(self) -> None:
        _require_supported(self.start)
        try:
            self._engine = _library()
        except build.BuildError as error:
            raise InputError(
                f"the native search is not available ({error}): use the plain search"
            ) from error
        self._owner = Owner()
        self._corrections = self._owner.own(bias_corrections(self.settings))
        self._layers = [self._packed_layers(member) for member in range(len(self.start))]
        self._members = [self._plan(member) for member in range(len(self.start))]

    def __reduce__(self) -> tuple[Any, ...]:
        """Addresses mean nothing in another process: copies and pickles are made anew."""
        return type(self), self._made_of

    def _packed_layers(self, member: int) -> ctypes.Array[PackedLayer]:
        layers = (*self.generator, *self.discriminator)
        described = []
        for layer in layers:
            assert isinstance(layer, FixedDense)  # C is asked for tables alone
            weight = layer.weight[member].numpy()
            packed = panels(weight[: layer.inputs]), panels(weight[:, : layer.outputs].T)
            arrays = (*packed, layer.bias[member].numpy())
            addresses = map(self._owner.address, arrays)
            described.append(PackedLayer(layer.inputs, layer.outputs, *addresses, layer.slope))
        return (PackedLayer * len(layers))(*described)

    def _plan(self, member: int) -> Search:
        settings = self.settings
        return Search(
            len(self.generator),
            len(self.discriminator),
            settings.steps,
            self._layers[member],
            self._owner.address(self.start[member, 0].numpy()),
            *(row.ctypes.data for row in self._corrections),
            *(BETA1, BETA2, 1.0 - BETA1, 1.0 - BETA2, EPSILON),
            1.0 - settings.discrimination_weight,
            settings.discrimination_weight,
        )

    def __call__(self, x: Tensor) -> Found:
        """Search for x [n, width]; the terms come in float64."""
        _require_supported(x)
        rows = np.ascontiguousarray(x.numpy())
        members, n = len(self._members), len(rows)
        results = Results(
            np.empty((members, n, self.latent), np.float32),
            np.empty((members, n, rows.shape[1]), np.float32),
            *(np.empty((members, n)) for _ in ("residual", "discrimination")),
        )
        threads = max(1, torch.get_num_threads())
        size = _piece(n, threads)
        pieces = [(member, at) for at in range(0, n, size) for member in range(members)]

        def search(piece: tuple[int, int]) -> None:
            self._search(*piece, rows, size, results)

        share_out(search, pieces, threads)
        return self._found(*(torch.from_numpy(array) for array in results))

    def _search(self, member: int, at: int, rows: np.ndarray, size: int, results: Results) -> None:
        """One member's search for the rows from `at` on, `size` at most."""
        x = rows[at : at + size]
        outputs = (array[member, at : at + size].ctypes.data for array in results)
        described = Rows(x.ctypes.data, rows.shape[1], len(x), *outputs)
        plan = ctypes.addressof(self._members[member])
        memory = workspace(self._engine.alad_search_workspace_bytes(plan, len(x)))
        self._engine.alad_search(plan, ctypes.addressof(described), memory.ctypes.data)


def _piece(n: int, threads: int) -> int:
    """How many rows to take at once: all threads get some, in whole tiles."""
    tiles = -(-n // (threads * ROWS_OF_TILE))
    return min(ROWS, max(1, tiles) * ROWS_OF_TILE)


def _require_supported(array: Tensor) -> None:
    if not supported(array):
        found = f"{array.dtype} on {array.device}"
        raise InputError(
            f"the native search needs float32 on the CPU, not {found}: use the plain search"
        )
