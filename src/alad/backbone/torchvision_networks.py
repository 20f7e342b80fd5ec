"""What torchvision is asked of its networks; their stages are named after its modules."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.backbone.networks import MAPS, Use
from alad.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def fetching(name: str) -> str:
    """Write the call that downloads the weights of a network."""
    model, _, tag = name.partition(".")
    return f"torchvision.models.get_model('{model}', weights='{tag or 'DEFAULT'}')"


def _weights(library: Any, name: str) -> Any:
    """Give the entry of a network's weights: NAME.IMAGENET1K_V1, or without it the default."""
    model, _, tag = name.partition(".")
    known = library.models.get_model_weights(model)
    return known[tag] if tag else known.DEFAULT


def file(library: Any, name: str) -> Path | None:
    """Find the weights of a network in the cache of torch.hub; None if there are none."""
    from torch.hub import get_dir

    found = Path(get_dir()) / "checkpoints" / _weights(library, name).url.rpartition("/")[2]
    return found if found.is_file() else None


def use(library: Any, name: str, pooled: bool) -> Use:
    """Choose how a network is used: its weights' size and scale, the stages of `libraries`."""
    own = _weights(library, name).transforms()
    side = int(max(own.crop_size))
    met = _maps(_made(library, name), side)
    if MAPS[0] not in met:  # a transformer, whose patches are rows of another form
        raise InputError(
            f"torchvision's {name} gives no maps [n, d, rows, columns] of an eighth of an image; "
            "choose one with convolutions, such as resnet18, or one of timm"
        )
    wanted = [max(met)] if pooled else [times for times in MAPS if times in met]
    centre, spread = (tuple(map(float, part)) for part in (own.mean, own.std))
    return Use(side, tuple(met[times] for times in wanted), pooled, centre, spread)


def _made(library: Any, name: str) -> Any:
    return library.models.get_model(name.partition(".")[0], weights=None)


def _maps(network: Any, side: int) -> dict[int, str]:
    """Name the module that gives the map so many times smaller than the image, for each size.

    Of several the outermost, and of these the last: a whole stage, not a layer within one.
    """
    import torch

    met: dict[int, list[str]] = {}

    def note(name: str) -> Callable[..., None]:
        def noted(module: Any, given: Any, output: Any) -> None:
            shape = getattr(output, "shape", ())
            if name and len(shape) == 4 and shape[2] == shape[3] > 1:
                met.setdefault(2 ** round(math.log2(side / shape[2])), []).append(name)

        return noted

    hooks = [each.register_forward_hook(note(name)) for name, each in network.named_modules()]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    least = {times: min(name.count(".") for name in names) for times, names in met.items()}
    return {
        times: [name for name in names if name.count(".") == least[times]][-1]
        for times, names in met.items()
    }


def build(
    library: Any, name: str, stages: Sequence[int | str]
) -> tuple[Any, Callable[[Tensor], list[Tensor]]]:
    """Make a network, untrained, without what no stage needs, and what gives its stages."""
    extraction = importlib.import_module("torchvision.models.feature_extraction")
    names = [str(at) for at in stages]
    network = extraction.create_feature_extractor(_made(library, name).eval(), names)
    return network, lambda x: [network(x)[name] for name in names]
