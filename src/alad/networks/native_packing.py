"""How images and weights have to lie for the convolutions in C."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from alad.native import build
from alad.native.memory import COLUMNS_OF_TILE
from alad.networks.patches import PatchGeometry

FLOAT = 4  # bytes
LEAST_ROWS = 8  # of a tile, for its sums not to wait for each other


@functools.cache
def _copying() -> ctypes.CDLL:
    library = build.library()
    library.alad_border.argtypes = [c_void_p, c_void_p, *[c_int64] * 5]
    library.alad_to_panels.argtypes = [c_void_p, *[c_int64] * 4, c_void_p, *[c_int64] * 3]
    for copy in (library.alad_border, library.alad_to_panels):
        copy.restype = None
    return library


def bordered(x: Tensor, across: tuple[int, int]) -> Tensor:
    """x [n, height, width, channels] with pixels of zeros (before, after) across."""
    x, (left, right) = x.contiguous(), across
    if not (left or right):
        return x
    n, height, width, channels = x.shape
    wider = x.new_empty(n, height, left + width + right, channels)
    numbers = [channels * pixels for pixels in (width, left, right)]
    threads = torch.get_num_threads()
    _copying().alad_border(x.data_ptr(), wider.data_ptr(), n * height, *numbers, threads)
    return wider


def filled_up(array: Tensor) -> Tensor:
    """Zeros after the last axis, up to whole tiles."""
    spare = -array.shape[-1] % COLUMNS_OF_TILE
    return functional.pad(array, (0, spare)) if spare else array.contiguous()


class Panels:
    """A matrix [inputs, outputs] as `Term` in product.h reads it: [outputs / 16, inputs, 16]."""

    def __init__(self, like: Tensor, inputs: int, outputs: int, *, blanks: bool):
        """blanks: are there places that no `put` reaches?"""
        new = like.new_zeros if blanks or outputs % COLUMNS_OF_TILE else like.new_empty
        self.array = new(-(-outputs // COLUMNS_OF_TILE), inputs, COLUMNS_OF_TILE)

    def put(self, blocks: Tensor, row: int, column: int, at: Sequence[int] = ()) -> None:
        """blocks[*at] [inputs, outputs], in any order in memory, with its first number there.

        No view is made of it, of which a kernel would need hundreds.
        """
        strides = blocks.stride()
        skipped = sum(place * stride for place, stride in zip(at, strides, strict=False))
        _copying().alad_to_panels(
            blocks.data_ptr() + FLOAT * skipped,
            *(*strides[-2:], *blocks.shape[-2:]),
            *(self.array.data_ptr(), self.array.shape[1], row, column),
        )


def panels_of(matrix: Tensor) -> Tensor:
    """[inputs, outputs] -> [outputs / 16, inputs, 16]."""
    panels = Panels(matrix, *matrix.shape, blanks=False)
    panels.put(matrix, 0, 0)
    return panels.array


@dataclass(frozen=True)
class Place:
    """Pixels at one place modulo the stride (down, across), or, of few channels, at all across, and
    what makes them of dy: the part of the kernel that meets them.
    """

    down: int
    across: int
    pixels: int  # beside each other that are made at a time: 1, or a multiple of the stride
    first: tuple[int, int]  # place in dy that takes part, counted from the pixel's own
    kernel: tuple[int, int]  # places in dy
    panels: Tensor


def places(weight: Tensor, geometry: PatchGeometry, channels: int) -> list[Place]:
    """weight: as for `to_input`.

    A tile has 16 columns. So of few channels pixels beside each other are made at a time, out of
    all that any of them needs.
    """
    stride, outputs = geometry.stride, weight.shape[1]
    kernel = weight[: geometry.kernel[0] * geometry.kernel[1] * channels]
    kernel = kernel.unflatten(0, (*geometry.kernel, channels)).transpose(2, 3)
    rows, columns = (_taps(geometry, axis) for axis in (0, 1))
    side, found = _side(geometry, channels), []
    for down, (above, ats) in enumerate(rows):
        for beside in [range(side)] if side > 1 else [[across] for across in range(stride)]:
            taps = [_shifted(columns[across % stride], across // stride) for across in beside]
            left = min(first for first, _ in taps)
            wide = max(first + len(own) for first, own in taps) - left
            shape = (len(ats), wide)
            panels = Panels(
                weight, wide * len(ats) * outputs, len(taps) * channels, blanks=side > 1
            )
            for row, at in enumerate(ats):
                for pixel, (first, own) in enumerate(taps):
                    for step, over in enumerate(own, first - left):
                        first_row = (row * wide + step) * outputs
                        panels.put(kernel, first_row, pixel * channels, (at, over))
            found.append(Place(down, beside[0], len(taps), (above, left), shape, panels.array))
    return found


def _side(geometry: PatchGeometry, channels: int) -> int:
    """How many pixels beside each other a tile holds; 1 if not even those of one stride.

    Not so many that there are too few of them across to fill the rows of a tile.
    """
    stride, across = geometry.stride, geometry.size[1]
    most = min(COLUMNS_OF_TILE // channels, max(stride, across // LEAST_ROWS))
    fit = range(stride, most + 1, stride)
    return max((side for side in fit if across % side == 0), default=1)


def _shifted(taps: tuple[int, list[int]], pixels: int) -> tuple[int, list[int]]:
    return taps[0] + pixels, taps[1]


def _taps(geometry: PatchGeometry, axis: int) -> list[tuple[int, list[int]]]:
    """For each place of a pixel modulo the stride: the first output that it takes part in, counted
    from its quotient by the stride, and its places in the kernel for that and the next outputs.
    """
    kernel, before = geometry.kernel[axis], geometry.padding(axis)[0]
    found = []
    for place in range(geometry.stride):
        places = [
            (step, place + before - geometry.stride * step)
            for step in range(-kernel, kernel + before + 1)
            if 0 <= place + before - geometry.stride * step < kernel
        ]
        found.append((places[0][0], [at for _, at in places]))
    return found


def reach(geometry: PatchGeometry) -> tuple[int, int]:
    """Outputs of zeros (before, after) across that there must be for every pixel to find its."""
    taps = _taps(geometry, 1)
    quotients = -(-geometry.size[1] // geometry.stride)
    first = min(first for first, _ in taps)
    last = max(first + len(places) - 1 for first, places in taps) + quotients - 1
    return max(0, -first), max(0, last - (geometry.steps[1] - 1))
