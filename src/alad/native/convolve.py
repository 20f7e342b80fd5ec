"""Convolutions in C: `windows.Products` without copies of patches, for float32 on a CPU."""

from __future__ import annotations

import ctypes
from ctypes import c_int64, c_void_p
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from alad.errors import InputError
from alad.native import build
from alad.native.bfloat16 import Bfloat16Products
from alad.native.frozen import COLUMNS_OF_TILE, share_out, supported
from alad.windows import PATCHES, PatchProducts, Window

LEAST_CHANNELS, MOST_WEIGHTS = 8, 1 << 18  # beyond which patches were measured to be faster
WORKING_SET = 1 << 18  # bytes of images whose share of a weight's gradient is summed up at once


class Pass(ctypes.Structure):
    _fields_ = (
        *((name, c_int64) for name in ("images", "down", "across")),
        ("source", c_void_p),
        *((name, c_int64) for name in ("in_image", "in_down", "in_across", "in_term")),
        *((name, c_int64) for name in ("terms", "depth")),
        *((name, c_void_p) for name in ("weight", "bias", "out")),
        *((name, c_int64) for name in ("out_image", "out_down", "out_across", "columns")),
    )


def _library() -> ctypes.CDLL:
    library = build.library()
    library.alad_convolve.argtypes = [c_void_p]
    library.alad_convolve.restype = None
    library.alad_convolve_weight.argtypes = [c_void_p, c_void_p, c_int64, c_void_p]
    library.alad_convolve_weight.restype = None
    for name in ("alad_convolve_structure_bytes", "alad_convolve_term_bytes"):
        getattr(library, name).restype = ctypes.c_size_t
    if library.alad_convolve_structure_bytes() != ctypes.sizeof(Pass):
        raise build.BuildError("Pass is laid out differently in C and in Python")
    return library


def scoring_products(X: Tensor) -> PatchProducts:
    """In C where that can be had: an image's sums are the same whatever stands beside it."""
    if not supported(X):
        return PATCHES
    try:
        return NativeProducts()
    except build.BuildError:
        return PATCHES


def training_products(engine: str, X: Tensor) -> PatchProducts:
    """What `engine` stands for: "auto" = the fastest in float32. InputError if X cannot have it."""
    if engine == "torch":
        return PATCHES
    if engine == "bfloat16":
        return Bfloat16Products(scoring_products(X))
    if engine == "auto":
        return scoring_products(X)
    if not supported(X):
        raise InputError("native convolutions are for float32 on the CPU: use engine='auto'")
    try:
        return NativeProducts()
    except build.BuildError as error:
        raise InputError(
            f"native convolutions are not available ({error}): use engine='auto'"
        ) from error


