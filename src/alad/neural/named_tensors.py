"""All that a model with networks has learnt, by path: weight/…, buffer/…, score/SCORE/…, scale/…"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.layers import Layer
from alad.neural.score import Score


def named_tensors(
    context: Context, fitted: Mapping[str, Mapping[str, Tensor]]
) -> dict[str, Tensor]:
    """Weights and buffers of networks at evaluation, and what their scores have learnt."""
    tensors = {f"weight/{name}": value for name, value in context.weights.items()}
    tensors |= {f"buffer/{name}": value for name, value in context.buffers.items()}
    for score, learnt in fitted.items():
        tensors |= {f"score/{score}/{name}": value for name, value in learnt.items()}
    return tensors


def from_named_tensors(
    tensors: Mapping[str, Tensor],
) -> tuple[Context, dict[str, dict[str, Tensor]]]:
    """What `named_tensors` was given."""
    fitted: dict[str, dict[str, Tensor]] = {}
    networks: dict[str, dict[str, Tensor]] = {"weight": {}, "buffer": {}}
    for path, tensor in tensors.items():
        kind, _, name = path.partition("/")
        if kind == "score":
            score, _, part = name.partition("/")
            fitted.setdefault(score, {})[part] = tensor
        else:
            networks[kind][name] = tensor
    return Context(networks["weight"], networks["buffer"]), fitted


def require_whole(
    arrays: Mapping[str, np.ndarray],
    layers: Iterable[Layer],
    scores: Mapping[str, Score[Any]],
    members: int,
) -> None:
    """InputError unless there is every array that is needed, of its shape, and no other."""
    shapes = _shapes(layers, scores, members)
    learnt = {path.rpartition("/")[0] for path in arrays if path.startswith("score/")}
    expected = {f"score/{name}" for name, score in scores.items() if score.fit}
    found = {path for path in arrays if not path.startswith("score/")} | learnt
    if missing := sorted((shapes.keys() | expected) - found):
        raise InputError(f"the model lacks {', '.join(missing)}; save it anew")
    if surplus := sorted(found - (shapes.keys() | expected)):
        raise InputError(f"the model has no place for {', '.join(surplus)}; save it anew")
    for path, shape in shapes.items():
        array = arrays[path]
        if array.shape != shape:
            raise InputError(f"{path} has shape {array.shape}, not {shape}")
        if not path.startswith("scale/") and array.dtype != np.float32:  # C reads them as such
            raise InputError(f"{path} holds {array.dtype}, not float32; save the model anew")


def _shapes(
    layers: Iterable[Layer], scores: Mapping[str, Score[Any]], members: int
) -> dict[str, tuple[int, ...]]:
    """Of all arrays, but for those that scores have learnt, which only they know."""
    shapes: dict[str, tuple[int, ...]] = {f"scale/{name}": (2, members) for name in scores}
    for layer in layers:
        for kind, named in (("weight", layer.shapes()), ("buffer", layer.buffer_shapes())):
            shapes |= {f"{kind}/{name}": (members, *shape) for name, shape in named.items()}
    return shapes
