"""Dense layers in NumPy and in C against those of torch, row by row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_context, random_rows, same_in_any_company

from alad.errors import EngineError
from alad.native import build
from alad.networks.layers import SLOPES, Chain, Conditioned, Convolution, Dense
from alad.networks.native_forward import native_chain, native_engine
from alad.networks.numpy_forward import (
    Affine,
    MemberEngine,
    activate,
    affine_chain,
    exact_chain,
    forward,
    members_of,
)
from alad.networks.patches import PatchGeometry

ACTIVATIONS = ["linear", "relu", "leaky", "tanh"]
CHAINS = [
    Chain((Dense("a", 121, 64, "leaky", dropout=0.5), Dense("b", 64, 32))),
    Chain((Dense("a", 1, 1, "tanh"), Dense("b", 1, 3, "relu"), Dense("c", 3, 1))),
    Chain((Dense("a", 33, 20, "leaky", batch_norm=True), Dense("b", 20, 7, "tanh"))),
    Chain((Dense("a", 700, 5, "relu"),)),
]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("double", "tolerance"), [(False, 5e-6), (True, 1e-12)])
def test_a_layer_is_that_of_torch(activation, batch_norm: bool, double: bool, tolerance: float):
    layer = Dense("a", 33, 20, activation, dropout=0.3, batch_norm=batch_norm, spectral=False)
    context = random_context([layer], double=double)
    x = random_rows(50, 33).astype(np.float64 if double else np.float32)
    expected = layer(context, torch.from_numpy(x).expand(2, 50, 33))
    got = forward([layer], arrays_of(context.weights, context.buffers), x)
    assert got.dtype == x.dtype
    agree(got, expected, tolerance)


@pytest.mark.parametrize("chain", CHAINS)
def test_chains_with_rows_of_all_members_or_of_each(chain: Chain):
    context = random_context(chain.layers, members=3)
    arrays = arrays_of(context.weights, context.buffers)
    shared = random_rows(300, chain.layers[0].inputs)
    own = np.stack([shared, 2 * shared, shared[::-1]])
    for x in (shared, own):
        rows = torch.from_numpy(x.copy()).expand(3, *x.shape[-2:])
        agree(forward(chain.layers, arrays, x), chain(context, rows), 5e-6)


def engine_of(engine: str, chain: Chain, arrays: dict[str, np.ndarray]) -> MemberEngine:
    """The chain's outputs by exact sums in NumPy, or in C."""
    if engine == "c" and (reason := build.problem()) is not None:
        pytest.skip(reason)
    make = native_chain if engine == "c" else exact_chain
    runs = [make(affine_chain(chain, arrays, member)) for member in members_of(arrays)]
    passes = tuple(lambda x, wanted, run=run: {"outputs": run(x)} for run in runs)
    if engine == "c":
        return native_engine(("outputs",), passes, frozenset())
    return MemberEngine(("outputs",), passes, np.dtype(np.float64))


@pytest.mark.parametrize("engine", ["c", "numpy"])
@pytest.mark.parametrize("chain", CHAINS)
def test_a_row_is_the_same_in_any_company(chain: Chain, engine: str):
    context = random_context(chain.layers)
    made = engine_of(engine, chain, arrays_of(context.weights, context.buffers))
    same_in_any_company(made, ("outputs",), random_rows(1_201, chain.layers[0].inputs))
    x = random_rows(150, chain.layers[0].inputs)
    np.testing.assert_array_equal(replace(made, block_rows=19)(x)["outputs"], made(x)["outputs"])


@pytest.mark.parametrize("chain", CHAINS)
def test_c_is_as_torch(chain: Chain):
    context, x = random_context(chain.layers), random_rows(300, chain.layers[0].inputs)
    made = engine_of("c", chain, arrays_of(context.weights, context.buffers))
    agree(made(x)["outputs"], chain(context, torch.from_numpy(x).expand(2, *x.shape)), 5e-6)


