"""The energy of DSEBM and its gradient in NumPy against torch and independent numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_context, random_rows, same_in_any_company

from alad.autoencoders.dsebm import EnergyNetwork, dense_layers
from alad.autoencoders.numpy_energy import prepare_energy, softplus

SHAPES = [(121, (128, 512)), (274, (10, 2)), (33, (7,)), (1, (1, 3, 2))]


@pytest.mark.parametrize(("width", "hidden"), SHAPES)
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_energy_and_gradient_are_those_of_torch(width: int, hidden: tuple[int, ...], size: float):
    network = EnergyNetwork(dense_layers(width, hidden), (width,))
    context, x = random_context(network.layers), random_rows(300, width) * np.float32(size)
    got = prepare_energy(network, arrays_of(context.weights))(x)
    rows = torch.from_numpy(x).expand(2, *x.shape)
    assert got["energy"].dtype == np.float64
    agree(got["energy"], network.energy(context, rows), 5e-6)
    agree(got["gradient"], network.gradient(context, rows), 5e-6)


def test_energy_and_gradient_of_the_case():
    given, expected = case("dsebm")["given"], case("dsebm")["expected"]
    network = EnergyNetwork(dense_layers(4, (5, 3)), (4,))
    names = {"W1": "H.0.weight", "b1": "H.0.bias", "W2": "H.1.weight", "b2": "H.1.bias"}
    arrays = {}
    for theirs, ours in (names | {"b0": "X.bias"}).items():
        array = np.array(given["weights"][theirs])
        arrays[ours] = array[None] if array.ndim == 2 else array[None, None]
    x = np.array(given["x"])
    got, tolerance = prepare_energy(network, arrays)(x), case("dsebm")["tolerance"]["values"]
    close(got["energy"][0], expected["score_energy"], tolerance)
    close(got["gradient"][0], expected["gradient_analytic"], tolerance)
    close(x - got["gradient"][0], expected["reconstruction"], tolerance)
    length = np.sqrt(np.square(got["gradient"][0]).sum(axis=1))
    close(length, expected["score_reconstruction"], tolerance)


def test_the_gradient_is_the_slope_of_the_energy():
    """By central differences, in float64."""
    network = EnergyNetwork(dense_layers(6, (8, 5)), (6,))
    context = random_context(network.layers, members=1, double=True)
    engine = prepare_energy(network, arrays_of(context.weights))
    x, step = random_rows(4, 6).astype(np.float64), 1e-5
    slopes = [
        (engine(x + step * axis)["energy"] - engine(x - step * axis)["energy"]) / (2 * step)
        for axis in np.eye(6)
    ]
    np.testing.assert_allclose(np.stack(slopes, axis=2), engine(x)["gradient"], atol=1e-7)


def test_softplus_and_sigmoid_by_hand():
    value, slope = softplus(np.array([[0.0, -800.0, 800.0, 1.0]]))
    np.testing.assert_allclose(value, [[np.log(2), 0.0, 800.0, 1.3132616875182228]])
    np.testing.assert_allclose(slope, [[0.5, 0.0, 1.0, 0.7310585786300049]])


@pytest.mark.parametrize(("width", "hidden"), SHAPES)
def test_a_row_is_the_same_in_any_company(width: int, hidden: tuple[int, ...]):
    network = EnergyNetwork(dense_layers(width, hidden), (width,))
    engine = prepare_energy(network, arrays_of(random_context(network.layers).weights))
    same_in_any_company(engine, random_rows(301, width))
