"""Layers as plain values: what there is, of which size. They hold no weights and load no PyTorch.

A layer runs in a *context*, which holds the weights and is the engine: PyTorch's is
`alad.networks.context.Context`. So the same networks serve every engine, and a stored model can
hold its own layers (`alad.networks.description`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from alad.networks.description import described
from alad.networks.interfaces import Shapes
from alad.networks.patches import PatchGeometry

LEAKY_SLOPE = 0.2
BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01  # share of the newest batch in the running statistics

Activation = Literal["linear", "relu", "leaky", "tanh"]
SLOPES = {"linear": 1.0, "leaky": LEAKY_SLOPE, "relu": 0.0}  # below zero, of those that have one


class Engine(Protocol):
    """What runs layers on arrays of its own kind, [members, n, *]."""

    def dense(self, layer: Dense, x: Any) -> Any: ...

    def dense_back(self, layer: Dense, g: Any) -> Any: ...

    def convolution(self, layer: Convolution, x: Any) -> Any: ...

    def convolution_back(self, layer: Convolution, g: Any) -> Any: ...

    def joined(self, parts: Sequence[Any], axis: int) -> Any:
        """Concatenate arrays along an axis."""
        ...

    def periodic(self, layer: Periodic, x: Any) -> Any: ...

    def with_level(self, x: Any, level: Any) -> Any:
        """Add a noise level, [members, n] or one number, as a last column or channel of x."""
        ...


@described("dense")
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

    def shapes(self) -> Shapes:
        return _weight_shapes(self, (self.inputs, self.outputs))

    def buffer_shapes(self) -> Shapes:
        return _buffer_shapes(self)

    def __call__(self, context: Engine, x: Any) -> Any:
        return context.dense(self, x)

    def back(self, context: Engine, g: Any) -> Any:
        """Multiply by the transposed weight, g W' [members, n, inputs]: for tied layers."""
        return context.dense_back(self, g)


@described("convolution")
@dataclass(frozen=True)
class Convolution:
    """x [members, n, *size, inputs] -> activation(x * W + b) [members, n, *steps, outputs].

    Transposed, it goes the other way: from *steps to *size. x may come flattened; y leaves
    flattened, [members, n, units], if `flat`. Weights start as N(0, deviation), or as Glorot's.
    """

    name: str
    inputs: int
    outputs: int
    geometry: PatchGeometry
    activation: Activation = "linear"
    dropout: float = 0.0
    batch_norm: bool = False
    spectral: bool = False
    transposed: bool = False
    flat: bool = False
    deviation: float | None = 0.01

    def shapes(self) -> Shapes:
        kernel = self.geometry.kernel[0] * self.geometry.kernel[1]
        matrix = (kernel * self.inputs, self.outputs)
        if self.transposed:
            matrix = (self.inputs, kernel * self.outputs)
        return _weight_shapes(self, matrix)

    def buffer_shapes(self) -> Shapes:
        return _buffer_shapes(self)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of what comes out."""
        height, width = self.geometry.size if self.transposed else self.geometry.steps
        return height, width, self.outputs

    def __call__(self, context: Engine, x: Any) -> Any:
        return context.convolution(self, x)

    def back(self, context: Engine, g: Any) -> Any:
        """Apply the adjoint of x * W, for tied layers: [members, n, *size, inputs].

        g [members, n, *steps, outputs] may come flattened.
        """
        return context.convolution_back(self, g)


def _weight_shapes(layer: Dense | Convolution, matrix: tuple[int, int]) -> Shapes:
    shapes: Shapes = {f"{layer.name}.weight": matrix}
    kinds = ("bias", "gamma", "beta") if layer.batch_norm else ("bias",)
    return shapes | {f"{layer.name}.{kind}": (1, layer.outputs) for kind in kinds}


def _buffer_shapes(layer: Dense | Convolution) -> Shapes:
    kinds = ("mean", "variance") if layer.batch_norm else ()
    kinds += ("u",) if layer.spectral else ()
    return {f"{layer.name}.{kind}": (1, layer.outputs) for kind in kinds}


@described("periodic")
@dataclass(frozen=True)
class Periodic:
    """x [members, n, inputs] -> x, sin(2 pi c x), cos(2 pi c x), [members, n, outputs].

    Each of the first `columns` columns has `count` frequencies c, its own; they are weights, drawn
    from N(0, deviation²). Small networks see steps and gaps of a column only so (Gorishniy,
    Rubachev & Babenko 2022, PLR).
    """

    name: str
    inputs: int
    columns: int
    count: int
    deviation: float
    spectral: bool = False

    @property
    def outputs(self) -> int:
        return self.inputs + 2 * self.columns * self.count

    def shapes(self) -> Shapes:
        return {f"{self.name}.weight": (self.columns, self.count)}

    def buffer_shapes(self) -> Shapes:
        return {}

    def __call__(self, context: Engine, x: Any) -> Any:
        return context.periodic(self, x)


@described("arrays")
@dataclass(frozen=True)
class Arrays:
    """A layer that computes nothing: weights, and buffers that are drawn from N(0, 1) and stay."""

    name: str
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    noise: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    spectral: bool = False

    def shapes(self) -> Shapes:
        return {f"{self.name}.{key}": shape for key, shape in self.weights.items()}

    def buffer_shapes(self) -> Shapes:
        return {f"{self.name}.{key}.noise": shape for key, shape in self.noise.items()}


@described("chain")
@dataclass(frozen=True)
class Chain:
    """Layers one after the other: dense ones, or convolutions."""

    layers: tuple[Any, ...] = ()

    def __call__(self, context: Engine, x: Any) -> Any:
        for layer in self.layers:
            x = layer(context, x)
        return x


@described("conditioned")
@dataclass(frozen=True)
class Conditioned(Chain):
    """A chain that reads a noise level beside its input, as one more column or channel.

    level: what it reads at scoring.
    """

    level: float = 0.0

    def __call__(self, context: Engine, x: Any, level: Any = None) -> Any:
        """Apply the layers to x [members, n, *]; level [members, n], None = as at scoring."""
        level = self.level if level is None else level
        return super().__call__(context, context.with_level(x, level))


@described("discriminator")
@dataclass(frozen=True)
class Discriminator:
    """Tells real inputs from fake ones: a branch for each input, common layers, one logit.

    Empty branches pass their input on. The activations before the logit are its features: for D_xx
    those of the ALAD score (eq. 9).
    """

    branches: tuple[Chain, ...]
    joint: Chain
    logit: Any  # a layer
    axis: int = 2  # along which the branches are joined

    def features(self, context: Engine, *inputs: Any) -> Any:
        """Compute the features [members, n, features] of inputs [members, n, *] each."""
        pairs = zip(self.branches, inputs, strict=True)
        parts = [branch(context, x) for branch, x in pairs]
        joined = parts[0] if len(parts) == 1 else context.joined(parts, self.axis)
        return self.joint(context, joined)

    def __call__(self, context: Engine, *inputs: Any) -> Any:
        """Give logits [members, n]; large = looks real."""
        return self.logit(context, self.features(context, *inputs)).squeeze(2)

    @property
    def layers(self) -> tuple[Any, ...]:
        branches = (layer for branch in self.branches for layer in branch.layers)
        return (*branches, *self.joint.layers, self.logit)


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
