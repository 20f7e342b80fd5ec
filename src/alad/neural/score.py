"""What a score is: a formula that reads a model, and what it learns from training rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

Learnt = Mapping[str, Tensor]  # what a score learns from training rows, [members, ...] each


def minus_log_sigmoid(logits: Tensor) -> Tensor:
    """Compute softplus(-l), each number by itself.

    PyTorch's own rounds the last few of an array otherwise than those before them.
    """
    return (-logits).clamp_min(0) + torch.log1p(torch.exp(-logits.abs()))


Reader = TypeVar("Reader")  # what a family of detectors scores with: networks and their weights


@dataclass(frozen=True)
class Score(Generic[Reader]):
    """value(reader, x [n, *shape of a row], learnt) -> [members, n], larger = more anomalous.

    fit(reader, x) learns from training rows what value needs: a sample of them, or all. Some are
    not for images, whose features are too many to learn how they vary together. watched_as: the
    score by which the stopping rule judges in its place, if this one costs too much at every check.
    """

    value: Callable[[Reader, Tensor, Learnt], Tensor]
    fit: Callable[[Reader, Any], dict[str, Tensor]] | None = None
    fit_to_all: bool = False
    for_images: bool = True
    watched_as: str | None = None
