"""Training rows for steps: a tensor of all of them, or rows and images read when needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from alad.encoding import Encoded, LazyRows

RESIDENT_VALUES = 1 << 29  # 2 GB; up to this size an accelerator holds all images, scaled
READ_AT_ONCE = 1_024  # images read at once to fill an accelerator


class StreamedRows:
    """Rows [n, *shape] that stand for a tensor, and are read only when asked for.

    Slicing costs nothing; `tensor` reads the rows, scales images, and puts them on the device.
    """

    dtype = torch.float32

    def __init__(self, rows: LazyRows, device: torch.device):
        self._rows, self.device = rows, device

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._rows.shape

    @property
    def ndim(self) -> int:
        return self._rows.ndim

    def __getitem__(self, chosen: slice | np.ndarray) -> StreamedRows:
        return StreamedRows(self._rows[chosen], self.device)

    def tensor(self) -> Tensor:
        """Read the rows [n, *shape], images scaled, float32, on the device."""
        # allocated by torch: alignment may decide last bits
        return self.into(torch.empty(self.shape)).to(self.device)

    def into(self, out: Tensor) -> Tensor:
        """Read the rows into `out`, a tensor of the CPU of their shape."""
        self._rows.into(out.numpy())
        return out

    def split(self, rows: int) -> Iterator[Tensor]:
        """Yield tensors of `rows` images, in order."""
        return (self[at : at + rows].tensor() for at in range(0, len(self), rows))

    def resident(self) -> Tensor:
        """Read all images [n, *shape] onto the device, a part at a time."""
        pixels = torch.empty(self.shape, device=self.device)
        for at in range(0, len(self), READ_AT_ONCE):
            pixels[at : at + READ_AT_ONCE] = self[at : at + READ_AT_ONCE].tensor()
        return pixels


Rows = Tensor | StreamedRows  # [n, *shape]


def rows_on(device: torch.device, X: Encoded) -> Rows:
    """Put encoded rows on a device; lazy ones only on an accelerator that can hold all of them."""
    if isinstance(X, np.ndarray):
        return torch.from_numpy(X).to(device)
    rows = StreamedRows(X, device)
    fits = np.prod(X.shape, dtype=np.int64) <= RESIDENT_VALUES
    return rows.resident() if fits and device.type != "cpu" else rows


def taken(X: Rows, places: np.ndarray) -> Tensor:
    """Select rows by number: [len(places), *shape]."""
    if isinstance(X, StreamedRows):
        return X[places].tensor()
    return X.index_select(0, torch.from_numpy(places).to(X.device))


def whole(X: Rows) -> Tensor:
    """Read all rows into a tensor [n, *shape]."""
    return X.tensor() if isinstance(X, StreamedRows) else X


def blocks_of(X: Rows | Encoded, rows: int) -> Iterator[np.ndarray]:
    """Give rows as arrays, so many at a time; one block, if there are none."""
    for at in range(0, max(len(X), 1), rows):
        block = X[at : at + rows]
        yield (
            np.asarray(block)
            if isinstance(block, np.ndarray | LazyRows)
            else whole(block).cpu().numpy()
        )
