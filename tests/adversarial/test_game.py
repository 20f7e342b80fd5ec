"""Pairs, losses and gradients of the game against independently computed numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from toy import context, networks, tensor, weights

from alad.adversarial.game import FAMILY, ZZ
from alad.adversarial.play import Drawn, discriminator_loss, generator_encoder_loss, play
from alad.networks.context import Context

CASE = case("game")
GIVEN, EXPECTED, TOLERANCE = CASE["given"], CASE["expected"], CASE["tolerance"]
X, Z = tensor(GIVEN["x"]), tensor(GIVEN["z"])


def played(method: str = "alad", *, constants: bool = True):
    game = FAMILY[method]
    used = context(GIVEN)
    given = Drawn({"x": X, "z": Z})
    return play(networks(game), used, game, given, constants=constants)[1], used


def test_every_discriminator_sees_its_own_pairs():
    logits, _ = played()
    for name, pair in logits.items():
        assert pair.real is not None
        close(pair.real[0].detach(), EXPECTED["logits"][f"{name}_real"], TOLERANCE["values"])
        close(pair.fake[0].detach(), EXPECTED["logits"][f"{name}_fake"], TOLERANCE["values"])


@pytest.mark.parametrize("wrong", EXPECTED["wrong_logits"])
def test_known_mistakes_are_not_made(wrong: str):
    fake = played()[0][wrong[:2]].fake[0].detach().numpy()
    assert (np.abs(fake - EXPECTED["wrong_logits"][wrong]) > 0.05).all()


@pytest.mark.parametrize("method", ["bigan", "alice", "alad"])
def test_losses(method: str):
    logits, _ = played(method)
    without, _ = played(method, constants=False)
    got = {
        "loss_discriminators": discriminator_loss(logits),
        "loss_eg_with_constants": generator_encoder_loss(logits),
        "loss_eg_without_constants": generator_encoder_loss(without),
    }
    for name, loss in got.items():
        close(loss.item(), EXPECTED[name][method], TOLERANCE["values"])


def compare_gradients(used: Context, expected: dict[str, dict[str, list]]):
    named = weights(expected)  # the same naming, for gradients
    for name, value in named.items():
        gradient = used.weights[name].grad
        assert gradient is not None, name
        close(gradient, value.detach(), TOLERANCE["gradients"])


def test_discriminator_gradients():
    logits, used = played()
    discriminator_loss(logits).sum().backward()
    compare_gradients(used, EXPECTED["gradient_discriminators_alad"])


@pytest.mark.parametrize("constants", [True, False])
@pytest.mark.parametrize("method", ["bigan", "alice", "alad"])
def test_encoder_and_generator_gradients(method: str, constants: bool):
    logits, used = played(method, constants=constants)
    generator_encoder_loss(logits).sum().backward()
    compare_gradients(used, EXPECTED["gradient_eg"][method])


def test_alad_without_its_latent_discriminator_and_spectral_norm_is_alice():
    assert replace(FAMILY["alad"].switched(ZZ, False), spectral=False) == FAMILY["alice"]
    without_zz = {name: pair for name, pair in played("alad")[0].items() if name != "zz"}
    assert torch.equal(discriminator_loss(without_zz), discriminator_loss(played("alice")[0]))
