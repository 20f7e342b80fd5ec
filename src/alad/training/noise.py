"""Random numbers of training steps: latent samples, dropout masks, the order of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from alad.randomness import Purpose, stream


class StepNoise:
    """The random numbers of one training step: latent samples and dropout masks for all members."""

    def __init__(self, seed: int, members: Sequence[int], step: int, like: Tensor | None = None):
        """Draw for the given members and step; tensors have the device and type of `like`."""
        self._streams = [stream(seed, member, Purpose.STEP, step) for member in members]
        self._like = torch.empty(0) if like is None else like

    def normal(self, *shape: int) -> Tensor:
        """Draw [members, *shape] from N(0, 1)."""
        drawn = np.empty((len(self._streams), *shape), np.float32)
        for generator, out in zip(self._streams, drawn, strict=True):
            generator.standard_normal(dtype=np.float32, out=out)
        return torch.from_numpy(drawn).to(self._like)

    def uniform(self, *shape: int) -> Tensor:
        """Draw [members, *shape] from 0 to below 1, evenly."""
        drawn = np.empty((len(self._streams), *shape), np.float32)
        for generator, out in zip(self._streams, drawn, strict=True):
            generator.random(dtype=np.float32, out=out)
        return torch.from_numpy(drawn).to(self._like)

    def mask(self, rows: int, units: int, rate: float) -> Tensor:
        """Draw [members, rows, units]: 0 with probability `rate` (16 bits), else 1 / (1 - rate)."""
        count = rows * units
        words = -(-count // 4)  # four 16-bit numbers in each
        bits = np.empty((len(self._streams), words), np.uint64)
        for generator, out in zip(self._streams, bits, strict=True):
            out[:] = generator.bit_generator.random_raw(len(out))
        kept = bits.view(np.uint16)[:, :count] >= round(rate * 2**16)
        # NumPy compares and converts these arrays several times faster than torch does on a CPU
        mask = torch.from_numpy(kept.astype(np.float32)).to(self._like)
        return mask.mul_(1.0 / (1.0 - rate)).unflatten(1, (rows, units))


class Batches(Protocol):
    """Which rows each batch holds."""

    @property
    def steps_per_epoch(self) -> int: ...

    def batch(self, step: int, group: int) -> np.ndarray:
        """List row numbers [members, batch] for a step of a group of weights (from 0)."""
        ...


class Order:
    """The rows of each batch: a new permutation for every member, group and epoch.

    Rows that do not fill a batch at the end of an epoch are dropped.
    """

    def __init__(
        self, seed: int, members: Sequence[int], rows: int, batch: int, *, groups: int = 2
    ):
        self._groups = groups
        self._seed, self._members, self._rows, self._batch = seed, list(members), rows, batch
        self.steps_per_epoch = rows // batch
        self._epoch = -1
        self._permutations = np.empty((0,))

    def batch(self, step: int, group: int) -> np.ndarray:
        """List row numbers [members, batch] for a step of a group of weights (from 0)."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            streams = [stream(self._seed, member, Purpose.ORDER, epoch) for member in self._members]
            kind = np.int32 if self._rows < 2**31 else np.int64
            drawn = np.empty((self._groups, len(streams), self._rows), kind)
            for of_group in drawn:
                for generator, order in zip(streams, of_group, strict=True):
                    order[:] = generator.permutation(self._rows)
            self._epoch, self._permutations = epoch, drawn
        return self._permutations[group, :, position * self._batch : (position + 1) * self._batch]
