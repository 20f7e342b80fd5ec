"""Robust deep autoencoder: an autoencoder that sets outliers aside."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from alad.autoencoders.autoencoder import CODES, IMAGE_CODES, reconstruction_loss
from alad.autoencoders.models import CodeModel
from alad.autoencoders.networks import CodeNetworks, code_networks
from alad.neural.detector import NetworkDetector
from alad.parameters import Count, Positive, replaces
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import LossStep


def shrink_entries(residual: Tensor, threshold: float) -> Tensor:
    """Apply the proximal map of threshold * sum abs(s_ij): entries shrink by `threshold`."""
    return torch.sign(residual) * (residual.abs() - threshold).clamp_min(0.0)


def shrink_rows(residual: Tensor, threshold: float) -> Tensor:
    """Apply the proximal map of threshold * sum_i norm_2(s_i): rows [members, n, *shape] shrink.

    Zhou & Paffenroth 2017, eq. 12, where their columns are our rows.
    """
    length = torch.linalg.vector_norm(residual.flatten(2), dim=2)
    kept = (1.0 - threshold / length.clamp_min(1e-12)).clamp_min(0.0)
    return residual * kept.reshape(*length.shape, *[1] * (residual.dim() - 2))


class RobustStep(LossStep):
    """One step of the alternation X = L + S on a batch: the networks learn L, then S is renewed.

    S becomes the proximal map of X - D(E(L)). The original (algorithm 1) takes turns over all rows
    at a time; batch by batch it is the same alternation, with fresher networks.
    """

    networks: CodeNetworks

    def __init__(self, *arguments: Any, shrink: Callable[[Tensor], Tensor], **named: Any):
        super().__init__(*arguments, **named)
        self._shrink = shrink
        self.sparse = self.like.new_zeros(len(self.members), *self.X.shape)  # S

    def __call__(self, number: int) -> Tensor:
        loss = super().__call__(number)
        self._set_aside(number)
        return loss

    @torch.no_grad()
    def _set_aside(self, number: int) -> None:
        context = self._context(self.weights.views, self._noise(number), track=False)
        again = self.networks(context, self._rows(number, 0))
        self.sparse[self._places(number)] = self._shrink(super()._rows(number, 0) - again)

    def _rows(self, number: int, turn: int) -> Tensor:
        """Give L = X - S of the batch."""
        return super()._rows(number, turn) - self.sparse[self._places(number)]

    def _places(self, number: int) -> tuple[Tensor, Tensor]:
        """Index S of the batch: members [members, 1] and rows [members, batch]."""
        chosen = torch.from_numpy(self.order.batch(number, 0)).to(self.X.device)
        return torch.arange(len(self.members), device=self.X.device)[:, None], chosen

    def arrays(self) -> dict[str, Tensor]:
        return super().arrays() | {"sparse": self.sparse}


@dataclass(kw_only=True, eq=False, repr=False)
class RobustAutoencoder(NetworkDetector):
    """Robust deep autoencoder (Zhou & Paffenroth 2017): training rows may hold anomalies.

    X = L + S; the autoencoder learns L, and S holds what it cannot reconstruct: min
    norm(L - D(E(L))) + lambda norm(S), by alternating a step of the networks and the proximal map
    (algorithm 1; of l_2,1 eq. 12). A new row has no S of its own; its score is its distance from
    D(E(x)), large = anomalous, of which the row's S is a monotone function.
    """

    name: ClassVar[str] = "robust-autoencoder"
    summary: ClassVar[str] = "autoencoder that sets outliers aside (Zhou & Paffenroth, KDD 2017)"
    own_score: ClassVar[str] = "l2"
    model = CodeModel
    tables, images = CODES, IMAGE_CODES
    streams_images = streams_rows = False  # there is an S for each

    latent_dim: Count | None = replaces("latent", None)  # width of the latent code
    # "rows" = the norm l_2,1 over rows (anomalous rows), "entries" = l_1 (corrupt cells)
    penalty: Literal["rows", "entries"] = "rows"
    # lambda, how dear it is to set something aside; in encoded units for an entry, for a row times
    # the root of the number of columns, so that it is the root mean square residual that stays
    penalty_weight: Positive = 0.5

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> CodeNetworks:
        return code_networks(shape, architecture)

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> RobustStep:
        networks = self._networks(tuple(X.shape[1:]), architecture)
        step = RobustStep(
            X,
            networks,
            reconstruction_loss(networks),
            optimiser,
            seed=seed,
            members=self.member_numbers(),
            shrink=self._shrink_for(tuple(X.shape[1:])),
        )
        self._warn_of_few_visits(step)
        return step

    def _warn_of_few_visits(self, step: RobustStep) -> None:
        """Warn if rows are visited less than twice: the method is then the plain autoencoder."""
        steps, epoch = self._steps(step.steps_per_epoch), step.steps_per_epoch
        if 0 < steps < 2 * epoch:
            warnings.warn(
                f"{self.name}: outliers are set aside from a row's second visit on, and in "
                f"{steps:,} steps each of {len(step.X):,} rows is visited {steps / epoch:.1f} "
                f"times; give max_steps={5 * epoch} or more",
                stacklevel=2,
            )

    def _shrink_for(self, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
        if self.penalty == "entries":
            return lambda residual: shrink_entries(residual, self.penalty_weight)
        threshold = self.penalty_weight * math.sqrt(math.prod(shape))
        return lambda residual: shrink_rows(residual, threshold)
