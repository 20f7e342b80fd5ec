"""A training among spoilt rows: those that come back worst are set aside while it goes on.

After Shen and Sanghavi 2019 (iterative trimmed loss minimisation), here with averaged weights and
at checks. Engines need not know: a batch has another row in the place of each that is set aside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alad.randomness import Purpose, stream
from alad.training.noise import Batches
from alad.training.step import NetworkStep

FIRST = 4  # number of the first stream that draws substitutes


@dataclass(frozen=True)
class TrimmedOrder:
    """The rows of each batch; instead [members, rows]: the row that each of them stands for."""

    order: Batches
    instead: Tensor

    @property
    def steps_per_epoch(self) -> int:
        return self.order.steps_per_epoch

    def batch(self, step: int, group: int) -> np.ndarray:
        """List row numbers [members, batch], as the order does."""
        return np.take_along_axis(self.instead.numpy(), self.order.batch(step, group), axis=1)


def trim(
    step: NetworkStep, share: float, begin: int, errors: Callable[[], np.ndarray]
) -> Callable[[int], None]:
    """Set aside a share of the rows at every check from step `begin` on; return what does so.

    errors() [members, rows]: how badly each row comes back by the averaged weights; the largest are
    set aside, each member's own. What stands for them is drawn from the other rows, and is part of
    the step's state, so that an interrupted training goes on with the same.
    """
    instead = torch.arange(len(step.X)).repeat(len(step.members), 1)
    step.order = TrimmedOrder(step.order, instead)
    step.also_changes = {"instead": instead}

    def check(steps_done: int) -> None:
        if steps_done < begin:
            return
        for position, (member, of_rows) in enumerate(zip(step.members, errors(), strict=True)):
            ranked = np.argsort(of_rows, kind="stable")
            kept, aside = np.split(ranked, [len(ranked) - int(share * len(ranked))])
            generator = stream(step.seed, member, Purpose.SPLIT, FIRST + steps_done)
            chosen = np.arange(len(ranked))
            chosen[aside] = generator.choice(np.sort(kept), len(aside))
            instead[position] = torch.from_numpy(chosen)

    return check
