"""Convolutions in C: `PatchProducts` without copies of patches, for float32 on a CPU."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from alad.errors import InputError
from alad.native import build
from alad.networks.channels_last import ChannelsLast
from alad.networks.convolution_ops import PATCHES, Epilogue, PatchProducts
from alad.networks.native_call import NO_ENDING, Ending, described, library
from alad.networks.native_packing import Place, bordered, filled_up, panels_of, places, reach
from alad.networks.patches import PatchGeometry

MOST_KERNEL_ROWS = 64  # see convolve.c
MOST_WEIGHTS = 1 << 18  # beyond which patches were measured to be faster
WORKING_SET = 1 << 18  # bytes of images whose share of a weight's gradient is summed up at once


def supported(array: Tensor) -> bool:
    """Whether C can read it: float32 on a CPU."""
    return array.device.type == "cpu" and array.dtype == torch.float32


def scoring_products(X: Tensor) -> PatchProducts:
    """In C where that can be had: an image's sums are the same whatever stands beside it."""
    return _compiled() if supported(X) else PATCHES


def _compiled() -> PatchProducts:
    """In C; where there is no compiler PyTorch does the work, which is told once."""
    try:
        return NativeProducts()
    except build.BuildError as error:
        build.tell(str(error))
        return PATCHES


