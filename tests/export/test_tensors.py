"""PyTorch's functions, written down as a graph and run, give what PyTorch gives."""

import numpy as np
import pytest
import torch
from torch.nn import functional

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from onnx import TensorProto  # noqa: E402

from alad.autoencoders import mirror  # noqa: E402
from alad.export.graph import Graph, Untraceable  # noqa: E402
from alad.export.traced import Traced  # noqa: E402

SHAPE = (4, 6, 10)  # channels, height, width
W = torch.from_numpy(np.random.default_rng(0).normal(size=(8, 4, 3, 3)).astype(np.float32))
EACH = W[:4, :1]  # of each channel by itself
BIAS = torch.arange(8, dtype=torch.float32)


def graphed(function, x: np.ndarray) -> np.ndarray:
    """Run function(x) by way of a graph: written for 13 images, run for those and for others."""
    graph = Graph()
    name = graph.input("images", TensorProto.FLOAT, SHAPE)
    made = function(Traced(graph, name, np.zeros((13, *SHAPE), np.float32), 13))
    graph.output("out", made.astype(np.float64).name, made.shape[1:])
    model = ort.InferenceSession(graph.model({}, ""), providers=["CPUExecutionProvider"])
    return model.run(None, {"images": x})[0]


FORMULAS = {
    "convolution": lambda x: functional.conv2d(x, W, BIAS, 2),
    "channel by channel": lambda x: functional.conv2d(x, EACH, BIAS[:4], 1, groups=4),
    "zeros around": lambda x: functional.pad(x, (1, 0, 2, 3)),
    "enlarged": lambda x: functional.interpolate(
        x, size=(13, 31), mode="bilinear", align_corners=False
    ),
    "made smaller": lambda x: functional.interpolate(
        x, size=(5, 4), mode="bilinear", align_corners=False
    ),
    "averaged": lambda x: functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "relu6": lambda x: functional.relu6(9 * x),
    "pooled": lambda x: x.mean(dim=(2, 3)),
    "side by side": lambda x: torch.cat([x, x.square()], dim=1).permute(0, 2, 3, 1).contiguous(),
    "grey": lambda x: x[:, :1].expand(-1, 3, -1, -1),
    "softplus": lambda x: functional.softplus(x) - x.sigmoid(),
    "share": lambda x: x.flatten(1).double().softmax(dim=1),
    "length": lambda x: torch.linalg.vector_norm(x.flatten(2), dim=2).clamp_min(1.0),
    "halves": lambda x: torch.exp(x.chunk(2, dim=-1)[1].clamp(-1, 1)),
    "largest of 2 × 2": lambda x: mirror.pooled(x.unsqueeze(0))[0].squeeze(0),
    "there and back": lambda x: mirror.joined(mirror.blocks(x.unsqueeze(0))).squeeze(0),
    "unpooled": lambda x: mirror.unpooled(x.unsqueeze(0)).squeeze(0),
    "tensors first": lambda x: BIAS[0] + BIAS[3] * x - BIAS[1],
}


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
@pytest.mark.parametrize("n", [1, 7])
def test_formulas(formula, n):
    x = np.random.default_rng(n).normal(size=(n, *SHAPE)).astype(np.float32)
    due = formula(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(graphed(formula, x), due, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (lambda x: functional.gelu(x), "PyTorch's gelu is no operator here"),
        (lambda x: functional.pad(x, (1, 1, 1, 1), mode="reflect"), "padding is by zeros"),
        (lambda x: functional.interpolate(x, size=(3, 3)), "resizing is bilinear"),
        (lambda x: x.chunk(4, dim=2), "6 numbers make no 4 equal parts"),
    ],
)
def test_what_has_no_operator_is_refused(formula, reason):
    with pytest.raises(Untraceable, match=reason):
        graphed(formula, np.zeros((1, *SHAPE), np.float32))
