"""E, G, D_xz, D_xx and D_zz for images: the published networks for 32 × 32, a rule for any size.

Zenati et al. 2018, table IX, and the authors' code where it differs (32 × 32 × 3, width 128):

| net  | layers                                                                        |
|------|-------------------------------------------------------------------------------|
| E    | conv 4×4/2 128 SN BN, 256 SN BN, 512 SN BN, LReLU each; 4×4 VALID 100          |
| G    | tconv 4×4 VALID 512 BN, 4×4/2 256 BN, 128 BN, ReLU each; 4×4/2 3 tanh          |
| D_xz | x: conv 4×4/2 128 SN, 256 SN BN, 512 SN BN, LReLU each; z: 1×1 512 SN LReLU    |
|      | dropout, twice; joined: 1×1 1024 SN LReLU dropout; logit                      |
| D_xx | both images, one above the other: conv 5×5/2 64 SN, 128 SN, LReLU dropout each |
| D_zz | 64 SN, 32 SN, LReLU dropout each                                              |
"""

from __future__ import annotations

import math

from alad.adversarial.architectures import ImageArchitecture
from alad.adversarial.networks import PairDiscriminator
from alad.networks.convolution import Convolution
from alad.networks.dense import Chain
from alad.networks.patches import Window
from alad.networks.stacks import ImageLayers, flattened

CYCLE_DOWN = (5, 5)  # the kernel of D_xx
HEIGHT_AXIS, CHANNEL_AXIS = 2, 4  # of [members, n, height, width, channels]


class ImageNetworks:
    """The five networks for images of `shape` (height, width, channels)."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        architecture: ImageArchitecture,
        *,
        spectral: bool = False,
        xx: bool = True,
        zz: bool = True,
    ):
        self.shape, self.latent = shape, architecture.latent
        build = ImageLayers(
            shape,
            architecture.latent,
            architecture.width,
            spectral,
            architecture.dropout,
            architecture.deviation,
        )
        self.encoder, self.generator = build.encoder(), build.generator()
        self.xz = _xz_discriminator(build, architecture)
        self.xx = _xx_discriminator(build, architecture) if xx else None
        self.zz = _zz_discriminator(build, architecture) if zz else None
        judges = [judge for judge in (self.xz, self.xx, self.zz) if judge is not None]
        self.player_layers = (*self.encoder.layers, *self.generator.layers)
        self.judge_layers = tuple(layer for judge in judges for layer in judge.layers())

    @property
    def groups(self) -> dict[str, tuple[Convolution, ...]]:
        return {"players": self.player_layers, "judges": self.judge_layers}

    @property
    def layers(self) -> tuple[Convolution, ...]:
        return (*self.player_layers, *self.judge_layers)


def _xz_discriminator(build: ImageLayers, shape: ImageArchitecture) -> PairDiscriminator:
    x = flattened(build.down("Dxz.x", first_batch_norm=False))
    widths = (shape.latent, *shape.xz_code)
    z = build.dense_chain("Dxz.z", widths)
    joint = build.dense("Dxz.joint", math.prod(x[-1].shape) + widths[-1], shape.xz_joint)
    return PairDiscriminator(Chain(tuple(x)), z, Chain((joint,)), build.logit("Dxz", joint))


def _xx_discriminator(build: ImageLayers, shape: ImageArchitecture) -> PairDiscriminator:
    height, width, channels = build.shape
    upright = shape.stacking == "height"
    height, channels = (2 * height, channels) if upright else (height, 2 * channels)
    layers: list[Convolution] = []
    for at, outputs in enumerate(shape.xx):
        window = Window((height, width), CYCLE_DOWN, 2)
        layers.append(build.layer(f"Dxx.{at}", channels, outputs, window))
        height, width, channels = layers[-1].shape
    layers = flattened(layers)
    axis = HEIGHT_AXIS if upright else CHANNEL_AXIS
    joint, logit = Chain(tuple(layers)), build.logit("Dxx", layers[-1])
    return PairDiscriminator(Chain(()), Chain(()), joint, logit, axis)


def _zz_discriminator(build: ImageLayers, shape: ImageArchitecture) -> PairDiscriminator:
    joint = build.dense_chain("Dzz.joint", (2 * shape.latent, *shape.zz))
    return PairDiscriminator(Chain(()), Chain(()), joint, build.logit("Dzz", joint.layers[-1]))
