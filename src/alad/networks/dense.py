"""Dense layers in PyTorch: products, batch norm, spectral normalisation, activations, dropout.

Source of the spectral normalisation: Miyato et al. 2018.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from alad.networks.layers import (
    BATCH_NORM_EPSILON,
    BATCH_NORM_MOMENTUM,
    LEAKY_SLOPE,
    Dense,
    Periodic,
)
from alad.networks.state import ForwardState

COLUMNS_OF_EVEN_PRODUCT = 16


def forward(layer: Dense, context: ForwardState, x: Tensor) -> Tensor:
    """Compute activation(x W + b), then dropout: [members, n, inputs] -> [members, n, outputs]."""
    h = _product(layer, context, x)
    if layer.batch_norm:
        h = batch_norm(layer.name, context, h)
    if layer.activation == "leaky":
        h = functional.leaky_relu_(h, LEAKY_SLOPE)
    elif layer.activation == "relu":
        h = torch.relu_(h)
    elif layer.activation == "tanh":
        h = torch.tanh(h)
    if context.dropout is not None and layer.dropout > 0:
        h = h * context.dropout.mask(h.shape[1], layer.outputs, layer.dropout)
    return h


def periodic(layer: Periodic, context: ForwardState, x: Tensor) -> Tensor:
    """Compute x, sin(2 pi c x) and cos(2 pi c x): [members, n, inputs] -> [members, n, outputs].

    In float64 up to the sines: a row far away has an angle of many turns.
    """
    frequencies = context.weights[f"{layer.name}.weight"].double()
    turns = x[..., : layer.columns, None].double() * frequencies[:, None]
    angles = (turns - turns.detach().round()).to(x.dtype).flatten(2) * (2 * math.pi)
    return torch.cat([x, angles.sin(), angles.cos()], dim=2)


def back(layer: Dense, context: ForwardState, g: Tensor) -> Tensor:
    """Compute g W' [members, n, inputs] from g [members, n, outputs]."""
    weight = context.weights[f"{layer.name}.weight"].transpose(1, 2)
    if context.training:
        return torch.bmm(g, weight)
    return even_product(weight.new_zeros(len(weight), 1, layer.inputs), g, weight.contiguous())


def _product(layer: Dense, context: ForwardState, x: Tensor) -> Tensor:
    """Compute x W + b [members, n, outputs]; with spectral normalisation x (W / sigma) + b."""
    weight, bias = context.weights[f"{layer.name}.weight"], context.weights[f"{layer.name}.bias"]
    if not context.training:  # the weights are already divided, see `scoring_weights`
        return even_product(bias, x, weight)
    if not layer.spectral:
        return torch.baddbmm(bias, x, weight)
    sigma = spectral_norm(weight, context.buffers[f"{layer.name}.u"])
    return torch.bmm(x, weight) / sigma + bias


def even_product(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Compute x W + b, each row's sums in the same order, wherever it stands among the others.

    For some numbers of columns MKL treats the last rows differently; with whole vectors of columns
    it does not.
    """
    columns = weight.shape[2]
    spare = -columns % COLUMNS_OF_EVEN_PRODUCT
    if spare == 0:
        return torch.baddbmm(bias, x, weight)
    bias, weight = (functional.pad(array, (0, spare)) for array in (bias, weight))
    return torch.baddbmm(bias, x, weight)[..., :columns]


def spectral_norm(weight: Tensor, u: Tensor) -> Tensor:
    """Estimate the largest singular value, [members, 1, 1], by one power iteration.

    It starts from u [members, 1, outputs], which is replaced. The gradient flows through weight
    only, not through the singular vectors (Miyato et al. 2018, eq. 12). The value is never above
    the true one; as u is kept from step to step, it follows the slowly moving weights closely.
    """
    with torch.no_grad():
        v = functional.normalize(torch.bmm(weight, u.transpose(1, 2)), dim=1)
        u.copy_(functional.normalize(torch.bmm(v.transpose(1, 2), weight), dim=2))
        left, right = v.transpose(1, 2), u.transpose(1, 2).clone()
    return torch.bmm(torch.bmm(left, weight), right)


def scale_and_shift(name: str, context: ForwardState) -> tuple[Tensor, Tensor]:
    """Give batch norm at evaluation as scale and shift of the sums x W: [members, 1, units] each.

    The layer's bias is in the shift.
    """
    weights, buffers = context.weights, context.buffers
    scale = torch.rsqrt(buffers[f"{name}.variance"] + BATCH_NORM_EPSILON) * weights[f"{name}.gamma"]
    shift = (weights[f"{name}.bias"] - buffers[f"{name}.mean"]) * scale + weights[f"{name}.beta"]
    return scale, shift


def batch_norm(name: str, context: ForwardState, h: Tensor) -> Tensor:
    """Normalise h [members, n, units]: by the batch in training, by running statistics later.

    Both the batch's and the running variance are the biased ones (divisor n), as in TensorFlow's
    dense path.
    """
    weights, buffers = context.weights, context.buffers
    if context.training:
        h = _normalised_batches(name, context, h)
    else:
        scale = torch.rsqrt(buffers[f"{name}.variance"] + BATCH_NORM_EPSILON)
        h = (h - buffers[f"{name}.mean"]) * scale
    return torch.addcmul(weights[f"{name}.beta"], h, weights[f"{name}.gamma"])


def _normalised_batches(name: str, context: ForwardState, h: Tensor) -> Tensor:
    """Normalise each batch by its own statistics; the running statistics follow them."""
    batches = h.unflatten(1, (context.batches, -1))  # [members, batches, n, units]
    mean = batches.mean(dim=2, keepdim=True)
    centred = batches - mean
    variance = centred.square().mean(dim=2, keepdim=True)
    if context.tracks(name):
        for batch in range(context.batches):
            for kind, value in (("mean", mean), ("variance", variance)):
                running = context.buffers[f"{name}.{kind}"]
                running.lerp_(value[:, batch].detach(), BATCH_NORM_MOMENTUM)
    return (centred * torch.rsqrt(variance + BATCH_NORM_EPSILON)).flatten(1, 2)
