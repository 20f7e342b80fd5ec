"""Encoder, generator and pair discriminators, every one with a leading axis `members`.

A network here is a description: which layers, of which width. It holds no weights. The weights of
all layers that one optimiser moves lie side by side in one flat array of shape [members, size]
(`Layout`), of which every layer sees a view; so an update, a moving average, a checkpoint is one
operation on one array, and K members train as batched matrix products.

Sources: Zenati et al. 2018 (ALAD), tables IX to XI, for the layers; Miyato et al. 2018 for spectral
normalisation.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

LEAKY_SLOPE = 0.2
BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01  # share of the newest batch in the running statistics
COLUMNS_OF_EVEN_PRODUCT = 16
FIRST_POWER_ITERATIONS = 50  # before training; then one at every step

Activation = Literal["linear", "relu", "leaky", "tanh"]


class Dropout(Protocol):
    """Where a layer in training gets its dropout mask from."""

    def mask(self, rows: int, units: int, rate: float) -> Tensor:
        """Return [members, rows, units]: 0 with probability `rate`, else 1 / (1 - rate)."""
        ...


@dataclass
class Context:
    """All that a forward pass needs beside its input.

    weights: name -> [members, ...], buffers: name -> [members, ...] (running statistics, singular
    vectors). dropout is None at evaluation. `batches` says how many independent batches lie one
    after the other along the rows: batch norm in training normalises each with its own statistics.
    `track_statistics` says whose running statistics follow: all, none, or the layers named.
    `measuring`, at evaluation, lets convolutions set theirs to what passes through them.
    """

    weights: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor] = field(default_factory=dict)
    dropout: Dropout | None = None
    training: bool = False
    track_statistics: bool | Container[str] = False
    batches: int = 1
    measuring: bool = False

    def tracks(self, layer: str) -> bool:
        """Do the running statistics of this layer follow?"""
        tracked = self.track_statistics
        return tracked if isinstance(tracked, bool) else layer in tracked


class Layer(Protocol):
    """What has weights: arrays by name, [members, *shape] each. It may be no more than that."""

    @property
    def name(self) -> str: ...

    @property
    def spectral(self) -> bool:
        """Whether `{name}.weight` is spectrally normalised, and `{name}.u` among the buffers."""
        ...

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the weights that an optimiser moves."""
        ...

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of what else a forward pass reads."""
        ...


class Networks(Protocol):
    """Networks that are trained together, as far as weights go."""

    @property
    def groups(self) -> Mapping[str, Sequence[Layer]]:
        """By the name of the flat array [members, size] that holds their weights.

        One optimiser moves one array. The buffers of all lie in an array `buffers`.
        """
        ...

    @property
    def layers(self) -> Sequence[Layer]:
        """All, in the order of their buffers."""
        ...


@dataclass(frozen=True)
class Dense:
    """x [members, n, inputs] -> activation(x W + b) [members, n, outputs], then dropout."""

    name: str
    inputs: int
    outputs: int
    activation: Activation = "linear"
    dropout: float = 0.0
    batch_norm: bool = False
    spectral: bool = False

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {
            f"{self.name}.weight": (self.inputs, self.outputs),
            f"{self.name}.bias": (1, self.outputs),
        }
        if self.batch_norm:
            shapes |= {
                f"{self.name}.gamma": (1, self.outputs),
                f"{self.name}.beta": (1, self.outputs),
            }
        return shapes

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {}
        if self.batch_norm:
            shapes |= {
                f"{self.name}.mean": (1, self.outputs),
                f"{self.name}.variance": (1, self.outputs),
            }
        if self.spectral:
            shapes |= {f"{self.name}.u": (1, self.outputs)}
        return shapes

    def __call__(self, context: Context, x: Tensor) -> Tensor:
        h = self._product(context, x)
        if self.batch_norm:
            h = batch_norm(self.name, context, h)
        if self.activation == "leaky":
            h = functional.leaky_relu_(h, LEAKY_SLOPE)
        elif self.activation == "relu":
            h = torch.relu_(h)
        elif self.activation == "tanh":
            h = torch.tanh(h)
        if context.dropout is not None and self.dropout > 0:
            h = h * context.dropout.mask(h.shape[1], self.outputs, self.dropout)
        return h

    def back(self, context: Context, g: Tensor) -> Tensor:
        """g W' [members, n, inputs]: the way back through the same weights, for tied layers."""
        weight = context.weights[f"{self.name}.weight"].transpose(1, 2)
        if context.training:
            return torch.bmm(g, weight)
        return even_product(weight.new_zeros(len(weight), 1, self.inputs), g, weight.contiguous())

    def _product(self, context: Context, x: Tensor) -> Tensor:
        """x W + b [members, n, outputs]; with spectral normalisation x (W / sigma) + b."""
        weight, bias = context.weights[f"{self.name}.weight"], context.weights[f"{self.name}.bias"]
        if not context.training:  # the weights are already divided, see `scoring_weights`
            return even_product(bias, x, weight)
        if not self.spectral:
            return torch.baddbmm(bias, x, weight)
        sigma = spectral_norm(weight, context.buffers[f"{self.name}.u"])
        return torch.bmm(x, weight) / sigma + bias


