"""Autoencoders, VAE, DSEBM and DAGMM in NumPy and in C, against PyTorch and independent numbers."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numeric_cases import case, close
from numpy_rows import agree, random_arrays, random_rows, same_in_any_company

from alad.autoencoders import engines, torch_engines
from alad.autoencoders.architectures import (
    CODE_ARCHITECTURES,
    MIXTURE_ARCHITECTURES,
    CodeArchitecture,
    DenoiserArchitecture,
    EnergyArchitecture,
    MixtureArchitecture,
)
from alad.autoencoders.mixture import fit_mixture, mixture_energy
from alad.autoencoders.networks import (
    CENTRE,
    DRAWS,
    code_networks,
    denoiser_network,
    energy_network,
    mixture_networks,
)
from alad.autoencoders.passes import FAMILIES, halves, misses, sigmoid, softplus
from alad.native import build
from alad.networks.layers import Arrays

MADE_BY = {"c": engines.in_c, "numpy": engines.in_numpy}
CODES = [
    (121, CODE_ARCHITECTURES["kdd99"]),
    (33, CodeArchitecture(5, (17, 9), (), "tanh")),
    (1, CodeArchitecture(1, (), (3,), "leaky")),
]
ENERGIES = [(121, (128, 512)), (274, (10, 2)), (33, (7,)), (1, (1, 3, 2))]
MIXTURES = [
    (121, MIXTURE_ARCHITECTURES["kdd99"]),
    (33, MixtureArchitecture(17, (20,), (9, 20), (7,), 3)),
    (2, MixtureArchitecture(1, (), (), (), 1)),
]


def variational(width: int, shape: CodeArchitecture) -> Any:
    draws = Arrays("Z", noise={"draws": (4, shape.latent)})
    return code_networks((width,), shape, numbers=2, others=(draws,))


NETWORKS: list[tuple[str, int, Any]] = [
    *(("codes", width, code_networks((width,), shape)) for width, shape in CODES),
    *(
        ("denoiser", width, denoiser_network((width,), DenoiserArchitecture(hidden), -3.0))
        for width, hidden in ENERGIES
    ),
    *(("vae", width, variational(width, shape)) for width, shape in CODES),
    *(
        ("energy", width, energy_network((width,), EnergyArchitecture(hidden)))
        for width, hidden in ENERGIES
    ),
    *(("mixture", width, mixture_networks((width,), shape)) for width, shape in MIXTURES),
]
every_model = pytest.mark.parametrize(
    ("family", "width", "networks"), NETWORKS, ids=[f"{one[0]}-{one[1]}" for one in NETWORKS]
)


def prepare(engine: str, family: str, *made_of: Any) -> Any:
    if engine == "c" and (reason := build.problem()) is not None:
        pytest.skip(reason)
    if engine == "torch":
        return getattr(torch_engines, family)(*made_of)
    return MADE_BY[engine](family, *made_of)


@every_model
@pytest.mark.parametrize("engine", ["c", "numpy"])
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_results_are_those_of_torch(
    family: str, width: int, networks: Any, engine: str, size: float
):
    arrays, names = random_arrays(networks), FAMILIES[family].names
    x = random_rows(300, width) * np.float32(size)
    got = prepare(engine, family, networks, arrays)(x, names)
    expected = prepare("torch", family, networks, arrays)(x, names)
    assert set(got) == set(expected) == set(names)
    for name, result in got.items():
        assert result.dtype == expected[name].dtype
        # exponentials of a VAE's log variances make relative errors of absolute ones
        tolerance = 5e-5 if name == "log_likelihood" else 1e-5
        if (family, name) == ("energy", "reconstruction"):  # PyTorch's is x - dE/dx, with x large
            result, expected[name] = (array - x for array in (result, expected[name]))
        agree(result, expected[name], tolerance)


@every_model
@pytest.mark.parametrize("engine", ["c", "numpy"])
def test_a_row_is_the_same_in_any_company(family: str, width: int, networks: Any, engine: str):
    made = prepare(engine, family, networks, random_arrays(networks))
    n = 1_201 if engine == "c" and family == "codes" else 301
    same_in_any_company(made, FAMILIES[family].names, random_rows(n, width))


@every_model
@pytest.mark.parametrize("engine", ["c", "numpy", "torch"])
def test_one_result_alone_is_the_one_among_all(family: str, width: int, networks: Any, engine: str):
    made, names = prepare(engine, family, networks, random_arrays(networks)), FAMILIES[family].names
    x = random_rows(20, width)
    together = made(x, names)
    for name in names:
        np.testing.assert_array_equal(made(x, [name])[name], together[name])


# --- independent numbers --------------------------------------------------------------------------


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
        engine = engines.in_numpy("vae", networks, arrays | {DRAWS: draws[None, :, row]})
        got = engine(x[None])
        close(got["mean"][0, 0], expected["mu"][row], tolerance)
        close(got["log_variance"][0, 0], expected["log_variance"][row], tolerance)
        close(-got["log_likelihood"].item(), expected["score"][row], tolerance)


def test_energy_and_gradient_of_the_case():
    given, expected = case("dsebm")["given"], case("dsebm")["expected"]
    network = energy_network((4,), EnergyArchitecture((5, 3)))
    names = {"W1": "H.0.weight", "b1": "H.0.bias", "W2": "H.1.weight", "b2": "H.1.bias"}
    arrays = {}
    for theirs, ours in (names | {"b0": CENTRE}).items():
        array = np.array(given["weights"][theirs])
        arrays[ours] = array[None] if array.ndim == 2 else array[None, None]
    x = np.array(given["x"])
    got = engines.in_numpy("energy", network, arrays)(x)
    tolerance = case("dsebm")["tolerance"]["values"]
    close(got["energy"][0], expected["score_energy"], tolerance)
    close(got["gradient"][0], expected["gradient_analytic"], tolerance)
    close(got["reconstruction"][0], expected["reconstruction"], tolerance)
    length = np.sqrt(np.square(got["gradient"][0]).sum(axis=1))
    close(length, expected["score_reconstruction"], tolerance)


def test_the_gradient_is_the_slope_of_the_energy():
    """By central differences, in float64."""
    network = energy_network((6,), EnergyArchitecture((8, 5)))
    engine = engines.in_numpy("energy", network, random_arrays(network, members=1, double=True))
    x, step = random_rows(4, 6).astype(np.float64), 1e-5
    slopes = [
        (engine(x + step * axis)["energy"] - engine(x - step * axis)["energy"]) / (2 * step)
        for axis in np.eye(6)
    ]
    np.testing.assert_allclose(np.stack(slopes, axis=2), engine(x)["gradient"], atol=1e-7)


def test_softplus_and_sigmoid_by_hand():
    sums = np.array([[0.0, -800.0, 800.0, 1.0]])
    np.testing.assert_allclose(softplus(sums), [[np.log(2), 0.0, 800.0, 1.3132616875182228]])
    np.testing.assert_allclose(sigmoid(sums), [[0.5, 0.0, 1.0, 0.7310585786300049]])


DAGMM = case("dagmm")
GIVEN, EXPECTED, TOLERANCE = DAGMM["given"], DAGMM["expected"], DAGMM["tolerance"]["values"]


@pytest.mark.parametrize(
    ("ridge", "key"), [(0.0, "energy_of_points"), (1e-3, "energy_of_points_ridge_1e-3")]
)
def test_energy_of_the_case_also_where_the_density_is_zero(ridge: float, key: str):
    factor = np.linalg.cholesky(np.array(EXPECTED["sigma"]) + ridge * np.eye(3))
    learnt = {"factor": factor, "unmix": np.linalg.inv(factor)}
    learnt |= {"phi": np.array(EXPECTED["phi"]), "mu": np.array(EXPECTED["mu"])}
    members = {name: array[None] for name, array in learnt.items()}
    energy = mixture_energy({"z": np.array(GIVEN["points"])[None]}, members)
    close(energy[0], EXPECTED[key], TOLERANCE)


def test_the_mixture_is_that_of_sums_by_hand():
    generator = np.random.default_rng(0)
    z, gamma = generator.normal(size=(2, 50, 3)), generator.random((2, 50, 4))
    gamma /= gamma.sum(axis=2, keepdims=True)
    learnt = fit_mixture({"z": z, "responsibilities": gamma})
    for member, component in product(range(2), range(4)):
        weights = gamma[member, :, component]
        mean = np.average(z[member], axis=0, weights=weights)
        sigma = np.cov(z[member].T, aweights=weights, ddof=0) + 1e-3 * np.eye(3)
        factor = learnt["factor"][member, component]
        np.testing.assert_allclose(learnt["phi"][member, component], weights.mean())
        np.testing.assert_allclose(learnt["mu"][member, component], mean)
        np.testing.assert_allclose(factor @ factor.T, sigma)
        np.testing.assert_allclose(
            learnt["unmix"][member, component] @ factor, np.eye(3), atol=1e-12
        )


@pytest.mark.parametrize(("width", "shape"), MIXTURES)
def test_energies_of_engines_agree(width: int, shape: MixtureArchitecture):
    networks = mixture_networks((width,), shape)
    arrays, x = random_arrays(networks), random_rows(300, width)
    known = engines.in_numpy("mixture", networks, arrays)(random_rows(500, width, seed=3))
    learnt, energies = fit_mixture(known), {}
    for engine in (*MADE_BY, "torch"):
        results = prepare(engine, "mixture", networks, arrays)(x, ("z",))
        energies[engine] = mixture_energy(results, learnt)
    # where a component is narrow, what is rounded in z weighs more
    for engine in ("c", "numpy"):
        np.testing.assert_allclose(energies[engine], energies["torch"], rtol=1e-4, atol=1e-4)


def test_what_reconstruction_misses():
    found = misses(np.array(GIVEN["x"]), np.array(GIVEN["x_reconstructed"]))
    close(found, EXPECTED["z_r_distance_then_cosine"], TOLERANCE)
    assert np.isfinite(misses(np.zeros((2, 3)), np.ones((2, 3)))).all()


def test_log_variances_stay_within_bounds():
    _, log_variance = halves(np.array([[0.0, -99.0], [0.0, 99.0]]))
    np.testing.assert_array_equal(log_variance, [[-6.0], [6.0]])
