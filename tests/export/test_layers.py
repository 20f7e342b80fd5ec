"""Convolutions as nodes of a graph give sums by hand, and what PyTorch's engine gives."""

import numpy as np
import pytest

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from onnx import TensorProto  # noqa: E402

from alad.export.graph import Graph  # noqa: E402
from alad.export.layers import convolved, transposed  # noqa: E402
from alad.export.traced import Traced  # noqa: E402
from alad.networks.patches import PatchGeometry  # noqa: E402

ROWS = 13  # of the sample, when the graph is written


def run(function, x: np.ndarray) -> np.ndarray:
    """Run function(x) by way of a graph, x [n, height, width, channels]."""
    graph, shape = Graph(), x.shape[1:]
    name = graph.input("images", TensorProto.FLOAT, shape)
    made = function(Traced(graph, name, np.zeros((ROWS, *shape), np.float32), ROWS))
    graph.output("out", made.astype(np.float64).name, made.shape[1:])
    model = ort.InferenceSession(graph.model({}, ""), providers=["CPUExecutionProvider"])
    return model.run(None, {"images": x.astype(np.float32)})[0]


def pairs(geometry: PatchGeometry):
    """Yield places (row, column) of a step, of a pixel of its patch, and of that in the kernel."""
    top, left = geometry.padding(0)[0], geometry.padding(1)[0]
    for down, across in np.ndindex(*geometry.steps):
        for i, j in np.ndindex(*geometry.kernel):
            row, column = down * geometry.stride + i - top, across * geometry.stride + j - left
            if 0 <= row < geometry.size[0] and 0 <= column < geometry.size[1]:
                yield (down, across), (row, column), (i, j)


def by_hand(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, geometry: PatchGeometry):
    """Add up the pixels of each patch, one by one; kernel [outputs, inputs, *sides]."""
    y = np.zeros((len(x), *geometry.steps, len(kernel))) + bias
    for step, pixel, part in pairs(geometry):
        y[:, *step] += x[:, *pixel] @ kernel[:, :, *part].T
    return y


def back_by_hand(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, geometry: PatchGeometry):
    """Add each number of x, times the kernel [in, out, *sides], to the pixels of its patch."""
    y = np.zeros((len(x), *geometry.size, kernel.shape[1])) + bias
    for step, pixel, part in pairs(geometry):
        y[:, *pixel] += x[:, *step] @ kernel[:, :, *part]
    return y


def test_a_convolution_of_three_pixels():
    # a row 1 2 3, kernel 10 1, stride 1, padded behind: 12 = 10·1 + 2, 23 = 10·2 + 3, 30 = 10·3
    geometry = PatchGeometry((1, 3), (1, 2))
    x = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    kernel = np.array([10.0, 1.0]).reshape(1, 1, 1, 2)
    y = run(lambda traced: convolved(traced, kernel, np.array([0.5]), geometry), x)
    assert y.ravel().tolist() == [12.5, 23.5, 30.5]


def test_a_transposed_convolution_of_two_pixels():
    # each of 1 2 puts number · (100 10 1) onto 3 of 4 pixels, 2 apart, the fifth is cut off:
    # 100 10 1+200 20 (2)
    geometry = PatchGeometry((1, 4), (1, 3), stride=2)
    x = np.array([1.0, 2.0]).reshape(1, 1, 2, 1)
    kernel = np.array([100.0, 10.0, 1.0]).reshape(1, 1, 1, 3)
    y = run(lambda traced: transposed(traced, kernel, np.zeros(1), geometry), x)
    assert y.ravel().tolist() == [100.0, 10.0, 201.0, 20.0]


GEOMETRIES = [
    PatchGeometry((7, 5), (4, 4), 2),
    PatchGeometry((9, 11), (5, 3), 2),
    PatchGeometry((7, 10), (3, 4), 3),
    PatchGeometry((8, 7), (3, 3), 2, same=False),  # the last row is in no patch
    PatchGeometry((6, 5), (3, 2), 1),
    PatchGeometry((4, 3), (4, 3), 1, same=False),  # the image as a whole
    PatchGeometry((1, 1), (1, 1)),
]


@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_odd_sizes_and_strides(geometry, n):
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(2, 3, *geometry.kernel)), rng.normal(size=(2,))
    x = rng.normal(size=(n, *geometry.size, 3))
    y = run(lambda traced: convolved(traced, kernel, bias, geometry), x)
    np.testing.assert_allclose(y, by_hand(x, kernel, bias, geometry), rtol=1e-4, atol=1e-4)
    x = rng.normal(size=(n, *geometry.steps, 2))
    bias = rng.normal(size=(3,))
    y = run(lambda traced: transposed(traced, kernel, bias, geometry), x)
    np.testing.assert_allclose(y, back_by_hand(x, kernel, bias, geometry), rtol=1e-4, atol=1e-4)
