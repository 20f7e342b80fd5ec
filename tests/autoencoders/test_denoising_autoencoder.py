"""Denoising autoencoder: its loss by hand, its noise level, and that training helps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from one_player import aurocs, sheet, unmoved

import alad
from alad.autoencoders.architectures import DenoiserArchitecture
from alad.autoencoders.denoising_autoencoder import denoising_loss
from alad.autoencoders.networks import denoiser_network
from alad.errors import InputError
from alad.networks.context import Context
from alad.neural.score import mahalanobis, whitening
from alad.training.noise import StepNoise

NETWORK = denoiser_network((1,), DenoiserArchitecture((1,)), level=math.log(0.5))
# h = relu(2 x + 3 log sigma + 1), x' = h - 1
WEIGHTS = {
    "D.0.weight": torch.tensor([[[2.0], [3.0]]]),
    "D.0.bias": torch.tensor([[[1.0]]]),
    "D.1.weight": torch.tensor([[[1.0]]]),
    "D.1.bias": torch.tensor([[[-1.0]]]),
}


def test_loss_by_hand():
    """x = 1, sigma = 1, n = 2: D(3, 0) = 2 * 3 + 1 - 1; x = 0, sigma = e, n = 0: 3 + 1 - 1."""
    x, noise = torch.tensor([[[1.0], [0.0]]]), torch.tensor([[[2.0], [0.0]]])
    level = torch.tensor([[0.0, 1.0]])
    loss = denoising_loss(NETWORK, Context(WEIGHTS, training=True), x, level, noise)
    assert loss.tolist() == [((6 - 1) ** 2 + (3 - 0) ** 2) / 2]


def test_rows_are_scored_at_one_level():
    given = torch.tensor([[[1.0]]])
    at_half = NETWORK(Context(WEIGHTS), given).item()
    assert at_half == pytest.approx(2 + 3 * math.log(0.5), rel=1e-6)
    assert at_half == NETWORK(Context(WEIGHTS), given, torch.tensor([[math.log(0.5)]])).item()


def test_the_level_of_scoring_changes_scores_and_not_the_training():
    X = sheet(200)
    fits = [
        alad.DenoisingAutoencoder(random_state=0, max_steps=50, scoring_noise=noise).fit(X)
        for noise in (0.05, 0.5)
    ]
    for name, array in fits[0].model_.weights.items():
        np.testing.assert_array_equal(array, fits[1].model_.weights[name])
    assert not np.allclose(*(fit.anomaly_score(X) for fit in fits))


def test_whitened_is_the_mahalanobis_length_of_the_residual():
    X = sheet(300)
    settings = {"calibration_fraction": 0.0, "scaling": "none", "novelty": False}
    fitted = alad.DenoisingAutoencoder(random_state=0, max_steps=50, **settings).fit(X)
    model = fitted.model_
    residual = (X.astype(np.float32) - model.reconstruct(X.astype(np.float32)))[np.newaxis]
    expected = mahalanobis(residual, whitening(residual))[0]
    np.testing.assert_allclose(fitted.anomaly_score(X), expected, rtol=1e-4)
    lengths = np.linalg.norm(residual[0], axis=1)
    np.testing.assert_allclose(fitted.score_as(X, "l2"), lengths, rtol=1e-5)


def test_noise_is_even_from_0_to_1_and_each_member_has_its_own():
    drawn = StepNoise(0, [0, 1], step=3).uniform(10_000).numpy()
    assert drawn.min() >= 0 and drawn.max() < 1
    np.testing.assert_allclose(
        np.quantile(drawn, [0.25, 0.5, 0.75], axis=1).T, [[0.25, 0.5, 0.75]] * 2, atol=0.02
    )
    assert abs(np.corrcoef(drawn)[0, 1]) < 0.05
    np.testing.assert_array_equal(StepNoise(0, [1], step=3).uniform(10_000)[0], drawn[1])


def test_a_gradient_reaches_every_weight():
    smooth = {"hidden": (8, 8), "activation": "tanh"}  # no unit is off for all rows
    assert unmoved(alad.DenoisingAutoencoder, architecture=smooth) == []


def test_trained_beats_untrained_over_seeds():
    """By its plain length; the Mahalanobis length knows which columns hang together untrained."""
    settings = {"architecture": {"hidden": (64, 64)}, "learning_rate": 3e-3}
    settings["score_function"] = "l2"
    untrained, trained = (
        aurocs(alad.DenoisingAutoencoder, max_steps=steps, **settings) for steps in (0, 300)
    )
    assert (trained > 0.85).all() and (trained - untrained > 0.1).all(), (untrained, trained)


def test_noise_is_checked():
    with pytest.raises(InputError, match=r"scoring_noise is 0; give a number above 0"):
        alad.DenoisingAutoencoder(scoring_noise=0).fit(sheet(20))
    with pytest.raises(InputError, match=r"least_noise is 2.0; give at most most_noise, 1.0"):
        alad.DenoisingAutoencoder(least_noise=2.0).fit(sheet(20))


def test_presets():
    assert alad.DenoisingAutoencoder.from_preset("kdd99").architecture is None
