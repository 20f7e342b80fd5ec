"""A row's pass through E, G and a discriminator in PyTorch: the reference of other engines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from torch import Tensor

from alad.adversarial.networks import GameNetworks
from alad.networks.context import Context
from alad.networks.layers import Discriminator
from alad.neural.torch_engine import TorchEngine
from alad.row_kinds import row_kind


@dataclass(frozen=True)
class Cycle(TorchEngine):
    """The networks of a game in PyTorch; x is [n, *shape], shared by all members.

    Its results are those of the table in `numpy_cycle`.
    """

    networks: GameNetworks

    @property
    def has_xx(self) -> bool:
        """Whether D_xx was played; BiGAN has D_xz alone."""
        return "xx" in self.networks.discriminators

    @property
    def discriminator(self) -> Discriminator:
        """The discriminator whose features score: D_xx, or BiGAN's only one."""
        return self.networks.discriminators["xx" if self.has_xx else "xz"]

    def reconstruct(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute x, E(x) and x' = G(E(x)), each [members, n, *]."""
        x = self.for_members(x)
        code = self.networks.encoder(self.context, x)
        return x, code, self.networks.generator(self.context, code)

    def pass_by(self, context: Context, x: Tensor) -> None:
        measuring = replace(self, context=context)
        x, code, _ = measuring.reconstruct(x)
        if not self.has_xx:
            self.discriminator.features(context, x, code)

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute f(x, x) and f(x, x'), [members, n, features] each."""
        real, fake = self._pairs(x)
        context, features = self.context, self.discriminator.features
        return features(context, *real), features(context, *fake)

    def logit(self, x: Tensor) -> Tensor:
        """Compute l(x, x'), [members, n]."""
        _, fake = self._pairs(x)
        return self.discriminator(self.context, *fake)

    def _pairs(self, x: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Give the discriminator's two pairs: with x, and with x' in its place."""
        x, code, cycle = self.reconstruct(x)
        if self.has_xx:
            return (x, x), (x, cycle)
        return (x, code), (cycle, code)

    def read(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        results: dict[str, Tensor] = {}
        if not {"code", "reconstruction"}.isdisjoint(wanted):
            _, results["code"], results["reconstruction"] = self.reconstruct(x)
        if not {"real", "fake", "gap"}.isdisjoint(wanted):
            results["real"], results["fake"] = self.features(x)
            results["gap"] = results["real"] - results["fake"]
        if "logit" in wanted:
            results["logit"] = self.logit(x)
        return results

    # C leaves each image alone by itself, if there is more than one
    @property
    def rows_at_once(self) -> int | None:
        if self.name != "native":
            return None
        kind = row_kind(self.networks.shape)
        return kind.blocks_in_c * kind.scored.rows(self.networks.shape)

    @property
    def filled_up(self) -> int | None:
        return row_kind(self.networks.shape).filled_up_in_c if self.name == "native" else None


prepare = Cycle.prepare
