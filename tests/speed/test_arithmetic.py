"""Multiplications, counted by hand for networks of a few numbers."""

from dataclasses import replace

from alad.adversarial.architectures import Architecture, image_architecture_for
from alad.adversarial.game import DENOISING_GAME, FAMILY
from alad.adversarial.networks import game_networks
from alad.speed import arithmetic

SMALL = Architecture(
    latent=2, encoder=(5,), generator=(7,), xz_branch=4, xz_joint=(6,), xx=(8,), zz=(3,)
)


def test_a_score_goes_through_E_and_G_once_and_through_D_xx_twice():
    networks = game_networks((3,), SMALL, FAMILY["alad"])
    through = 3 * 5 + 5 * 2 + 2 * 7 + 7 * 3
    assert arithmetic.scored_row(networks) == through + 3 * (3 * 8)  # x once, x again, G(E(x))


def test_a_deeper_layer_of_D_xx_counts_for_both_pairs():
    deeper = Architecture(2, (5,), (7,), 4, (6,), (8, 10), (3,))
    networks = game_networks((3,), deeper, FAMILY["alad"])
    through = 3 * 5 + 5 * 2 + 2 * 7 + 7 * 3
    assert arithmetic.scored_row(networks) == through + 3 * (3 * 8) + 2 * (8 * 10)


def test_the_default_s_score_counts_no_sines_no_level_and_a_triangle():
    shape = replace(SMALL, periods=2)
    networks = game_networks((3,), shape, DENOISING_GAME)
    read = 3 + 3 * 2 * 2  # the columns, a sine and a cosine of each period; the level is a bias
    through = read * 5 + 5 * 2 + 2 * 7 + 7 * 3
    beside = 8 + 8 + 2  # features missed, features, code
    triangle = sum(range(1, beside + 1))
    assert arithmetic.joint_row(networks) == through + 3 * (3 * 8) + triangle


def test_a_step_counts_every_product_of_both_sides():
    networks = game_networks((3,), SMALL, FAMILY["alad"])
    e, g = (3 * 5, 5 * 2), (2 * 7, 7 * 3)
    # D_xz: x (3 -> 4), z (2 -> 4), both (8 -> 6); D_xx 6 -> 8, D_zz 4 -> 3
    ends, joint, first = 3 * 4 + 2 * 4, 8 * 6, 6 * 8 + 4 * 3
    discriminators = (
        2 * sum(e + g)  # E(x), E(G(z)), G(z), G(E(x))
        + 2 * (ends + joint)  # two pairs forward
        + 2 * joint  # back to the branches
        + 2 * (ends + joint)  # gradients of the weights
        + 3 * first  # three halves forward and three gradients
    )
    players = (
        2 * sum(e + g)
        + 2 * (ends + joint)
        + joint  # back to E(x) and to G(z) alone
        + ends
        + first  # (x, G(E(x))), (z, E(G(z)))
        + first // 2  # back to the second half
        + 2 * (e[1] + g[1])  # back within both
        + e[0]  # to G(z) through E
        + g[0]  # to E(x) through G
        + 2 * sum(e + g)  # gradients of the weights
    )
    assert arithmetic.training_step(networks, batch=1) == discriminators + players
    assert arithmetic.training_step(networks, batch=9) == 9 * (discriminators + players)


def test_a_convolution_counts_every_place_of_its_kernel():
    networks = game_networks((8, 8, 1), image_architecture_for((8, 8, 1)), FAMILY["alad"])
    first = networks.encoder.layers[0]  # 4 × 4, from 8 × 8 to 4 × 4
    assert arithmetic.of_layer(first) == 4 * 4 * 4 * 4 * first.inputs * first.outputs
