"""Rows scored block by block, so that the score of one does not depend on what comes with it."""

from collections.abc import Callable

import numpy as np

BLOCK_ROWS = 512
BLOCK_IMAGES, BLOCK_PIXELS = 32, 1 << 17  # at a time: activations take a thousand times as much


def score_in_blocks(
    score: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    rows: int | None = None,
    *,
    fill: int | None = None,
) -> np.ndarray:
    """score(X) [..., n] by blocks of `rows` rows, the last one filled up to `fill` at least.

    rows: None = what suits the shape of a row. fill: None = to a whole block.

    A matrix product adds up in an order that depends on its shape. With one shape for all, the
    score of a row does not depend on how many other rows come with it. Where in its block the row
    stands may still matter (to OpenBLAS in float32 it does): the contract's tests watch over that.
    """
    rows = rows or block_rows(X.shape[1:])
    starts = range(0, max(len(X), 1), rows)
    blocks = (np.ascontiguousarray(X[start : start + rows]) for start in starts)
    least = rows if fill is None else min(fill, rows)
    parts = [score(_filled(block, least)) for block in blocks]
    return np.concatenate(parts, axis=-1)[..., : len(X)]


def block_rows(shape: tuple[int, ...]) -> int:
    """How many rows of this shape are scored at a time."""
    if len(shape) == 1:
        return BLOCK_ROWS
    return max(1, min(BLOCK_IMAGES, BLOCK_PIXELS // (shape[0] * shape[1])))


def _filled(block: np.ndarray, rows: int) -> np.ndarray:
    """`block` with its last row (zeros, if it has none) again until there are at least `rows`."""
    short = max(0, rows - len(block))
    last = block[-1:] if len(block) else np.zeros((1, *block.shape[1:]), block.dtype)
    return np.concatenate([block, np.repeat(last, short, axis=0)]) if short else block