class NativeProducts(PatchProducts):
    """`PatchProducts` with another engine: the same sums in another order.

    What it does not suit it leaves to patches: a single patch, which is no more than a matrix
    product, gradients of few channels and of large weights, and other numbers than float32 on a
    CPU. Raises BuildError if nothing can be compiled.
    """

    engine = "native"

    def __init__(self) -> None:
        self._engine = _library()

    def __reduce__(self) -> tuple[Any, ...]:
        """The library has no meaning in another process: copies and pickles are made anew."""
        return type(self), ()

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, window: Window) -> Tensor:
        if not _suits(x, window):
            return super().forward(x, weight, bias, window)
        x = _padded(x, window)
        y = x.new_empty(len(x), *window.steps, weight.shape[1])
        down, across = window.kernel
        panels = _panels(weight)
        whole = None if bias is None else _filled_up(bias)
        self._run(x, y, panels, whole, (down, across * x.shape[3]), window.stride)
        return y

    def to_input(self, dy: Tensor, weight: Tensor, window: Window, channels: int) -> Tensor:
        if not _suits(dy, window) or channels < LEAST_CHANNELS:
            return super().to_input(dy, weight, window, channels)
        dx = dy.new_empty(len(dy), *window.size, channels)
        weight = weight[: window.kernel[0] * window.kernel[1] * channels]
        kernel = weight.unflatten(0, (*window.kernel, channels))
        rows, columns = (_taps(window, axis) for axis in (0, 1))
        above, below = _reach(rows, window, 0)
        left_of, right_of = _reach(columns, window, 1)
        dy = functional.pad(dy, (0, 0, left_of, right_of, above, below))
        for i, (first, places) in enumerate(rows):
            for j, (left, across) in enumerate(columns):
                target = dx[:, i :: window.stride, j :: window.stride]
                if not places or not across:
                    target.zero_()
                    continue
                matrix = kernel[places][:, across].transpose(2, 3).reshape(-1, channels)
                source = dy[:, above + first :, left_of + left :]
                shape = (len(places), len(across) * dy.shape[3])
                self._run(source, target, _panels(matrix), None, shape, 1)
        return dx

    def to_weight(self, x: Tensor, dy: Tensor, window: Window) -> Tensor:
        size = window.kernel[0] * window.kernel[1] * x.shape[3] * dy.shape[3]
        if not _suits(x, window) or size > MOST_WEIGHTS:
            return super().to_weight(x, dy, window)
        x, channels = _padded(x, window), dy.shape[3]
        dy = _filled_up(dy)
        down, across = window.kernel
        depth, columns = across * x.shape[3], dy.shape[3]
        dw = x.new_empty(down * depth, columns)
        one = 4 * (x[0].numel() + dy[0].numel())
        at_once = max(1, WORKING_SET // one)
        terms = min(at_once, len(x)) * dy.shape[1]

        def work(row: int) -> None:
            source = x[:, row:]
            space = ctypes.create_string_buffer(terms * self._engine.alad_convolve_term_bytes())
            described = _described(source, dy, None, None, (1, depth), window.stride)
            place = dw.data_ptr() + 4 * row * depth * columns
            self._engine.alad_convolve_weight(
                ctypes.addressof(described), place, at_once, ctypes.addressof(space)
            )

        share_out(work, range(down), torch.get_num_threads())
        return dw[:, :channels]

    def _run(
        self,
        source: Tensor,
        target: Tensor,
        panels: Tensor,
        bias: Tensor | None,
        kernel: tuple[int, int],
        stride: int,
    ) -> None:
        """target = the products of the source's patches, shared out over the images."""

        def work(piece: slice) -> None:
            described = _described(source[piece], target[piece], panels, bias, kernel, stride)
            self._engine.alad_convolve(ctypes.addressof(described))

        threads = torch.get_num_threads()
        size = -(-len(source) // threads)
        pieces = [slice(at, at + size) for at in range(0, len(source), size)]
        share_out(work, pieces, threads)


def _described(
    source: Tensor,
    target: Tensor,
    panels: Tensor | None,
    bias: Tensor | None,
    kernel: tuple[int, int],
    stride: int,
) -> Pass:
    terms, depth = kernel
    image, row, pixel, _ = source.stride()
    return Pass(
        *target.shape[:3],
        *(source.data_ptr(), image, stride * row, stride * pixel, row),
        *(terms, depth),
        *(None if array is None else array.data_ptr() for array in (panels, bias)),
        target.data_ptr(),
        *target.stride()[:3],
        target.shape[3],
    )


def _suits(x: Tensor, window: Window) -> bool:
    return supported(x) and window.steps != (1, 1)


def _padded(x: Tensor, window: Window) -> Tensor:
    (top, bottom), (left, right) = window.padding(0), window.padding(1)
    if top or bottom or left or right:
        return functional.pad(x, (0, 0, left, right, top, bottom))
    return x.contiguous()


def _filled_up(array: Tensor) -> Tensor:
    """Zeros after the last axis, up to whole tiles."""
    spare = -array.shape[-1] % COLUMNS_OF_TILE
    return functional.pad(array, (0, spare)) if spare else array.contiguous()


def _panels(matrix: Tensor) -> Tensor:
    """[inputs, outputs] -> [outputs / 16, inputs, 16], as product.h has them."""
    whole = _filled_up(matrix)
    return whole.view(len(whole), -1, COLUMNS_OF_TILE).transpose(0, 1).contiguous()


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
        found.append((places[0][0] if places else 0, [at for _, at in places]))
    return found


def _reach(taps: list[tuple[int, list[int]]], window: Window, axis: int) -> tuple[int, int]:
    """Outputs of zeros (before, after) that there must be for every pixel to find all of its."""
    quotients = -(-window.size[axis] // window.stride)
    last = max(first + len(places) - 1 for first, places in taps) + quotients - 1
    return max(0, *(-first for first, _ in taps)), max(0, last - (window.steps[axis] - 1))
