"""What the tests of detectors that go down one loss share."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from network_steps import step_of
from sklearn.metrics import roc_auc_score
from torch import Tensor

from alad.neural.detector import NetworkDetector


def leaf(values: Any) -> Tensor:
    """One member, [1, *shape], float64, with a gradient; a vector is a row, as a bias is kept."""
    made = torch.tensor(values, dtype=torch.float64)
    return (made[None, None] if made.dim() == 1 else made[None]).requires_grad_()


def one(values: Any) -> Tensor:
    """One member: [1, n, width], float64."""
    return torch.tensor(values, dtype=torch.float64)[None]


def sheet(n: int, seed: int = 0, width: int = 8) -> np.ndarray:
    """Rows on a curved sheet: half of the columns follow from the other half."""
    free = np.random.default_rng(seed).normal(size=(n, width // 2))
    bent = np.tanh(free @ np.random.default_rng(7).normal(size=(width // 2, width - width // 2)))
    return np.concatenate([free, bent], axis=1)


def aurocs(kind: type[NetworkDetector], **settings: Any) -> np.ndarray:
    """Of every member: rows of the sheet against rows whose columns were shuffled one by one."""
    detector = kind(random_state=0, members=3, patience=None, **settings).fit(sheet(400))
    normal = sheet(300, seed=1)
    broken = np.random.default_rng(3).permuted(normal, axis=0)
    scores = detector.member_scores(np.concatenate([normal, broken]))
    return np.array([roc_auc_score(np.repeat([0, 1], 300), each) for each in scores])


def unmoved(kind: type[NetworkDetector], **settings: Any) -> list[str]:
    """Names of weights of which some entry has not changed after a few steps."""
    detector = kind(random_state=0, members=2, **settings)
    step = step_of(detector, torch.from_numpy(sheet(64).astype(np.float32)), 0)
    (player,) = step.by_group.values()
    before = player.weights.clone()
    for number in range(5):
        step(number)
    moved = player.layout.views((player.weights - before).abs())
    return [name for name, change in moved.items() if not (change > 0).all()]
