"""AnoGAN's search as its authors and those of ALAD ran it: autograd, and PyTorch's own Adam.

The yardstick of times, and what the package's own searches are checked against.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from alad.gan import START

if TYPE_CHECKING:
    from alad.anogan import AnoGAN


def search(detector: "AnoGAN", X: np.ndarray) -> np.ndarray:
    """Losses [n] of encoded rows X [n, width], all searched for at once; of one member."""
    model, weight = detector._model, detector.discrimination_weight
    x = torch.from_numpy(X)
    real = model.networks.judge.features(model.context, x[None]).detach()
    z = model.context.buffers[START].repeat(1, len(x), 1).requires_grad_()
    adam = torch.optim.Adam([z], detector.search_learning_rate)

    def losses() -> Tensor:
        generated = model.networks.generator(model.context, z)
        features = model.networks.judge.features(model.context, generated)
        residual = (x - generated).abs().sum(dim=2)
        return (1 - weight) * residual + weight * (real - features).abs().sum(dim=2)

    for _ in range(detector.search_steps):
        adam.zero_grad()
        losses().sum().backward()
        adam.step()
    return losses()[0].detach().numpy()
