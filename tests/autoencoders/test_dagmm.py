"""DAGMM: mixture, energy and regulariser against independent numbers; the whole training set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from one_player import aurocs, one, sheet, unmoved
from sklearn.mixture import GaussianMixture

import alad
from alad import row_kinds
from alad.autoencoders import dagmm
from alad.autoencoders.autoencoder import squared_error
from alad.autoencoders.dagmm import Mixture
from alad.autoencoders.networks import misses
from alad.errors import InputError

CASE = case("dagmm")
GIVEN, EXPECTED = CASE["given"], CASE["expected"]
VALUES, GRADIENTS = CASE["tolerance"]["values"], CASE["tolerance"]["gradients"]


def of_case(ridge: float = 0.0) -> Mixture:
    return Mixture.of(one(GIVEN["z"]), one(GIVEN["responsibilities"]), ridge)


def test_mixture_parameters():
    found = of_case()
    close(found.phi[0], EXPECTED["phi"], VALUES)
    close(found.mu[0], EXPECTED["mu"], VALUES)
    close(found.factor[0] @ found.factor[0].mT, EXPECTED["sigma"], VALUES)


@pytest.mark.parametrize(
    ("ridge", "key"), [(0.0, "energy_of_points"), (1e-3, "energy_of_points_ridge_1e-3")]
)
def test_energy_also_where_the_density_is_zero(ridge: float, key: str):
    close(of_case(ridge).energy(one(GIVEN["points"]))[0], EXPECTED[key], VALUES)


def test_the_energy_is_that_of_an_independent_mixture():
    found, points = of_case(), np.array(GIVEN["points"])
    other = GaussianMixture(2)
    other.weights_, other.means_ = found.phi[0].numpy(), found.mu[0].numpy()
    precision = torch.linalg.inv(found.factor[0]).mT.numpy()
    other.precisions_cholesky_ = precision
    close(found.energy(one(points))[0], -other.score_samples(points), 1e-9)


def test_regulariser_and_its_gradients_through_phi_mu_and_sigma():
    z, gamma = (one(GIVEN[name]).requires_grad_() for name in ("z", "responsibilities"))
    detector = alad.DAGMM(
        energy_weight=GIVEN["lambda_energy"], penalty_weight=GIVEN["lambda_penalty"]
    )
    close(of_case().energy(z).mean().item(), EXPECTED["mean_energy_of_z"], VALUES)
    close(of_case().penalty().item(), EXPECTED["penalty"], VALUES)
    regulariser = detector._regulariser(z, gamma, ridge=0.0)
    close(regulariser.item(), EXPECTED["regulariser"], VALUES)
    regulariser.sum().backward()
    assert z.grad is not None and gamma.grad is not None
    close(z.grad[0], EXPECTED["gradient_regulariser_z"], GRADIENTS)
    close(gamma.grad[0], EXPECTED["gradient_regulariser_responsibilities"], GRADIENTS)


def test_what_reconstruction_misses():
    x, again = one(GIVEN["x"]), one(GIVEN["x_reconstructed"])
    close(misses(x, again)[0], EXPECTED["z_r_distance_then_cosine"], VALUES)
    close(squared_error(x, again).item(), EXPECTED["loss_reconstruction_mean_squared_norm"], VALUES)
    assert torch.isfinite(misses(torch.zeros(1, 2, 3), torch.ones(1, 2, 3))).all()


def test_the_mixture_is_that_of_all_training_rows(monkeypatch: pytest.MonkeyPatch):
    """Whatever the blocks; and responsibilities of a row do not depend on dropout."""
    X = sheet(300).astype(np.float32)
    whole = {"patience": None, "calibration_fraction": 0.0}
    detector = alad.DAGMM(random_state=0, members=2, max_steps=20, **whole).fit(X)
    model, rows = detector.model_.reader, torch.from_numpy(detector.encoder_.transform(X))
    with torch.no_grad():
        _, z = model.networks.represent(model.context, model.for_members(rows))
        gamma = model.networks.responsibilities(model.context, z)
        of_all = Mixture.of(z.double(), gamma)
        monkeypatch.setattr(row_kinds, "TABLE", replace(row_kinds.TABLE, mixed=64))
        blocks = dagmm.fit_mixture(model, rows)
    for name in ("phi", "mu", "factor"):
        array = torch.from_numpy(detector.model_.learnt[f"energy/{name}"])
        torch.testing.assert_close(array, getattr(of_all, name), rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(blocks[name], array, rtol=1e-6, atol=1e-6)
    energies = of_all.energy(z.double()).numpy()
    np.testing.assert_allclose(detector.member_scores(X), energies, rtol=1e-5, atol=1e-5)


def test_a_covariance_without_a_factor_is_not_a_number():
    """And no exception of linear algebra: the training loop sees it and says what to do."""
    broken = Mixture.from_moments(torch.ones(1, 1), torch.zeros(1, 1, 2), -torch.eye(2)[None, None])
    assert torch.isnan(broken.energy(torch.zeros(1, 3, 2))).all()


def test_a_gradient_reaches_every_weight():
    assert unmoved(alad.DAGMM) == []


def test_trained_beats_untrained_over_seeds():
    settings = {"learning_rate": 3e-3, "batch_size": 128, "scaling": "standard"}
    untrained, trained = (aurocs(alad.DAGMM, max_steps=n, **settings) for n in (0, 400))
    assert (trained > 0.65).all(), (untrained, trained)
    assert (trained - untrained > 0.05).all(), (untrained, trained)


@pytest.mark.parametrize("name", ["energy_weight", "penalty_weight"])
def test_weights_are_checked(name: str):
    with pytest.raises(InputError, match=f"{name} is -1"):
        alad.DAGMM(**{name: -1}).fit(sheet(20))
    assert np.isfinite(alad.DAGMM(**{name: 0}, max_steps=2).fit(sheet(40)).offset_)


def test_the_paper_s_presets():
    detector = alad.DAGMM.from_preset("kdd99-paper")
    assert (detector.learning_rate, detector.batch_size, detector.epochs) == (1e-4, 1024, 200)
    shape = detector._architecture((121,))
    assert (shape.latent, shape.encoder, shape.mixtures) == (1, (60, 30, 10), 4)
