"""Convolutions in PyTorch, members side by side: a dense layer over patches of an image.

With everything that comes with a dense layer: the leading axis of members, spectral normalisation
of the matrix (kernel height × width × channels, outputs) as the authors read it, batch norm over
the last axis. Patches are multiplied (`patches`), on a CPU also where they lie in the image
(`native_convolution`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from alad.networks.convolution_ops import (
    PATCHES,
    Convolved,
    Epilogue,
    PatchProducts,
    TransposedConvolved,
    evened,
    together,
)
from alad.networks.dense import batch_norm, scale_and_shift, spectral_norm
from alad.networks.layers import (
    BATCH_NORM_EPSILON,
    BATCH_NORM_MOMENTUM,
    SLOPES,
    Activation,
    Convolution,
)
from alad.networks.patches import PatchGeometry
from alad.networks.state import ForwardState


def even_convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    geometry: PatchGeometry,
    products: PatchProducts = PATCHES,
) -> Tensor:
    """Compute x * W + b at evaluation: an image's result does not depend on the others."""
    y = Convolved.apply(x, evened(weight), evened(bias), None, None, 1.0, geometry, products)
    return y[..., : bias.shape[2]]  # pyright: ignore


def even_transposed(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    geometry: PatchGeometry,
    products: PatchProducts = PATCHES,
) -> Tensor:
    """Compute the adjoint of x * W, plus b, likewise; W [members, inputs, kernel * outputs]."""
    return TransposedConvolved.apply(x, evened(weight), bias, geometry, products)  # pyright: ignore


def forward(layer: Convolution, context: ForwardState, x: Tensor) -> Tensor:
    if not (context.training or context.measuring or torch.is_grad_enabled()):
        h = _scored(layer, context, x)
        return h.flatten(2) if layer.flat else h
    x = _shaped(layer, x)
    at_once = context.training and not layer.transposed and not layer.batch_norm
    if at_once and layer.activation != "tanh":
        h = _convolved(
            layer, context, x, SLOPES[layer.activation], _mask(layer, context, len(x[0]))
        )
        return h.flatten(2) if layer.flat else h
    h = _product(layer, context, x)
    if layer.batch_norm:
        h = _normalised(layer, context, h)
    h = _activated(h, layer.activation)
    mask = _mask(layer, context, len(h[0]))
    h = h if mask is None else h * mask
    return h.flatten(2) if layer.flat else h


def _shaped(layer: Convolution, x: Tensor) -> Tensor:
    """View x, which may come flattened, as images [members, n, height, width, inputs]."""
    size = layer.geometry.steps if layer.transposed else layer.geometry.size
    return x.reshape(*x.shape[:2], *size, layer.inputs)


def _mask(layer: Convolution, context: ForwardState, n: int) -> Tensor | None:
    """Draw the dropout mask of the outputs of n images; None without dropout."""
    if context.dropout is None or layer.dropout == 0:
        return None
    height, width, outputs = layer.shape
    mask = context.dropout.mask(n * height * width, outputs, layer.dropout)
    return mask.unflatten(1, (n, height, width))


def back(layer: Convolution, context: ForwardState, g: Tensor) -> Tensor:
    """Apply the adjoint of x * W to g [members, n, *steps, outputs]: [members, n, *size, inputs].

    For tied layers, with the same weights; g may come flattened.
    """
    weight = context.weights[f"{layer.name}.weight"].transpose(1, 2).contiguous()
    g = g.reshape(*g.shape[:2], *layer.geometry.steps, layer.outputs)
    nothing = weight.new_zeros(len(weight), 1, layer.inputs)
    if context.training:
        products = context.products or PATCHES
        return TransposedConvolved.apply(g, weight, nothing, layer.geometry, products)  # pyright: ignore
    return even_transposed(g, weight, nothing, layer.geometry)


