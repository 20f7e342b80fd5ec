"""What the tests of engines share: random weights by name, rows, and a row by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from alad.networks.context import Context
from alad.networks.interfaces import Layer
from alad.networks.weights import buffer_layout, initial_weights, scoring_weights, weight_layout

# an engine: rows x [n, width], names of results -> results, [members, n, ...] each
Engine = Callable[[np.ndarray, Collection[str]], Mapping[str, np.ndarray]]


def arrays_of(*tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Weights and buffers by name, as engines take them."""
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


def random_arrays(networks: Any, members: int = 2, *, double: bool = False) -> dict[str, Any]:
    """The same as arrays, ready to score: spectral norms divided out."""
    context = random_context(networks.layers, members, double=double)

    def flat(names: Iterable[str], named: Mapping[str, Tensor]) -> Tensor:
        parts = [named[name].flatten(1) for name in names]
        return torch.cat(parts, dim=1) if parts else torch.zeros(members, 0)

    by_group = {
        group: flat(weight_layout(layers).shapes, context.weights)
        for group, layers in networks.groups.items()
    }
    buffers = flat(buffer_layout(networks.layers).shapes, context.buffers)
    return arrays_of(*scoring_weights(networks, by_group | {"buffers": buffers}))


def random_rows(n: int, width: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def agree(got: np.ndarray, expected: Tensor | np.ndarray, tolerance: float) -> None:
    """The largest difference is `tolerance` of the largest number, at most."""
    other = expected.detach().numpy() if isinstance(expected, Tensor) else expected
    assert got.shape == other.shape
    size = np.abs(other).max(initial=0.0)
    np.testing.assert_allclose(got, other, rtol=0, atol=tolerance * size)


def same_in_any_company(engine: Engine, names: Collection[str], x: np.ndarray) -> None:
    """All results of a row are the same to the last bit: alone, in a batch, anywhere, in any order.

    Nor does it matter how many threads there are.
    """
    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        together = engine(x, names)
    order = np.random.default_rng(0).permutation(len(x))
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            with threadpool_limits(threads):
                _anywhere(engine, names, x, together, order)
    finally:
        torch.set_num_threads(before)


def _anywhere(engine: Engine, names, x, together, order) -> None:
    same(engine(x, names), together)
    same(engine(x[order], names), {name: value[:, order] for name, value in together.items()})
    for start, end in [(0, 1), (5, 6), (len(x) - 1, len(x)), (40, 51), (3, 100), (0, 33), (7, 7)]:
        part = {name: value[:, start:end] for name, value in together.items()}
        same(engine(x[start:end], names), part)
    everywhere = engine(np.repeat(x[:1], 150, axis=0), names)
    for name, value in everywhere.items():
        np.testing.assert_array_equal(value, np.repeat(together[name][:, :1], 150, axis=1))


def same(got: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> None:
    assert set(got) == set(expected)
    for name, value in got.items():
        np.testing.assert_array_equal(value, expected[name], strict=True, err_msg=name)
