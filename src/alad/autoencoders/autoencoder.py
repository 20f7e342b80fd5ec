"""The autoencoder: its score is the reconstruction error.

A row x goes through an encoder E to a narrow code and back through a decoder D. Networks that
learnt normal rows reconstruct normal rows, and others less well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from alad.autoencoders.architectures import (
    CODE_ARCHITECTURES,
    IMAGE_CODE_ARCHITECTURES,
    CodeArchitecture,
    ImageCodeArchitecture,
    code_architecture_for,
)
from alad.autoencoders.models import CodeModel
from alad.autoencoders.networks import CodeNetworks, code_networks
from alad.networks.image_stacks import USUAL_WIDTH
from alad.neural.choices import Architectures
from alad.neural.detector import NetworkDetector
from alad.parameters import Count, replaces
from alad.training.optimizer import Optimiser
from alad.training.rows import Rows
from alad.training.step import Loss, LossStep


def squared_error(x: Tensor, again: Tensor) -> Tensor:
    """Compute the squared distance of x and x' [members, n, *shape], mean over rows: [members]."""
    return (x - again).square().flatten(2).sum(dim=2).mean(dim=1)


CODES = Architectures(
    CodeArchitecture, CODE_ARCHITECTURES, lambda shape: code_architecture_for(shape[0])
)
IMAGE_CODES = Architectures(
    ImageCodeArchitecture,
    IMAGE_CODE_ARCHITECTURES,
    lambda shape: ImageCodeArchitecture(width=USUAL_WIDTH),
)


def reconstruction_loss(networks: CodeNetworks) -> Loss:
    """Make the loss: the squared reconstruction error, mean over the rows of a batch."""
    return lambda context, x, noise: squared_error(x, networks(context, x))


@dataclass(kw_only=True, eq=False, repr=False)
class Autoencoder(NetworkDetector):
    """An autoencoder, scored by the distance of a row from its reconstruction.

    Hawkins et al. 2002 (replicator networks); Sakurada, Yairi 2014. The loss is the mean over rows
    of |x - D(E(x))|_2², the score |x - D(E(x))|_2, large = anomalous: the nonlinear form of a score
    by principal components.
    """

    name: ClassVar[str] = "autoencoder"
    summary: ClassVar[str] = "distance from a row to its reconstruction through a narrow code"
    own_score: ClassVar[str] = "l2"
    model = CodeModel
    tables, images = CODES, IMAGE_CODES

    latent_dim: Count | None = replaces("latent", None)  # width of the latent code

    def _networks(self, shape: tuple[int, ...], architecture: Any) -> CodeNetworks:
        return code_networks(shape, architecture)

    def _step(self, X: Rows, architecture: Any, optimiser: Optimiser, seed: int) -> LossStep:
        networks = self._networks(tuple(X.shape[1:]), architecture)
        loss, members = reconstruction_loss(networks), self.member_numbers()
        return LossStep(X, networks, loss, optimiser, seed=seed, members=members)
