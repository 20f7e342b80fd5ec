"""Layers with fixed weights: forward, and the gradient by their input, without a graph.

At evaluation batch norm is a scale and a shift of each unit, which are worked into the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from alad.anogan.networks import GanNetworks
from alad.networks.context import Context
from alad.networks.convolution import even_convolution, even_transposed
from alad.networks.dense import COLUMNS_OF_EVEN_PRODUCT, scale_and_shift
from alad.networks.layers import SLOPES, Convolution, Dense
from alad.networks.patches import PatchGeometry


@dataclass(frozen=True)
class FixedDense:
    """A dense layer, weight [members, inputs, outputs] and bias padded to whole vectors of columns.

    Else the last rows of a block may be summed up in another order than the first
    (`dense.even_product`). Padded columns stay 0 forward and backward.
    """

    inputs: int
    outputs: int
    weight: Tensor
    bias: Tensor
    slope: float  # of the activation below 0; 1 = linear

    @classmethod
    def of(cls, layer: Dense, weights: Mapping[str, Tensor]) -> FixedDense:
        weight, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
        rows, columns = (-size % COLUMNS_OF_EVEN_PRODUCT for size in weight.shape[1:])
        return cls(
            layer.inputs,
            layer.outputs,
            functional.pad(weight, (0, columns, 0, rows)).contiguous(),
            functional.pad(bias, (0, columns)).contiguous(),
            SLOPES[layer.activation],
        )

    def filled_up(self, x: Tensor) -> Tensor:
        """Pad rows to the columns that the layer takes."""
        return functional.pad(x, (0, -x.shape[-1] % COLUMNS_OF_EVEN_PRODUCT))

    def forward(self, h: Tensor, out: Tensor | None = None) -> Tensor:
        result = torch.baddbmm(self.bias, h, self.weight, out=out)
        return result if self.slope == 1.0 else functional.leaky_relu_(result, self.slope)

    def through_activation(self, gradient: Tensor, out: Tensor) -> Tensor:
        """Turn the gradient by activations `out` into that by the sums, in place."""
        if self.slope == 1.0:
            return gradient
        backward = torch.ops.aten.leaky_relu_backward.grad_input
        return backward(gradient, out, self.slope, True, grad_input=gradient)

    def backward(self, gradient: Tensor) -> Tensor:
        """Turn the gradient by the sums into that by the inputs."""
        return torch.bmm(gradient, self.weight.transpose(1, 2))

    def backward_onto(self, other: Tensor, gradient: Tensor, share: float) -> Tensor:
        """Compute (1 - share) other + share backward(gradient), in the place of `other`."""
        back = self.weight.transpose(1, 2)
        return other.baddbmm_(gradient, back, beta=1.0 - share, alpha=share)


@dataclass(frozen=True)
class FixedConvolution:
    """A convolution, or its adjoint, at evaluation: weight and bias with batch norm worked in."""

    layer: Convolution
    weight: Tensor
    back: Tensor  # the weight transposed, [members, *]
    bias: Tensor
    nothing: Tensor  # the bias of the way back: zeros [members, 1, inputs]

    @classmethod
    def of(cls, layer: Convolution, weights: Mapping[str, Tensor]) -> FixedConvolution:
        weight, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"]
        nothing = bias.new_zeros(len(bias), 1, layer.inputs)
        return cls(layer, weight, weight.transpose(1, 2).contiguous(), bias, nothing)

    @property
    def _geometry(self) -> PatchGeometry:
        return self.layer.geometry

    def filled_up(self, x: Tensor) -> Tensor:
        """Return images as they are: the products pad their own columns."""
        return x

    def forward(self, h: Tensor, out: Tensor | None = None) -> Tensor:
        """Apply the layer to h [members, n, *]: a new array [members, n, *shape], never `out`."""
        size = self._geometry.steps if self.layer.transposed else self._geometry.size
        product = even_transposed if self.layer.transposed else even_convolution
        h = h.reshape(*h.shape[:2], *size, self.layer.inputs)
        h = product(h, self.weight, self.bias, self._geometry)
        if self.layer.activation == "tanh":
            return torch.tanh(h)
        slope = SLOPES[self.layer.activation]
        return h if slope == 1.0 else functional.leaky_relu_(h, slope)

    def through_activation(self, gradient: Tensor, out: Tensor) -> Tensor:
        """Turn the gradient by activations `out` into that by the sums, in place."""
        if self.layer.activation == "tanh":
            return gradient.mul_(1.0 - out.square())
        slope = SLOPES[self.layer.activation]
        if slope == 1.0:
            return gradient
        gradient = gradient.view_as(out)
        backward = torch.ops.aten.leaky_relu_backward.grad_input
        return backward(gradient, out, slope, True, grad_input=gradient)

    def backward(self, gradient: Tensor) -> Tensor:
        """Turn the gradient by the sums into that by the inputs."""
        product = even_convolution if self.layer.transposed else even_transposed
        return product(gradient, self.back, self.nothing, self._geometry)

    def backward_onto(self, other: Tensor, gradient: Tensor, share: float) -> Tensor:
        """Compute (1 - share) other + share backward(gradient), in the place of `other`."""
        return other.mul_(1.0 - share).add_(self.backward(gradient), alpha=share)


def fixed_layer(layer: Dense | Convolution, weights: Mapping[str, Tensor]) -> FixedLayer:
    """Fix a layer at its weights, as `fixed_weights` gives them."""
    if isinstance(layer, Convolution):
        return FixedConvolution.of(layer, weights)
    return FixedDense.of(layer, weights)


FixedLayer = FixedDense | FixedConvolution


def fixed_weights(networks: GanNetworks, context: Context) -> dict[str, Tensor]:
    """Return weights and biases of all layers, with batch norm worked in."""
    fixed = dict(context.weights)
    for layer in (*networks.generator.layers, *networks.discriminator.layers):
        if layer.batch_norm:
            fixed |= _worked_in(layer, context)
    return fixed


def _worked_in(layer: Dense | Convolution, context: Context) -> dict[str, Tensor]:
    weight = context.weights[f"{layer.name}.weight"]
    scale, shift = scale_and_shift(layer.name, context)
    columns = weight.shape[2] // layer.outputs  # those of an adjoint are (kernel, outputs)
    return {
        f"{layer.name}.weight": weight * scale.repeat(1, 1, columns),
        f"{layer.name}.bias": shift,
    }
