"""What a score is: a formula that reads a model, and what it learns from training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

Fitted = Mapping[str, Tensor]  # what a score learns from training rows, [members, ...] each


def minus_log_sigmoid(logits: Tensor) -> Tensor:
    """softplus(-l), each number by itself.

    PyTorch's own rounds the last few of an array otherwise than those before them.
    """
    return (-logits).clamp_min(0) + torch.log1p(torch.exp(-logits.abs()))


Model = TypeVar("Model")  # what a family of detectors scores with: networks and their weights


@dataclass(frozen=True)
class Score(Generic[Model]):
    """value(model, x [n, *shape of a row], fitted) -> [members, n], larger = more odd.

    fit(model, x) learns from training rows what value needs: a sample of them, or all. Some are
    not for images, whose features are too many to learn how they vary together.
    """

    value: Callable[[Model, Tensor, Fitted], Tensor]
    fit: Callable[[Model, Any], dict[str, Tensor]] | None = None
    fit_to_all: bool = False
    for_images: bool = True
