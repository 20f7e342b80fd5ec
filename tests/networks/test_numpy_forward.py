"""Dense layers in NumPy against those of torch, row by row, and without torch."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from numpy_rows import agree, arrays_of, random_context, random_rows, same_in_any_company

from alad.networks.dense import Chain, Dense
from alad.networks.layers import SLOPES
from alad.networks.numpy_forward import (
    FrozenLayer,
    NumpyEngine,
    activate,
    forward,
    members_of,
    through,
)

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


@pytest.mark.parametrize("chain", CHAINS)
def test_a_row_is_the_same_in_any_company(chain: Chain):
    context = random_context(chain.layers)
    arrays = arrays_of(context.weights, context.buffers)
    frozen = [
        [FrozenLayer.of(layer, arrays, member) for layer in chain.layers]
        for member in members_of(arrays)
    ]
    passes = [lambda x, wanted, layers=layers: {"outputs": through(layers, x)} for layers in frozen]
    engine = NumpyEngine(("outputs",), tuple(passes), np.dtype(np.float64))
    same_in_any_company(engine, random_rows(301, chain.layers[0].inputs))


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "sqrt", "tanh"])
def test_functions_of_one_number_do_not_look_around(name: str):
    """What is left beside products: vectors of numbers and their rests must be treated alike."""
    function, x = getattr(np, name), np.random.default_rng(0).uniform(0.01, 20, size=999)
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
    layer = SimpleNamespace(
        name="n",
        inputs=width,
        outputs=width,
        activation="linear",
        dropout=0.0,
        batch_norm=True,
        spectral=False,
    )
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

    engine = NumpyEngine(("one", "other"), (refuse,), np.dtype(np.float32))
    assert set(engine(np.ones((2, 2)), ["one"])) == {"one"}


def test_too_large_for_float32_is_infinite():
    arrays = {"a.weight": np.full((1, 1, 1), 1e30, np.float32), "a.bias": np.zeros((1, 1, 1))}
    assert np.isposinf(forward([Dense("a", 1, 1)], arrays, np.full((1, 1), 1e30))).all()


WITHOUT_TORCH = """
import sys
from types import SimpleNamespace as Of
import numpy as np
from alad.adversarial.numpy_cycle import prepare_cycle
from alad.anogan.numpy_search import prepare_search
from alad.autoencoders.numpy_codes import prepare_codes, prepare_vae
from alad.autoencoders.numpy_energy import prepare_energy
from alad.autoencoders.numpy_mixture import prepare_mixture

arrays, generator = {}, np.random.default_rng(0)

def add(name, *shape):
    arrays[name] = generator.normal(size=(2, *shape)).astype("float32")

def layer(name, inputs, outputs, activation="linear"):
    add(f"{name}.weight", inputs, outputs), add(f"{name}.bias", 1, outputs)
    kinds = dict(dropout=0.0, batch_norm=False, spectral=False)
    return Of(name=name, inputs=inputs, outputs=outputs, activation=activation, **kinds)

def chain(*layers):
    return Of(layers=layers)

encoder, decoder = chain(layer("E", 5, 2)), chain(layer("G", 2, 5, "relu"))
pair = Of(a=chain(), b=chain(), joint=chain(layer("J", 10, 4, "leaky")), logit=layer("l", 4, 1))
codes = Of(encoder=encoder, decoder=decoder)
both = Of(encoder=chain(layer("E2", 5, 4)), decoder=chain(layer("D2", 2, 10)))
hidden = Of(hidden=(layer("H", 5, 3),))
gan = Of(generator=decoder, judge=Of(hidden=chain(layer("D", 5, 4, "leaky")), logit=pair.logit))
add("Z.draws.noise", 3, 2), add("X.bias", 1, 5), add("search.start", 1, 2)
eye = np.tile(np.eye(4), (2, 1, 1, 1))
mixture = {"phi": np.ones((2, 1)), "mu": np.zeros((2, 1, 4)), "factor": eye, "unmix": eye}
settings = Of(steps=3, learning_rate=0.01, discrimination_weight=0.1)
engines = [
    prepare_cycle(Of(encoder=encoder, generator=decoder, xz=None, xx=pair), arrays),
    prepare_codes(codes, arrays),
    prepare_vae(both, arrays),
    prepare_energy(hidden, arrays),
    prepare_mixture(Of(compression=codes), arrays, mixture),
    prepare_search(gan, arrays, settings),
]
for engine in engines:
    for result in engine(np.ones((3, 5), "float32")).values():
        assert result.shape[:2] == (2, 3) and np.isfinite(result).all()
print(sorted(name for name in sys.modules if name.split(".")[0] in ("torch", "scipy", "sklearn")))
"""


def test_every_family_is_scored_without_torch():
    """Nor scipy nor scikit-learn: NumPy is all that is loaded."""
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
