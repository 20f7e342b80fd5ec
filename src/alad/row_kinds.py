"""The two kinds of row, a row of a table and an image: how many are taken at a time, and for what.

An image costs as much as hundreds of rows, so all such numbers differ, and stand here side by side.
Learning rates and batch sizes are `presets`; widths are `networks.stacks` and the architectures.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AtOnce:
    """So many rows at a time; fewer of images whose pixels together would be more than `pixels`."""

    most: int
    pixels: int | None = None

    def rows(self, shape: tuple[int, ...]) -> int:
        """Count the rows of `shape`."""
        if self.pixels is None:
            return self.most
        return max(1, min(self.most, self.pixels // (shape[0] * shape[1])))


@dataclass(frozen=True)
class RowKind:
    """Numbers of rows of one kind."""

    scored: AtOnce  # in a block: activations take a thousand times as much memory as the rows
    blocks_in_c: int  # of those blocks, in a call to C: enough to forget the call, few enough to
    # stay near; more of images, as C makes no copies of patches
    filled_up_in_c: int  # to so many: of one image alone PyTorch may add up features otherwise
    monitored: int  # held out, that the stopping rule looks at; it must cost little
    learnt_by_scores: int  # training rows from which scores learn scales; more change nothing
    learnt_at_once: int  # training rows read at a time, by a score that learns from all of them
    searched: AtOnce  # in a block of AnoGAN's search: one number for all, so that sums run alike
    searched_on_gpu: AtOnce
    reported: int  # searched from one look at the progress to the next
    thresholded: int  # searched for a threshold at fit, of those given to it
    scaled: int  # training rows whose search tells the members' common scale


TABLE = RowKind(
    scored=AtOnce(512),
    blocks_in_c=2,
    filled_up_in_c=0,
    monitored=4_000,
    learnt_by_scores=20_000,
    learnt_at_once=4_096,
    searched=AtOnce(128),
    searched_on_gpu=AtOnce(4_096),
    reported=2_048,
    thresholded=2_000,
    scaled=500,
)
IMAGE = RowKind(
    scored=AtOnce(32, pixels=1 << 17),
    blocks_in_c=4,
    filled_up_in_c=2,
    monitored=256,
    learnt_by_scores=512,
    learnt_at_once=64,
    searched=AtOnce(32, pixels=1 << 15),
    searched_on_gpu=AtOnce(32, pixels=1 << 15),
    reported=64,
    thresholded=200,
    scaled=64,
)


def row_kind(shape: tuple[int, ...]) -> RowKind:
    """Give the kind of rows of `shape`: (width,), or (height, width, channels)."""
    return TABLE if len(shape) == 1 else IMAGE