@pytest.mark.parametrize("engine", ["c", "numpy"])
@pytest.mark.parametrize("level", [0.0, -2.3])
def test_a_noise_level_is_that_of_scoring(engine: str, level: float):
    chain = Conditioned((Dense("a", 4, 5, "leaky"), Dense("b", 5, 2)), level)
    context, x = random_context(chain.layers), random_rows(9, 3)
    made = engine_of(engine, chain, arrays_of(context.weights))
    agree(made(x)["outputs"], chain(context, torch.from_numpy(x).expand(2, *x.shape)), 5e-6)


def test_an_engine_says_which_layer_it_does_not_know():
    layer = Convolution("a", 1, 1, PatchGeometry((8, 8), (4, 4), 2))
    with pytest.raises(EngineError, match="it knows dense layers, not Convolution"):
        Affine.of(layer, {}, 0)


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "sqrt", "tanh"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_functions_of_one_number_do_not_look_around(name: str, kind: type):
    """What is left beside products: vectors of numbers and their rests must be treated alike."""
    function = getattr(np, name)
    x = np.random.default_rng(0).uniform(0.01, 20, size=999).astype(kind)
    expected = function(x)
    for start in range(40):
        np.testing.assert_array_equal(function(x[start:].copy()), expected[start:])
    alone = [function(number[None, None])[0, 0] for number in x[:, None][:, 0]]
    np.testing.assert_array_equal(alone, expected)


@pytest.mark.parametrize("width", [1, 2, 3, 8, 9, 121, 128, 129, 300])
def test_sums_of_rows_do_not_look_at_other_rows(width: int):
    x = np.random.default_rng(0).normal(size=(70, width))
    expected = x.sum(axis=1)
    for start, end in [(0, 1), (1, 2), (3, 20), (69, 70)]:
        np.testing.assert_array_equal(x[start:end].sum(axis=1), expected[start:end])
        np.testing.assert_array_equal(x[start:end].copy().sum(axis=1), expected[start:end])


def test_batch_norm_of_the_case():
    norm = case("batchnorm_ema")
    given, expected = norm["given"], norm["expected"]
    width = len(given["gamma"])
    layer = Dense("n", width, width, batch_norm=True)
    vectors = {
        "gamma": given["gamma"],
        "beta": given["beta"],
        "mean": expected["running_mean"][-1],
        "variance": expected["running_var_from_biased"][-1],
        "bias": np.zeros(width),
    }
    arrays = {f"n.{name}": np.array([[value]], float) for name, value in vectors.items()}
    arrays |= {"n.weight": np.eye(width)[None]}
    got = forward([layer], arrays, np.array(given["new_rows"]))
    close(got[0], expected["eval_output_biased"], norm["tolerance"]["values"])


def test_activations_by_hand():
    for name, expected in {
        "linear": [-2.0, 0.0, 3.0],
        "relu": [0.0, 0.0, 3.0],
        "leaky": [-0.4, 0.0, 3.0],
        "tanh": [-0.9640275800758169, 0.0, 0.9950547536867305],
    }.items():
        np.testing.assert_allclose(activate(name, np.array([-2.0, 0.0, 3.0])), expected)  # type: ignore[arg-type]
    assert set(SLOPES) == set(ACTIVATIONS) - {"tanh"}


def test_no_rows_and_only_what_is_wanted():
    arrays = {"a.weight": np.ones((2, 3, 1), np.float32), "a.bias": np.zeros((2, 1, 1), np.float32)}
    assert forward([Dense("a", 3, 1)], arrays, np.zeros((0, 3), np.float32)).shape == (2, 0, 1)

    def refuse(x: np.ndarray, wanted: object) -> dict[str, np.ndarray]:
        assert wanted == ("one",)
        return {"one": x, "by the way": x}

    engine = MemberEngine(("one", "other"), (refuse,), np.dtype(np.float32))
    assert set(engine(np.ones((2, 2)), ["one"])) == {"one"}


def test_too_large_for_float32_is_infinite():
    arrays = {"a.weight": np.full((1, 1, 1), 1e30, np.float32), "a.bias": np.zeros((1, 1, 1))}
    assert np.isposinf(forward([Dense("a", 1, 1)], arrays, np.full((1, 1), 1e30))).all()
