"""Training rows as a step asks for them: a tensor of all, or images read and scaled as needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from alad.encoding import ScaledImages

RESIDENT_VALUES = 1 << 29  # 2 GB: up to so many an accelerator holds all images, scaled
READ_AT_ONCE = 1_024  # images, on their way there


class StreamedRows:
    """Images [n, *shape] in the place of a tensor of them, on a device only as far as asked for.

    Slices of them are such again and cost nothing; `tensor` reads and scales all of them.
    """

    dtype = torch.float32

    def __init__(self, images: ScaledImages, device: torch.device):
        self._images, self.device = images, device

    def __len__(self) -> int:
        return len(self._images)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._images.shape

    @property
    def ndim(self) -> int:
        return self._images.ndim

    def __getitem__(self, chosen: slice | np.ndarray) -> StreamedRows:
        return StreamedRows(self._images[chosen], self.device)

    def tensor(self) -> Tensor:
        """In memory that torch has laid out: how it is aligned may decide last bits."""
        found = torch.empty(self.shape)
        self._images.into(found.numpy())
        return found.to(self.device)

    def split(self, rows: int) -> Iterator[Tensor]:
        """All of them, so many at a time."""
        return (self[at : at + rows].tensor() for at in range(0, len(self), rows))

    def resident(self) -> Tensor:
        """All of them on their device, read a part at a time."""
        held = torch.empty(self.shape, device=self.device)
        for at in range(0, len(self), READ_AT_ONCE):
            held[at : at + READ_AT_ONCE] = self[at : at + READ_AT_ONCE].tensor()
        return held


Rows = Tensor | StreamedRows  # [n, *shape]


def rows_on(device: torch.device, X: np.ndarray | ScaledImages) -> Rows:
    """Encoded rows for a step on that device; an accelerator holds images too, if they fit."""
    if isinstance(X, np.ndarray):
        return torch.from_numpy(X).to(device)
    rows = StreamedRows(X, device)
    fits = np.prod(X.shape, dtype=np.int64) <= RESIDENT_VALUES
    return rows.resident() if fits and device.type != "cpu" else rows


def taken(X: Rows, places: np.ndarray) -> Tensor:
    """Some of the rows, by number: [len(places), *shape]."""
    if isinstance(X, StreamedRows):
        return X[places].tensor()
    return X.index_select(0, torch.from_numpy(places).to(X.device))


def whole(X: Rows) -> Tensor:
    return X.tensor() if isinstance(X, StreamedRows) else X


def blocks_of(X: Rows | np.ndarray | ScaledImages, rows: int) -> Iterator[np.ndarray]:
    """Give rows as arrays, so many at a time; one block, if there are none."""
    for at in range(0, max(len(X), 1), rows):
        block = X[at : at + rows]
        yield (
            np.asarray(block)
            if isinstance(block, np.ndarray | ScaledImages)
            else whole(block).cpu().numpy()
        )
