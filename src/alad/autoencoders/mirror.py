"""Pooling, and the way back through it: what a mirrored energy of images needs beside its layers.

Images are [members, n, height, width, channels], height and width even.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def pooled(x: Tensor) -> tuple[Tensor, Tensor]:
    """Take the largest of every 2 × 2 pixels, and where it was.

    The first [members, n, height / 2, width / 2, channels]. The
    mask is 1 at the largest, the first of equal ones, in blocks as `blocks` has them.
    """
    from torch.nn.functional import one_hot

    split = blocks(x)
    largest = split.argmax(dim=4)
    mask = one_hot(largest, 4).movedim(-1, 4).to(x.dtype)
    return (split * mask).sum(dim=4), mask


def pooled_back(g: Tensor, mask: Tensor) -> Tensor:
    """Apply the adjoint of `pooled`: each number goes where the largest was."""
    return joined(g.unsqueeze(4) * mask)


def unpooled(x: Tensor) -> Tensor:
    """Put each pixel at the upper left of 2 × 2, zeros beside it: height and width double."""
    import torch

    zeros = torch.zeros_like(x)
    return joined(torch.stack([x, zeros, zeros, zeros], dim=4))


def unpooled_back(g: Tensor) -> Tensor:
    """Apply the adjoint of `unpooled`: the upper left of every 2 × 2 pixels."""
    return g[:, :, ::2, ::2]


def linear(layer: Any, context: Any, x: Tensor) -> Tensor:
    """Compute x * W of a linear layer, without its bias."""
    bias = context.weights[f"{layer.name}.bias"]
    y = layer(context, x)
    return y - bias.reshape(len(bias), *(1,) * (y.ndim - 2), layer.outputs)


def blocks(x: Tensor) -> Tensor:
    """Split into blocks of 2 × 2 pixels: [members, n, height / 2, width / 2, 4, channels]."""
    split = x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))  # [m, n, h/2, 2, w/2, 2, c]
    return split.movedim(3, 4).flatten(4, 5)


def joined(x: Tensor) -> Tensor:
    """Undo `blocks`."""
    split = x.unflatten(4, (2, 2)).movedim(4, 3)
    return split.flatten(4, 5).flatten(2, 3)
