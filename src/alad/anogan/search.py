"""AnoGAN's way from a row to its score: the code z whose G(z) comes nearest, found step by step.

Schlegl et al. 2017, with f the activations before D's logit:

    residual        R(z) = sum_j abs(x - G(z))_j                     (eq. 2)
    discrimination  D(z) = sum_j abs(f(x) - f(G(z)))_j               (eq. 4)
    loss            L(z) = (1 - lambda) R(z) + lambda D(z)           (eq. 5)

Adam goes down L from one start; L where it ends is the score. All rows of a block and all members
go together, and no product looks across rows, so a row's way is its own. As the networks stay as
they are, only z needs a gradient: it is written out here, some products a step and no graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from alad.anogan.networks import Gan
from alad.networks.dense import COLUMNS_OF_EVEN_PRODUCT, SLOPES, Dense

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam as Kingma & Ba 2015 have it
# searched together: as many as keep the processor busy; one number for all, so that sums run alike
BLOCK_ROWS = {"cpu": 128, "cuda": 4096}


@dataclass(frozen=True)
class SearchSettings:
    """How z is searched; discrimination_weight is the paper's lambda."""

    steps: int
    learning_rate: float
    discrimination_weight: float


def bias_corrections(settings: SearchSettings) -> np.ndarray:
    """[2, steps]: rate / (1 - beta1^t) and (1 - beta2^t)^(-1/2) for the updates t = 1, 2, ..."""
    updates = np.arange(1, settings.steps + 1)
    rates = settings.learning_rate / (1.0 - BETA1**updates)
    return np.stack([rates, (1.0 - BETA2**updates) ** -0.5])


class Found(NamedTuple):
    """Where the search ended, z [members, n, latent], and G(z) [members, n, *shape of a row].

    The terms there are [members, n] each.
    """

    z: Tensor
    generated: Tensor
    residual: Tensor
    discrimination: Tensor
    loss: Tensor


@dataclass(frozen=True)
class FrozenLayer:
    """weight [members, inputs, outputs] and bias, filled up with zeros to even numbers of columns.

    Whole vectors of columns: else the last rows of a block may be added up in another order than
    the first (`layers.even_product`). What is filled up stays 0 all the way, and back.
    """

    inputs: int
    outputs: int
    weight: Tensor
    bias: Tensor
    slope: float  # of the activation below 0; 1 = linear

    @classmethod
    def of(cls, layer: Dense, weights: Mapping[str, Tensor]) -> FrozenLayer:
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
        """Rows as the layer takes them."""
        return functional.pad(x, (0, -x.shape[-1] % COLUMNS_OF_EVEN_PRODUCT))

    def forward(self, h: Tensor, out: Tensor | None = None) -> Tensor:
        result = torch.baddbmm(self.bias, h, self.weight, out=out)
        return result if self.slope == 1.0 else functional.leaky_relu_(result, self.slope)

    def through_activation(self, gradient: Tensor, out: Tensor) -> Tensor:
        """Gradient by the sums, from that by the activations `out`; in place."""
        if self.slope == 1.0:
            return gradient
        backward = torch.ops.aten.leaky_relu_backward.grad_input
        return backward(gradient, out, self.slope, True, grad_input=gradient)

    def backward(self, gradient: Tensor) -> Tensor:
        """Gradient by what goes in, from that by the sums."""
        return torch.bmm(gradient, self.weight.transpose(1, 2))

    def backward_onto(self, other: Tensor, gradient: Tensor, share: float) -> Tensor:
        """(1 - share) other + share backward(gradient), in the place of `other`."""
        back = self.weight.transpose(1, 2)
        return other.baddbmm_(gradient, back, beta=1.0 - share, alpha=share)


def even_blocks(x: Tensor, size: int | None = None) -> tuple[Tensor, ...]:
    """x [n, *shape] in blocks of one size, the last one filled up with zeros."""
    size = size or BLOCK_ROWS.get(x.device.type, BLOCK_ROWS["cpu"])
    return torch.cat([x, x.new_zeros(-len(x) % size, *x.shape[1:])]).split(size)


