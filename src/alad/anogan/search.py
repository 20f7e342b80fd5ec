"""AnoGAN's search in PyTorch: gradient descent to the code z whose G(z) is nearest to a row.

Schlegl et al. 2017, with f the activations before D's logit:

    residual        R(z) = sum_j abs(x - G(z))_j                     (eq. 2)
    discrimination  D(z) = sum_j abs(f(x) - f(G(z)))_j               (eq. 4)
    loss            L(z) = (1 - lambda) R(z) + lambda D(z)           (eq. 5)

Adam descends L from one start; L at the end is the score. All rows of a block and all members are
searched for together, and no product mixes rows, so a row's search is independent of the others. As
the networks are fixed, only z needs a gradient: it is written out here, without a graph.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from alad.anogan.fixed_layers import fixed_layer, fixed_weights
from alad.anogan.networks import START, GanNetworks
from alad.anogan.settings import BETA1, BETA2, EPSILON, SearchSettings, bias_corrections
from alad.networks.context import Context
from alad.neural.torch_engine import TorchEngine
from alad.randomness import Purpose, stream
from alad.row_kinds import row_kind


class Found(NamedTuple):
    """Where the search ended, z [members, n, latent], and G(z) [members, n, *shape of a row].

    The terms there are [members, n] each.
    """

    z: Tensor
    generated: Tensor
    residual: Tensor
    discrimination: Tensor
    loss: Tensor


def block_rows(shape: tuple[int, ...], device: torch.device) -> int:
    """Count the rows of `shape` that are searched for together: a power of two."""
    kind = row_kind(shape)
    fit = (kind.searched_on_gpu if device.type == "cuda" else kind.searched).rows(shape)
    return 1 << (fit.bit_length() - 1)


def even_blocks(x: Tensor, size: int) -> tuple[Tensor, ...]:
    """Split x [n, *shape] into blocks of one size, the last one padded with zeros."""
    return torch.cat([x, x.new_zeros(-len(x) % size, *x.shape[1:])]).split(size)


class LatentSearch:
    """The search of the latent space, with fixed networks.

    weights: name -> [members, ...], as `fixed_weights` gives them. start [members, 1, latent]:
    where every row's search begins.
    """

    def __init__(
        self,
        networks: GanNetworks,
        weights: Mapping[str, Tensor],
        start: Tensor,
        settings: SearchSettings,
    ):
        self.latent, self.settings = networks.latent, settings
        hidden = networks.discriminator.joint.layers
        self.generator = [fixed_layer(layer, weights) for layer in networks.generator.layers]
        self.discriminator = [fixed_layer(layer, weights) for layer in hidden]
        self.block_rows = block_rows(networks.shape, start.device)
        self.start = self.generator[0].filled_up(start)

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
    """The state of the search for one block of rows x [n, *shape].

    Each layer's activations have one array, which the next step may overwrite.
    """

    def __init__(self, search: LatentSearch, x: Tensor):
        self._search = search
        members = len(search.start)
        filled_up = search.discriminator[0].filled_up(x)
        self._x = filled_up.expand(members, *filled_up.shape)
        self._width = x.shape[-1]
        self._f = self._x
        for layer in search.discriminator:
            self._f = layer.forward(self._f)
        self.z = search.start.repeat(1, len(x), 1)
        self._moment, self._square = torch.zeros_like(self.z), torch.zeros_like(self.z)
        self._layers = (*search.generator, *search.discriminator)
        self._outs: list[Any] = [None for _ in self._layers]

    def step(self, rate: float, root: float) -> None:
        """Update z once by Adam, with both bias corrections worked in."""
        gradient = self.gradient()
        self._moment.lerp_(gradient, 1.0 - BETA1)
        self._square.mul_(BETA2).addcmul_(gradient, gradient, value=1.0 - BETA2)
        self.z.addcdiv_(self._moment, self._square.sqrt().mul_(root).add_(EPSILON), value=-rate)

    def gradient(self) -> Tensor:
        """Compute dL/dz of each row's loss: [members, n, latent padded]."""
        generated, features = self._forward()
        generator, discriminator = self._search.generator, self._search.discriminator
        weight = self._search.settings.discrimination_weight
        outs = self._outs[len(generator) :]
        # back through D, from abs(f(G(z)) - f(x)) to G(z)
        gradient = torch.sub(features, self._f).sign_()
        for layer, out in zip(discriminator[:0:-1], outs[:0:-1], strict=True):
            gradient = layer.backward(layer.through_activation(gradient, out))
        gradient = discriminator[0].through_activation(gradient, outs[0])
        # joined by abs(G(z) - x), back through G
        residual = torch.sub(generated, self._x).sign_()
        gradient = discriminator[0].backward_onto(residual, gradient, weight)
        for layer, out in zip(generator[::-1], self._outs[len(generator) - 1 :: -1], strict=True):
            gradient = layer.backward(layer.through_activation(gradient, out))
        return gradient.view_as(self.z)

    def end(self) -> tuple[Tensor, ...]:
        """Give z, G(z) and the two terms there, as in `Found`."""
        generated, features = self._forward()
        residual = (self._x - generated).abs().flatten(2).sum(dim=2)
        discrimination = (self._f - features).abs().flatten(2).sum(dim=2)
        results = self.z[..., : self._search.latent], generated[..., : self._width]
        return *results, residual, discrimination

    def _forward(self) -> tuple[Tensor, Tensor]:
        """Compute G(z) and f(G(z)), padded."""
        h = self.z
        for at, layer in enumerate(self._layers):
            self._outs[at] = h = layer.forward(h, self._outs[at])
        return self._outs[len(self._search.generator) - 1], h


# --- as an engine ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class TorchSearch(TorchEngine):
    """A trained GAN in PyTorch; its results are those of `numpy_search`."""

    networks: GanNetworks

    @cached_property
    def search(self) -> LatentSearch:
        weights = fixed_weights(self.networks, self.context)
        return LatentSearch(self.networks, weights, self.context.buffers[START], self.settings)

    @property
    def filled_up(self) -> int | None:
        return 0  # the search makes blocks of one size by itself

    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        results: dict[str, Tensor] = {}
        if set(wanted) - {"logit"}:
            z, generated, *terms = self.search(x)
            results = {"z": z, "reconstruction": generated}
            results |= dict(zip(("residual", "discrimination", "loss"), terms, strict=True))
        if "logit" in wanted:
            results["logit"] = self._logit(x)
        return results

    def _logit(self, x: Tensor) -> Tensor:
        """Compute D's logit [members, n], without any search."""
        blocks = map(self.for_members, even_blocks(x, self.search.block_rows))
        parts = [self.networks.discriminator(self.context, block) for block in blocks]
        return torch.cat(parts, dim=1)[:, : len(x)]

    def pass_by(self, context: Context, x: Tensor) -> None:
        """Send images x through D, and as many codes from N(0, I) through G."""
        codes = stream(0, 0, Purpose.WEIGHTS, 2).standard_normal((len(x), self.networks.latent))
        self.networks.generator(context, self.for_members(torch.from_numpy(codes).to(x)))
        self.networks.discriminator(context, self.for_members(x))


prepare = TorchSearch.prepare
