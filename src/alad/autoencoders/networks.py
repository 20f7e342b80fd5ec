"""E: x -> code and D: code -> x, of every method with an encoder and a decoder, in one form.

For tables the layers are dense; for images they are E and G of ALAD.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from alad.autoencoders.architectures import (
    CodeArchitecture,
    ImageCodeArchitecture,
    ImageMixtureArchitecture,
    MixtureArchitecture,
)
from alad.networks.context import Context, Layer
from alad.networks.dense import Chain, chain
from alad.networks.stacks import ImageLayers

AnyCodeArchitecture = (
    CodeArchitecture | MixtureArchitecture | ImageCodeArchitecture | ImageMixtureArchitecture
)


class CodeNetworks:
    """Encoder and decoder, and what else belongs to the model."""

    def __init__(
        self, encoder: Chain, decoder: Chain, latent: int, *, others: Sequence[Layer] = ()
    ):
        self.encoder, self.decoder, self.latent = encoder, decoder, latent
        self.layers: tuple[Layer, ...] = (*encoder.layers, *decoder.layers, *others)

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        return {"weights": self.layers}

    def __call__(self, context: Context, x: Tensor) -> Tensor:
        """x' = D(E(x)), [members, n, *shape], with one number for each output."""
        return self.decoder(context, self.encoder(context, x))

    def measure(self, context: Context, x: Tensor) -> None:
        """Send images through, by the mean of a code that has one, so that `context` measures."""
        self.decoder(context, self.encoder(context, x)[..., : self.latent])


def code_networks(
    shape: tuple[int, ...], architecture: AnyCodeArchitecture, *, numbers: int = 1, **how: Any
) -> CodeNetworks:
    """For rows of `shape`: (width,), or of an image.

    numbers: for each output, 1 = the output itself, 2 = its mean and its log variance, all means
    first along the last axis. An image's own values end in tanh, as they lie in [-1, 1]; a log
    variance may not.
    """
    latent = architecture.latent
    if isinstance(architecture, CodeArchitecture | MixtureArchitecture):
        (width,), hidden = shape, architecture.activation
        widths = (width, *architecture.encoder, numbers * latent)
        encoder = chain("E", widths, hidden, last="linear")
        widths = (latent, *architecture.decoder, numbers * width)
        return CodeNetworks(encoder, chain("D", widths, hidden, last="linear"), latent, **how)
    height, width, channels = shape
    build = ImageLayers(
        (height, width, channels), latent, architecture.width, deviation=architecture.deviation
    )
    last = "tanh" if numbers == 1 else "linear"
    decoder = build.generator("D", numbers=numbers, last=last)
    return CodeNetworks(build.encoder(numbers=numbers), decoder, latent, **how)
