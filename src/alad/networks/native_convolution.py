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
from alad.native.memory import in_shares
from alad.networks.channels_last import ChannelsLast
from alad.networks.convolution_ops import PATCHES, Epilogue, PatchProducts
from alad.networks.native_call import NO_ENDING, Ending, described, library
from alad.networks.native_packing import (
    LEAST_COPIED,
    Place,
    bordered,
    filled_up,
    panels_of,
    places,
    reach,
    shares_of,
)
from alad.networks.patches import PatchGeometry

MOST_KERNEL_ROWS = 64  # see convolve.c
MOST_WEIGHTS = 1 << 18  # beyond which patches were measured to be faster
LEAST_MULTIPLIED = 1 << 21  # products, from which threads pay
WORKING_SET = 1 << 18  # bytes of images whose share of a weight's gradient is summed up at once


def supported(array: Tensor) -> bool:
    """Tell whether C can read the array: float32 on a CPU."""
    return array.device.type == "cpu" and array.dtype == torch.float32


def scoring_products(X: Tensor) -> PatchProducts:
    """Choose what multiplies at scoring: C where it is available, for sums free of other images."""
    return _compiled() if supported(X) else PATCHES


def _compiled() -> PatchProducts:
    """Make the products in C, or PyTorch's, with one warning, where there is no C."""
    try:
        return NativeProducts()
    except build.BuildError as error:
        build.tell(str(error))
        return PATCHES


def training_products(engine: str, X: Tensor) -> PatchProducts:
    """Choose what multiplies in training by `engine`; "auto" = the fastest in float32.

    Raises InputError if X cannot have it.
    """
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

    Patches are multiplied instead in training where there is a single one, which is no more than a
    matrix product, and for gradients of large weights; and always but for float32 on a CPU.
    Raises BuildError if nothing can be compiled.
    """

    engine = "native"

    def __init__(self) -> None:
        self._engine = library()
        self._packed: dict[tuple[Any, ...], tuple[Tensor, Any]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Make copies and pickles anew: the library has no meaning in another process."""
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
        partial = dy.new_empty(len(dy), columns)
        factors = (epilogue.mask, epilogue.scale)
        whole = [None if factor is None else factor.contiguous() for factor in factors]
        layout = (
            dy.data_ptr(),
            None if linear else y.data_ptr(),
            *(None if factor is None else factor.data_ptr() for factor in whole),
            epilogue.slope,
            sums.data_ptr(),
            len(dy),
            dy[0].numel() // columns,
            columns,
            partial.data_ptr(),
        )
        back = self._engine.alad_epilogue_back
        in_shares(lambda *share: back(*layout, *share), shares_of(dy.numel(), LEAST_COPIED))
        if not of_bias:
            return sums, None
        bias = dy.new_empty(columns)
        self._engine.alad_column_sums(partial.data_ptr(), len(dy), columns, bias.data_ptr())
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
        kernels = self._kept(weight, geometry, lambda: places(weight.T, geometry, channels))
        return self._to_input(dy, kernels, epilogue, geometry, channels)

    def _kept(self, weight: Tensor, kind: Any, make: Callable[[], Any]) -> Any:
        """Make something of a weight that no longer changes, once.

        The weight is kept too, so that no other array comes to lie at its address.
        """
        key = (weight.data_ptr(), weight.shape, kind)
        if key not in self._packed:
            self._packed[key] = (weight, make())
        return self._packed[key][1]

    def _dense(
        self, x: Tensor, panels: Tensor, ending: Ending, shape: tuple[int, int, int]
    ) -> Tensor:
        """Multiply x [n, inputs] by the weight: [n, *shape].

        Unlike MKL, C sums up a row in one order, however many rows there are.
        """
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
        kernels: list[Place],
        epilogue: Epilogue | None,
        geometry: PatchGeometry,
        channels: int,
    ) -> Tensor:
        dx = dy.new_empty(len(dy), *geometry.size, channels)
        side = kernels[0].pixels
        ending = Ending.of(epilogue, side)
        pixels = dx.view(len(dx), geometry.size[0], geometry.size[1] // side, side * channels)
        across, strides = max(1, geometry.stride // side), (1, max(1, side // geometry.stride))
        beyond = reach(geometry)
        wide = bordered(dy, beyond)
        for place in kernels:
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
        image_bytes = 4 * (x[0].numel() + dy[0].numel())
        at_once = max(1, WORKING_SET // image_bytes)
        shares = shares_of(dw.numel() * dy[..., 0].numel(), LEAST_MULTIPLIED)
        terms = min(at_once, len(x)) * dy.shape[1] * self._engine.alad_convolve_term_bytes()
        spaces = [ctypes.create_string_buffer(terms) for _ in range(shares)]
        above, strides = geometry.padding(0)[0], (geometry.stride, geometry.stride)
        call = described(x, dy, None, NO_ENDING, (down, depth), -above, strides)
        layout = ctypes.addressof(call), dw.data_ptr(), at_once
        convolve = self._engine.alad_convolve_weight
        in_shares(
            lambda share, of: convolve(*layout, ctypes.addressof(spaces[share]), share, of), shares
        )
        return dw[:, :channels]

    def _run(
        self, source: Tensor, target: Tensor, panels: Tensor, ending: Ending, *layout: Any
    ) -> None:
        """Write the products of the source's patches to target; layout: the rest of `described`."""
        call = described(source, target, panels, ending, *layout)
        address, convolve = ctypes.addressof(call), self._engine.alad_convolve
        products = target.numel() * call.terms * call.depth
        in_shares(lambda *share: convolve(address, *share), shares_of(products, LEAST_MULTIPLIED))


def _suits(x: Tensor, geometry: PatchGeometry) -> bool:
    return _fits(x, geometry) and geometry.steps != (1, 1)


def _fits(x: Tensor, geometry: PatchGeometry) -> bool:
    return supported(x) and geometry.kernel[0] <= MOST_KERNEL_ROWS


def _wide(x: Tensor, geometry: PatchGeometry) -> Tensor:
    """Pad images across, unless they are padded already."""
    narrow = x.shape[2] == geometry.size[1]
    return bordered(x, geometry.padding(1)) if narrow else x


def _narrow(x: Tensor, geometry: PatchGeometry) -> Tensor:
    """Cut the padding across off again, if there is any."""
    left = geometry.padding(1)[0] if x.shape[2] != geometry.size[1] else 0
    return x[:, :, left : left + geometry.size[1]]
