"""One seed, one stream for every member and purpose; the global generators are never touched.

A stream is named by (seed, member, purpose, number), so step 70,000 of member 3 can be replayed
without the 69,999 before it, member 3 draws the same numbers whoever trains beside it, and a
checkpoint holds no generator.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from alad.errors import InputError

DRAWN_SEEDS = 2**31 - 1  # how many different seeds a random state may draw


class Purpose(IntEnum):
    """What a stream is for."""

    WEIGHTS = 0
    ORDER = 1
    STEP = 2
    SPLIT = 3
    CALIBRATION = 4
    SAMPLES = 5


def seed_of(random_state: object) -> int:
    """One integer seed from what scikit-learn calls a random state.

    None gives a fresh seed, an integer is the seed; a RandomState or a Generator draws one, and so
    gives another at the next call. Raises InputError for anything else.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(DRAWN_SEEDS))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(DRAWN_SEEDS))
    try:
        seed = operator.index(random_state)  # pyright: ignore[reportArgumentType]
    except TypeError:
        seed = -1
    if seed < 0:
        raise InputError(
            f"random_state is {random_state!r}; give None, a whole number from 0 up, or a "
            "RandomState"
        )
    return seed


def stream(seed: int, member: int, purpose: Purpose, number: int = 0) -> np.random.Generator:
    """The generator of one member for one purpose."""
    key = np.random.SeedSequence(seed, spawn_key=(member, int(purpose), number))
    return np.random.Generator(np.random.SFC64(key))


class StepNoise:
    """The random numbers of one training step: latent samples and dropout masks for all members."""

    def __init__(self, seed: int, members: Sequence[int], step: int, like: Tensor | None = None):
        """Tensors have the device and the type of `like`; the numbers are the same for all."""
        self._streams = [stream(seed, member, Purpose.STEP, step) for member in members]
        self._like = torch.empty(0) if like is None else like

    def normal(self, *shape: int) -> Tensor:
        """[members, *shape] of N(0, 1)."""
        drawn = np.empty((len(self._streams), *shape), np.float32)
        for generator, out in zip(self._streams, drawn, strict=True):
            generator.standard_normal(dtype=np.float32, out=out)
        return torch.from_numpy(drawn).to(self._like)

    def mask(self, rows: int, units: int, rate: float) -> Tensor:
        """[members, rows, units]: 0 with probability `rate` (to 16 bits), else 1 / (1 - rate)."""
        count = rows * units
        words = -(-count // 4)  # four 16-bit numbers in each
        bits = np.empty((len(self._streams), words), np.uint64)
        for generator, out in zip(self._streams, bits, strict=True):
            out[:] = generator.bit_generator.random_raw(len(out))
        kept = bits.view(np.uint16)[:, :count] >= round(rate * 2**16)
        # NumPy compares and converts these arrays several times faster than torch does on a CPU
        mask = torch.from_numpy(kept.astype(np.float32)).to(self._like)
        return mask.mul_(1.0 / (1.0 - rate)).unflatten(1, (rows, units))


class Order:
    """Which rows make which batch: a fresh permutation for every member, player and epoch.

    The odd rest of an epoch is dropped.
    """

    def __init__(
        self, seed: int, members: Sequence[int], rows: int, batch: int, *, players: int = 2
    ):
        self._players = players
        self._seed, self._members, self._rows, self._batch = seed, list(members), rows, batch
        self.steps_per_epoch = rows // batch
        self._epoch = -1
        self._permutations = np.empty((0,))

    def batch(self, step: int, player: int) -> np.ndarray:
        """Row numbers [members, batch] for one step of a player (from 0); each draws on its own."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._permutations = epoch, self._draw(epoch)
        return self._permutations[player, :, position * self._batch : (position + 1) * self._batch]

    def _draw(self, epoch: int) -> np.ndarray:
        streams = [stream(self._seed, member, Purpose.ORDER, epoch) for member in self._members]
        return np.array(
            [
                [generator.permutation(self._rows) for generator in streams]
                for _ in range(self._players)
            ]
        )
