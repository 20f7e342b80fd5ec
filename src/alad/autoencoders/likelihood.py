"""Normal distributions with a diagonal variance, in PyTorch, for the loss and score of a VAE."""

from __future__ import annotations

import torch
from torch import Tensor

from alad.autoencoders.networks import LOG_TWO_PI, LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST


def halves(both: Tensor) -> tuple[Tensor, Tensor]:
    """Split outputs [members, n, *] in half along the last axis: means and log variances."""
    mean, log_variance = both.chunk(2, dim=-1)
    return mean, log_variance.clamp(LOG_VARIANCE_LEAST, LOG_VARIANCE_MOST)


def log_likelihood(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute log N(x; mean, variance), summed over columns or pixels: [members, n]."""
    squares = (x - mean).square() * torch.exp(-log_variance)
    return -0.5 * (LOG_TWO_PI + log_variance + squares).flatten(2).sum(dim=2)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute KL(N(mean, variance) || N(0, I)), [members, n]."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=2)
