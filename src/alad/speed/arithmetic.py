"""Multiplications in the matrix products of our C, counted from layers: what a share of a peak is.

Logits, one number a row, are not counted, nor is anything else that is no matrix product.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alad.adversarial.networks import GameNetworks
from alad.networks.layers import Chain, Conditioned, Convolution, Periodic


def of_layer(layer: Any) -> int:
    """Count the multiplications of one row, or image, in the product of a layer."""
    places = 1
    if isinstance(layer, Convolution):
        (high, wide), (down, right) = layer.geometry.steps, layer.geometry.kernel
        places = high * wide * down * right
    return places * layer.inputs * layer.outputs


def of_layers(layers: Iterable[Any]) -> int:
    """Add up the multiplications of layers."""
    return sum(map(of_layer, layers))


def of_chain(chain: Chain) -> int:
    """Count the multiplications of one row at scoring, where a noise level is part of a bias."""
    layers = [layer for layer in chain.layers if not isinstance(layer, Periodic)]
    level = layers[0].outputs if isinstance(chain, Conditioned) else 0
    return of_layers(layers) - level


def joint_row(networks: GameNetworks) -> int:
    """Count the multiplications of one score by `joint`: those by features, and a triangle's."""
    features = networks.discriminators["xx"].joint.layers[-1].outputs
    width = 2 * features + networks.latent
    return scored_row(networks) + width * (width + 1) // 2


def scored_row(networks: GameNetworks) -> int:
    """Count the multiplications of one score by features: E, G, and D_xx on two pairs.

    In a table's D_xx the half that both pairs have in common goes through the first layer once.
    """
    through = of_chain(networks.encoder) + of_chain(networks.generator)
    first, *others = networks.discriminators["xx"].joint.layers
    once = 0 if isinstance(first, Convolution) else of_layer(first) // 2
    return through + 2 * of_layers((first, *others)) - once


def training_step(networks: GameNetworks, batch: int) -> int:
    """Count the multiplications of ALAD's step on a table, of one member, as `step.c` makes them.

    Gradients of weights that a side does not move are not formed, nor those by x and z.
    """
    n, sides = batch, networks.discriminators
    encoder, generator = networks.encoder.layers, networks.generator.layers
    chains, starts = of_layers((*encoder, *generator)), of_layers((encoder[0], generator[0]))
    ends = of_layers(branch.layers[0] for branch in sides["xz"].branches)
    joint, *deeper = map(of_layer, sides["xz"].joint.layers)
    first = sum(of_layer(sides[name].joint.layers[0]) for name in ("xx", "zz"))
    rest = sum(of_layers(sides[name].joint.layers[1:]) for name in ("xx", "zz"))
    # the discriminators: E and G once more, then forward, back, and their weights' gradients
    of_pairs = 4 * n * ends + 6 * n * (joint + sum(deeper))
    of_cycles = 3 * n * first + 6 * n * rest  # of three halves: the common one counts once
    discriminators = 2 * n * chains + of_pairs + of_cycles
    # E and G: forward and through the discriminators, back to what they made, and through them
    judged = 2 * n * (ends + joint + sum(deeper)) + n * first + n * rest
    back = n * (2 * sum(deeper) + joint + ends) + n * first // 2 + n * rest
    own = 2 * n * chains + 2 * n * (chains - starts) + n * starts + 2 * n * chains
    return discriminators + judged + back + own
