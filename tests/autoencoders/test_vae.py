"""VAE: bound, gradients and reconstruction probability against independent numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from one_player import aurocs, leaf, one, sheet, unmoved
from torch import Tensor

import alad
from alad.autoencoders.architectures import CodeArchitecture
from alad.autoencoders.networks import code_networks
from alad.autoencoders.vae import (
    bound,
    divergence,
    halves,
    log_likelihood,
    negative_bound,
    probability,
)
from alad.errors import InputError
from alad.networks.context import Context
from alad.neural.one_loss import Trained

CASE = case("vae")
GIVEN, EXPECTED = CASE["given"], CASE["expected"]
VALUES, GRADIENTS = CASE["tolerance"]["values"], CASE["tolerance"]["gradients"]
NETWORKS = code_networks((3,), CodeArchitecture(2, (4,), (4,), "tanh"), numbers=2)
# ours -> the case's arrays, side by side: means, then log variances
JOINED = {
    **{"E.0.weight": ("enc_W1",), "E.0.bias": ("enc_b1",)},
    **{"E.1.weight": ("enc_Wmu", "enc_Wlv"), "E.1.bias": ("enc_bmu", "enc_blv")},
    **{"D.0.weight": ("dec_W1",), "D.0.bias": ("dec_b1",)},
    **{"D.1.weight": ("dec_Wm", "dec_Ws"), "D.1.bias": ("dec_bm", "dec_bs")},
}


def joined(arrays: dict[str, list]) -> dict[str, np.ndarray]:
    return {
        ours: np.concatenate([np.array(arrays[name]) for name in theirs], axis=-1)
        for ours, theirs in JOINED.items()
    }


def weights() -> dict[str, Tensor]:
    return {name: leaf(values) for name, values in joined(GIVEN["weights"]).items()}


def test_code_decoder_and_the_terms_of_the_bound():
    context, x = Context(weights()), one(GIVEN["x"])
    mean, log_variance = halves(NETWORKS.encoder(context, x))
    close(mean[0].detach(), EXPECTED["mu"], VALUES)
    close(log_variance[0].detach(), EXPECTED["log_variance"], VALUES)
    close(divergence(mean, log_variance)[0].detach(), EXPECTED["kl"], VALUES)
    decoded = halves(NETWORKS.decoder(context, one(EXPECTED["z"])))
    close(decoded[0][0].detach(), EXPECTED["decoder_mean"], VALUES)
    close(decoded[1][0].detach(), EXPECTED["decoder_log_variance"], VALUES)
    close(log_likelihood(x, *decoded)[0].detach(), EXPECTED["log_likelihood"], VALUES)
    unit = log_likelihood(x, decoded[0], torch.zeros_like(decoded[1]))
    close(unit[0].detach(), EXPECTED["log_likelihood_unit_variance"], VALUES)


def test_the_bound_and_its_gradients():
    named = weights()
    context = Context(named, training=True)
    loss = negative_bound(NETWORKS, context, one(GIVEN["x"]), one(GIVEN["noise"]))
    close(-loss[0].detach(), EXPECTED["elbo_per_row"], VALUES)
    loss.mean().backward()
    for name, gradient in joined(EXPECTED["gradient_of_minus_elbo"]).items():
        found = named[name].grad
        assert found is not None
        close(found[0].squeeze(0), gradient, GRADIENTS)


def test_reconstruction_probability():
    """The case has draws of its own for each row; ours serve all rows, so row by row."""
    draws = torch.tensor(GIVEN["noise_draws_L_n_d"], dtype=torch.float64)  # [L, n, latent]
    for row, x in enumerate(torch.tensor(GIVEN["x"], dtype=torch.float64)):
        context = Context(weights(), {"Z.draws.noise": draws[None, :, row]})
        model = Trained(NETWORKS, context)
        found = probability(model, x[None], {}).item()
        close(found, EXPECTED["score"][row], VALUES)
        assert abs(found + EXPECTED["log_of_mean_likelihood"][row]) > 0.01
        close(bound(model, x[None], {}).item(), found + EXPECTED["kl"][row], VALUES)


def test_log_variances_are_kept_within_bounds():
    """A constant column must not drive the likelihood to infinity, nor a wild row overflow."""
    for wild in (-1e6, 1e6):
        _, log_variance = halves(torch.full((1, 1, 2), wild))
        assert log_variance.abs().item() == 6.0


def test_draws_are_the_members_own_and_stored():
    X = sheet(60)
    detector = alad.VAE(random_state=0, members=2, max_steps=2, draws=4).fit(X)
    draws = detector.model_.buffers["Z.draws.noise"]
    assert draws.shape == (2, 4, 2) and not np.array_equal(draws[0], draws[1])
    alone = alad.VAE(random_state=0, members=[1], max_steps=2, draws=4).fit(X)
    np.testing.assert_array_equal(alone.model_.buffers["Z.draws.noise"][0], draws[1])


def test_a_gradient_reaches_every_weight():
    # of ReLU units some may sleep for a few batches
    shape = {"latent": 4, "encoder": (8,), "decoder": (8,), "activation": "tanh"}
    assert unmoved(alad.VAE, architecture=shape) == []


def test_trained_beats_untrained_over_seeds():
    settings = {"learning_rate": 3e-3}
    untrained, trained = (aurocs(alad.VAE, max_steps=n, **settings) for n in (0, 400))
    assert (untrained < 0.6).all() and (trained > 0.75).all(), (untrained, trained)
    assert (trained - untrained > 0.2).all(), (untrained, trained)


@pytest.mark.parametrize("wrong", [0, 1.5, True])
def test_draws_are_checked(wrong: object):
    with pytest.raises(InputError, match="draws is"):
        alad.VAE(draws=wrong).fit(sheet(20))  # type: ignore[arg-type]
