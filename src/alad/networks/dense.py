"""Dense layers with a leading axis `members`, batch norm, spectral normalisation, dropout.

Source of the spectral normalisation: Miyato et al. 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from alad.networks.constants import (
    BATCH_NORM_EPSILON,
    BATCH_NORM_MOMENTUM,
    LEAKY_SLOPE,
    Activation,
)
from alad.networks.constants import SLOPES as SLOPES  # other engines read it here
from alad.networks.context import Context

COLUMNS_OF_EVEN_PRODUCT = 16
ROWS_OF_EVEN_PRODUCT = 64


@dataclass(frozen=True)
class Dense:
    """x [members, n, inputs] -> activation(x W + b) [members, n, outputs], then dropout."""

    name: str
    inputs: int
    outputs: int
    activation: Activation = "linear"
    dropout: float = 0.0
    batch_norm: bool = False
    spectral: bool = False

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            f"{self.name}.weight": (self.inputs, self.outputs),
            f"{self.name}.bias": (1, self.outputs),
        }
        if self.batch_norm:
            shapes |= {
                f"{self.name}.gamma": (1, self.outputs),
                f"{self.name}.beta": (1, self.outputs),
            }
        return shapes

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        if self.batch_norm:
            shapes |= {
                f"{self.name}.mean": (1, self.outputs),
                f"{self.name}.variance": (1, self.outputs),
            }
        if self.spectral:
            shapes |= {f"{self.name}.u": (1, self.outputs)}
        return shapes

    def __call__(self, context: Context, x: Tensor) -> Tensor:
        h = self._product(context, x)
        if self.batch_norm:
            h = batch_norm(self.name, context, h)
        if self.activation == "leaky":
            h = functional.leaky_relu_(h, LEAKY_SLOPE)
        elif self.activation == "relu":
            h = torch.relu_(h)
        elif self.activation == "tanh":
            h = torch.tanh(h)
        if context.dropout is not None and self.dropout > 0:
            h = h * context.dropout.mask(h.shape[1], self.outputs, self.dropout)
        return h

    def back(self, context: Context, g: Tensor) -> Tensor:
        """g W' [members, n, inputs]: the way back through the same weights, for tied layers."""
        weight = context.weights[f"{self.name}.weight"].transpose(1, 2)
        if context.training:
            return torch.bmm(g, weight)
        return even_product(weight.new_zeros(len(weight), 1, self.inputs), g, weight.contiguous())

    def _product(self, context: Context, x: Tensor) -> Tensor:
        """x W + b [members, n, outputs]; with spectral normalisation x (W / sigma) + b."""
        weight, bias = context.weights[f"{self.name}.weight"], context.weights[f"{self.name}.bias"]
        if not context.training:  # the weights are already divided, see `scoring_weights`
            return even_product(bias, x, weight)
        if not self.spectral:
            return torch.baddbmm(bias, x, weight)
        sigma = spectral_norm(weight, context.buffers[f"{self.name}.u"])
        return torch.bmm(x, weight) / sigma + bias


def even_product(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """x W + b, every row added up in the same order, wherever it stands among the others.

    For some numbers of columns MKL treats the last rows differently; with whole vectors of columns
    it does not.
    """
    columns = weight.shape[2]
    spare = -columns % COLUMNS_OF_EVEN_PRODUCT
    if spare == 0:
        return torch.baddbmm(bias, x, weight)
    bias, weight = (functional.pad(array, (0, spare)) for array in (bias, weight))
    return torch.baddbmm(bias, x, weight)[..., :columns]


def even_product_in_blocks(x: Tensor, weight: Tensor) -> Tensor:
    """x W for any number of rows, in float64 too: 64 rows at a time, filled up with zeros.

    Of fewer rows MKL adds up the last ones in another order, so that a row's place would matter.
    """
    nothing = weight.new_zeros(len(weight), 1, weight.shape[2])
    filled = functional.pad(x, (0, 0, 0, -x.shape[1] % ROWS_OF_EVEN_PRODUCT))
    blocks = filled.split(ROWS_OF_EVEN_PRODUCT, dim=1)
    parts = [even_product(nothing, block.contiguous(), weight) for block in blocks]
    return torch.cat(parts, dim=1)[:, : x.shape[1]]


def spectral_norm(weight: Tensor, u: Tensor) -> Tensor:
    """Largest singular value, [members, 1, 1], by one power iteration.

    It starts from u [members, 1, outputs], which is replaced. The gradient flows through weight
    only, not through the singular vectors (Miyato et al. 2018, eq. 12). The value is never above
    the true one; as u is kept from step to step, it follows the slowly moving weights closely.
    """
    with torch.no_grad():
        v = functional.normalize(torch.bmm(weight, u.transpose(1, 2)), dim=1)
        u.copy_(functional.normalize(torch.bmm(v.transpose(1, 2), weight), dim=2))
        left, right = v.transpose(1, 2), u.transpose(1, 2).clone()
    return torch.bmm(torch.bmm(left, weight), right)


def scale_and_shift(name: str, context: Context) -> tuple[Tensor, Tensor]:
    """Batch norm at evaluation, of the layer's sums x W: times scale, plus shift.

    [members, 1, units] each; the layer's bias is in the shift.
    """
    weights, buffers = context.weights, context.buffers
    scale = torch.rsqrt(buffers[f"{name}.variance"] + BATCH_NORM_EPSILON) * weights[f"{name}.gamma"]
    shift = (weights[f"{name}.bias"] - buffers[f"{name}.mean"]) * scale + weights[f"{name}.beta"]
    return scale, shift


def batch_norm(name: str, context: Context, h: Tensor) -> Tensor:
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


def _normalised_batches(name: str, context: Context, h: Tensor) -> Tensor:
    """Each of the context's batches by its own statistics, which the running ones follow."""
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


@dataclass(frozen=True)
class Arrays:
    """A layer that computes nothing: weights, and buffers that are drawn from N(0, 1) and stay."""

    name: str
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    noise: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    spectral: bool = False

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"{self.name}.{key}": shape for key, shape in self.weights.items()}

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"{self.name}.{key}.noise": shape for key, shape in self.noise.items()}


@dataclass(frozen=True)
class Chain:
    """Layers one after the other: dense ones, or convolutions."""

    layers: tuple[Any, ...]

    def __call__(self, context: Context, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(context, x)
        return x


def chain(
    name: str,
    widths: Iterable[int],
    hidden: Activation,
    *,
    last: Activation,
    dropout: float = 0.0,
    spectral: bool = False,
) -> Chain:
    """Build inputs -> ... -> outputs from `widths`.

    Only layers that are not linear have dropout and spectral normalisation.
    """
    sizes = list(widths)
    activations: list[Activation] = [hidden for _ in sizes[2:]]
    activations.append(last)
    return Chain(
        tuple(
            Dense(
                f"{name}.{number}",
                inputs,
                outputs,
                activation,
                dropout=0.0 if activation == "linear" else dropout,
                spectral=spectral and activation != "linear",
            )
            for number, (inputs, outputs, activation) in enumerate(
                zip(sizes[:-1], sizes[1:], activations, strict=True)
            )
        )
    )
