"""Layers as nodes of a graph: the engine that runs networks on traced images.

What comes between layers is written down by `tensors`, as PyTorch asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alad.export.graph import Untraceable
from alad.networks.layers import BATCH_NORM_EPSILON, Convolution, Dense, Periodic
from alad.networks.numpy_forward import activate
from alad.networks.patches import PatchGeometry


class GraphContext:
    """Runs layers on traced arrays [members, n, *], at evaluation, in float32.

    weights, buffers: name -> PyTorch's [members, ...], of which spectral norms are divided out.
    Batch norm is worked into weights and biases.
    """

    def __init__(self, weights: Mapping[str, Any], buffers: Mapping[str, Any]):
        self.weights, self.buffers = weights, buffers

    def dense(self, layer: Dense, x: Any) -> Any:
        weight, bias = self._affine(layer)
        return activate(layer.activation, x @ single(weight) + single(bias))

    def dense_back(self, layer: Dense, g: Any) -> Any:
        weight, _ = self._affine(layer)
        return g @ single(weight.swapaxes(1, 2))

    def convolution(self, layer: Convolution, x: Any) -> Any:
        geometry = layer.geometry
        size = geometry.steps if layer.transposed else geometry.size
        x = x.reshape(*x.shape[:2], *size, layer.inputs)
        convolve = transposed if layer.transposed else convolved
        members = zip(x, *self._kernels(layer), strict=True)
        y = np.stack([convolve(*images_and_kernel, geometry) for images_and_kernel in members])
        y = activate(layer.activation, y)
        return y.reshape(*y.shape[:2], int(np.prod(y.shape[2:]))) if layer.flat else y

    def convolution_back(self, layer: Convolution, g: Any) -> Any:
        g = g.reshape(*g.shape[:2], *layer.geometry.steps, layer.outputs)
        members = zip(g, self._kernels(layer)[0], strict=True)
        nothing = np.zeros(layer.inputs)
        return np.stack([transposed(y, kernel, nothing, layer.geometry) for y, kernel in members])

    def joined(self, parts: Sequence[Any], axis: int) -> Any:
        return np.concatenate(list(parts), axis=axis)

    def periodic(self, layer: Periodic, x: Any) -> Any:
        raise Untraceable("networks of images read no periods of columns")

    def with_level(self, x: Any, level: float) -> Any:
        return np.concatenate([x, x[..., :1] * 0 + level], axis=-1)

    def _affine(self, layer: Dense | Convolution) -> tuple[np.ndarray, np.ndarray]:
        """Give matrix and bias [members, 1, outputs] of a layer, float64, with batch norm in them.

        A transposed layer's matrix is [members, inputs, kernel * outputs].
        """

        def wide(kind: str) -> np.ndarray:
            arrays = self.buffers if kind in ("mean", "variance") else self.weights
            return np.asarray(arrays[f"{layer.name}.{kind}"], np.float64)

        weight, bias = wide("weight"), wide("bias")
        if layer.batch_norm:
            scale = wide("gamma") / np.sqrt(wide("variance") + BATCH_NORM_EPSILON)
            times = weight.shape[2] // layer.outputs
            weight = weight * np.tile(scale, times)
            bias = (bias - wide("mean")) * scale + wide("beta")
        return weight, bias

    def _kernels(self, layer: Convolution) -> tuple[np.ndarray, np.ndarray]:
        """Give kernels as ONNX has them, [members, ., ., height, width], and biases [members, .].

        Of a convolution outputs come before inputs, of a transposed one inputs before outputs.
        """
        weight, bias = self._affine(layer)
        sides = layer.geometry.kernel
        if layer.transposed:
            kernels = weight.reshape(-1, layer.inputs, *sides, layer.outputs)
            return kernels.transpose(0, 1, 4, 2, 3), bias[:, 0]
        kernels = weight.reshape(-1, *sides, layer.inputs, layer.outputs)
        return kernels.transpose(0, 4, 3, 1, 2), bias[:, 0]


def convolved(x: Any, kernel: np.ndarray, bias: np.ndarray, geometry: PatchGeometry) -> Any:
    """Convolve x [n, *size, inputs] -> [n, *steps, outputs]; kernel [outputs, inputs, *sides]."""
    if geometry.whole:  # a matrix product of the image as it is
        matrix = kernel.transpose(2, 3, 1, 0).reshape(-1, len(kernel))
        y = x.reshape(len(x), len(matrix)) @ single(matrix) + single(bias)
        return y.reshape(len(x), 1, 1, len(kernel))
    return _of_channels("Conv", x, kernel, bias, geometry, (*geometry.steps, len(kernel)))


def transposed(x: Any, kernel: np.ndarray, bias: np.ndarray, geometry: PatchGeometry) -> Any:
    """Apply the adjoint: x [n, *steps, inputs] -> [n, *size, outputs]; kernel [in, out, *sides]."""
    outputs = kernel.shape[1]
    if geometry.whole:
        matrix = kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
        y = x.reshape(len(x), len(kernel)) @ single(matrix)
        return y.reshape(len(x), *geometry.size, outputs) + single(bias)
    # pixels at the end that no patch holds
    spare = [
        size + sum(geometry.padding(axis)) - _reach(geometry, axis)
        for axis, size in enumerate(geometry.size)
    ]
    shape = (*geometry.size, outputs)
    return _of_channels("ConvTranspose", x, kernel, bias, geometry, shape, output_padding=spare)


def _reach(geometry: PatchGeometry, axis: int) -> int:
    """Count the pixels from the first patch's begin to the last one's end."""
    return (geometry.steps[axis] - 1) * geometry.stride + geometry.kernel[axis]


def _of_channels(
    operation: str,
    x: Any,
    kernel: np.ndarray,
    bias: np.ndarray,
    geometry: PatchGeometry,
    shape: tuple[int, ...],
    **more: Any,
) -> Any:
    """Add a node that has channels before height and width; x and what it gives have them last."""
    (top, bottom), (left, right) = geometry.padding(0), geometry.padding(1)
    graph = x.graph
    y = graph.node(
        operation,
        graph.node("Transpose", x.name, perm=(0, 3, 1, 2)),
        graph.constant(single(kernel)),
        graph.constant(single(bias)),
        kernel_shape=geometry.kernel,
        strides=(geometry.stride, geometry.stride),
        pads=(top, left, bottom, right),
        **more,
    )
    # of the sample, the shape alone matters
    sample = np.zeros((len(x), *shape), np.float32)
    return x.new(graph.node("Transpose", y, perm=(0, 2, 3, 1)), sample)


def single(array: np.ndarray) -> np.ndarray:
    """Round to float32, the numbers of networks of images."""
    return np.ascontiguousarray(array, np.float32)
