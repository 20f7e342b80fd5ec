"""The three products of a convolution, and convolution and adjoint as functions of autograd.

Images are [members, n, height, width, channels].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from alad.networks.dense import COLUMNS_OF_EVEN_PRODUCT
from alad.networks.patches import PatchGeometry

PATCH_BYTES = 1 << 20  # of patches at a time: they stay in the cache, and are never all there


def _pieces(n: int, geometry: PatchGeometry, channels: int) -> Iterator[slice]:
    """Yield slices of images whose patches are made at a time, about PATCH_BYTES of them."""
    steps, kernel = geometry.steps, geometry.kernel
    image_bytes = 4 * steps[0] * steps[1] * kernel[0] * kernel[1] * channels
    count = max(1, PATCH_BYTES // image_bytes)
    for start in range(0, n, count):
        yield slice(start, min(start + count, n))


class PatchProducts:
    """The three products of which convolutions, their adjoints and all gradients are made.

    Of one member: x [n, *size, channels], y and dy [n, *steps, outputs], weight [kernel * channels,
    outputs]. Patches are made anew for each: that is cheaper than to keep them.
    """

    engine: str = "torch"  # the name that is reported

    def prepared(self, x: Tensor, geometry: PatchGeometry) -> Tensor:
        """Convert x once, as `forward` and `to_weight` would else do at every call."""
        return x

    def forward(
        self, x: Tensor, weight: Tensor, epilogue: Epilogue | None, geometry: PatchGeometry
    ) -> Tensor:
        """Multiply the patches of x by the weight and apply the epilogue: y."""
        y = x.new_empty(len(x), *geometry.steps, weight.shape[1])
        pieces = [slice(None)] if geometry.whole else _pieces(len(x), geometry, x.shape[3])
        for piece in pieces:
            torch.mm(geometry.patches(x[piece]), weight, out=y[piece].view(-1, weight.shape[1]))
        return y if epilogue is None else epilogue(y)

    def epilogue_back(
        self, dy: Tensor, y: Tensor, epilogue: Epilogue, *, of_bias: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Compute the gradients by the sums and, if `of_bias`, by the bias [outputs], else None.

        dy: the gradient by y, the output of `epilogue`.
        """
        return epilogue.back(dy, y, of_bias=of_bias)

    def to_input(
        self, dy: Tensor, weight: Tensor, geometry: PatchGeometry, channels: int
    ) -> Tensor:
        """Compute dx, of the shape of x, from dy: the adjoint of `forward` in x.

        Rows of the weight beyond the numbers of a patch are ignored.
        """
        columns = _columns(geometry, channels)
        dx = dy.new_empty(len(dy), *geometry.size, channels)
        if geometry.whole:
            dx.copy_((dy.flatten(1) @ weight.T)[:, :columns].view_as(dx))
            return dx
        for piece in _pieces(len(dy), geometry, channels):
            rows = dy[piece].reshape(-1, weight.shape[1])
            dx[piece] = geometry.fold((rows @ weight.T)[:, :columns])
        return dx

    def to_weight(self, x: Tensor, dy: Tensor, geometry: PatchGeometry) -> Tensor:
        """Compute dw, of the weight's shape, from dy: the adjoint of `forward` in the weight."""
        if geometry.whole:
            return x.flatten(1).T @ dy.flatten(1)
        dw = x.new_zeros(_columns(geometry, x.shape[3]), dy.shape[3])
        for piece in _pieces(len(x), geometry, x.shape[3]):
            dw.addmm_(geometry.patches(x[piece]).T, dy[piece].reshape(-1, dy.shape[3]))
        return dw

    def scored(
        self, x: Tensor, weight: Tensor, epilogue: Epilogue, geometry: PatchGeometry
    ) -> Tensor:
        """Compute `forward` at evaluation: an image's result does not depend on the others.

        MKL adds up the last columns in another order, so they are padded to whole vectors.
        """
        y = PatchProducts.forward(self, x, evened(weight), None, geometry)
        return epilogue(y[..., : weight.shape[1]])

    def scored_back(
        self, dy: Tensor, weight: Tensor, epilogue: Epilogue, geometry: PatchGeometry, channels: int
    ) -> Tensor:
        """Compute `to_input` and the epilogue at evaluation; weight: `forward`'s, transposed."""
        return epilogue(PatchProducts.to_input(self, dy, evened(weight).T, geometry, channels))


@dataclass(frozen=True)
class Epilogue:
    """What follows the products, of sums [n, *, outputs]: scale, bias, activation, dropout mask.

    scale [outputs], None = 1; bias [outputs]. slope: of the activation below zero; 1 = linear.
    mask: of dropout, of the shape of the sums; None = 1.
    """

    scale: Tensor | None
    bias: Tensor
    slope: float = 1.0
    mask: Tensor | None = None

    def __call__(self, sums: Tensor) -> Tensor:
        """Apply the epilogue to sums [n, *, outputs]: a new array."""
        scale = self.scale
        y = sums + self.bias if scale is None else torch.addcmul(self.bias, sums, scale)
        if self.slope != 1.0:
            functional.leaky_relu_(y, self.slope)
        return y if self.mask is None else y * self.mask

    def back(self, dy: Tensor, y: Tensor, *, of_bias: bool) -> tuple[Tensor, Tensor | None]:
        """Apply the adjoint at the output y: see `PatchProducts.epilogue_back`."""
        g = dy if self.mask is None else dy * self.mask
        if self.slope != 1.0:  # where the mask hides the sign, g is 0
            g = torch.where(y > 0, g, g * self.slope)
        db = g.flatten(0, -2).sum(dim=0) if of_bias else None
        return (g if self.scale is None else g * self.scale), db


