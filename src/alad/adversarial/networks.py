"""Encoder, generator and pair discriminators, every one with a leading axis `members`.

A network here is a description: which layers, of which width. It holds no weights; see `weights`.

Source: Zenati et al. 2018 (ALAD), tables IX to XI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from alad.adversarial.architectures import Architecture
from alad.networks.context import Context
from alad.networks.dense import Chain, Dense, chain


@dataclass(frozen=True)
class PairDiscriminator:
    """Judges a pair (a, b): own branches first, then common layers, then one logit.

    Empty branches pass their input on. The activations before the logit are its features: for D_xx
    those of the ALAD score (eq. 9).
    """

    a: Chain
    b: Chain
    joint: Chain
    logit: Any  # a layer
    axis: int = 2  # along which the branches are joined

    def features(self, context: Context, a: Tensor, b: Tensor) -> Tensor:
        """[members, n, *], [members, n, *] -> [members, n, features]."""
        pair = [self.a(context, a), self.b(context, b)]
        return self.joint(context, torch.cat(pair, dim=self.axis))

    def __call__(self, context: Context, a: Tensor, b: Tensor) -> Tensor:
        """Logits [members, n]; large = looks like a real pair."""
        return self.logit(context, self.features(context, a, b)).squeeze(2)

    def layers(self) -> tuple[Any, ...]:
        return (*self.a.layers, *self.b.layers, *self.joint.layers, self.logit)


class DenseNetworks:
    """E: x -> z, G: z -> x and the discriminators D_xz, D_xx, D_zz for rows of `width` numbers."""

    def __init__(
        self,
        width: int,
        shape: Architecture,
        *,
        spectral: bool = False,
        xx: bool = True,
        zz: bool = True,
    ):
        latent = shape.latent
        self.width, self.latent = width, latent
        self.encoder = chain(
            "E", (width, *shape.encoder, latent), "leaky", last="linear", spectral=spectral
        )
        self.generator = chain("G", (latent, *shape.generator, width), "relu", last="linear")
        self.xz, self.xx, self.zz = _xz_discriminator(width, shape, spectral), None, None
        if xx:
            self.xx = _cycle_discriminator("Dxx", width, shape.xx, shape.cycle_dropout, spectral)
        if zz:
            self.zz = _cycle_discriminator("Dzz", latent, shape.zz, shape.cycle_dropout, spectral)
        judges = [judge for judge in (self.xz, self.xx, self.zz) if judge is not None]
        self.player_layers = (*self.encoder.layers, *self.generator.layers)
        self.judge_layers = tuple(layer for judge in judges for layer in judge.layers())

    @property
    def groups(self) -> dict[str, tuple[Dense, ...]]:
        return {"players": self.player_layers, "judges": self.judge_layers}

    @property
    def layers(self) -> tuple[Dense, ...]:
        return (*self.player_layers, *self.judge_layers)


def _xz_discriminator(width: int, shape: Architecture, spectral: bool) -> PairDiscriminator:
    units = shape.xz_branch
    x = Dense("Dxz.x", width, units, "leaky", batch_norm=shape.xz_batch_norm, spectral=spectral)
    z = Dense("Dxz.z", shape.latent, units, "leaky", dropout=shape.xz_dropout, spectral=spectral)
    joint = chain(
        "Dxz.joint",
        (2 * units, *shape.xz_joint),
        "leaky",
        last="leaky",
        dropout=shape.xz_dropout,
        spectral=spectral,
    )
    return PairDiscriminator(
        Chain((x,)), Chain((z,)), joint, Dense("Dxz.logit", shape.xz_joint[-1], 1)
    )


def _cycle_discriminator(
    name: str, inputs: int, widths: tuple[int, ...], dropout: float, spectral: bool
) -> PairDiscriminator:
    joint = chain(
        f"{name}.joint",
        (2 * inputs, *widths),
        "leaky",
        last="leaky",
        dropout=dropout,
        spectral=spectral,
    )
    return PairDiscriminator(Chain(()), Chain(()), joint, Dense(f"{name}.logit", widths[-1], 1))
