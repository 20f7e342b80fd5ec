"""The weights of networks: their layout in memory, first values, and form at scoring.

The weights of all layers that one optimiser moves lie side by side in one flat array of shape
[members, size] (`Layout`), of which every layer sees a view; so an update, a moving average, a
checkpoint is one operation on one array, and K members train as batched matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from alad.networks.dense import spectral_norm
from alad.networks.interfaces import Layer, Networks

FIRST_POWER_ITERATIONS = 50  # before training; then one at every step


class Layout:
    """Where each named array lies in a flat one: name -> (start, shape).

    deviations: of the weights that start normally distributed; others start as Glorot's.
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], deviations: Mapping[str, float] | None = None
    ):
        self.shapes, self.deviations = dict(shapes), dict(deviations or {})
        self.size = sum(math.prod(shape) for shape in self.shapes.values())

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Give views [members, *shape] of flat [members, size]; writing to one writes to both."""
        pieces = flat.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        return {
            name: piece.unflatten(1, shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }


def weight_layout(layers: Iterable[Layer]) -> Layout:
    chosen = tuple(layers)
    optional = {f"{layer.name}.weight": getattr(layer, "deviation", None) for layer in chosen}
    deviations = {name: value for name, value in optional.items() if value is not None}
    return Layout(
        {name: shape for layer in chosen for name, shape in layer.shapes().items()}, deviations
    )


def buffer_layout(layers: Iterable[Layer]) -> Layout:
    return Layout(
        {name: shape for layer in layers for name, shape in layer.buffer_shapes().items()}
    )


def initial_weights(layout: Layout, generators: list[np.random.Generator]) -> Tensor:
    """Draw first weights [members, size] of a layout, one generator a member.

    Matrices are drawn as the layout says, biases are 0, batch norm is the identity.
    """
    flat = torch.zeros(len(generators), layout.size)
    for name, view in layout.views(flat).items():
        if name.endswith(".gamma"):
            view.fill_(1.0)
        elif name.endswith(".weight"):
            for member, generator in enumerate(generators):
                drawn = _initial_matrix(view.shape[1:], layout.deviations.get(name), generator)
                view[member] = torch.from_numpy(drawn)
    return flat


def _initial_matrix(
    shape: tuple[int, ...], deviation: float | None, generator: np.random.Generator
) -> np.ndarray:
    """Draw a matrix: normal if a deviation is given, else uniform as by Glorot & Bengio 2010."""
    if deviation is not None:
        return np.float32(deviation) * generator.standard_normal(shape, dtype=np.float32)
    bound = math.sqrt(6.0 / sum(shape))
    return generator.uniform(-bound, bound, shape).astype(np.float32)


def initial_buffers(
    layers: Iterable[Layer], weights: Mapping[str, Tensor], generators: list[np.random.Generator]
) -> Tensor:
    """Make first buffers [members, size]: running mean 0 and variance 1, noise, singular vectors.

    weights: name -> [members, ...], those of the layers, of which the singular vectors are
    estimated by power iterations from random ones.
    """
    chosen = tuple(layers)
    layout = buffer_layout(chosen)
    flat = torch.zeros(len(generators), layout.size)
    views = layout.views(flat)
    # statistics of the identity, and noise that stays
    for name, view in views.items():
        if name.endswith(".variance"):
            view.fill_(1.0)
        elif name.endswith(".noise"):
            for member, generator in enumerate(generators):
                drawn = generator.standard_normal(view.shape[1:]).astype(np.float32)
                view[member] = torch.from_numpy(drawn)
    # singular vectors, close enough from the first step on
    for layer in chosen:
        if layer.spectral:
            u, weight = views[f"{layer.name}.u"], weights[f"{layer.name}.weight"]
            for member, generator in enumerate(generators):
                start = generator.standard_normal(u.shape[1:]).astype(np.float32)
                # one by one, in memory of its own: how products are rounded depends on how many
                # there are, and on addresses
                matrix, vector = weight[member, None].clone(), torch.from_numpy(start)[None].clone()
                for _ in range(FIRST_POWER_ITERATIONS):
                    spectral_norm(matrix, vector)
                u[member] = vector[0]
    return flat


def scoring_weights(
    networks: Networks, arrays: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return weights and buffers by name, as they are used at evaluation.

    arrays: the flat arrays of the networks' `groups` and `buffers`, [members, size] each.
    Spectrally normalised weights [members, inputs, outputs] are divided by their exact largest
    singular value, so that a plain forward pass is the normalised one. The result shares no memory
    with the arrays.
    """
    weights: dict[str, Tensor] = {}
    for name, layers in networks.groups.items():
        weights |= weight_layout(layers).views(arrays[name].clone())
    with _one_thread():
        for layer in networks.layers:
            if layer.spectral:
                weight = weights[f"{layer.name}.weight"]
                weight /= torch.linalg.matrix_norm(weight, ord=2, keepdim=True).clamp_min(1e-12)
    return weights, buffer_layout(networks.layers).views(arrays["buffers"].clone())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch work on one thread: singular values of more differ in their last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
