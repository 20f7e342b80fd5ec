"""AnoGAN's search for the nearest G(z), for images: `latent_search` with convolutions.

The networks stay as they are, so batch norm at its running statistics is a scale and a shift of
each channel, and goes into the weights. All images of a block and all members go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from alad.anogan.networks import Gan
from alad.anogan.search import LatentSearch
from alad.networks.context import Context
from alad.networks.convolution import Convolution, even_convolution, even_transposed
from alad.networks.dense import SLOPES, scale_and_shift
from alad.networks.patches import Window

BLOCK_IMAGES, BLOCK_PIXELS = 32, 1 << 15  # searched together; one number for all of a size


@dataclass(frozen=True)
class FrozenConvolution:
    """A convolution, or its adjoint, at evaluation: weight and bias with batch norm worked in."""

    layer: Convolution
    weight: Tensor
    back: Tensor  # the weight transposed, [members, *]
    bias: Tensor
    nothing: Tensor  # the bias of the way back: zeros [members, 1, inputs]

    @classmethod
    def of(cls, layer: Convolution, weights: Mapping[str, Tensor]) -> FrozenConvolution:
        weight, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
        nothing = bias.new_zeros(len(bias), 1, layer.inputs)
        return cls(layer, weight, weight.transpose(1, 2).contiguous(), bias, nothing)

    @property
    def _window(self) -> Window:
        return self.layer.window

    def filled_up(self, x: Tensor) -> Tensor:
        """Images as they are: the products fill up their own columns."""
        return x

    def forward(self, h: Tensor, out: Tensor | None = None) -> Tensor:
        """[members, n, *] -> [members, n, *shape]; a new place, whatever `out` is."""
        size = self._window.steps if self.layer.transposed else self._window.size
        product = even_transposed if self.layer.transposed else even_convolution
        h = h.reshape(*h.shape[:2], *size, self.layer.inputs)
        h = product(h, self.weight, self.bias, self._window)
        if self.layer.activation == "tanh":
            return torch.tanh(h)
        slope = SLOPES[self.layer.activation]
        return h if slope == 1.0 else functional.leaky_relu_(h, slope)

    def through_activation(self, gradient: Tensor, out: Tensor) -> Tensor:
        """Gradient by the sums, from that by the activations `out`; in place."""
        if self.layer.activation == "tanh":
            return gradient.mul_(1.0 - out.square())
        slope = SLOPES[self.layer.activation]
        if slope == 1.0:
            return gradient
        gradient = gradient.view_as(out)
        backward = torch.ops.aten.leaky_relu_backward.grad_input
        return backward(gradient, out, slope, True, grad_input=gradient)

    def backward(self, gradient: Tensor) -> Tensor:
        """Gradient by what goes in, from that by the sums."""
        product = even_convolution if self.layer.transposed else even_transposed
        return product(gradient, self.back, self.nothing, self._window)

    def backward_onto(self, other: Tensor, gradient: Tensor, share: float) -> Tensor:
        """(1 - share) other + share backward(gradient), in the place of `other`."""
        return other.mul_(1.0 - share).add_(self.backward(gradient), alpha=share)


class ImageSearch(LatentSearch):
    """`LatentSearch` for images. weights: as `frozen_weights` gives them."""

    def _prepare(self) -> None:
        height, width, _ = self.generator[-1].layer.shape
        fit = max(1, BLOCK_PIXELS // (height * width))
        self.block_rows = min(BLOCK_IMAGES, 1 << (fit.bit_length() - 1))  # a power of two

    def _frozen(self, layer: Any, weights: Mapping[str, Tensor]) -> FrozenConvolution:
        return FrozenConvolution.of(layer, weights)


def frozen_weights(networks: Gan, context: Context) -> dict[str, Tensor]:
    """Weights and biases of all layers, with which none needs batch norm any more."""
    frozen = dict(context.weights)
    for layer in (*networks.generator.layers, *networks.judge.layers()):
        if layer.batch_norm:
            frozen |= _worked_in(layer, context)
    return frozen


def _worked_in(layer: Convolution, context: Context) -> dict[str, Tensor]:
    weight = context.weights[f"{layer.name}.weight"]
    scale, shift = scale_and_shift(layer.name, context)
    columns = weight.shape[2] // layer.outputs  # those of an adjoint are (kernel, outputs)
    return {
        f"{layer.name}.weight": weight * scale.repeat(1, 1, columns),
        f"{layer.name}.bias": shift,
    }
