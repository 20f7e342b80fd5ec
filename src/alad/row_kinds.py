"""The two kinds of row, of a table and an image, with the numbers of rows that suit each.

An image costs as much as hundreds of table rows, so these numbers differ, and stand here side by
side. Learning rates and batch sizes are in `presets`; widths in `networks.stacks` and the
architectures.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BlockSize:
    """Number of rows in a block: `most`, or of images fewer, of `pixels` together at most."""

    most: int
    pixels: int | None = None

    def rows(self, shape: tuple[int, ...]) -> int:
        """Count the rows of `shape` in a block."""
        if self.pixels is None:
            return self.most
        return max(1, min(self.most, self.pixels // (shape[0] * shape[1])))


@dataclass(frozen=True)
class RowKind:
    """Numbers of rows that suit a kind of row."""

    scored: BlockSize  # scored at once: activations take a thousand times the memory of the rows
    # blocks scored in one call to C: enough to make its cost small, few enough for the cache; more
    # of images, as C makes no copies of patches
    blocks_in_c: int
    # fewer rows are padded to this number before C: one image alone PyTorch may add up in another
    # order
    filled_up_in_c: int
    monitored: int  # held-out rows that the stopping rule scores at every check
    learnt_by_scores: int  # training rows from which scores learn scales; more change nothing
    learnt_by_large_scores: int  # the same, by those that learn how hundreds of numbers vary
    learnt_at_once: int  # training rows read at a time, by a score that learns from all of them
    searched: BlockSize  # in a block of AnoGAN's search: always as many, so that sums run alike
    searched_on_gpu: BlockSize
    reported: int  # searched between two updates of the progress
    thresholded: int  # most that are searched at fit, to set the threshold
    scaled: int  # training rows searched at fit, to bring members to a common scale


TABLE = RowKind(
    scored=BlockSize(512),
    blocks_in_c=2,
    filled_up_in_c=0,
    monitored=4_000,
    learnt_by_scores=20_000,
    learnt_by_large_scores=20_000,
    learnt_at_once=4_096,
    searched=BlockSize(128),
    searched_on_gpu=BlockSize(4_096),
    reported=2_048,
    thresholded=2_000,
    scaled=500,
)
IMAGE = RowKind(
    scored=BlockSize(32, pixels=1 << 17),
    blocks_in_c=4,
    filled_up_in_c=2,
    monitored=256,
    learnt_by_scores=512,
    learnt_by_large_scores=3_000,
    learnt_at_once=64,
    searched=BlockSize(32, pixels=1 << 15),
    searched_on_gpu=BlockSize(32, pixels=1 << 15),
    reported=64,
    thresholded=200,
    scaled=64,
)


def row_kind(shape: tuple[int, ...]) -> RowKind:
    """Return the kind of rows of `shape`: (width,), or (height, width, channels)."""
    return TABLE if len(shape) == 1 else IMAGE
