"""One update of a plain GAN: D, then G."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from alad.adversarial.game import Logits
from alad.adversarial.step import TwoPlayerStep
from alad.anogan.networks import START, Gan
from alad.networks.context import Context
from alad.randomness import Purpose, stream
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows


def play(
    networks: Gan, context: Context, x: Tensor, z: Tensor, *, constants: bool = True
) -> dict[str, Logits]:
    """Logits of D on real rows x [members, n, *shape] and on fake ones G(z).

    z is [members, n, latent].

    Both players read their loss from them (`game.discriminator_loss` and the same with flipped
    labels). With `constants=False` the real rows are left out: G has no part in them.
    """
    generated = networks.generator(context, z)
    if not constants:
        return {"x": Logits(None, networks.judge(context, generated))}
    # in one product; what looks across rows, batch norm, keeps them apart
    both = networks.judge(replace(context, batches=2), torch.cat([x, generated], dim=1))
    return {"x": Logits(*both.split(x.shape[1], dim=1))}


class GanStep(TwoPlayerStep):
    """One step of D against G on the rows X [n, *shape] for all members."""

    networks: Gan

    def __init__(
        self,
        X: Rows,
        networks: Gan,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        super().__init__(X, networks, optimiser, seed=seed, members=members)
        for start, member in zip(self.buffer_views[START], self.members, strict=True):
            generator = stream(seed, member, Purpose.WEIGHTS, 1)
            drawn = generator.standard_normal(networks.latent).astype(np.float32)
            start.copy_(torch.from_numpy(drawn))

    def _play(
        self, context: Context, x: Tensor, z: Tensor, *, constants: bool
    ) -> dict[str, Logits]:
        return play(self.networks, context, x, z, constants=constants)
