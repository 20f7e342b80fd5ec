"""AnoGAN's search in C: `search.c` for blocks of rows and members, on several threads."""

from __future__ import annotations

import ctypes
from collections.abc import Collection
from ctypes import POINTER, c_float, c_int64, c_void_p
from typing import ClassVar

import numpy as np

from alad.anogan.networks import START, GanNetworks
from alad.anogan.settings import BETA1, BETA2, EPSILON, SearchSettings, bias_corrections
from alad.errors import EngineError
from alad.native import build
from alad.native.memory import (
    ROWS_OF_TILE,
    Owner,
    PackedLayer,
    require_layout,
    share_out,
    threads,
    workspace,
)
from alad.networks.layers import SLOPES
from alad.networks.native_forward import native_chain, packed_layer, require_single
from alad.networks.numpy_forward import Affine, Arrays, affine_chain, members_of

ROWS = 48  # that one thread takes at once: whole tiles, whose activations stay in the cache


class Search(ctypes.Structure):
    _fields_ = (
        ("generator", c_int64),
        ("discriminator", c_int64),
        ("steps", c_int64),
        ("layers", POINTER(PackedLayer)),
        ("start", c_void_p),
        ("rates", c_void_p),
        ("roots", c_void_p),
        ("beta1", c_float),
        ("beta2", c_float),
        ("rest1", c_float),
        ("rest2", c_float),
        ("epsilon", c_float),
        ("residual", c_float),
        ("discrimination", c_float),
    )


class Rows(ctypes.Structure):
    _fields_ = (
        ("x", c_void_p),
        ("stride", c_int64),
        ("count", c_int64),
        ("z", c_void_p),
        ("generated", c_void_p),
        ("residual", c_void_p),
        ("discrimination", c_void_p),
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


def prepare(networks: GanNetworks, arrays: Arrays, settings: SearchSettings) -> NativeSearch:
    """Prepare the engine. Raises EngineError without a compiled library, or for unknown layers."""
    return NativeSearch(networks, arrays, settings)


class NativeSearch:
    """A trained GAN in C, for float32; the results are those of `numpy_search`.

    A row's results are the same to the last bit whatever rows stand beside it, on any number of
    threads; they differ from the plain search's by rounding, which grows from step to step.
    """

    name: ClassVar[str] = "native"
    rows_at_once: ClassVar[int | None] = None
    filled_up: ClassVar[int | None] = 0
    scores: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, networks: GanNetworks, arrays: Arrays, settings: SearchSettings):
        require_single(arrays.values())
        self.latent, self.settings = networks.latent, settings
        members, discriminator = members_of(arrays), networks.discriminator
        generators = [affine_chain(networks.generator, arrays, member) for member in members]
        hidden = [affine_chain(discriminator.joint, arrays, member) for member in members]
        if any(layer.activation not in SLOPES for layer in (*generators[0], *hidden[0])):
            raise EngineError("C searches through activations of two slopes, not tanh")
        logits = [Affine.of(discriminator.logit, arrays, member) for member in members]
        pairs = zip(hidden, logits, strict=True)
        self._logits = [native_chain([*layers, logit]) for layers, logit in pairs]
        self._engine, self._owner = _library(), Owner()
        self._corrections = self._owner.own(bias_corrections(settings))
        self._layers: list[ctypes.Array[PackedLayer]] = []
        self._members = [
            self._plan(generators[member], hidden[member], arrays[START][member, 0])
            for member in members
        ]

    def _plan(self, generator: list[Affine], hidden: list[Affine], start: np.ndarray) -> Search:
        layers, settings = (*generator, *hidden), self.settings
        packed = (packed_layer(layer, self._owner, back=True) for layer in layers)
        self._layers.append((PackedLayer * len(layers))(*packed))
        return Search(
            len(generator),
            len(hidden),
            settings.steps,
            self._layers[-1],
            self._owner.address(start),
            *(row.ctypes.data for row in self._corrections),
            BETA1,
            BETA2,
            1.0 - BETA1,
            1.0 - BETA2,
            EPSILON,
            1.0 - settings.discrimination_weight,
            settings.discrimination_weight,
        )

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        """Compute the wanted results of rows x [n, width]: [members, n, ...] each."""
        x = np.ascontiguousarray(x, np.float32)
        results = self._search(x) if set(wanted) - {"logit"} else {}
        if "logit" in wanted:
            results["logit"] = np.stack([logit(x)[:, 0] for logit in self._logits])
        return {name: results[name] for name in wanted}

    def _search(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Search for every row; the terms are float64."""
        members, n = len(self._members), len(x)
        results = {
            "z": np.empty((members, n, self.latent), np.float32),
            "reconstruction": np.empty((members, n, x.shape[1]), np.float32),
            "residual": np.empty((members, n)),
            "discrimination": np.empty((members, n)),
        }
        at_most = threads()
        size = _piece(n, at_most)
        pieces = [(member, at) for at in range(0, n, size) for member in range(members)]

        def search(piece: tuple[int, int]) -> None:
            """Run one member's search for the rows from `at` on, `size` at most."""
            member, at = piece
            rows = x[at : at + size]
            outputs = (a[member, at : at + size].ctypes.data for a in results.values())
            described = Rows(rows.ctypes.data, x.shape[1], len(rows), *outputs)
            plan = ctypes.addressof(self._members[member])
            memory = workspace(self._engine.alad_search_workspace_bytes(plan, len(rows)))
            self._engine.alad_search(plan, ctypes.addressof(described), memory.ctypes.data)

        # blocks of rows of all members on all threads; each writes to its own place
        share_out(search, pieces, at_most)
        weight = self.settings.discrimination_weight
        loss = (1.0 - weight) * results["residual"] + weight * results["discrimination"]
        return {**results, "loss": loss}


def _piece(n: int, threads: int) -> int:
    """Count the rows to take at once, in whole tiles, so that all threads get some."""
    tiles = -(-n // (threads * ROWS_OF_TILE))
    return min(ROWS, max(1, tiles) * ROWS_OF_TILE)
