"""The patches of an image that a convolution looks at: a copy of them, and the adjoint of it.

Images are [n, height, width, channels], so that a convolution is a copy of patches and the matrix
product that a dense layer is (`convolution_ops`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alad.networks.description import described

if TYPE_CHECKING:
    from torch import Tensor


@described("patches")
@dataclass(frozen=True)
class PatchGeometry:
    """The patches of an image that a convolution looks at.

    size, kernel: (height, width) of the image and of a patch. With `same` the image is padded with
    zeros until there are ceil(size / stride) patches, an odd pixel of padding coming last
    (TensorFlow's SAME); without it only patches inside count (VALID). Every pixel must lie in one:
    no stride is longer than the kernel.
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

    @property
    def whole(self) -> bool:
        """Whether the only patch is the image as it is."""
        return self.steps == (1, 1) and self.kernel == self.size

    def padding(self, axis: int) -> tuple[int, int]:
        """Count the pixels of zeros (before, after) along the height (0) or the width (1)."""
        reach = (self._count(axis) - 1) * self.stride + self.kernel[axis]
        total = max(reach - self.size[axis], 0)
        return total // 2, total - total // 2

    def patches(self, x: Tensor) -> Tensor:
        """Copy the patches of x [n, height, width, channels]: [n * patches, kernel * channels]."""
        from torch.nn import functional  # here alone: a geometry is read without PyTorch

        if self.whole:
            return x.flatten(1)
        (top, bottom), (left, right) = self.padding(0), self.padding(1)
        if top or bottom or left or right:
            x = functional.pad(x, (0, 0, left, right, top, bottom))
        down, across = self.kernel
        seen = x.unfold(1, down, self.stride).unfold(2, across, self.stride)
        return seen.permute(0, 1, 2, 4, 5, 3).reshape(-1, down * across * x.shape[3])

    def fold(self, patches: Tensor) -> Tensor:
        """Apply the adjoint of `patches`: [n * patches, kernel * channels] -> [n, *size, channels].

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


def _channels(patches: Tensor, geometry: PatchGeometry) -> int:
    return patches.shape[1] // (geometry.kernel[0] * geometry.kernel[1])


def _parts(kernel: int, stride: int) -> Iterator[tuple[int, slice]]:
    """Split the kernel's places into numbered slices of at most `stride`."""
    for number, start in enumerate(range(0, kernel, stride)):
        yield number, slice(start, min(start + stride, kernel))


def _length(part: slice) -> int:
    return part.stop - part.start
