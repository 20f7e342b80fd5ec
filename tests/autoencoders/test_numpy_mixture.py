"""DAGMM's representation and energy in NumPy against torch and independent numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_context, random_rows, same_in_any_company

from alad.autoencoders import dagmm, numpy_mixture
from alad.autoencoders.architectures import MIXTURE_ARCHITECTURES, MixtureArchitecture
from alad.autoencoders.dagmm import MixtureNetworks, fit_mixture, mixture_energy
from alad.autoencoders.numpy_mixture import Density, misses, prepare_mixture
from alad.neural.one_loss import Trained

CASE = case("dagmm")
GIVEN, EXPECTED, TOLERANCE = CASE["given"], CASE["expected"], CASE["tolerance"]["values"]
SHAPES = [
    (121, MIXTURE_ARCHITECTURES["kdd99"]),
    (33, MixtureArchitecture(17, (20,), (9, 20), (7,), 3)),
    (2, MixtureArchitecture(1, (), (), (), 1)),
]
every_shape = pytest.mark.parametrize(("width", "shape"), SHAPES)


def model(width: int, shape: MixtureArchitecture):
    """Trained as far as the mixture goes, and the same in NumPy."""
    networks = MixtureNetworks((width,), shape)
    trained = Trained(networks, random_context(networks.layers))
    fitted = fit_mixture(trained, torch.from_numpy(random_rows(500, width, seed=3)))
    arrays = arrays_of(trained.context.weights)
    return trained, fitted, prepare_mixture(networks, arrays, arrays_of(fitted))


@every_shape
def test_representation_and_energy_are_those_of_torch(width: int, shape: MixtureArchitecture):
    trained, fitted, engine = model(width, shape)
    x = random_rows(300, width)
    got, rows = engine(x), trained.for_members(torch.from_numpy(x))
    again, z = trained.networks.represent(trained.context, rows)
    agree(got["reconstruction"], again, 5e-6)
    agree(got["z"], z, 5e-6)
    # where a component is narrow, what is rounded in z weighs more
    np.testing.assert_allclose(
        got["energy"], mixture_energy(trained, torch.from_numpy(x), fitted), rtol=1e-4, atol=1e-4
    )


@every_shape
def test_a_row_is_the_same_in_any_company(width: int, shape: MixtureArchitecture):
    *_, engine = model(width, shape)
    same_in_any_company(engine, random_rows(301, width))


@pytest.mark.parametrize(
    ("ridge", "key"), [(0.0, "energy_of_points"), (1e-3, "energy_of_points_ridge_1e-3")]
)
def test_energy_of_the_case_also_where_the_density_is_zero(ridge: float, key: str):
    factor = np.linalg.cholesky(np.array(EXPECTED["sigma"]) + ridge * np.eye(3))
    phi, mu = np.array(EXPECTED["phi"]), np.array(EXPECTED["mu"])
    density = Density(phi, mu, factor, np.linalg.inv(factor))
    close(density.energy(np.array(GIVEN["points"])), EXPECTED[key], TOLERANCE)


def test_what_reconstruction_misses():
    found = misses(np.array(GIVEN["x"]), np.array(GIVEN["x_reconstructed"]))
    close(found, EXPECTED["z_r_distance_then_cosine"], TOLERANCE)
    assert np.isfinite(misses(np.zeros((2, 3)), np.ones((2, 3)))).all()
    assert numpy_mixture.LEAST_NORM == dagmm.LEAST_NORM
