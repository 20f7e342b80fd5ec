"""Anomaly scores of trained networks: rows in, one number a member and row out; larger = more odd.

Zenati et al. 2018, section III-D and table IV. With x' = G(E(x)), f the activations before the
logit of D_xx and l that logit:

| score    | formula                                                              |
|----------|----------------------------------------------------------------------|
| features | sum_j abs(f(x, x) - f(x, x'))_j  (eq. 9)                             |
| logits   | -log D_xx(x, x') = softplus(-l(x, x')), from the logit, in float64   |
| l1, l2   | sum_j abs(x - x')_j, and the root of the sum of squares              |
| whitened | Mahalanobis length of the compressed feature difference (ours)       |
| egbad    | 0.9 l1 + 0.1 features, the published score of BiGAN (Zenati 2018b)   |

BiGAN has no D_xx: there f(a, b) means the features of D_xz at (b, E(x)), and l(x, x') its logit at
(x', E(x)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from alad.adversarial.networks import GameNetworks
from alad.networks.context import Context
from alad.networks.dense import even_product_in_blocks
from alad.networks.layers import Discriminator
from alad.neural.score import Learnt, Score, minus_log_sigmoid

RIDGE = 0.01  # of the mean eigenvalue, added to a covariance before it is inverted
EGBAD_FEATURE_WEIGHT = 0.1


@dataclass
class Cycle:
    """Trained networks at evaluation, and the way of a row through them.

    x is [n, *shape], shared by all members.
    """

    networks: GameNetworks
    context: Context
    engine: ClassVar[str] = "torch"

    @property
    def has_xx(self) -> bool:
        """Whether D_xx was played; BiGAN has D_xz alone."""
        return "xx" in self.networks.discriminators

    @property
    def discriminator(self) -> Discriminator:
        """The discriminator whose features score: D_xx, or BiGAN's only one."""
        return self.networks.discriminators["xx" if self.has_xx else "xz"]

    def reconstruct(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x, E(x) and x' = G(E(x)), each [members, n, *]."""
        members = len(next(iter(self.context.weights.values())))
        x = x.expand(members, *x.shape)
        code = self.networks.encoder(self.context, x)
        return x, code, self.networks.generator(self.context, code)

    def measure(self, x: Tensor) -> None:
        """Set batch norm's statistics of convolutions to those of rows x on their way to a score.

        Those that follow a training are of other weights, the last ones, and partly of generated
        rows; after a few hundred steps they still hold some of their first values.
        """
        measuring = replace(self, context=replace(self.context, measuring=True))
        x, code, _ = measuring.reconstruct(x)
        if not self.has_xx:
            self.discriminator.features(measuring.context, x, code)

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """f(x, x) and f(x, x'), [members, n, features]."""
        real, fake = self._pairs(x)
        context, features = self.context, self.discriminator.features
        return features(context, *real), features(context, *fake)

    def logit(self, x: Tensor) -> Tensor:
        """l(x, x'), [members, n]."""
        _, fake = self._pairs(x)
        return self.discriminator(self.context, *fake)

    def _pairs(self, x: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """What the discriminator is shown: with x, and with x' in its place."""
        x, code, cycle = self.reconstruct(x)
        if self.has_xx:
            return (x, x), (x, cycle)
        return (x, code), (cycle, code)

    def gap(self, x: Tensor) -> Tensor:
        """f(x, x) - f(x, x'), [members, n, features]; exactly 0 where G(E(x)) = x."""
        real, fake = self.features(x)
        return real - fake


def features(cycle: Cycle, x: Tensor, learnt: Learnt) -> Tensor:
    return cycle.gap(x).abs().sum(dim=2)


def logits(cycle: Cycle, x: Tensor, learnt: Learnt) -> Tensor:
    return minus_log_sigmoid(cycle.logit(x).double())


def l1(cycle: Cycle, x: Tensor, learnt: Learnt) -> Tensor:
    x, _, reconstruction = cycle.reconstruct(x)
    return (x - reconstruction).flatten(2).abs().sum(dim=2)


def l2(cycle: Cycle, x: Tensor, learnt: Learnt) -> Tensor:
    x, _, reconstruction = cycle.reconstruct(x)
    return torch.linalg.vector_norm((x - reconstruction).flatten(2), dim=2)


def egbad(cycle: Cycle, x: Tensor, learnt: Learnt) -> Tensor:
    weight = EGBAD_FEATURE_WEIGHT
    return (1 - weight) * l1(cycle, x, learnt) + weight * features(cycle, x, learnt)


def compress(gap: Tensor, scale: Tensor) -> Tensor:
    """sign(g) log(1 + abs(g) / scale): heavy tails of a feature must not drown the others."""
    return torch.sign(gap) * torch.log1p(gap.abs() / scale)


def whitening(values: Tensor) -> dict[str, Tensor]:
    """Mean and inverse Cholesky factor, in float64, of values [members, n, features].

    The covariance has the divisor n, and a ridge is added.
    """
    values = values.double()
    mean = values.mean(dim=1, keepdim=True)
    centred = values - mean
    covariance = centred.transpose(1, 2) @ centred / values.shape[1]
    mean_eigenvalue = covariance.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
    eye = torch.eye(values.shape[2], dtype=torch.float64, device=values.device)
    # features that never differ leave nothing to invert
    ridge = (RIDGE * mean_eigenvalue).clamp_min(1e-12)
    factor = torch.linalg.cholesky(covariance + ridge * eye)
    unmix = torch.linalg.solve_triangular(factor, eye.expand_as(factor), upper=False)
    # laid out as it will be after save and load: sums depend on it in the last bit
    return {"mean": mean, "unmix": unmix.contiguous()}


def mahalanobis(values: Tensor, learnt: Learnt) -> Tensor:
    """Length [members, n] of values [members, n, features] under `whitening` (not its square).

    By blocks of one size: a row's length must not depend on how many others there are.
    """
    centred = values.double() - learnt["mean"]
    unmixed = even_product_in_blocks(centred, learnt["unmix"].transpose(1, 2))
    return torch.linalg.vector_norm(unmixed, dim=2)


def fit_whitened(gaps: Tensor) -> dict[str, Tensor]:
    """From the feature differences [members, n, features] of training rows."""
    median = gaps.abs().median(dim=1, keepdim=True).values
    # a feature that is mostly 0 has no median to speak of; its mean size serves
    scale = torch.where(median > 0, median, gaps.abs().mean(dim=1, keepdim=True)).clamp_min(1e-12)
    return {"scale": scale, **whitening(compress(gaps, scale))}


def whitened(cycle: Cycle, x: Tensor, learnt: Learnt) -> Tensor:
    return mahalanobis(compress(cycle.gap(x), learnt["scale"]), learnt)


SCORES: dict[str, Score[Cycle]] = {
    "features": Score(features),
    "logits": Score(logits),
    "l1": Score(l1),
    "l2": Score(l2),
    "whitened": Score(
        whitened,
        lambda cycle, x: fit_whitened(cycle.gap(x)),
        for_images=False,
        watched_as="features",
    ),
    "egbad": Score(egbad),
}
