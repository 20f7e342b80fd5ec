"""The way of a row through E, G and a discriminator in NumPy, for the scores of ALAD's family.

The same as `scores.Cycle`, without torch. With x' = G(E(x)), f the activations before the logit of
D_xx and l that logit (Zenati et al. 2018, section III-D):

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
from typing import Protocol

import numpy as np

from alad.networks.exact_product import ExactMatrix, exact_product
from alad.networks.layers import Activation
from alad.networks.numpy_forward import (
    Affine,
    Arrays,
    DenseChain,
    DenseLayer,
    FrozenLayer,
    NumpyEngine,
    activate,
    dtype_of,
    frozen_chain,
    members_of,
    through,
)

NAMES = ("code", "reconstruction", "real", "fake", "logit")


class PairDiscriminator(Protocol):
    """The description of a discriminator of pairs; `adversarial.networks` has one."""

    @property
    def a(self) -> DenseChain: ...
    @property
    def b(self) -> DenseChain: ...
    @property
    def joint(self) -> DenseChain: ...
    @property
    def logit(self) -> DenseLayer: ...


class CycleNetworks(Protocol):
    """E, G and the discriminators that score; xx is None for BiGAN."""

    @property
    def encoder(self) -> DenseChain: ...
    @property
    def generator(self) -> DenseChain: ...
    @property
    def xz(self) -> PairDiscriminator: ...
    @property
    def xx(self) -> PairDiscriminator | None: ...


def prepare_cycle(networks: CycleNetworks, arrays: Arrays) -> NumpyEngine:
    """Prepare the engine of trained networks; its results are those of the table above."""
    members = (MemberCycle(networks, arrays, member) for member in members_of(arrays))
    return NumpyEngine(NAMES, tuple(members), dtype_of(arrays))


class MemberCycle:
    """One member's way of rows x [n, width].

    Both pairs share one of their two halves: D_xx sees (x, x) and (x, x'), D_xz sees (x, E(x)) and
    (x', E(x)). What the shared half adds to the first common layer is computed once.
    """

    def __init__(self, networks: CycleNetworks, arrays: Arrays, member: int):
        xx = networks.xx
        discriminator = networks.xz if xx is None else xx
        self._by_code = xx is None
        self._encoder = frozen_chain(networks.encoder, arrays, member)
        self._generator = frozen_chain(networks.generator, arrays, member)
        branches = [
            frozen_chain(branch, arrays, member) for branch in (discriminator.a, discriminator.b)
        ]
        first, *others = discriminator.joint.layers
        affine = Affine.of(first, arrays, member)
        # where the weights of the pair's first half end and those of its second begin
        width = networks.encoder.layers[0].inputs
        border = discriminator.a.layers[-1].outputs if discriminator.a.layers else width
        halves = [affine.matrix(slice(0, border)), affine.matrix(slice(border, None))]
        at_shared = 1 if self._by_code else 0
        self._shared: tuple[tuple[FrozenLayer, ...], ExactMatrix]
        self._shared = branches[at_shared], halves[at_shared]
        self._varied = branches[1 - at_shared], halves[1 - at_shared]
        self._bias = affine.bias
        self._activation: Activation = affine.activation
        self._joint = tuple(FrozenLayer.of(layer, arrays, member) for layer in others)
        self._logit = FrozenLayer.of(discriminator.logit, arrays, member)

    def __call__(self, x: np.ndarray, wanted: Collection[str]) -> dict[str, np.ndarray]:
        code = through(self._encoder, x)
        found = {"code": code}
        if not {"reconstruction", "real", "fake", "logit"}.isdisjoint(wanted):
            found["reconstruction"] = through(self._generator, code)
        if not {"real", "fake", "logit"}.isdisjoint(wanted):
            shared = self._half(self._shared, code if self._by_code else x)
            if "real" in wanted:
                found["real"] = self._features(shared, x)
            if "fake" in wanted or "logit" in wanted:
                found["fake"] = self._features(shared, found["reconstruction"])
        if "logit" in wanted:
            found["logit"] = self._logit(found["fake"])[:, 0]
        return found

    def _features(self, shared: np.ndarray, varied: np.ndarray) -> np.ndarray:
        """Compute the activations before the logit for both halves of a pair: [n, features]."""
        h = self._half(self._varied, varied)
        h += shared
        h += self._bias
        return through(self._joint, activate(self._activation, h))

    def _half(self, half: tuple[tuple[FrozenLayer, ...], ExactMatrix], x: np.ndarray) -> np.ndarray:
        """Compute one half's part in the sums of the first common layer: [n, outputs]."""
        branch, weight = half
        return exact_product(through(branch, x), weight)
