"""What the engines in C share: packed layers, aligned memory, work on threads. No PyTorch."""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from ctypes import c_float, c_int64, c_void_p
from typing import TypeVar

import numpy as np

from alad.native import build

ROWS_OF_TILE = 12  # at most, see product.h
COLUMNS_OF_TILE = 16
CACHE_LINE = 64
ROWS_OF_A_THREAD = 384  # at least: a thread costs as much as some hundred rows to start


class PackedLayer(ctypes.Structure):
    _fields_ = (
        ("inputs", c_int64),
        ("outputs", c_int64),
        ("packed", c_void_p),
        ("packed_back", c_void_p),
        ("bias", c_void_p),
        ("slope", c_float),
    )


class Owner:
    """Keeps the arrays alive that structures point into."""

    def __init__(self):
        self._arrays: list[np.ndarray] = []

    def own(self, array: np.ndarray, dtype: type[np.floating] = np.float32) -> np.ndarray:
        """Copy an array to `dtype` on a cache line's boundary, alive as long as its owner."""
        copy = workspace(array.size * np.dtype(dtype).itemsize).view(dtype).reshape(array.shape)
        copy[:] = array
        self._arrays.append(copy)
        return copy

    def address(self, array: np.ndarray, dtype: type[np.floating] = np.float32) -> int:
        """Copy an array as `own` does; return its address."""
        return self.own(array, dtype).ctypes.data


def workspace(size: int) -> np.ndarray:
    """Allocate `size` bytes, all 0, on a cache line's boundary."""
    memory = np.zeros(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size]


def panels(matrix: np.ndarray) -> np.ndarray:
    """Lay a matrix [inputs, outputs] out as [outputs / 16, inputs, 16], like `pack` in layers.h."""
    filled = filled_up(matrix)
    return filled.reshape(len(matrix), -1, COLUMNS_OF_TILE).transpose(1, 0, 2)


def filled_up(array: np.ndarray) -> np.ndarray:
    """Pad an array [rows, columns] with zeros to whole tiles of columns."""
    return np.pad(array, ((0, 0), (0, -array.shape[1] % COLUMNS_OF_TILE)))


def threads_for(rows: int, most: int) -> int:
    """Count the threads that so many rows are worth, `most` at most."""
    return max(1, min(most, rows // ROWS_OF_A_THREAD))


def pieces(n: int, threads: int) -> list[tuple[int, int]]:
    """Split n rows into (first row, number of rows) for each thread, of about equal size."""
    count = threads_for(n, threads)
    borders = [n * piece // count for piece in range(count + 1)]
    return [(a, b - a) for a, b in itertools.pairwise(borders)]


Piece = TypeVar("Piece")


def share_out(work: Callable[[Piece], None], pieces: Sequence[Piece], threads: int) -> None:
    """Work on every piece once, on so many threads, the caller's among them.

    At an error or Ctrl-C pieces that have not begun are dropped.
    """
    if len(pieces) == 1:
        return work(pieces[0])
    left = deque(pieces)  # its `popleft` is atomic

    def run() -> None:
        while True:
            try:
                piece = left.popleft()
            except IndexError:
                return
            work(piece)

    helpers = min(threads, len(pieces)) - 1
    others = [_pool(threads - 1).submit(run) for _ in range(helpers)]
    try:
        run()
        for other in others:
            other.result()
    finally:
        left.clear()
        for other in others:
            other.cancel()
        wait(others)  # they may use memory that is the caller's


def in_shares(work: Callable[[int, int], None], shares: int) -> None:
    """Call work(share, shares) for each share of some work, each on a thread of its own."""
    share_out(lambda share: work(share, shares), range(shares), shares)


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Keep that many threads, which start with their first work."""
    return ThreadPoolExecutor(threads, thread_name_prefix="alad-native")


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def require_layout(
    structures: Sequence[type[ctypes.Structure]], size_in_c: Callable[[int], int]
) -> None:
    """Raise BuildError unless the structures, by their numbers, have the same size in C."""
    for number, structure in enumerate(structures):
        if size_in_c(number) != ctypes.sizeof(structure):
            raise build.BuildError(
                f"{structure.__name__} is laid out differently in C and in Python"
            )


def threads() -> int:
    """Count the threads to work on: as many as PyTorch was told, where it is loaded.

    Else as OMP_NUM_THREADS says, which would tell it too, or one for each core.
    """
    torch = sys.modules.get("torch")
    if hasattr(torch, "get_num_threads"):  # not while it is being loaded
        return max(1, torch.get_num_threads())  # pyright: ignore[reportOptionalMemberAccess]
    number = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(number) if number.isdecimal() else _cores())


def _cores() -> int:
    """Count the cores that this process may use, where the system tells."""
    here = getattr(os, "sched_getaffinity", None)
    return len(here(0)) if here else os.cpu_count() or 1
