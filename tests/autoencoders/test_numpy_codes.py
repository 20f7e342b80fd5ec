"""Autoencoders and VAE in NumPy against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_context, random_rows, same_in_any_company

from alad.autoencoders import numpy_codes, vae
from alad.autoencoders.architectures import CODE_ARCHITECTURES, CodeArchitecture
from alad.autoencoders.autoencoder import reconstructed
from alad.autoencoders.networks import code_networks
from alad.autoencoders.numpy_codes import DRAWS, prepare_codes, prepare_vae
from alad.autoencoders.vae import decoded_mean, halves, probability
from alad.networks.dense import Arrays
from alad.neural.one_loss import Trained

SHAPES = [
    (121, CODE_ARCHITECTURES["kdd99"]),
    (33, CodeArchitecture(5, (17, 9), (), "tanh")),
    (1, CodeArchitecture(1, (), (3,), "leaky")),
]
every_shape = pytest.mark.parametrize(("width", "shape"), SHAPES)


def autoencoder(width: int, shape: CodeArchitecture) -> Trained:
    networks = code_networks((width,), shape)
    return Trained(networks, random_context(networks.layers))


def variational(width: int, shape: CodeArchitecture) -> Trained:
    draws = Arrays("Z", noise={"draws": (4, shape.latent)})
    networks = code_networks((width,), shape, numbers=2, others=(draws,))
    return Trained(networks, random_context(networks.layers))


def arrays_in(model: Trained) -> dict[str, np.ndarray]:
    return arrays_of(model.context.weights, model.context.buffers)


@every_shape
def test_codes_and_reconstructions_are_those_of_torch(width: int, shape: CodeArchitecture):
    model, x = autoencoder(width, shape), random_rows(300, width)
    got = prepare_codes(model.networks, arrays_in(model))(x)
    rows, again = reconstructed(model, torch.from_numpy(x))
    agree(got["code"], model.networks.encoder(model.context, rows), 5e-6)
    agree(got["reconstruction"], again, 5e-6)


@every_shape
def test_likelihoods_are_those_of_torch(width: int, shape: CodeArchitecture):
    model, x = variational(width, shape), random_rows(300, width)
    got = prepare_vae(model.networks, arrays_in(model))(x)
    rows = model.for_members(torch.from_numpy(x))
    mean, log_variance = halves(model.networks.encoder(model.context, rows))
    agree(got["mean"], mean, 5e-6)
    agree(got["log_variance"], log_variance, 5e-6)
    agree(got["reconstruction"], decoded_mean(model, torch.from_numpy(x))[1], 5e-6)
    expected = -probability(model, torch.from_numpy(x), {})
    assert got["log_likelihood"].dtype == np.float64
    # an exponential makes relative errors of absolute ones
    np.testing.assert_allclose(got["log_likelihood"], expected.numpy(), rtol=1e-4, atol=1e-4)


@every_shape
def test_a_row_is_the_same_in_any_company(width: int, shape: CodeArchitecture):
    x = random_rows(301, width)
    for model, prepare in (
        (autoencoder(width, shape), prepare_codes),
        (variational(width, shape), prepare_vae),
    ):
        same_in_any_company(prepare(model.networks, arrays_in(model)), x)


def test_reconstruction_probability_of_the_case():
    """The case has draws of its own for each row; ours serve all rows, so row by row."""
    given, expected = case("vae")["given"], case("vae")["expected"]
    tolerance = case("vae")["tolerance"]["values"]
    networks = code_networks((3,), CodeArchitecture(2, (4,), (4,), "tanh"), numbers=2)
    joined = {
        **{"E.0.weight": ("enc_W1",), "E.0.bias": ("enc_b1",)},
        **{"E.1.weight": ("enc_Wmu", "enc_Wlv"), "E.1.bias": ("enc_bmu", "enc_blv")},
        **{"D.0.weight": ("dec_W1",), "D.0.bias": ("dec_b1",)},
        **{"D.1.weight": ("dec_Wm", "dec_Ws"), "D.1.bias": ("dec_bm", "dec_bs")},
    }
    arrays = {}
    for ours, theirs in joined.items():
        array = np.concatenate([np.array(given["weights"][name]) for name in theirs], axis=-1)
        arrays[ours] = array[None] if array.ndim == 2 else array[None, None]
    draws = np.array(given["noise_draws_L_n_d"])
    for row, x in enumerate(np.array(given["x"])):
        engine = prepare_vae(networks, arrays | {DRAWS: draws[None, :, row]})
        got = engine(x[None])
        close(got["mean"][0, 0], expected["mu"][row], tolerance)
        close(got["log_variance"][0, 0], expected["log_variance"][row], tolerance)
        close(-got["log_likelihood"].item(), expected["score"][row], tolerance)


def test_constants_are_those_of_training():
    for name in ("LOG_VARIANCE_LEAST", "LOG_VARIANCE_MOST", "LOG_TWO_PI"):
        assert getattr(numpy_codes, name) == getattr(vae, name)
