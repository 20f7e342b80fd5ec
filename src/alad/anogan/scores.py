"""AnoGAN's scores of trained networks: rows in, one number a member and row out; larger = more odd.

With R and D as in `search`:

| score          | formula                                                               |
|----------------|-----------------------------------------------------------------------|
| anogan         | (1 - lambda) R(z) + lambda D(z) where the search ends                 |
| residual       | R(z) there                                                            |
| discrimination | D(z) there                                                            |
| logits         | -log D(x) = softplus(-l(x)), without any search                       |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from alad.anogan.networks import START, GanNetworks
from alad.anogan.search import even_blocks
from alad.networks.context import Context
from alad.neural.score import Learnt, Score, minus_log_sigmoid
from alad.randomness import Purpose, stream


@dataclass(frozen=True)
class TrainedGan:
    """What the scores read; x is [n, *shape]."""

    networks: GanNetworks
    context: Context
    search: Any  # x -> Found
    block_rows: int  # rows of a block

    @property
    def engine(self) -> str:
        """Name what searches."""
        return self.search.engine

    def logits(self, x: Tensor) -> Tensor:
        """Of D, [members, n]."""
        members = len(self.context.buffers[START])
        blocks = (block.expand(members, *block.shape) for block in even_blocks(x, self.block_rows))
        parts = [self.networks.discriminator(self.context, block) for block in blocks]
        return torch.cat(parts, dim=1)[:, : len(x)]

    def measure(self, x: Tensor) -> None:
        """Set batch norm's statistics: of G on as many codes from N(0, I), of D on images x."""
        context = replace(self.context, measuring=True)
        codes = stream(0, 0, Purpose.WEIGHTS, 2).standard_normal((len(x), self.networks.latent))
        z, members = torch.from_numpy(codes).to(x), len(self.context.buffers[START])
        self.networks.generator(context, z.expand(members, *z.shape))
        self.networks.discriminator(context, x.expand(members, *x.shape))


def anogan(gan: TrainedGan, x: Tensor, learnt: Learnt) -> Tensor:
    return gan.search(x).loss


def residual(gan: TrainedGan, x: Tensor, learnt: Learnt) -> Tensor:
    return gan.search(x).residual


def discrimination(gan: TrainedGan, x: Tensor, learnt: Learnt) -> Tensor:
    return gan.search(x).discrimination


def logits(gan: TrainedGan, x: Tensor, learnt: Learnt) -> Tensor:
    return minus_log_sigmoid(gan.logits(x).double())


SCORES: dict[str, Score[TrainedGan]] = {
    "anogan": Score(anogan, watched_as="logits"),
    "residual": Score(residual, watched_as="logits"),
    "discrimination": Score(discrimination, watched_as="logits"),
    "logits": Score(logits),
}