def evened(matrix: Tensor) -> Tensor:
    """Pad with columns of zeros to a whole number of vectors: see `dense.even_product`."""
    spare = -matrix.shape[-1] % COLUMNS_OF_EVEN_PRODUCT
    return functional.pad(matrix, (0, spare)) if spare else matrix


PATCHES = PatchProducts()


def _columns(geometry: PatchGeometry, channels: int) -> int:
    """Count the numbers in a patch."""
    return geometry.kernel[0] * geometry.kernel[1] * channels


def together(members: list[Tensor]) -> Tensor:
    """Stack arrays of members to [members, ...].

    A single one is not copied, and is no view: activations work in place.
    """
    return members[0].unsqueeze_(0) if len(members) == 1 else torch.stack(members)


class Convolved(torch.autograd.Function):
    """activation(x * W / sigma + b) * mask, [members, n, *size, inputs] -> [.., *steps, outputs].

    W [members, kernel * inputs, outputs], b [members, 1, outputs], sigma [members, 1, 1] or None,
    mask as what comes out or None. slope: see `Epilogue`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        sigma: Tensor | None,
        mask: Tensor | None,
        slope: float,
        geometry: PatchGeometry,
        products: PatchProducts,
    ) -> Tensor:
        ctx.geometry, ctx.products, ctx.slope, ctx.channels = geometry, products, slope, x.shape[4]
        members = [products.prepared(images, geometry) for images in x]
        ends = _epilogues(bias, sigma, mask, slope)
        inputs = zip(members, weight, ends, strict=True)
        y = together([products.forward(*arrays, geometry) for arrays in inputs])
        ctx.save_for_backward(weight, bias, sigma, mask, y if slope != 1.0 else None, *members)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        weight, bias, sigma, mask, y, *members = ctx.saved_tensors
        products, geometry, dy = ctx.products, ctx.geometry, dy.contiguous()
        dx = dw = db = dsigma = None
        ends = _epilogues(bias, sigma, mask, ctx.slope)
        # back through activation and bias to the sums x * W / sigma of each member
        outputs, of_bias = (
            zip(dy, dy if y is None else y, ends, strict=True),
            ctx.needs_input_grad[2],
        )
        pairs = [products.epilogue_back(*arrays, of_bias=of_bias) for arrays in outputs]
        sums = [d_sums for d_sums, _ in pairs]
        if of_bias:
            db = torch.stack([d_bias for _, d_bias in pairs])[:, None]  # pyright: ignore
        if ctx.needs_input_grad[0]:
            pairs = zip(sums, weight, strict=True)
            dx = together([products.to_input(d, w, geometry, ctx.channels) for d, w in pairs])
        if ctx.needs_input_grad[1]:
            pairs = zip(members, sums, strict=True)
            dw = together([products.to_weight(x_, d, geometry) for x_, d in pairs])
        # sigma scales the whole weight: its gradient is that of the weight along the weight itself
        if sigma is not None and dw is not None:
            pairs = zip(dw, weight, strict=True)
            along = torch.stack([d.flatten() @ w.flatten() for d, w in pairs])
            dsigma = -along.view_as(sigma) / sigma
        return dx, dw, db, dsigma, None, None, None, None


def _epilogues(
    bias: Tensor, sigma: Tensor | None, mask: Tensor | None, slope: float
) -> list[Epilogue]:
    """Make the epilogue of each member. Sums are divided by sigma: weights are far more."""
    return [
        Epilogue(
            None if sigma is None else (1 / sigma[member, 0]).expand(bias.shape[2]),
            member_bias[0],
            slope,
            None if mask is None else mask[member],
        )
        for member, member_bias in enumerate(bias)
    ]


class TransposedConvolved(torch.autograd.Function):
    """The adjoint of a convolution: x [members, n, *steps, inputs] -> [members, n, *size, outputs].

    W [members, inputs, kernel * outputs], b [members, 1, outputs].
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        geometry: PatchGeometry,
        products: PatchProducts,
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry, ctx.products = geometry, products
        pairs = zip(x, weight.transpose(1, 2), strict=True)
        y = together([products.to_input(x_, w, geometry, bias.shape[2]) for x_, w in pairs])
        return y.add_(bias[:, :, None, None])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        products, geometry, dy = ctx.products, ctx.geometry, dy.contiguous()
        dx = dw = db = None
        members = [products.prepared(images, geometry) for images in dy]
        if ctx.needs_input_grad[0]:
            used = weight.transpose(1, 2)[:, : _columns(geometry, dy.shape[4])]
            pairs = zip(members, used, strict=True)
            dx = together([products.forward(x_, w, None, geometry) for x_, w in pairs])
        if ctx.needs_input_grad[1]:
            pairs = zip(members, x, strict=True)
            dw = together([products.to_weight(d, x_, geometry).T for d, x_ in pairs])
            dw = functional.pad(dw, (0, weight.shape[2] - dw.shape[2]))
        if ctx.needs_input_grad[2]:
            db = dy.flatten(1, 3).sum(dim=1, keepdim=True)
        return dx, dw, db, None, None