def _scored(layer: Convolution, context: ForwardState, x: Tensor) -> Tensor:
    """Compute the whole layer at evaluation, without a graph for gradients."""
    weight, bias = context.weights[f"{layer.name}.weight"], context.weights[f"{layer.name}.bias"]
    scale = None
    if layer.batch_norm:
        scale, bias = scale_and_shift(layer.name, context)
    x = _shaped(layer, x)
    products = context.products or PATCHES
    slope, made = SLOPES.get(layer.activation, 1.0), []
    for member, images in enumerate(x):
        member_scale = None if scale is None else scale[member, 0]
        epilogue = Epilogue(member_scale, bias[member, 0], slope)
        arguments = images, weight[member], epilogue, layer.geometry
        if layer.transposed:
            y = products.scored_back(*arguments, layer.outputs)
        else:
            y = products.scored(*arguments)
        made.append(torch.tanh(y) if layer.activation == "tanh" else y)
    return together(made)


def _product(layer: Convolution, context: ForwardState, x: Tensor) -> Tensor:
    """Compute x * W + b, or the adjoint plus b of a transposed layer."""
    if context.training and not layer.transposed:
        return _convolved(layer, context, x)
    weight, bias = context.weights[f"{layer.name}.weight"], context.weights[f"{layer.name}.bias"]
    products = context.products or PATCHES
    if context.training:
        return TransposedConvolved.apply(x, weight, bias, layer.geometry, products)  # pyright: ignore
    # the weights are already divided, see `scoring_weights`
    product = even_transposed if layer.transposed else even_convolution
    return product(x, weight, bias, layer.geometry, products)


def _convolved(
    layer: Convolution,
    context: ForwardState,
    x: Tensor,
    slope: float = 1.0,
    mask: Tensor | None = None,
) -> Tensor:
    """Compute x * W / sigma + b in training, activated and masked."""
    weight, bias = context.weights[f"{layer.name}.weight"], context.weights[f"{layer.name}.bias"]
    sigma = None
    if layer.spectral:
        sigma = spectral_norm(weight, context.buffers[f"{layer.name}.u"])
    products = context.products or PATCHES
    return Convolved.apply(x, weight, bias, sigma, mask, slope, layer.geometry, products)  # pyright: ignore


def _normalised(layer: Convolution, context: ForwardState, h: Tensor) -> Tensor:
    if not context.training:
        rows = h.flatten(1, 3)
        if context.measuring:
            _measure(layer, context, rows)
        return batch_norm(layer.name, context, rows).view_as(h)
    weights = context.weights
    inputs = zip(h, weights[f"{layer.name}.gamma"], weights[f"{layer.name}.beta"], strict=True)
    batches = [
        _normalised_batch(layer, context, member, images, gamma[0], beta[0])
        for member, (batches_of_member, gamma, beta) in enumerate(inputs)
        for images in batches_of_member.chunk(context.batches)
    ]
    return torch.cat(batches).view_as(h)


def _measure(layer: Convolution, context: ForwardState, rows: Tensor) -> None:
    """Take over mean and biased variance of rows [members, n, outputs], member by member."""
    for member, outputs in enumerate(rows):
        variance, mean = torch.var_mean(outputs, dim=0, correction=0)
        context.buffers[f"{layer.name}.mean"][member, 0] = mean
        context.buffers[f"{layer.name}.variance"][member, 0] = variance


def _normalised_batch(
    layer: Convolution,
    context: ForwardState,
    member: int,
    images: Tensor,
    gamma: Tensor,
    beta: Tensor,
) -> Tensor:
    """Normalise images [n, height, width, channels] by their own mean and biased variance."""
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
    if context.tracks(layer.name):
        with torch.no_grad():
            for kind, value in (
                ("mean", mean),
                ("variance", inverse.pow(-2) - BATCH_NORM_EPSILON),
            ):
                running = context.buffers[f"{layer.name}.{kind}"][member, 0]
                running.lerp_(value.to(running), BATCH_NORM_MOMENTUM)
    return y.permute(0, 2, 3, 1)


def _activated(h: Tensor, activation: Activation) -> Tensor:
    if activation == "tanh":
        return torch.tanh(h)
    return h if activation == "linear" else functional.leaky_relu_(h, SLOPES[activation])
