"""One update of a plain GAN: D, then G."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alad.adversarial.step import GameStep
from alad.anogan.networks import GAN, START, GanNetworks
from alad.randomness import Purpose, stream
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows


class GanStep(GameStep):
    """One step of D against G on the rows X [n, *shape] for all members."""

    def __init__(
        self,
        X: Rows,
        networks: GanNetworks,
        optimiser: Optimiser,
        *,
        seed: int,
        members: Sequence[int],
    ):
        super().__init__(X, networks, GAN, optimiser, seed=seed, members=members)
        for start, member in zip(self.buffer_views[START], self.members, strict=True):
            generator = stream(seed, member, Purpose.WEIGHTS, 1)
            drawn = generator.standard_normal(networks.latent).astype(np.float32)
            start.copy_(torch.from_numpy(drawn))
