"""The layout in memory of images and weights for the convolutions in C."""

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
from alad.native.memory import COLUMNS_OF_TILE, in_shares
from alad.networks.patches import PatchGeometry

FLOAT = 4  # bytes
LEAST_ROWS = 8  # of a tile, for its sums not to wait for each other
LEAST_COPIED = 1 << 16  # numbers, from which threads pay


def shares_of(amount: int, least: int) -> int:
    """Count the shares of some work, one for each of PyTorch's threads; one if it is small."""
    return torch.get_num_threads() if amount >= least else 1


@functools.cache
def _copying() -> ctypes.CDLL:
    library = build.library()
    library.alad_border.argtypes = [c_void_p, c_void_p, *[c_int64] * 6]
    library.alad_to_panels.argtypes = [c_void_p, *[c_int64] * 4, c_void_p, *[c_int64] * 3]
    for copy in (library.alad_border, library.alad_to_panels):
        copy.restype = None
    return library


def bordered(x: Tensor, across: tuple[int, int]) -> Tensor:
    """Pad x [n, height, width, channels] with pixels of zeros (before, after) across."""
    x, (left, right) = x.contiguous(), across
    if not (left or right):
        return x
    n, height, width, channels = x.shape
    wider = x.new_empty(n, height, left + width + right, channels)
    numbers = [channels * pixels for pixels in (width, left, right)]
    layout = x.data_ptr(), wider.data_ptr(), n * height, *numbers
    copy = _copying().alad_border
    in_shares(lambda *share: copy(*layout, *share), shares_of(x.numel(), LEAST_COPIED))
    return wider


def filled_up(array: Tensor) -> Tensor:
    """Pad the last axis with zeros to whole tiles."""
    spare = -array.shape[-1] % COLUMNS_OF_TILE
    return functional.pad(array, (0, spare)) if spare else array.contiguous()


class Panels:
    """A matrix [inputs, outputs] as `Term` in product.h reads it: [outputs / 16, inputs, 16]."""

    def __init__(self, like: Tensor, inputs: int, outputs: int, *, blanks: bool):
        """Allocate. blanks: whether there are places that no `put` reaches, which are then 0."""
        new = like.new_zeros if blanks or outputs % COLUMNS_OF_TILE else like.new_empty
        self.array = new(-(-outputs // COLUMNS_OF_TILE), inputs, COLUMNS_OF_TILE)

    def put(self, blocks: Tensor, row: int, column: int, at: Sequence[int] = ()) -> None:
        """Copy blocks[*at] [inputs, outputs], laid out in any order, to (row, column).

        No view is made of the block: a kernel would need hundreds of them.
        """
        strides = blocks.stride()
        skipped = sum(place * stride for place, stride in zip(at, strides, strict=False))
        _copying().alad_to_panels(
            blocks.data_ptr() + FLOAT * skipped,
            *strides[-2:],
            *blocks.shape[-2:],
            self.array.data_ptr(),
            self.array.shape[1],
            row,
            column,
        )


def panels_of(matrix: Tensor) -> Tensor:
    """Lay a matrix [inputs, outputs] out as panels [outputs / 16, inputs, 16]."""
    panels = Panels(matrix, *matrix.shape, blanks=False)
    panels.put(matrix, 0, 0)
    return panels.array


@dataclass(frozen=True)
class Place:
    """The pixels at one place modulo the stride, and the part of the kernel that makes them of dy.

    Of few channels: the pixels at one place modulo the stride down, and at all places across.
    """

    down: int
    across: int
    pixels: int  # beside each other that are made at a time: 1, or a multiple of the stride
    first: tuple[int, int]  # place in dy that takes part, counted from the pixel's own
    kernel: tuple[int, int]  # places in dy
    panels: Tensor


def places(weight: Tensor, geometry: PatchGeometry, channels: int) -> list[Place]:
    """Split the kernel of `to_input` by the pixels that its parts make of dy.

    A tile has 16 columns: of few channels, several pixels beside each other are made at a time, out
    of all outputs that any of them needs.
    """
    stride, outputs = geometry.stride, weight.shape[1]
    kernel = weight[: geometry.kernel[0] * geometry.kernel[1] * channels]
    kernel = kernel.unflatten(0, (*geometry.kernel, channels)).transpose(2, 3)
    rows, columns = (_taps(geometry, axis) for axis in (0, 1))
    side, kernels = _side(geometry, channels), []
    for down, (above, ats) in enumerate(rows):
        for beside in [range(side)] if side > 1 else [[across] for across in range(stride)]:
            # all outputs across that any of these pixels needs: `wide` of them from `left` on
            taps = [_shifted(columns[across % stride], across // stride) for across in beside]
            left = min(first for first, _ in taps)
            wide = max(first + len(overs) for first, overs in taps) - left
            shape = (len(ats), wide)
            panels = Panels(
                weight, wide * len(ats) * outputs, len(taps) * channels, blanks=side > 1
            )
            # a pixel's weights stand at the outputs that it takes part in, zeros at the others
            for row, at in enumerate(ats):
                for pixel, (first, overs) in enumerate(taps):
                    for step, over in enumerate(overs, first - left):
                        first_row = (row * wide + step) * outputs
                        panels.put(kernel, first_row, pixel * channels, (at, over))
            first_tap = (above, left)
            kernels.append(Place(down, beside[0], len(taps), first_tap, shape, panels.array))
    return kernels


def _side(geometry: PatchGeometry, channels: int) -> int:
    """Count the pixels beside each other that a tile holds; 1 if not even those of one stride.

    No more than leave enough groups of pixels across to fill the rows of a tile.
    """
    stride, across = geometry.stride, geometry.size[1]
    most = min(COLUMNS_OF_TILE // channels, max(stride, across // LEAST_ROWS))
    fit = range(stride, most + 1, stride)
    return max((side for side in fit if across % side == 0), default=1)


def _shifted(taps: tuple[int, list[int]], pixels: int) -> tuple[int, list[int]]:
    return taps[0] + pixels, taps[1]


def _taps(geometry: PatchGeometry, axis: int) -> list[tuple[int, list[int]]]:
    """Find the outputs that a pixel takes part in, for each of its places modulo the stride.

    (the first of them, counted from the pixel's quotient by the stride; the pixel's places in the
    kernel for that and the next outputs).
    """
    kernel, before = geometry.kernel[axis], geometry.padding(axis)[0]
    taps = []
    for place in range(geometry.stride):
        places = [
            (step, place + before - geometry.stride * step)
            for step in range(-kernel, kernel + before + 1)
            if 0 <= place + before - geometry.stride * step < kernel
        ]
        taps.append((places[0][0], [at for _, at in places]))
    return taps


def reach(geometry: PatchGeometry) -> tuple[int, int]:
    """Count the outputs of zeros (before, after) to pad across, so that every pixel has its own."""
    taps = _taps(geometry, 1)
    quotients = -(-geometry.size[1] // geometry.stride)
    first = min(first for first, _ in taps)
    last = max(first + len(places) - 1 for first, places in taps) + quotients - 1
    return max(0, -first), max(0, last - (geometry.steps[1] - 1))