def even_product(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """x W + b, every row added up in the same order, wherever it stands among the others.

    For some numbers of columns MKL treats the last rows differently; with whole vectors of columns
    it does not.
    """
    columns = weight.shape[2]
    spare = -columns % COLUMNS_OF_EVEN_PRODUCT
    if spare == 0:
        return torch.baddbmm(bias, x, weight)
    bias, weight = (functional.pad(array, (0, spare)) for array in (bias, weight))
    return torch.baddbmm(bias, x, weight)[..., :columns]


def spectral_norm(weight: Tensor, u: Tensor) -> Tensor:
    """Largest singular value, [members, 1, 1], by one power iteration.

    It starts from u [members, 1, outputs], which is replaced. The gradient flows through weight
    only, not through the singular vectors (Miyato et al. 2018, eq. 12). The value is never above
    the true one; as u is kept from step to step, it follows the slowly moving weights closely.
    """
    with torch.no_grad():
        v = functional.normalize(torch.bmm(weight, u.transpose(1, 2)), dim=1)
        u.copy_(functional.normalize(torch.bmm(v.transpose(1, 2), weight), dim=2))
        left, right = v.transpose(1, 2), u.transpose(1, 2).clone()
    return torch.bmm(torch.bmm(left, weight), right)


def batch_norm(name: str, context: Context, h: Tensor) -> Tensor:
    """Normalise h [members, n, units]: by the batch in training, by running statistics later.

    Both the batch's and the running variance are the biased ones (divisor n), as in TensorFlow's
    dense path.
    """
    weights, buffers = context.weights, context.buffers
    if context.training:
        h = _normalised_batches(name, context, h)
    else:
        scale = torch.rsqrt(buffers[f"{name}.variance"] + BATCH_NORM_EPSILON)
        h = (h - buffers[f"{name}.mean"]) * scale
    return torch.addcmul(weights[f"{name}.beta"], h, weights[f"{name}.gamma"])


def _normalised_batches(name: str, context: Context, h: Tensor) -> Tensor:
    """Each of the context's batches by its own statistics, which the running ones follow."""
    batches = h.unflatten(1, (context.batches, -1))  # [members, batches, n, units]
    mean = batches.mean(dim=2, keepdim=True)
    centred = batches - mean
    variance = centred.square().mean(dim=2, keepdim=True)
    if context.tracks(name):
        for batch in range(context.batches):
            for kind, value in (("mean", mean), ("variance", variance)):
                running = context.buffers[f"{name}.{kind}"]
                running.lerp_(value[:, batch].detach(), BATCH_NORM_MOMENTUM)
    return (centred * torch.rsqrt(variance + BATCH_NORM_EPSILON)).flatten(1, 2)


@dataclass(frozen=True)
class Arrays:
    """A layer that computes nothing: weights, and buffers that are drawn from N(0, 1) and stay."""

    name: str
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    noise: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    spectral: bool = False

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"{self.name}.{key}": shape for key, shape in self.weights.items()}

    def buffer_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"{self.name}.{key}.noise": shape for key, shape in self.noise.items()}