def training_products(engine: str, X: Tensor) -> PatchProducts:
    """What `engine` stands for: "auto" = the fastest in float32. InputError if X cannot have it."""
    if engine == "torch":
        return PATCHES
    if engine == "bfloat16":
        return ChannelsLast(scoring_products(X))
    if engine == "auto" and X.device.type != "cpu":
        return ChannelsLast(PATCHES, torch.float32)
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

    What it does not suit it leaves to patches: in training a single patch, which is no more than a
    matrix product, and gradients of large weights; other numbers than float32 on a CPU always.
    Raises BuildError if nothing can be compiled.
    """

    engine = "native"

    def __init__(self) -> None:
        self._engine = library()
        self._packed: dict[tuple[Any, ...], tuple[Tensor, Any]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """The library has no meaning in another process: copies and pickles are made anew."""
        return _compiled, ()

    def prepared(self, x: Tensor, geometry: PatchGeometry) -> Tensor:
        return _wide(x, geometry) if _suits(x, geometry) else x

    def forward(
        self, x: Tensor, weight: Tensor, epilogue: Epilogue | None, geometry: PatchGeometry
    ) -> Tensor:
        if not _suits(x, geometry):
            return super().forward(x, weight, epilogue, geometry)
        return self._forward(x, panels_of(weight), epilogue, geometry, weight.shape[1])

    def epilogue_back(
        self, dy: Tensor, y: Tensor, epilogue: Epilogue, *, of_bias: bool
    ) -> tuple[Tensor, Tensor | None]:
        linear = epilogue.slope == 1.0
        nothing_to_do = linear and epilogue.mask is None and epilogue.scale is None
        if not supported(dy) or nothing_to_do:
            return super().epilogue_back(dy, y, epilogue, of_bias=of_bias)
        sums, columns = torch.empty_like(dy), dy.shape[-1]
        bias = dy.new_empty(columns) if of_bias else None
        partial = dy.new_empty(len(dy), columns)
        whole = [
            None if each is None else each.contiguous() for each in (epilogue.mask, epilogue.scale)
        ]
        addresses = [None if each is None else each.data_ptr() for each in whole]
        self._engine.alad_epilogue_back(
            *(dy.data_ptr(), None if linear else y.data_ptr(), *addresses, epilogue.slope),
            *(sums.data_ptr(), None if bias is None else bias.data_ptr()),
            *(len(dy), dy[0].numel() // columns, columns),
            *(partial.data_ptr(), torch.get_num_threads()),
        )
        return sums, bias

    def to_input(
        self, dy: Tensor, weight: Tensor, geometry: PatchGeometry, channels: int
    ) -> Tensor:
        if not _suits(dy, geometry):
            return super().to_input(dy, weight, geometry, channels)
        return self._to_input(dy, places(weight, geometry, channels), None, geometry, channels)

    def scored(
        self, x: Tensor, weight: Tensor, epilogue: Epilogue, geometry: PatchGeometry
    ) -> Tensor:
        if not _fits(x, geometry):
            return super().scored(x, weight, epilogue, geometry)
        panels = self._kept(weight, "panels", lambda: panels_of(weight))
        if geometry.whole:
            return self._dense(x.flatten(1), panels, Ending.of(epilogue), (1, 1, weight.shape[1]))
        return self._forward(x, panels, epilogue, geometry, weight.shape[1])

    def scored_back(
        self, dy: Tensor, weight: Tensor, epilogue: Epilogue, geometry: PatchGeometry, channels: int
    ) -> Tensor:
        if not _fits(dy, geometry):
            return super().scored_back(dy, weight, epilogue, geometry, channels)
        if geometry.whole:
            panels = self._kept(weight, "panels", lambda: panels_of(weight))
            ending = Ending.of(epilogue, geometry.size[0] * geometry.size[1])
            return self._dense(dy.flatten(1), panels, ending, (*geometry.size, channels))
        found = self._kept(weight, geometry, lambda: places(weight.T, geometry, channels))
        return self._to_input(dy, found, epilogue, geometry, channels)

    def _kept(self, weight: Tensor, kind: Any, make: Callable[[], Any]) -> Any:
        """What is made of a weight that no longer changes; kept with it, so no other lies there."""
        key = (weight.data_ptr(), weight.shape, kind)
        if key not in self._packed:
            self._packed[key] = (weight, make())
        return self._packed[key][1]

    def _dense(
        self, x: Tensor, panels: Tensor, ending: Ending, shape: tuple[int, int, int]
    ) -> Tensor:
        """x [n, inputs] -> [n, *shape]. Unlike MKL, C adds up a row alike among however many."""
        x = x.contiguous()
        y = x.new_empty(len(x), math.prod(shape))
        self._run(x[None, None], y[None, None], panels, ending, (1, x.shape[1]))
        return y.view(len(x), *shape)

    def _forward(
        self,
        x: Tensor,
        panels: Tensor,
        epilogue: Epilogue | None,
        geometry: PatchGeometry,
        outputs: int,
    ) -> Tensor:
        x = _wide(x, geometry)
        y = x.new_empty(len(x), *geometry.steps, outputs)
        (down, across), above = geometry.kernel, geometry.padding(0)[0]
        kernel, strides = (down, across * x.shape[3]), (geometry.stride, geometry.stride)
        self._run(x, y, panels, Ending.of(epilogue), kernel, -above, strides)
        return y

    def _to_input(
        self,
        dy: Tensor,
        found: list[Place],
        epilogue: Epilogue | None,
        geometry: PatchGeometry,
        channels: int,
    ) -> Tensor:
        dx = dy.new_empty(len(dy), *geometry.size, channels)
        side = found[0].pixels
        ending = Ending.of(epilogue, side)
        pixels = dx.view(len(dx), geometry.size[0], geometry.size[1] // side, side * channels)
        across, strides = max(1, geometry.stride // side), (1, max(1, side // geometry.stride))
        beyond = reach(geometry)
        wide = bordered(dy, beyond)
        for place in found:
            target = pixels[:, place.down :: geometry.stride, place.across :: across]
            source = wide[:, :, beyond[0] + place.first[1] :]
            kernel = (place.kernel[0], place.kernel[1] * dy.shape[3])
            self._run(source, target, place.panels, ending, kernel, place.first[0], strides)
        return dx

    def to_weight(self, x: Tensor, dy: Tensor, geometry: PatchGeometry) -> Tensor:
        size = geometry.kernel[0] * geometry.kernel[1] * x.shape[3] * dy.shape[3]
        if not _suits(x, geometry) or size > MOST_WEIGHTS:
            return super().to_weight(_narrow(x, geometry), dy, geometry)
        x, channels = _wide(x, geometry), dy.shape[3]
        dy = filled_up(dy)
        down, across = geometry.kernel
        depth, columns = across * x.shape[3], dy.shape[3]
        dw = x.new_empty(down * depth, columns)
        one = 4 * (x[0].numel() + dy[0].numel())
        at_once, threads = max(1, WORKING_SET // one), torch.get_num_threads()
        terms, strides = min(at_once, len(x)) * dy.shape[1], (geometry.stride, geometry.stride)
        space = ctypes.create_string_buffer(
            threads * terms * self._engine.alad_convolve_term_bytes()
        )
        above = geometry.padding(0)[0]
        call = described(x, dy, None, NO_ENDING, (down, depth), -above, strides)
        self._engine.alad_convolve_weight(
            *(ctypes.addressof(call), dw.data_ptr(), at_once),
            *(ctypes.addressof(space), terms, threads),
        )
        return dw[:, :channels]

    def _run(
        self, source: Tensor, target: Tensor, panels: Tensor, ending: Ending, *how: Any
    ) -> None:
        """target = the products of the source's patches; how: the rest of `described`."""
        call = described(source, target, panels, ending, *how)
        self._engine.alad_convolve(ctypes.addressof(call), torch.get_num_threads())


def _suits(x: Tensor, geometry: PatchGeometry) -> bool:
    return _fits(x, geometry) and geometry.steps != (1, 1)


def _fits(x: Tensor, geometry: PatchGeometry) -> bool:
    return supported(x) and geometry.kernel[0] <= MOST_KERNEL_ROWS


def _wide(x: Tensor, geometry: PatchGeometry) -> Tensor:
    """With its padding across, if it does not have it yet."""
    narrow = x.shape[2] == geometry.size[1]
    return bordered(x, geometry.padding(1)) if narrow else x


def _narrow(x: Tensor, geometry: PatchGeometry) -> Tensor:
    """Without it."""
    left = geometry.padding(1)[0] if x.shape[2] != geometry.size[1] else 0
    return x[:, :, left : left + geometry.size[1]]
