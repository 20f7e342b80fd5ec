"""How images and weights have to lie for the convolutions in C."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from alad.native.frozen import COLUMNS_OF_TILE
from alad.windows import Window


def bordered(x: Tensor, down: tuple[int, int], across: tuple[int, int]) -> Tensor:
    """x [n, height, width, channels] with zeros (before, after) down and across.

    `functional.pad` fills all with zeros first.
    """
    (above, below), (left, right) = down, across
    if not (above or below or left or right):
        return x.contiguous()
    n, height, width, channels = x.shape
    bordered = x.new_empty(n, above + height + below, left + width + right, channels)
    bordered[:, :above] = 0
    bordered[:, above + height :] = 0
    inner = bordered[:, above : above + height]
    inner[:, :, :left] = 0
    inner[:, :, left + width :] = 0
    inner[:, :, left : left + width] = x
    return bordered


def filled_up(array: Tensor) -> Tensor:
    """Zeros after the last axis, up to whole tiles."""
    spare = -array.shape[-1] % COLUMNS_OF_TILE
    return functional.pad(array, (0, spare)) if spare else array.contiguous()


def panels_of(matrix: Tensor) -> Tensor:
    """[inputs, outputs] -> [outputs / 16, inputs, 16], as `Term` in product.h reads them."""
    whole = filled_up(matrix)
    return whole.view(len(whole), -1, COLUMNS_OF_TILE).transpose(0, 1).contiguous()


@dataclass(frozen=True)
class Place:
    """Pixels at one place modulo the stride (down, across), or, of few channels, at all across, and
    what makes them of dy: the part of the kernel that meets them.
    """

    down: int
    across: int
    pixels: int  # beside each other that are made at a time: 1, or as many as the stride
    first: tuple[int, int]  # place in dy that takes part, counted from the pixel's own
    kernel: tuple[int, int]  # places in dy
    panels: Tensor


def places(weight: Tensor, window: Window, channels: int) -> list[Place]:
    """weight: as for `to_input`.

    A tile has 16 columns. So of few channels pixels beside each other are made at a time, out of
    all that any of them needs.
    """
    stride = window.stride
    kernel = weight[: window.kernel[0] * window.kernel[1] * channels]
    kernel = kernel.unflatten(0, (*window.kernel, channels)).transpose(2, 3)
    rows, columns = (_taps(window, axis) for axis in (0, 1))
    few = stride * channels <= COLUMNS_OF_TILE and window.size[1] % stride == 0
    found = []
    for down, (above, ats) in enumerate(rows):
        for beside in [range(stride)] if few else [[across] for across in range(stride)]:
            taps = [columns[across] for across in beside]
            left = min(first for first, _ in taps)
            wide = max(first + len(own) for first, own in taps) - left
            matrix = kernel.new_zeros(len(ats), wide, kernel.shape[2], len(taps), channels)
            for pixel, (first, own) in enumerate(taps):
                matrix[:, first - left :][:, : len(own), :, pixel] = kernel[ats][:, own]
            panels = panels_of(matrix.flatten(0, 2).flatten(1))
            shape = (len(ats), wide)
            found.append(Place(down, beside[0], len(taps), (above, left), shape, panels))
    return found


def _taps(window: Window, axis: int) -> list[tuple[int, list[int]]]:
    """For each place of a pixel modulo the stride: the first output that it takes part in, counted
    from its quotient by the stride, and its places in the kernel for that and the next outputs.
    """
    kernel, before = window.kernel[axis], window.padding(axis)[0]
    found = []
    for place in range(window.stride):
        places = [
            (step, place + before - window.stride * step)
            for step in range(-kernel, kernel + before + 1)
            if 0 <= place + before - window.stride * step < kernel
        ]
        found.append((places[0][0], [at for _, at in places]))
    return found


def reach(window: Window, axis: int) -> tuple[int, int]:
    """Outputs of zeros (before, after) that there must be for every pixel to find all of its."""
    taps = _taps(window, axis)
    quotients = -(-window.size[axis] // window.stride)
    first = min(first for first, _ in taps)
    last = max(first + len(places) - 1 for first, places in taps) + quotients - 1
    return max(0, -first), max(0, last - (window.steps[axis] - 1))
