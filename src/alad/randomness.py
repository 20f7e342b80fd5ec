"""One random stream for every seed, member, purpose and number; global generators stay untouched.

So step 70,000 of member 3 can be replayed without the 69,999 before it, member 3 draws the same
numbers whichever members train beside it, and a checkpoint holds no generator.
"""

from __future__ import annotations

import operator
from enum import IntEnum

import numpy as np

from alad.errors import InputError

POOL_WORDS = 4  # of a SeedSequence: shorter seeds are filled up
DRAWN_SEEDS = 2**31 - 1  # number of different seeds that a random state may draw


class Purpose(IntEnum):
    """Purpose of a stream."""

    WEIGHTS = 0
    ORDER = 1
    STEP = 2
    SPLIT = 3
    CALIBRATION = 4
    SAMPLES = 5


def seed_of(random_state: object) -> int:
    """Turn what scikit-learn calls a random state into an integer seed.

    None gives a fresh seed, an integer is the seed; a RandomState or a Generator draws another seed
    at each call. Raises InputError for anything else.
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
    """Make the generator of a member for a purpose; number: such as that of the step."""
    key = np.random.SeedSequence(seed, spawn_key=(member, int(purpose), number))
    return np.random.Generator(np.random.SFC64(key))


def seed_words(seed: int, member: int, purpose: Purpose) -> np.ndarray:
    """List the words uint32 that seed `stream`, as NumPy joins them; the number is the last: 0."""
    words = [seed >> at & 0xFFFFFFFF for at in range(0, max(1, seed.bit_length()), 32)]
    words += [0] * (POOL_WORDS - len(words))
    return np.array([*words, member, int(purpose), 0], np.uint32)
