"""Convolutions, members side by side: a dense layer over patches of an image.

With everything that comes with a dense layer: the leading axis of members, spectral normalisation
of the matrix (kernel height × width × channels, outputs) as the authors read it, batch norm over
the last axis. Patches are multiplied (`windows`), on a CPU also where they lie in the image
(`native.convolve`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from alad.networks.context import Context
from alad.networks.convolution_ops import (
    PATCHES,
    Convolved,
    Finish,
    PatchProducts,
    TransposedConvolved,
    evened,
    together,
)
from alad.networks.dense import (
    BATCH_NORM_EPSILON,
    BATCH_NORM_MOMENTUM,
    SLOPES,
    Activation,
    batch_norm,
    scale_and_shift,
    spectral_norm,
)
from alad.networks.patches import Window


def even_convolution(
    x: Tensor, weight: Tensor, bias: Tensor, window: Window, products: PatchProducts = PATCHES
) -> Tensor:
    """x * W + b at evaluation: an image gets the same whatever stands beside it."""
    y = Convolved.apply(x, evened(weight), evened(bias), None, None, 1.0, window, products)
    return y[..., : bias.shape[2]]  # pyright: ignore


def even_transposed(
    x: Tensor, weight: Tensor, bias: Tensor, window: Window, products: PatchProducts = PATCHES
) -> Tensor:
    """The same for the adjoint, W [members, inputs, kernel * outputs]."""
    return TransposedConvolved.apply(x, evened(weight), bias, window, products)  # pyright: ignore


@dataclass(frozen=True)
class Convolution:
    """x [members, n, *size, inputs] -> activation(x * W + b) [members, n, *steps, outputs].

    Transposed, it goes the other way: from *steps to *size. x may come flattened; y leaves
    flattened, [members, n, units], if `flat`. Weights start as N(0, deviation), or as Glorot's.
    """

    name: str
    inputs: int
    outputs: int
    window: Window
    activation: Activation = "linear"
    dropout: float = 0.0
    batch_norm: bool = False
    spectral: bool = False
    transposed: bool = False
    flat: bool = False
    deviation: float | None = 0.01

    def shapes(self) -> dict[str, tuple[int, ...]]:
        kernel, row = self.window.kernel[0] * self.window.kernel[1], (1, self.outputs)
        matrix = (self.inputs, kernel * self.outputs)
        if not self.transposed:
            matrix = (kernel * self.inputs, self.outputs)
        shapes: dict[str, tuple[int, ...]] = {f"{self.name}.weight": matrix}
        shapes |= {f"{self.name}.bias": row}
        if self.batch_norm:
            shapes |= {f"{self.name}.gamma": row, f"{self.name}.beta": row}
        return shapes

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        row = (1, self.outputs)
        shapes: dict[str, tuple[int, ...]] = {}
        if self.batch_norm:
            shapes |= {f"{self.name}.mean": row, f"{self.name}.variance": row}
        return shapes | ({f"{self.name}.u": row} if self.spectral else {})

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what comes out."""
        height, width = self.window.size if self.transposed else self.window.steps
        return height, width, self.outputs

    def __call__(self, context: Context, x: Tensor) -> Tensor:
        if not (context.training or context.measuring or torch.is_grad_enabled()):
            h = self._scored(context, x)
            return h.flatten(2) if self.flat else h
        x = self._shaped(x)
        at_once = context.training and not self.transposed and not self.batch_norm
        if at_once and self.activation != "tanh":
            h = self._convolved(context, x, SLOPES[self.activation], self._mask(context, len(x[0])))
            return h.flatten(2) if self.flat else h
        h = self._product(context, x)
        if self.batch_norm:
            h = self._normalised(context, h)
        h = _activated(h, self.activation)
        mask = self._mask(context, len(h[0]))
        h = h if mask is None else h * mask
        return h.flatten(2) if self.flat else h

    def _shaped(self, x: Tensor) -> Tensor:
        """x, which may come flattened, as images."""
        size = self.window.steps if self.transposed else self.window.size
        return x.reshape(*x.shape[:2], *size, self.inputs)

    def _mask(self, context: Context, n: int) -> Tensor | None:
        """Of dropout, for what comes out of n images."""
        if context.dropout is None or self.dropout == 0:
            return None
        height, width, outputs = self.shape
        mask = context.dropout.mask(n * height * width, outputs, self.dropout)
        return mask.unflatten(1, (n, height, width))

    def back(self, context: Context, g: Tensor) -> Tensor:
        """The adjoint of x * W at g [members, n, *steps, outputs]: [members, n, *size, inputs].

        The way back through the same weights, for tied layers; g may come flattened.
        """
        weight = context.weights[f"{self.name}.weight"].transpose(1, 2).contiguous()
        g = g.reshape(*g.shape[:2], *self.window.steps, self.outputs)
        nothing = weight.new_zeros(len(weight), 1, self.inputs)
        if context.training:
            products = context.products or PATCHES
            return TransposedConvolved.apply(g, weight, nothing, self.window, products)  # pyright: ignore
        return even_transposed(g, weight, nothing, self.window)

    def _scored(self, context: Context, x: Tensor) -> Tensor:
        """All of the layer at evaluation, where no gradient is asked for."""
        weight, bias = context.weights[f"{self.name}.weight"], context.weights[f"{self.name}.bias"]
        scale = None
        if self.batch_norm:
            scale, bias = scale_and_shift(self.name, context)
        x = self._shaped(x)
        products = context.products or PATCHES
        slope, made = SLOPES.get(self.activation, 1.0), []
        for member, own in enumerate(x):
            own_scale = None if scale is None else scale[member, 0]
            finish = Finish(own_scale, bias[member, 0], slope)
            if self.transposed:
                y = products.scored_back(own, weight[member], finish, self.window, self.outputs)
            else:
                y = products.scored(own, weight[member], finish, self.window)
            made.append(torch.tanh(y) if self.activation == "tanh" else y)
        return together(made)

    def _product(self, context: Context, x: Tensor) -> Tensor:
        """x * W + b."""
        if context.training and not self.transposed:
            return self._convolved(context, x)
        weight, bias = context.weights[f"{self.name}.weight"], context.weights[f"{self.name}.bias"]
        products = context.products or PATCHES
        if context.training:
            return TransposedConvolved.apply(x, weight, bias, self.window, products)  # pyright: ignore
        # the weights are already divided, see `scoring_weights`
        product = even_transposed if self.transposed else even_convolution
        return product(x, weight, bias, self.window, products)

    def _convolved(
        self, context: Context, x: Tensor, slope: float = 1.0, mask: Tensor | None = None
    ) -> Tensor:
        """In training: x * W / sigma + b, activated and masked."""
        weight, bias = context.weights[f"{self.name}.weight"], context.weights[f"{self.name}.bias"]
        sigma = None
        if self.spectral:
            sigma = spectral_norm(weight, context.buffers[f"{self.name}.u"])
        products = context.products or PATCHES
        return Convolved.apply(x, weight, bias, sigma, mask, slope, self.window, products)  # pyright: ignore

    def _normalised(self, context: Context, h: Tensor) -> Tensor:
        if not context.training:
            rows = h.flatten(1, 3)
            if context.measuring:
                self._measure(context, rows)
            return batch_norm(self.name, context, rows).view_as(h)
        weights = context.weights
        each = zip(h, weights[f"{self.name}.gamma"], weights[f"{self.name}.beta"], strict=True)
        batches = [
            self._normalised_batch(context, member, images, gamma[0], beta[0])
            for member, (own, gamma, beta) in enumerate(each)
            for images in own.chunk(context.batches)
        ]
        return torch.cat(batches).view_as(h)

    def _measure(self, context: Context, rows: Tensor) -> None:
        """Take over mean and biased variance of rows [members, n, outputs], member by member."""
        for member, own in enumerate(rows):
            variance, mean = torch.var_mean(own, dim=0, correction=0)
            context.buffers[f"{self.name}.mean"][member, 0] = mean
            context.buffers[f"{self.name}.variance"][member, 0] = variance

    def _normalised_batch(
        self, context: Context, member: int, images: Tensor, gamma: Tensor, beta: Tensor
    ) -> Tensor:
        """images [n, height, width, channels] by their own mean and biased variance."""
        y, mean, inverse = torch.native_batch_norm(
            images.permute(0, 3, 1, 2),
            gamma,
            beta,
            None,
            None,
            True,
            0.0,
            BATCH_NORM_EPSILON,
        )
        if context.tracks(self.name):
            with torch.no_grad():
                for kind, value in (
                    ("mean", mean),
                    ("variance", inverse.pow(-2) - BATCH_NORM_EPSILON),
                ):
                    running = context.buffers[f"{self.name}.{kind}"][member, 0]
                    running.lerp_(value.to(running), BATCH_NORM_MOMENTUM)
        return y.permute(0, 2, 3, 1)


def _activated(h: Tensor, activation: Activation) -> Tensor:
    if activation == "tanh":
        return torch.tanh(h)
    return h if activation == "linear" else functional.leaky_relu_(h, SLOPES[activation])
