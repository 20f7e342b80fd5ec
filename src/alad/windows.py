"""Patches of images, and products with them: what a convolution and its adjoint are made of.

Images are [members, n, height, width, channels], so that a convolution is a copy of patches and the
matrix product that a dense layer is. On a CPU this is also faster than the library's convolutions
(EXPERIMENTS.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

PATCH_BYTES = 1 << 20  # of patches at a time: they stay in the cache, and are never all there


@dataclass(frozen=True)
class Window:
    """The patches of an image that a convolution looks at.

    size, kernel: (height, width) of the image and of a patch. With `same` the image is padded with
    zeros until there are ceil(size / stride) patches, an odd pixel of padding coming last
    (TensorFlow's SAME); without it only patches inside count (VALID).
    """

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: int = 1
    same: bool = True

    @property
    def steps(self) -> tuple[int, int]:
        """Patches down and across."""
        down, across = (self._count(axis) for axis in (0, 1))
        return down, across

    def _count(self, axis: int) -> int:
        size, kernel = self.size[axis], self.kernel[axis]
        return -(-size // self.stride) if self.same else (size - kernel) // self.stride + 1

    def padding(self, axis: int) -> tuple[int, int]:
        """Pixels of zeros (before, after) along the height (0) or the width (1)."""
        reach = (self._count(axis) - 1) * self.stride + self.kernel[axis]
        total = max(reach - self.size[axis], 0)
        return total // 2, total - total // 2

    def patches(self, x: Tensor) -> Tensor:
        """[n, height, width, channels] -> [n * patches, kernel height * width * channels]."""
        (top, bottom), (left, right) = self.padding(0), self.padding(1)
        if top or bottom or left or right:
            x = functional.pad(x, (0, 0, left, right, top, bottom))
        down, across = self.kernel
        seen = x.unfold(1, down, self.stride).unfold(2, across, self.stride)
        return seen.permute(0, 1, 2, 4, 5, 3).reshape(-1, down * across * x.shape[3])

    def fold(self, patches: Tensor) -> Tensor:
        """The adjoint of `patches`: [n * patches, kernel * channels] -> [n, *size, channels].

        Where patches overlap they are added up, block by block of stride × stride pixels.
        """
        (steps_down, steps_across), stride = self.steps, self.stride
        d = patches.view(-1, steps_down, steps_across, *self.kernel, _channels(patches, self))
        blocks = [-(-kernel // stride) for kernel in self.kernel]
        high, wide = steps_down + blocks[0] - 1, steps_across + blocks[1] - 1
        sums = d.new_zeros(len(d), high, stride, wide, stride, d.shape[5])
        for i, rows in _parts(self.kernel[0], stride):
            for j, columns in _parts(self.kernel[1], stride):
                target = sums[:, i : i + steps_down, : _length(rows)]
                target = target[:, :, :, j : j + steps_across, : _length(columns)]
                target += d[:, :, :, rows, columns].permute(0, 1, 3, 2, 4, 5)
        whole = sums.view(len(d), high * stride, wide * stride, d.shape[5])
        top, left = self.padding(0)[0], self.padding(1)[0]
        return whole[:, top : top + self.size[0], left : left + self.size[1]]


def _channels(patches: Tensor, window: Window) -> int:
    return patches.shape[1] // (window.kernel[0] * window.kernel[1])


def _parts(kernel: int, stride: int) -> Iterator[tuple[int, slice]]:
    """The kernel's places in pieces of at most `stride`, each with its number."""
    for number, start in enumerate(range(0, kernel, stride)):
        yield number, slice(start, min(start + stride, kernel))


def _length(part: slice) -> int:
    return part.stop - part.start


def _pieces(n: int, window: Window, channels: int) -> Iterator[slice]:
    """Numbers of images whose patches are made at a time."""
    steps, kernel = window.steps, window.kernel
    one = 4 * steps[0] * steps[1] * kernel[0] * kernel[1] * channels
    count = max(1, PATCH_BYTES // one)
    for start in range(0, n, count):
        yield slice(start, min(start + count, n))


class Convolved(torch.autograd.Function):
    """x * W / sigma + b for x [members, n, *size, inputs] -> [members, n, *steps, outputs].

    W [members, kernel * inputs, outputs], b [members, 1, outputs], sigma [members, 1, 1] or None.
    Patches are made anew for the gradient: that is cheaper than to remember them.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, sigma: Tensor | None, window: Window
    ) -> Tensor:
        ctx.save_for_backward(x, weight, sigma)
        ctx.window = window
        members, n, outputs = x.shape[0], x.shape[1], weight.shape[2]
        y = x.new_empty(members, n, *window.steps, outputs)
        for member in range(members):
            scale = 1.0 if sigma is None else 1.0 / float(sigma[member])
            for piece in _pieces(n, window, x.shape[4]):
                torch.addmm(
                    bias[member],
                    window.patches(x[member, piece]),
                    weight[member],
                    alpha=scale,
                    out=y[member, piece].view(-1, outputs),
                )
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, sigma = ctx.saved_tensors
        dy = dy.contiguous()
        dx = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        dw = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        for member in range(len(x)):
            for piece in _pieces(x.shape[1], ctx.window, x.shape[4]):
                rows = dy[member, piece].view(-1, weight.shape[2])
                if dx is not None:
                    dx[member, piece] = ctx.window.fold(rows @ weight[member].T)
                if dw is not None:
                    dw[member].addmm_(ctx.window.patches(x[member, piece]).T, rows)
        db = dy.flatten(1, 3).sum(dim=1, keepdim=True) if ctx.needs_input_grad[2] else None
        dsigma = None
        if sigma is not None:
            if dw is not None:
                dsigma = -(dw * weight).sum(dim=(1, 2), keepdim=True) / sigma.square()
                dw /= sigma
            if dx is not None:
                dx /= sigma[..., None, None]
        return dx, dw, db, dsigma, None


class TransposedConvolved(torch.autograd.Function):
    """The adjoint of a convolution: x [members, n, *steps, inputs] -> [members, n, *size, outputs].

    W [members, inputs, kernel * outputs], b [members, 1, outputs].
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, window: Window) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.window = window
        y = x.new_empty(*x.shape[:2], *window.size, bias.shape[2])
        columns = window.kernel[0] * window.kernel[1] * bias.shape[2]  # without those of zeros
        for member in range(len(x)):
            for piece in _pieces(x.shape[1], window, bias.shape[2]):
                rows = x[member, piece].reshape(-1, weight.shape[1])
                patches = (rows @ weight[member])[:, :columns]
                torch.add(window.fold(patches), bias[member], out=y[member, piece])
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        dy = dy.contiguous()
        dx = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        dw = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        for member in range(len(x)):
            for piece in _pieces(x.shape[1], ctx.window, dy.shape[4]):
                patches = ctx.window.patches(dy[member, piece])
                if dx is not None:
                    back = patches @ weight[member, :, : patches.shape[1]].T
                    dx[member, piece] = back.view_as(dx[member, piece])
                if dw is not None:
                    rows = x[member, piece].reshape(-1, weight.shape[1])
                    dw[member, :, : patches.shape[1]].addmm_(rows.T, patches)
        db = dy.flatten(1, 3).sum(dim=1, keepdim=True) if ctx.needs_input_grad[2] else None
        return dx, dw, db, None
