"""Convolutions by PyTorch's own: `windows.PatchProducts` by oneDNN, in float32 or in bfloat16.

On processors with AVX-512 the library's float32 is ahead of our C; where there are matrix units for
bfloat16 (AMX) it takes half to a quarter of the time again (benchmarks/image_step_speed.py). Images
come and go as float32, and sums are float32 inside: what bfloat16 loses are the last 16 bits of
what is multiplied, a relative error of 2^-9 each.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from alad.windows import PatchProducts, Window

MOST_WEIGHTS = 1 << 20  # beyond which patches were measured to be faster for their gradient

Padding = tuple[int, int]


class LibraryProducts(PatchProducts):
    """`PatchProducts` by torch's convolution, for float32; what is a dense layer stays one.

    dtype: what is multiplied: torch.float32, or torch.bfloat16.
    """

    def __init__(self, dtype: torch.dtype = torch.float32):
        self.dtype = dtype
        self.engine = "bfloat16" if dtype == torch.bfloat16 else "torch"

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None, window: Window) -> Tensor:
        if not _suits(x, window):
            return super().forward(x, weight, bias, window)
        images, padding = self._images(x, window)
        kernel = self._kernel(weight, window, x.shape[3])
        added = None if bias is None else bias.to(self.dtype)
        y = functional.conv2d(images, kernel, added, window.stride, padding)
        return _as_rows(y, (len(x), *window.steps, weight.shape[1]))

    def to_input(self, dy: Tensor, weight: Tensor, window: Window, channels: int) -> Tensor:
        if not _suits(dy, window):
            return super().to_input(dy, weight, window, channels)
        images, padding = self._images(dy.new_empty(len(dy), *window.size, channels), window)
        kernel = self._kernel(weight, window, channels)
        dx = self._backward(dy, images, kernel, window, padding, of_images=True)
        if padding == (0, 0):  # what was padded by hand is cut off again
            (top, _), (left, _) = window.padding(0), window.padding(1)
            dx = dx[:, :, top : top + window.size[0], left : left + window.size[1]]
        return _as_rows(dx, (len(dy), *window.size, channels))

    def to_weight(self, x: Tensor, dy: Tensor, window: Window) -> Tensor:
        size = window.kernel[0] * window.kernel[1] * x.shape[3] * dy.shape[3]
        if not _suits(x, window) or size > MOST_WEIGHTS:
            return super().to_weight(x, dy, window)
        images, padding = self._images(x, window)
        kernel = self._kernel(x.new_empty(size // dy.shape[3], dy.shape[3]), window, x.shape[3])
        dw = self._backward(dy, images, kernel, window, padding, of_images=False)
        return dw.permute(0, 2, 3, 1).flatten(1).T.to(dy.dtype).contiguous()

    def _images(self, x: Tensor, window: Window) -> tuple[Tensor, Padding]:
        """[n, channels, *size], channels last in memory, and the padding left to the library.

        It knows the same on both sides only.
        """
        (top, bottom), (left, right) = window.padding(0), window.padding(1)
        x = x.to(self.dtype)
        if (top, left) == (bottom, right):
            return x.permute(0, 3, 1, 2), (top, left)
        return functional.pad(x, (0, 0, left, right, top, bottom)).permute(0, 3, 1, 2), (0, 0)

    def _kernel(self, weight: Tensor, window: Window, channels: int) -> Tensor:
        """[outputs, channels, *kernel], channels last in memory. Further rows do not count."""
        used = weight[: window.kernel[0] * window.kernel[1] * channels].to(self.dtype)
        return used.T.contiguous().view(-1, *window.kernel, channels).permute(0, 3, 1, 2)

    def _backward(
        self,
        dy: Tensor,
        images: Tensor,
        kernel: Tensor,
        window: Window,
        padding: Padding,
        *,
        of_images: bool,
    ) -> Tensor:
        """The gradient by the images, or by the kernel."""
        strides, both = [window.stride, window.stride], [1, 1]
        wanted = [of_images, not of_images, False]
        found = torch.ops.aten.convolution_backward(
            *(dy.to(self.dtype).permute(0, 3, 1, 2), images, kernel, None),
            *(strides, list(padding), both, False, [0, 0], 1, wanted),
        )
        return found[0 if of_images else 1]


def preferred() -> bool:
    """Is the library's float32 faster than our C on this processor?"""
    return torch.backends.cpu.get_cpu_capability() == "AVX512"


def _suits(x: Tensor, window: Window) -> bool:
    return x.dtype == torch.float32 and not window.whole


def _as_rows(y: Tensor, shape: tuple[int, ...]) -> Tensor:
    """[n, channels, height, width] -> [n, height, width, channels]; no view, see `Convolved`."""
    return torch.empty(shape, device=y.device).copy_(y.permute(0, 2, 3, 1))
