"""A network in front of a detector: how it is called, whatever network it is.

Which there are: `efficientnet`, with the weights of a package, and `libraries`, the user's own.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alad.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

POOLED = "-pooled"  # how the name of a network ends whose maps are averaged to a row an image
MAPS = (8, 16)  # how many times smaller than the image the maps are that are taken of a network
CHANNELS = 3  # red, green, blue: what every network here takes


@dataclass(frozen=True)
class Use:
    """How a network is used: side of its input, and which stages, by number or by name.

    centre, spread: of a channel, taken off and divided by; () = the network does so itself. square:
    images become side × side; else their longer side becomes `side`, unless it is longer. A stored
    model keeps it, so that another choice of a later version leaves its scores alone.
    """

    side: int
    stages: tuple[int | str, ...]
    pooled: bool
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    square: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Use:
        """Read what `state` gave; InputError if it is none."""
        side, pooled, square = stored.get("side"), stored.get("pooled"), stored.get("square", False)
        if type(side) is int and side > 0 and type(pooled) is bool and type(square) is bool:
            chosen, scale = stored.get("stages"), [stored.get("centre"), stored.get("spread")]
            centre, spread = ((), ()) if scale == [None, None] else map(_channels, scale)
            known = isinstance(chosen, list) and all(
                isinstance(at, str) or (type(at) is int and at >= 0) for at in chosen
            )
            if known and chosen and None not in (centre, spread) and all(spread or ()):
                return cls(side, tuple(chosen), pooled, centre or (), spread or (), square)
        raise InputError("how the stored backbone is used is not told; save it anew")

    def state(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        kept: dict[str, Any] = {"side": self.side, "stages": list(self.stages)}
        kept |= {"pooled": self.pooled}
        if self.centre:
            kept |= {"centre": list(self.centre), "spread": list(self.spread)}
        return kept | ({"square": True} if self.square else {})


def _channels(stored: Any) -> tuple[float, ...] | None:
    """Read a finite number for each channel; None if it is none."""
    numbers = isinstance(stored, list) and len(stored) == CHANNELS
    if numbers and all(type(value) is float and math.isfinite(value) for value in stored):
        return tuple(stored)
    return None


@dataclass(frozen=True)
class Network:
    """A network that is read when it is first called; digest: SHA-256 of the file of weights.

    read: gives, of that file and of how it is used, a function from images [n, 3, h, w] to the
    chosen stages, [n, d, h_s, w_s] each; it keeps what it read.
    """

    path: Path
    digest: str
    use: Use
    read: Callable[[Path, Use], Callable[[Tensor], list[Tensor]]]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Compute features of images [n, height, width, channels] from 0 to 1, on one thread."""
        import torch

        with torch.inference_mode():
            return self.of_tensor(torch.from_numpy(images)).contiguous().numpy()

    def of_tensor(self, images: Tensor) -> Tensor:
        """Compute the same, of a tensor or what stands for one in a graph to export."""
        import torch

        network = self.read(self.path, self.use)
        maps = network(self._prepared(as_colour(images)))
        if self.use.pooled:
            return torch.cat([one.mean(dim=(2, 3)) for one in maps], dim=1)
        return side_by_side(maps).permute(0, 2, 3, 1)

    def _prepared(self, x: Tensor) -> Tensor:
        """Resize and scale images [n, 3, h, w]."""
        import torch

        use = self.use
        x = resized(x, use.side, use.side) if use.square else enlarged(x, use.side)
        if not use.centre:
            return x
        centre, spread = (torch.tensor(one).reshape(-1, 1, 1) for one in (use.centre, use.spread))
        return (x - centre) / spread


def digest_of(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal; once, unless it changes."""
    told = path.stat()
    return _digest(path, told.st_mtime_ns, told.st_size)


@functools.lru_cache(maxsize=16)
def _digest(path: Path, changed: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def each_on_one_thread(
    call: Callable[[np.ndarray], Any], blocks: Iterable[np.ndarray]
) -> Iterator[Any]:
    """Call a network for each block, several at a time, each on one thread of PyTorch.

    So features are the same to the last bit on any number of threads.
    """
    import torch

    before = torch.get_num_threads()
    if before == 1:
        yield from map(call, blocks)
        return
    try:
        with ThreadPoolExecutor(before, initializer=lambda: torch.set_num_threads(1)) as pool:
            yield from pool.map(call, blocks)
    finally:
        torch.set_num_threads(before)


def as_colour(images: Tensor) -> Tensor:
    """Turn images [n, height, width, channels] into [n, 3, height, width], grey into equal parts.

    The fourth channel is left out.
    """
    x = images.permute(0, 3, 1, 2)
    return x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x[:, :3]


def enlarged(x: Tensor, side: int) -> Tensor:
    """Enlarge images [n, 3, h, w], if need be, until their longer side has `side` pixels."""
    import torch

    longer = max(x.shape[2:])
    if longer < side:
        x = resized(x, *(max(1, round(length * side / longer)) for length in x.shape[2:]))
    return x.contiguous(memory_format=torch.channels_last)


def resized(x: Tensor, height: int, width: int) -> Tensor:
    """Resize images [n, 3, h, w] to [n, 3, height, width], linear between pixels."""
    import torch
    from torch.nn import functional

    if tuple(x.shape[2:]) != (height, width):
        x = functional.interpolate(x, size=(height, width), mode="bilinear", align_corners=False)
    return x.contiguous(memory_format=torch.channels_last)


def side_by_side(maps: list[Tensor]) -> Tensor:
    """Lay maps [n, d_i, h_i, w_i] side by side at the size of the finest: [n, sum of d_i, h, w].

    Each place has the mean of the 3 × 3 around it, as in PatchCore (Roth et al., CVPR 2022).
    """
    import torch
    from torch.nn import functional

    size = max((one.shape[2:] for one in maps), key=math.prod)
    near = [functional.avg_pool2d(one, 3, 1, 1, count_include_pad=False) for one in maps]
    same = [
        one
        if one.shape[2:] == size
        else functional.interpolate(one, size=size, mode="bilinear", align_corners=False)
        for one in near
    ]
    return torch.cat(same, dim=1)
