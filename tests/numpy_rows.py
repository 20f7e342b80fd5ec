"""What the tests of scoring in NumPy share: arrays of torch weights, and a row by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from alad.networks.context import Context, Layer
from alad.networks.numpy_forward import NumpyEngine
from alad.networks.weights import buffer_layout, initial_weights, weight_layout


def arrays_of(*tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Weights and buffers by name, as the NumPy engine takes them."""
    return {name: value.detach().numpy() for each in tensors for name, value in each.items()}


def random_context(layers: Iterable[Layer], members: int = 2, *, double: bool = False) -> Context:
    """Random weights, biases, statistics of batch norm and stored draws."""
    layers = tuple(layers)
    layout, statistics = weight_layout(layers), buffer_layout(layers)
    generators = [np.random.default_rng(seed) for seed in range(members)]
    drawn = torch.Generator().manual_seed(1)
    weights = initial_weights(layout, generators)
    weights += 0.1 * torch.randn(weights.shape, generator=drawn)
    buffers = 0.5 + torch.rand(members, statistics.size, generator=drawn)
    if double:
        weights, buffers = weights.double(), buffers.double()
    return Context(layout.views(weights), statistics.views(buffers))


def random_rows(n: int, width: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def agree(got: np.ndarray, expected: Tensor | np.ndarray, tolerance: float) -> None:
    """The largest difference is `tolerance` of the largest number, at most."""
    other = expected.detach().numpy() if isinstance(expected, Tensor) else expected
    assert got.shape == other.shape
    size = np.abs(other).max(initial=0.0)
    np.testing.assert_allclose(got, other, rtol=0, atol=tolerance * size)


def same_in_any_company(engine: NumpyEngine, x: np.ndarray) -> None:
    """All results of a row are the same to the last bit: alone, in a batch, anywhere, in any order.

    Nor does it matter how many threads BLAS has, or how many rows are taken at a time.
    """
    with threadpool_limits(1):
        together = engine(x)
    order = np.random.default_rng(0).permutation(len(x))
    for threads in (1, 2):
        with threadpool_limits(threads):
            same(engine(x), together)
            same(engine(x[order]), {name: value[:, order] for name, value in together.items()})
            for start, end in [(0, 1), (5, 6), (len(x) - 1, len(x)), (40, 51), (3, 100), (0, 33)]:
                part = {name: value[:, start:end] for name, value in together.items()}
                same(engine(x[start:end]), part)
            same(replace(engine, block_rows=19)(x), together)
            everywhere = engine(np.repeat(x[:1], 150, axis=0))
            for name, value in everywhere.items():
                np.testing.assert_array_equal(value, np.repeat(together[name][:, :1], 150, axis=1))


def same(got: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    assert set(got) == set(expected)
    for name, value in got.items():
        np.testing.assert_array_equal(value, expected[name], strict=True, err_msg=name)