@dataclass(frozen=True)
class Chain:
    """Layers one after the other: dense ones, or convolutions."""

    layers: tuple[Any, ...]

    def __call__(self, context: Context, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(context, x)
        return x


def chain(
    name: str,
    widths: Iterable[int],
    hidden: Activation,
    *,
    last: Activation,
    dropout: float = 0.0,
    spectral: bool = False,
) -> Chain:
    """Build inputs -> ... -> outputs from `widths`.

    Only layers that are not linear have dropout and spectral normalisation.
    """
    sizes = list(widths)
    activations: list[Activation] = [hidden for _ in sizes[2:]]
    activations.append(last)
    return Chain(
        tuple(
            Dense(
                f"{name}.{number}",
                inputs,
                outputs,
                activation,
                dropout=0.0 if activation == "linear" else dropout,
                spectral=spectral and activation != "linear",
            )
            for number, (inputs, outputs, activation) in enumerate(
                zip(sizes[:-1], sizes[1:], activations, strict=True)
            )
        )
    )


@dataclass(frozen=True)
class Architecture:
    """Hidden widths of the five networks: one row of the paper's tables X and XI.

    xz_branch is the width of both branches of D_xz, xz_joint that of its common layers.
    """

    latent: int
    encoder: tuple[int, ...]
    generator: tuple[int, ...]
    xz_branch: int
    xz_joint: tuple[int, ...]
    xx: tuple[int, ...]
    zz: tuple[int, ...]
    xz_dropout: float = 0.5
    cycle_dropout: float = 0.2
    xz_batch_norm: bool = True


@dataclass(frozen=True)
class PairDiscriminator:
    """Judges a pair (a, b): own branches first, then common layers, then one logit.

    Empty branches pass their input on. The activations before the logit are its features: for D_xx
    those of the ALAD score (eq. 9).
    """

    a: Chain
    b: Chain
    joint: Chain
    logit: Any  # a layer
    axis: int = 2  # along which the branches are joined

    def features(self, context: Context, a: Tensor, b: Tensor) -> Tensor:
        """[members, n, *], [members, n, *] -> [members, n, features]."""
        pair = [self.a(context, a), self.b(context, b)]
        return self.joint(context, torch.cat(pair, dim=self.axis))

    def __call__(self, context: Context, a: Tensor, b: Tensor) -> Tensor:
        """Logits [members, n]; large = looks like a real pair."""
        return self.logit(context, self.features(context, a, b)).squeeze(2)

    def layers(self) -> tuple[Any, ...]:
        return (*self.a.layers, *self.b.layers, *self.joint.layers, self.logit)


class DenseNetworks:
    """E: x -> z, G: z -> x and the discriminators D_xz, D_xx, D_zz for rows of `width` numbers."""

    def __init__(
        self,
        width: int,
        shape: Architecture,
        *,
        spectral: bool = False,
        xx: bool = True,
        zz: bool = True,
    ):
        latent = shape.latent
        self.width, self.latent = width, latent
        self.encoder = chain(
            "E", (width, *shape.encoder, latent), "leaky", last="linear", spectral=spectral
        )
        self.generator = chain("G", (latent, *shape.generator, width), "relu", last="linear")
        self.xz, self.xx, self.zz = _xz_discriminator(width, shape, spectral), None, None
        if xx:
            self.xx = _cycle_discriminator("Dxx", width, shape.xx, shape.cycle_dropout, spectral)
        if zz:
            self.zz = _cycle_discriminator("Dzz", latent, shape.zz, shape.cycle_dropout, spectral)
        judges = [judge for judge in (self.xz, self.xx, self.zz) if judge is not None]
        self.player_layers = (*self.encoder.layers, *self.generator.layers)
        self.judge_layers = tuple(layer for judge in judges for layer in judge.layers())

    @property
    def groups(self) -> dict[str, tuple[Dense, ...]]:
        return {"players": self.player_layers, "judges": self.judge_layers}

    @property
    def layers(self) -> tuple[Dense, ...]:
        return (*self.player_layers, *self.judge_layers)


def _xz_discriminator(width: int, shape: Architecture, spectral: bool) -> PairDiscriminator:
    units = shape.xz_branch
    x = Dense("Dxz.x", width, units, "leaky", batch_norm=shape.xz_batch_norm, spectral=spectral)
    z = Dense("Dxz.z", shape.latent, units, "leaky", dropout=shape.xz_dropout, spectral=spectral)
    joint = chain(
        "Dxz.joint",
        (2 * units, *shape.xz_joint),
        "leaky",
        last="leaky",
        dropout=shape.xz_dropout,
        spectral=spectral,
    )
    return PairDiscriminator(
        Chain((x,)), Chain((z,)), joint, Dense("Dxz.logit", shape.xz_joint[-1], 1)
    )


def _cycle_discriminator(
    name: str, inputs: int, widths: tuple[int, ...], dropout: float, spectral: bool
) -> PairDiscriminator:
    joint = chain(
        f"{name}.joint",
        (2 * inputs, *widths),
        "leaky",
        last="leaky",
        dropout=dropout,
        spectral=spectral,
    )
    return PairDiscriminator(Chain(()), Chain(()), joint, Dense(f"{name}.logit", widths[-1], 1))


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
        """Views of flat [members, size], each [members, *shape]; writing to one writes to both."""
        pieces = flat.split([math.prod(shape) for shape in self.shapes.values()], dim=1)
        return {
            name: piece.unflatten(1, shape)
            for (name, shape), piece in zip(self.shapes.items(), pieces, strict=True)
        }


def weight_layout(layers: Iterable[Layer]) -> Layout:
    chosen = tuple(layers)
    given = {f"{layer.name}.weight": getattr(layer, "deviation", None) for layer in chosen}
    deviations = {name: value for name, value in given.items() if value is not None}
    return Layout(
        {name: shape for layer in chosen for name, shape in layer.shapes().items()}, deviations
    )


def buffer_layout(layers: Iterable[Layer]) -> Layout:
    return Layout(
        {name: shape for layer in layers for name, shape in layer.buffer_shapes().items()}
    )


def initial_weights(layout: Layout, generators: list[np.random.Generator]) -> Tensor:
    """[members, size]: matrices as the layout says, zero biases, batch norm at the identity.

    There is one generator a member.
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
    """Normal if a deviation is given, else uniform as by Glorot & Bengio 2010."""
    if deviation is not None:
        return np.float32(deviation) * generator.standard_normal(shape, dtype=np.float32)
    bound = math.sqrt(6.0 / sum(shape))
    return generator.uniform(-bound, bound, shape).astype(np.float32)


def initial_buffers(
    layers: Iterable[Layer], weights: Mapping[str, Tensor], generators: list[np.random.Generator]
) -> Tensor:
    """[members, size]: running mean 0 and variance 1; noise; singular vectors, random at first.

    weights: name -> [members, ...], those of the layers; the singular vectors are theirs, already
    iterated.
    """
    chosen = tuple(layers)
    layout = buffer_layout(chosen)
    flat = torch.zeros(len(generators), layout.size)
    views = layout.views(flat)
    for name, view in views.items():
        if name.endswith(".variance"):
            view.fill_(1.0)
        elif name.endswith(".noise"):
            for member, generator in enumerate(generators):
                drawn = generator.standard_normal(view.shape[1:]).astype(np.float32)
                view[member] = torch.from_numpy(drawn)
    for layer in chosen:
        if layer.spectral:
            u = views[f"{layer.name}.u"]
            for member, generator in enumerate(generators):
                start = generator.standard_normal(u.shape[1:]).astype(np.float32)
                u[member] = torch.from_numpy(start)
            for _ in range(FIRST_POWER_ITERATIONS):
                spectral_norm(weights[f"{layer.name}.weight"], u)
    return flat


def scoring_weights(
    networks: Networks, arrays: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights and buffers by name, as they are used at evaluation.

    arrays: the flat arrays of the networks' `groups` and `buffers`, [members, size] each.
    Spectrally normalised weights [members, inputs, outputs] are divided by their exact largest
    singular value, so that a plain forward pass is the normalised one. The result shares no memory
    with the arrays.
    """
    weights: dict[str, Tensor] = {}
    for name, layers in networks.groups.items():
        weights |= weight_layout(layers).views(arrays[name].clone())
    for layer in networks.layers:
        if layer.spectral:
            weight = weights[f"{layer.name}.weight"]
            weight /= torch.linalg.matrix_norm(weight, ord=2, keepdim=True).clamp_min(1e-12)
    return weights, buffer_layout(networks.layers).views(arrays["buffers"].clone())
