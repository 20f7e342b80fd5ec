"""DSEBM: the energy, its gradient written out, and its training, against independent numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from one_player import aurocs, leaf, one, sheet, unmoved
from torch import Tensor

import alad
from alad.autoencoders.architectures import EnergyArchitecture
from alad.autoencoders.dsebm import EnergyModel, denoising_loss
from alad.autoencoders.networks import energy_network
from alad.errors import InputError
from alad.networks.context import Context
from alad.neural.one_loss import Trained

CASE = case("dsebm")
GIVEN, EXPECTED = CASE["given"], CASE["expected"]
VALUES, GRADIENTS = CASE["tolerance"]["values"], CASE["tolerance"]["gradients"]
OURS = {
    **{"W1": "H.0.weight", "b1": "H.0.bias", "W2": "H.1.weight", "b2": "H.1.bias"},
    "b0": "X.bias",
}
NETWORK = energy_network((4,), EnergyArchitecture((5, 3)))


def weights() -> dict[str, Tensor]:
    return {OURS[name]: leaf(values) for name, values in GIVEN["weights"].items()}


@pytest.mark.parametrize("training", [False, True])
def test_energy_gradient_and_reconstruction(training: bool):
    context, x = Context(weights(), training=training), one(GIVEN["x"])
    with torch.no_grad():
        close(NETWORK.energy(context, x)[0], EXPECTED["score_energy"], VALUES)
        close(NETWORK.gradient(context, x)[0], EXPECTED["gradient_analytic"], VALUES)
        close(NETWORK.reconstruct(context, x)[0], EXPECTED["reconstruction"], VALUES)


def test_the_gradient_written_out_is_the_derivative_of_the_energy():
    context, x = Context(weights()), one(GIVEN["x"]).requires_grad_()
    (automatic,) = torch.autograd.grad(NETWORK.energy(context, x).sum(), x)
    close(NETWORK.gradient(context, x).detach(), automatic, 1e-12)


def test_both_scores():
    model = Trained(NETWORK, Context(weights()))
    x = one(GIVEN["x"])[0]
    with torch.no_grad():
        scores = {name: score.value(model, x, {})[0] for name, score in EnergyModel.offers.items()}
    close(scores["energy"], EXPECTED["score_energy"], VALUES)
    close(scores["reconstruction"], EXPECTED["score_reconstruction"], VALUES)
    assert (alad.DSEBMr.own_score, alad.DSEBMe.own_score) == ("reconstruction", "energy")


def test_denoising_loss_and_its_weight_gradients():
    named = weights()
    context = Context(named, training=True)
    loss = denoising_loss(NETWORK, context, one(GIVEN["x"]), one(GIVEN["noise"]))
    close(loss.item(), EXPECTED["loss_mean_over_elements"], VALUES)
    loss.sum().backward()
    for name, gradient in EXPECTED["weight_gradient_of_loss_mean_over_elements"].items():
        found = named[OURS[name]].grad
        assert found is not None
        close(found[0].squeeze(0), gradient, GRADIENTS)


def test_a_gradient_reaches_every_weight():
    assert unmoved(alad.DSEBMr) == []


@pytest.mark.parametrize(("kind", "floor"), [(alad.DSEBMr, 0.8), (alad.DSEBMe, 0.7)])
def test_trained_beats_untrained_over_seeds(kind, floor: float):
    settings = {"architecture": {"hidden": (64, 64)}, "learning_rate": 3e-3}
    untrained, trained = (aurocs(kind, max_steps=steps, **settings) for steps in (0, 300))
    assert (untrained < 0.6).all() and (trained > floor).all(), (untrained, trained)
    assert (trained - untrained > 0.15).all(), (untrained, trained)


def test_one_training_two_scores():
    """The two entries of the catalogue differ in nothing but the score that counts."""
    X = sheet(100)
    settings = {"random_state": 0, "max_steps": 10, "patience": None}
    r, e = (kind(**settings).fit(X) for kind in (alad.DSEBMr, alad.DSEBMe))
    np.testing.assert_array_equal(r.score_as(X, "energy"), e.anomaly_score(X))
    np.testing.assert_array_equal(e.score_as(X, "reconstruction"), r.anomaly_score(X))


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan"), float("inf"), "much", True])
def test_noise_is_checked(wrong: object):
    with pytest.raises(InputError, match=r"noise is .*above 0"):
        alad.DSEBMr(noise=wrong).fit(sheet(20))  # type: ignore[arg-type]


def test_presets():
    assert alad.DSEBMr.from_preset("arrhythmia").architecture == "arrhythmia"
    with pytest.raises(InputError, match="no preset 'kdd' of dsebm-r; there are: kdd99"):
        alad.DSEBMr.from_preset("kdd")
