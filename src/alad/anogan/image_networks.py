"""G and D of a plain GAN for images: AnoGAN's, as the authors of ALAD ran it on CIFAR-10 and SVHN.

| net | layers (32 × 32 × 3, width 128)                                                     |
|-----|-------------------------------------------------------------------------------------|
| G   | ALAD's: tconv 4×4 VALID 512 BN, 4×4/2 256 BN, 128 BN, ReLU each; 4×4/2 3 tanh       |
| D   | conv 4×4/2 128, 256 BN, 512 BN, LReLU each, the last one its features f(x); logit   |
"""

from __future__ import annotations

from alad.anogan.architectures import ImageGanArchitecture
from alad.anogan.networks import Discriminator, SearchStart
from alad.networks.context import Layer
from alad.networks.convolution import Convolution
from alad.networks.dense import Chain
from alad.networks.stacks import ImageLayers, flattened


class ImageGanNetworks:
    """G and D for images of `shape` (height, width, channels)."""

    def __init__(self, shape: tuple[int, int, int], architecture: ImageGanArchitecture):
        self.shape, self.latent = shape, architecture.latent
        build = ImageLayers(
            shape, architecture.latent, architecture.width, deviation=architecture.deviation
        )
        self.generator = build.generator()
        hidden = flattened(build.down("D.hidden", first_batch_norm=False))
        self.judge = Discriminator(Chain(tuple(hidden)), build.logit("D", hidden[-1]))

    @property
    def groups(self) -> dict[str, tuple[Convolution, ...]]:
        """Layers by the player that moves their weights."""
        return {"players": self.generator.layers, "judges": self.judge.layers()}

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (*self.generator.layers, *self.judge.layers(), SearchStart(self.latent))
