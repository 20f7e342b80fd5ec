"""AnoGAN's search as a plain program: autograd, PyTorch's Adam and, for images, its modules.

Inference times are compared with it, and the package's own searches are checked against it.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from alad.anogan.networks import START, GanNetworks
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.layers import BATCH_NORM_EPSILON, LEAKY_SLOPE, Convolution
from alad.neural.torch_engine import context_of

if TYPE_CHECKING:
    from alad.anogan.detector import AnoGAN


def search(detector: "AnoGAN", X: np.ndarray) -> np.ndarray:
    """Search for encoded rows X [n, *shape], all at once, by one member; -> losses [n]."""
    model: Any = detector.model_
    context = context_of(model.networks, {**model.weights, **model.buffers}, "cpu")
    weight = detector.discrimination_weight
    generator, discriminator = _networks(model.networks, context)
    x = torch.from_numpy(X)
    x = x if x.ndim == 2 else x.movedim(3, 1).contiguous()
    with torch.no_grad():
        real = discriminator(x)
    z = context.buffers[START][0].repeat(len(x), 1).requires_grad_()
    adam = torch.optim.Adam([z], detector.search_learning_rate)

    def losses() -> Tensor:
        generated = generator(z)
        residual = (x - generated).abs().flatten(1).sum(dim=1)
        return (1 - weight) * residual + weight * (real - discriminator(generated)).abs().sum(dim=1)

    for _ in range(detector.search_steps):
        adam.zero_grad()
        losses().sum().backward()
        adam.step()
    return losses().detach().numpy()


Network = Callable[[Tensor], Tensor]


def _networks(networks: GanNetworks, context: Context) -> tuple[Network, Network]:
    """Make G, and D up to its features, of the first member, on rows [n, *]."""
    layers = networks.generator.layers, networks.discriminator.joint.layers
    if not isinstance(layers[0][0], Convolution):
        return (
            lambda z: networks.generator(context, z[None])[0],
            lambda x: networks.discriminator.features(context, x[None])[0],
        )
    generator, discriminator = (
        nn.Sequential(*(module for layer in part for module in _modules(layer, context)))
        for part in layers
    )
    # features are ordered by channel first, ours last, which no sum over them depends on
    return lambda z: generator(z[:, :, None, None]), lambda x: discriminator(x).flatten(1)


def _modules(layer: Convolution, context: Context) -> Iterable[nn.Module]:
    """Make PyTorch's modules of a convolution, for images [n, channels, height, width]."""
    geometry, weights = layer.geometry, {name: array[0] for name, array in context.weights.items()}
    (top, bottom), (left, right) = geometry.padding(0), geometry.padding(1)
    if layer.transposed and (top, left) != (bottom, right):
        raise InputError("the plain search is for images whose sides are halved without rest")
    how = {"kernel_size": geometry.kernel, "stride": geometry.stride}
    inputs, outputs = layer.inputs, layer.outputs
    weight, bias = weights[f"{layer.name}.weight"], weights[f"{layer.name}.bias"][0]
    if layer.transposed:
        module = nn.ConvTranspose2d(inputs, outputs, padding=(top, left), **how)
        kernel = weight.unflatten(1, (*geometry.kernel, outputs)).permute(0, 3, 1, 2)
    else:
        yield nn.ZeroPad2d((left, right, top, bottom))
        module = nn.Conv2d(inputs, outputs, **how)
        kernel = weight.unflatten(0, (*geometry.kernel, inputs)).permute(3, 2, 0, 1)
    module.weight, module.bias = _constant(kernel), _constant(bias)
    yield module
    if layer.batch_norm:
        norm = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPSILON)
        norm.weight = _constant(weights[f"{layer.name}.gamma"][0])
        norm.bias = _constant(weights[f"{layer.name}.beta"][0])
        norm.running_mean, norm.running_var = (
            context.buffers[f"{layer.name}.{name}"][0, 0].clone() for name in ("mean", "variance")
        )
        yield norm.eval()
    if layer.activation != "linear":
        activations = {"relu": nn.ReLU(), "leaky": nn.LeakyReLU(LEAKY_SLOPE), "tanh": nn.Tanh()}
        yield activations[layer.activation]


def _constant(array: Tensor) -> nn.Parameter:
    return nn.Parameter(array.contiguous(), requires_grad=False)
