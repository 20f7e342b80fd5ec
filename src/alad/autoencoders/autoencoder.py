"""Detectors that score what a narrow code loses: autoencoder and robust deep autoencoder.

A row x goes through an encoder E to a code and back through a decoder D. Networks that learnt
normal rows give normal rows back, and others less well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from alad.autoencoders.architectures import (
    CODE_ARCHITECTURES,
    IMAGE_CODE_ARCHITECTURES,
    CodeArchitecture,
    ImageCodeArchitecture,
    code_architecture_for,
)
from alad.autoencoders.networks import CodeNetworks, code_networks
from alad.networks.context import Context
from alad.networks.stacks import USUAL_WIDTH
from alad.neural.one_loss import Descending, Trained
from alad.neural.score import Fitted, Score
from alad.parameters import whole
from alad.training.noise import StepNoise


class Coding(Descending):
    """The body of detectors with an encoder and a decoder.

    Parameters, beside those of `Neural`
    ----------
    latent_dim : width of the latent code; None = the architecture's
    """

    own_score = "l2"
    architectures = CODE_ARCHITECTURES
    architecture_type = CodeArchitecture
    image_architectures = IMAGE_CODE_ARCHITECTURES
    image_architecture_type = ImageCodeArchitecture
    sees_images = True
    streams_images = True

    def __init__(self, *, latent_dim: int | None = None, **common: Any):
        super().__init__(**common)
        self.latent_dim = latent_dim

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.latent_dim is not None:
            whole("latent_dim", self.latent_dim)

    def _architecture(self, shape: tuple[int, ...]) -> Any:
        found = super()._architecture(shape)
        return found if self.latent_dim is None else replace(found, latent=self.latent_dim)

    def _usual_architecture(self, shape: tuple[int, ...]) -> Any:
        if len(shape) == 1:
            return code_architecture_for(shape[0])
        return ImageCodeArchitecture(width=USUAL_WIDTH)

    def _networks_for(self, shape: tuple[int, ...]) -> CodeNetworks:
        return code_networks(shape, self._architecture(shape))

    def _reconstruction(self, x: Tensor) -> Tensor:
        return reconstructed(self._model, x)[1]

    def _loss(self, networks: Any) -> Callable[[Context, Tensor, StepNoise], Tensor]:
        """The squared distance from D(E(x)), unless a method has a loss of its own."""
        return lambda context, x, noise: squared_error(x, networks(context, x))


# --- autoencoder ----------------------------------------------------------------------------------


def reconstructed(model: Trained, x: Tensor) -> tuple[Tensor, Tensor]:
    """x and x', [members, n, *shape]."""
    x = model.for_members(x)
    return x, model.networks(model.context, x)


def l1(model: Trained, x: Tensor, fitted: Fitted) -> Tensor:
    x, again = reconstructed(model, x)
    return (x - again).abs().flatten(2).sum(dim=2)


def l2(model: Trained, x: Tensor, fitted: Fitted) -> Tensor:
    x, again = reconstructed(model, x)
    return torch.linalg.vector_norm((x - again).flatten(2), dim=2)


def squared_error(x: Tensor, again: Tensor) -> Tensor:
    """[members]: squared distance of x and x' [members, n, *shape], mean over rows."""
    return (x - again).square().flatten(2).sum(dim=2).mean(dim=1)


class Autoencoder(Coding):
    """An autoencoder, scored by the distance of a row from its reconstruction.

    Hawkins et al. 2002 (replicator networks); Sakurada, Yairi 2014. The loss is the mean over rows
    of |x - D(E(x))|_2², the score |x - D(E(x))|_2, large = anomalous: the nonlinear form of a score
    by principal components.
    """

    name: ClassVar[str] = "autoencoder"
    summary: ClassVar[str] = "distance from a row to its reconstruction through a narrow code"
    scores: ClassVar[Mapping[str, Score[Trained]]] = {"l2": Score(l2), "l1": Score(l1)}


# --- robust deep autoencoder ----------------------------------------------------------------------