class LatentSearch:
    """Searches with the frozen `networks`.

    weights: name -> [members, ...]. start [members, 1, latent]: where every row's search begins.
    """

    block_rows: int | None = None  # what suits the device
    engine: ClassVar[str] = "torch"

    def __init__(
        self,
        networks: Gan,
        weights: Mapping[str, Tensor],
        start: Tensor,
        settings: SearchSettings,
    ):
        self.latent, self.settings = networks.latent, settings
        generator, judge = networks.generator.layers, networks.judge.hidden.layers
        self.generator = [self._frozen(layer, weights) for layer in generator]
        self.judge = [self._frozen(layer, weights) for layer in judge]
        self.start = self.generator[0].filled_up(start)
        self._made_of = networks, weights, start, settings
        self._prepare()

    def _prepare(self) -> None:
        """What another kind of search needs besides, once the layers are frozen."""

    def _frozen(self, layer: Any, weights: Mapping[str, Tensor]) -> Any:
        return FrozenLayer.of(layer, weights)

    @torch.no_grad()
    def __call__(self, x: Tensor) -> Found:
        """Search for each row of x [n, *shape]: any number of them, in blocks of one size."""
        parts = [self._block(block) for block in even_blocks(x, self.block_rows)]
        terms = (torch.cat(part, dim=1)[:, : len(x)] for part in zip(*parts, strict=True))
        return self._found(*terms)

    def _block(self, x: Tensor) -> tuple[Tensor, ...]:
        descent = Descent(self, x)
        for rate, root in bias_corrections(self.settings).T.tolist():
            descent.step(rate, root)
        return descent.end()

    def _found(
        self, z: Tensor, generated: Tensor, residual: Tensor, discrimination: Tensor
    ) -> Found:
        weight = self.settings.discrimination_weight
        loss = (1.0 - weight) * residual + weight * discrimination
        return Found(z, generated, residual, discrimination, loss)


class Descent:
    """The search for one block of rows x [n, *shape] on its way.

    Each layer's activations have one place, which the next step may write over.
    """

    def __init__(self, search: LatentSearch, x: Tensor):
        self._search = search
        members = len(search.start)
        filled_up = search.judge[0].filled_up(x)
        self._x = filled_up.expand(members, *filled_up.shape)
        self._width = x.shape[-1]
        self._f = self._x
        for layer in search.judge:
            self._f = layer.forward(self._f)
        self.z = search.start.repeat(1, len(x), 1)
        self._moment, self._square = torch.zeros_like(self.z), torch.zeros_like(self.z)
        self._layers = (*search.generator, *search.judge)
        self._outs: list[Any] = [None for _ in self._layers]

    def step(self, rate: float, root: float) -> None:
        """One Adam update of z, with both bias corrections worked in."""
        gradient = self.gradient()
        self._moment.lerp_(gradient, 1.0 - BETA1)
        self._square.mul_(BETA2).addcmul_(gradient, gradient, value=1.0 - BETA2)
        self.z.addcdiv_(self._moment, self._square.sqrt().mul_(root).add_(EPSILON), value=-rate)

    def gradient(self) -> Tensor:
        """Of the loss summed over rows (they do not meet) by z: [members, n, latent, filled up]."""
        generated, features = self._forward()
        generator, judge = self._search.generator, self._search.judge
        weight = self._search.settings.discrimination_weight
        outs = self._outs[len(generator) :]
        gradient = torch.sub(features, self._f).sign_()  # of abs(f(G(z)) - f(x)) by f(G(z))
        for layer, out in zip(judge[:0:-1], outs[:0:-1], strict=True):
            gradient = layer.backward(layer.through_activation(gradient, out))
        gradient = judge[0].through_activation(gradient, outs[0])
        residual = torch.sub(generated, self._x).sign_()
        gradient = judge[0].backward_onto(residual, gradient, weight)
        for layer, out in zip(generator[::-1], self._outs[len(generator) - 1 :: -1], strict=True):
            gradient = layer.backward(layer.through_activation(gradient, out))
        return gradient.view_as(self.z)

    def end(self) -> tuple[Tensor, ...]:
        """z, G(z) and the two terms there, as in `Found`."""
        generated, features = self._forward()
        residual = (self._x - generated).abs().flatten(2).sum(dim=2)
        discrimination = (self._f - features).abs().flatten(2).sum(dim=2)
        found = self.z[..., : self._search.latent], generated[..., : self._width]
        return *found, residual, discrimination

    def _forward(self) -> tuple[Tensor, Tensor]:
        """G(z) and f(G(z)), filled up."""
        h = self.z
        for at, layer in enumerate(self._layers):
            self._outs[at] = h = layer.forward(h, self._outs[at])
        return self._outs[len(self._search.generator) - 1], h
