"""A row's pass through E, G and a discriminator in NumPy, for the scores of ALAD's family.

The same as `torch_cycle.Cycle`, without torch. With x' = G(E(x)), f the activations before the
logit of D_xx and l that logit (Zenati et al. 2018, section III-D):

| name           | result                  | shape                  |
|----------------|-------------------------|------------------------|
| code           | E(x)                    | [members, n, latent]   |
| reconstruction | x'                      | [members, n, width]    |
| real, fake     | f(x, x), f(x, x')       | [members, n, features] |
| logit          | l(x, x')                | [members, n]           |

BiGAN has no D_xx: there f(a, b) means the features of D_xz at (b, E(x)), and l(x, x') its logit at
(x', E(x)).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from alad.adversarial.networks import GameNetworks
from alad.networks.layers import Activation, Chain
from alad.networks.numpy_forward import (
    Affine,
    Arrays,
    MemberEngine,
    Periods,
    activate,
    affine_chain,
    dtype_of,
    exact_chain,
    members_of,
    split_periods,
)

NAMES = ("code", "reconstruction", "real", "fake", "gap", "logit")


def prepare(networks: GameNetworks, arrays: Arrays, settings: Any = None) -> MemberEngine:
    """Prepare the engine of trained networks; its results are those of the table above."""
    members = (MemberCycle(Parts.of(networks, arrays, member)) for member in members_of(arrays))
    return MemberEngine(NAMES, tuple(members), dtype_of(arrays))


@dataclass(frozen=True)
class Parts:
    """One member's layers, in the order of a row's pass to its score.

    Both pairs share one of their two halves: D_xx sees (x, x) and (x, x'), D_xz sees (x, E(x)) and
    (x', E(x)). What the kept half adds to the first common layer is computed once: `kept` ends with
    its share of that layer, linear and without bias; `joint` begins with that of the varied half.
    """

    periods: Periods | None  # of the columns, before E's first layer
    encoder: list[Affine]
    generator: list[Affine]
    kept: list[Affine]
    varied: list[Affine]
    joint: list[Affine]
    logit: Affine
    kept_reads_code: bool

    @classmethod
    def of(cls, networks: GameNetworks, arrays: Arrays, member: int) -> Parts:
        """Take one member's layers from networks and arrays. EngineError if one is not dense."""

        def taken(chain: Chain) -> list[Affine]:
            return affine_chain(chain, arrays, member)

        has_xx = "xx" in networks.discriminators
        discriminator = networks.discriminators["xx" if has_xx else "xz"]
        a, b = map(taken, discriminator.branches)
        first, *others = taken(discriminator.joint)
        # where the weights of the pair's first half end and those of its second begin
        border = a[-1].weight.shape[1] if a else networks.shape[0]
        front, back = slice(border), slice(border, None)
        kept, varied = (a, b) if has_xx else (b, a)
        of_kept, of_varied = (front, back) if has_xx else (back, front)
        periods, encoder = split_periods(networks.encoder, arrays, member)
        level_at = None if periods is None else networks.shape[0]
        return cls(
            periods,
            affine_chain(encoder, arrays, member, level_at),
            taken(networks.generator),
            [*kept, first.of_inputs(of_kept, bias=False)],
            varied,
            [first.of_inputs(of_varied), *others],
            Affine.of(discriminator.logit, arrays, member),
            not has_xx,
        )


class MemberCycle:
    """One member's pass of rows x [n, width]."""

    def __init__(self, parts: Parts):
        first, *others = parts.joint
        self._periods = parts.periods
        self._encoder, self._generator = exact_chain(parts.encoder), exact_chain(parts.generator)
        self._kept, self._by_code = exact_chain(parts.kept), parts.kept_reads_code
        self._varied = exact_chain([*parts.varied, first.of_inputs(slice(None), bias=False)])
        self._bias = first.bias
        self._activation: Activation = first.activation
        self._joint, self._logit = exact_chain(others), exact_chain([parts.logit])

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        code = self._encoder(x if self._periods is None else self._periods(x))
        results = {"code": code}
        if not {"reconstruction", "real", "fake", "gap", "logit"}.isdisjoint(wanted):
            results["reconstruction"] = self._generator(code)
        if not {"real", "fake", "gap", "logit"}.isdisjoint(wanted):
            shared = self._kept(code if self._by_code else x)
            if not {"real", "gap"}.isdisjoint(wanted):
                results["real"] = self._features(shared, x)
            if not {"fake", "gap", "logit"}.isdisjoint(wanted):
                results["fake"] = self._features(shared, results["reconstruction"])
        if "gap" in wanted:
            results["gap"] = results["real"] - results["fake"]
        if "logit" in wanted:
            results["logit"] = self._logit(results["fake"])[:, 0]
        return results

    def _features(self, shared: np.ndarray, varied: np.ndarray) -> np.ndarray:
        """Compute the activations before the logit for both halves of a pair: [n, features]."""
        h = self._varied(varied)
        h += shared
        h += self._bias
        return self._joint(activate(self._activation, h))
