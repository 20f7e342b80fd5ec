"""Convolutions by PyTorch's own (oneDNN, cuDNN), channels last, for training.

In bfloat16, where a processor has matrix units for it (AMX), a training step of the published width
takes 0.7 of its time in float32 C; one of width 16 gains nothing (benchmarks/image_step_speed.py).
Images come and go as float32, and sums are float32 inside: what is lost are the last 16 bits of
what is multiplied and of what comes out, a relative error of 2^-9 each. In float32 they are what a
GPU trains with; there cuDNN may round what is multiplied to TF32, as
`torch.backends.cudnn.allow_tf32` says.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from alad.networks.convolution_ops import Epilogue, PatchProducts
from alad.networks.patches import PatchGeometry

LEAST_STEPS = 17  # patches of an image, from which the kernel's gradient was measured to be faster

Padding = tuple[int, int]


class ChannelsLast(PatchProducts):
    """`PatchProducts` by PyTorch's convolutions, or by `others` where they are not faster."""

    def __init__(self, others: PatchProducts, dtype: torch.dtype = torch.bfloat16):
        self._others, self._dtype = others, dtype
        self.engine = "bfloat16" if dtype == torch.bfloat16 else "channels-last"

    def prepared(self, x: Tensor, geometry: PatchGeometry) -> Tensor:
        """Convert x to the dtype of the products, where `forward` and `to_weight` both read it."""
        if not _suits(geometry):
            return self._others.prepared(x, geometry)
        return x.to(self._dtype) if geometry.steps[0] * geometry.steps[1] >= LEAST_STEPS else x

    def forward(
        self, x: Tensor, weight: Tensor, epilogue: Epilogue | None, geometry: PatchGeometry
    ) -> Tensor:
        if not _suits(geometry):
            return self._others.forward(x, weight, epilogue, geometry)
        images, padding = _images(x.to(self._dtype), geometry)
        kernel = _kernel(weight.to(self._dtype), geometry, x.shape[3])
        sums = functional.conv2d(images, kernel, None, geometry.stride, padding)
        y = _as_rows(sums, (len(x), *geometry.steps, weight.shape[1]))
        return y if epilogue is None else epilogue(y)

    def epilogue_back(
        self, dy: Tensor, y: Tensor, epilogue: Epilogue, *, of_bias: bool
    ) -> tuple[Tensor, Tensor | None]:
        return self._others.epilogue_back(dy, y, epilogue, of_bias=of_bias)

    def to_input(
        self, dy: Tensor, weight: Tensor, geometry: PatchGeometry, channels: int
    ) -> Tensor:
        if not _suits(geometry):
            return self._others.to_input(dy, weight, geometry, channels)
        shape = (len(dy), *geometry.size, channels)
        images, padding = _images(dy.new_empty(shape, dtype=self._dtype), geometry)
        kernel = _kernel(weight.to(self._dtype), geometry, channels)
        dx = _backward(dy, images, kernel, geometry, padding, of_images=True)
        if padding == (0, 0):  # what was padded by hand is cut off again
            (top, _), (left, _) = geometry.padding(0), geometry.padding(1)
            dx = dx[:, :, top : top + geometry.size[0], left : left + geometry.size[1]]
        return _as_rows(dx, shape)

    def to_weight(self, x: Tensor, dy: Tensor, geometry: PatchGeometry) -> Tensor:
        if not _suits(geometry) or geometry.steps[0] * geometry.steps[1] < LEAST_STEPS:
            return self._others.to_weight(x, dy, geometry)
        images, padding = _images(x.to(self._dtype), geometry)
        rows = geometry.kernel[0] * geometry.kernel[1] * x.shape[3]
        kernel = _kernel(images.new_empty(rows, dy.shape[3]), geometry, x.shape[3])
        dw = _backward(dy, images, kernel, geometry, padding, of_images=False)
        return dw.permute(0, 2, 3, 1).flatten(1).T.float().contiguous()


def _suits(geometry: PatchGeometry) -> bool:
    """Tell whether the library is to multiply: if there are several patches down and across.

    In a single column of patches oneDNN leaves sums unwritten in bfloat16, and a single patch is a
    plain matrix product.
    """
    return 1 not in geometry.steps


def _images(x: Tensor, geometry: PatchGeometry) -> tuple[Tensor, Padding]:
    """View x as [n, channels, *size], channels last in memory; return it and the padding to add.

    The library pads both sides alike; other padding is added here.
    """
    (top, bottom), (left, right) = geometry.padding(0), geometry.padding(1)
    if (top, left) == (bottom, right):
        return x.permute(0, 3, 1, 2), (top, left)
    return functional.pad(x, (0, 0, left, right, top, bottom)).permute(0, 3, 1, 2), (0, 0)


def _kernel(weight: Tensor, geometry: PatchGeometry, channels: int) -> Tensor:
    """Lay the weight out as [outputs, channels, *kernel], channels last; ignore further rows."""
    used = weight[: geometry.kernel[0] * geometry.kernel[1] * channels]
    return used.T.contiguous().view(-1, *geometry.kernel, channels).permute(0, 3, 1, 2)


def _backward(
    dy: Tensor,
    images: Tensor,
    kernel: Tensor,
    geometry: PatchGeometry,
    padding: Padding,
    *,
    of_images: bool,
) -> Tensor:
    """Compute the gradient by the images, or by the kernel."""
    strides, dilation = [geometry.stride, geometry.stride], [1, 1]
    wanted = [of_images, not of_images, False]
    gradients = torch.ops.aten.convolution_backward(
        dy.to(images.dtype).permute(0, 3, 1, 2),
        images,
        kernel,
        None,
        strides,
        list(padding),
        dilation,
        False,
        [0, 0],
        1,
        wanted,
    )
    return gradients[0 if of_images else 1]


def _as_rows(y: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Copy y [n, channels, height, width] to [n, height, width, channels].

    Not a view: `Convolved` activates in place.
    """
    return torch.empty(shape, dtype=torch.float32, device=y.device).copy_(y.permute(0, 2, 3, 1))
