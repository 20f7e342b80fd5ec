"""What timm is asked of its networks; its own names of stages are numbers, from 0."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alad.backbone.networks import MAPS, Use

if TYPE_CHECKING:
    from torch import Tensor

FILES = ("model.safetensors", "pytorch_model.bin")  # names of weights in a repository of its hub


def fetching(name: str) -> str:
    """Write the call that downloads the weights of a network."""
    return f"timm.create_model('{name}', pretrained=True)"


def file(library: Any, name: str) -> Path | None:
    """Find the weights of a network in the caches of timm; None if there are none."""
    from torch.hub import get_dir

    hub = importlib.import_module("huggingface_hub")  # timm needs it, too
    origin = library.get_pretrained_cfg(name, allow_unregistered=False)
    if origin.hf_hub_id:
        for one in filter(None, (origin.hf_hub_filename, *FILES)):
            found = hub.try_to_load_from_cache(origin.hf_hub_id, one)
            if isinstance(found, str):
                return Path(found)
    if origin.url:
        found = Path(get_dir()) / "checkpoints" / origin.url.rpartition("/")[2]
        return found if found.is_file() else None
    return None


def use(library: Any, name: str, pooled: bool) -> Use:
    """Choose how a network is used: its own size and scale, the stages of `libraries`."""
    network = library.create_model(name, pretrained=False)
    own = library.data.resolve_model_data_config(network)
    stages = network.feature_info  # a list, or an object that holds one
    listed = stages if isinstance(stages, list) else stages.get_dicts()
    chosen = _chosen([stage["reduction"] for stage in listed], pooled)
    square = bool(network.pretrained_cfg.get("fixed_input_size"))
    centre, spread = (tuple(map(float, own[part])) for part in ("mean", "std"))
    return Use(int(max(own["input_size"][1:])), chosen, pooled, centre, spread, square)


def _chosen(times: list[int], pooled: bool) -> tuple[int, ...]:
    """Choose stages; times: how many times smaller than the image each is.

    Of a transformer, whose blocks are all of one size: those at a half and at three quarters.
    """
    count = len(times)
    if pooled:
        return (count - 1,)
    last = {reduction: at for at, reduction in enumerate(times)}
    if len(last) == 1 and count > 2:
        return (count // 2 - 1, 3 * count // 4 - 1)
    return tuple(last[reduction] for reduction in MAPS if reduction in last) or (count - 1,)


def build(
    library: Any, name: str, stages: Sequence[int | str]
) -> tuple[Any, Callable[[Tensor], list[Tensor]]]:
    """Make a network, untrained, without what no stage needs, and what gives its stages."""
    network, numbers = library.create_model(name, pretrained=False), [int(at) for at in stages]
    network.prune_intermediate_layers(numbers, prune_norm=True, prune_head=True)

    def call(x: Tensor) -> list[Tensor]:
        return network.forward_intermediates(
            x, indices=numbers, intermediates_only=True, stop_early=True
        )

    return network, call
