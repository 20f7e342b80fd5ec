"""Convolutions as products of patches: against the library's, by hand, and in the networks."""

from __future__ import annotations

import functools
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from torch.nn import functional

import alad
from alad.adversarial.architectures import ImageArchitecture
from alad.adversarial.game import FAMILY, SIDES, Game
from alad.adversarial.networks import GameNetworks, game_networks
from alad.adversarial.play import Drawn, generator_encoder_loss, play
from alad.adversarial.step import GameStep
from alad.errors import InputError
from alad.native import build
from alad.networks.channels_last import ChannelsLast
from alad.networks.context import Context
from alad.networks.convolution_ops import PATCHES, Epilogue
from alad.networks.dense import spectral_norm
from alad.networks.image_stacks import halvings
from alad.networks.layers import Convolution
from alad.networks.native_convolution import NativeProducts, training_products
from alad.networks.patches import PatchGeometry
from alad.networks.weights import initial_weights, weight_layout
from alad.randomness import Purpose, stream
from alad.training.optimizer import Optimiser

SMALL = ImageArchitecture(latent=6, width=16, xz_code=(16,), xz_joint=16, xx=(16,), zz=(8,))
GEOMETRIES = [
    PatchGeometry((8, 8), (4, 4), 2),
    PatchGeometry((7, 10), (4, 4), 2),
    PatchGeometry((8, 6), (5, 5), 2),
    PatchGeometry((7, 9), (5, 5), 2),
    PatchGeometry((4, 3), (4, 3), same=False),
    PatchGeometry((1, 1), (1, 1)),
]


def played(X: torch.Tensor, game: str = "alad") -> tuple[GameNetworks, Game]:
    return game_networks(tuple(X.shape[1:]), SMALL, FAMILY[game]), FAMILY[game]


def weights(*shape: int) -> torch.Tensor:
    drawn = stream(0, 0, Purpose.WEIGHTS).standard_normal(shape)
    return torch.from_numpy(drawn).requires_grad_()


def library(x: torch.Tensor, weight: torch.Tensor, geometry: PatchGeometry) -> torch.Tensor:
    """The same by torch's own convolution, of one member."""
    (top, bottom), (left, right) = geometry.padding(0), geometry.padding(1)
    kernel = weight.unflatten(0, (*geometry.kernel, x.shape[3])).permute(3, 2, 0, 1)
    padded = functional.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
    return functional.conv2d(padded, kernel, stride=geometry.stride).permute(0, 2, 3, 1)


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("piece", [1, 10**9])
def test_a_convolution_and_its_gradients_are_the_library_s(geometry, piece, monkeypatch):
    monkeypatch.setattr("alad.networks.convolution_ops.PATCH_BYTES", piece)
    layer = Convolution("a", 3, 5, geometry)
    x, weight = weights(2, 3, *geometry.size, 3), weights(2, *layer.shapes()["a.weight"])
    bias = weights(2, 1, 5)
    context = Context({"a.weight": weight, "a.bias": bias}, training=True)
    ours = layer(context, x)
    theirs = torch.stack([library(x[m], weight[m], geometry) + bias[m] for m in range(2)])
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn(ours.shape, dtype=ours.dtype, generator=torch.Generator().manual_seed(0))
    for got, due in zip(
        torch.autograd.grad(ours, (x, weight, bias), upstream),
        torch.autograd.grad(theirs, (x, weight, bias), upstream),
        strict=True,
    ):
        torch.testing.assert_close(got, due)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_transposed_is_the_adjoint(geometry):
    """<conv x, y> = <x, transposed y>, and its gradients are those of that form."""
    forward = Convolution("a", 3, 4, geometry)
    back = Convolution("a", 4, 3, geometry, transposed=True)
    x, y = weights(1, 2, *geometry.size, 3), weights(1, 2, *geometry.steps, 4)
    matrix = weights(1, *forward.shapes()["a.weight"])
    zero = {count: torch.zeros(1, 1, count, dtype=torch.float64) for count in (3, 4)}
    mapped = forward(Context({"a.weight": matrix, "a.bias": zero[4]}, training=True), x)
    turned = matrix.transpose(1, 2).contiguous()
    returned = back(Context({"a.weight": turned, "a.bias": zero[3]}, training=True), y)
    left, right = (mapped * y).sum(), (x * returned).sum()
    torch.testing.assert_close(left, right)
    for one, two in zip(
        torch.autograd.grad(left, (matrix, y)), torch.autograd.grad(right, (matrix, y)), strict=True
    ):
        torch.testing.assert_close(one, two)


def test_tensorflow_s_same_padding_is_asymmetric():
    assert PatchGeometry((32, 32), (4, 4), 2).padding(0) == (1, 1)
    assert PatchGeometry((64, 32), (5, 5), 2).padding(0) == (1, 2)
    assert PatchGeometry((7, 7), (4, 4), 2).padding(0) == (1, 2)


def test_spectral_norm_of_a_kernel():
    """The kernel (height, width, in, out) is read as a matrix (height * width * in, out)."""
    given, expected = case("spectral")["given"], case("spectral")["expected"]["conv"]
    kernel = torch.tensor(given["conv_kernel_kh_kw_cin_cout"], dtype=torch.float64)
    u = torch.tensor(given["conv_u"], dtype=torch.float64)[None, None]
    matrix = kernel.flatten(0, 2)[None]
    done = 0
    for iterations, after in expected["after_power_iterations"].items():
        for _ in range(int(iterations) - done):
            sigma = spectral_norm(matrix, u)
        done = int(iterations)
        close(sigma.flatten(), [after["sigma"]], 1e-9)
        close(u.flatten(), after["u"], 1e-9)


def test_a_gradient_flows_through_the_spectral_norm():
    """Output and gradients are those of x * (W / sigma) written out."""
    geometry = PatchGeometry((6, 6), (4, 4), 2)
    layer = Convolution("a", 2, 3, geometry, spectral=True)
    x, weight = weights(1, 2, 6, 6, 2), weights(1, *layer.shapes()["a.weight"])
    bias = torch.zeros(1, 1, 3, dtype=torch.float64)
    u = torch.ones(1, 1, 3, dtype=torch.float64)
    ours = layer(
        Context({"a.weight": weight, "a.bias": bias}, {"a.u": u.clone()}, training=True), x
    )
    theirs = library(x[0], (weight / spectral_norm(weight, u))[0], geometry)[None]
    torch.testing.assert_close(ours, theirs)
    for got, due in zip(
        torch.autograd.grad(ours.square().sum(), (x, weight)),
        torch.autograd.grad(theirs.square().sum(), (x, weight)),
        strict=True,
    ):
        torch.testing.assert_close(got, due)


def test_the_published_networks():
    networks = game_networks((32, 32, 3), ImageArchitecture(), FAMILY["alad"])
    shapes = [layer.shape for layer in networks.encoder.layers]
    assert shapes == [(16, 16, 128), (8, 8, 256), (4, 4, 512), (1, 1, 100)]
    shapes = [layer.shape for layer in networks.generator.layers]
    assert shapes == [(4, 4, 512), (8, 8, 256), (16, 16, 128), (32, 32, 3)]
    assert networks.discriminators["xx"].logit.inputs == 16_384
    assert networks.discriminators["xz"].joint.layers[0].inputs == 8192 + 512
    spectral = {layer.name for layer in networks.layers if layer.spectral}
    assert {name.split(".")[0] for name in spectral} == {"E", "Dxz", "Dxx", "Dzz"}
    assert not spectral & {"E.code", "Dxz.logit", "Dxx.logit", "Dzz.logit"}
    batch_norms = {layer.name for layer in networks.layers if layer.batch_norm}
    assert batch_norms == {
        *("E.0", "E.1", "E.2", "G.0", "G.1", "G.2"),
        *("Dxz.x.1", "Dxz.x.2"),
    }


def operands(
    geometry: PatchGeometry, inputs: int, outputs: int
) -> tuple[torch.Tensor, torch.Tensor, Epilogue, torch.Tensor]:
    """x, weight, what becomes of the sums, and dy, as the products take them."""
    shapes = (
        (5, *geometry.size, inputs),
        (geometry.kernel[0] * geometry.kernel[1] * inputs, outputs),
        (outputs,),
        (outputs,),
        (5, *geometry.steps, outputs),
    )
    x, weight, scale, bias, dy = (weights(*shape).detach().float() for shape in shapes)
    mask = torch.from_numpy(np.random.default_rng(1).random(dy.shape) > 0.3).float() / 0.7
    return x, weight, Epilogue(scale, bias, 0.2, mask), dy


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 5), (16, 32), (9, 17)])
def test_products_in_c_are_those_of_patches(geometry, inputs, outputs):
    x, weight, to, dy = operands(geometry, inputs, outputs)
    ours = NativeProducts()
    close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-4)
    close(ours.forward(x, weight, to, geometry), PATCHES.forward(x, weight, to, geometry))
    close(ours.forward(x, weight, None, geometry), PATCHES.forward(x, weight, None, geometry))
    close(*(one.to_input(dy, weight, geometry, inputs) for one in (ours, PATCHES)))
    close(ours.to_weight(x, dy, geometry), PATCHES.to_weight(x, dy, geometry))


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("products", [NativeProducts(), ChannelsLast(NativeProducts())])
def test_what_was_laid_out_before_gives_the_same_bits(geometry, products):
    x, weight, to, dy = operands(geometry, 3, 16)
    before = products.prepared(x, geometry)
    assert torch.equal(
        products.forward(before, weight, to, geometry), products.forward(x, weight, to, geometry)
    )
    assert torch.equal(
        products.to_weight(before, dy, geometry), products.to_weight(x, dy, geometry)
    )
    assert products.prepared(before, geometry) is before or before.dtype == torch.bfloat16


@pytest.mark.parametrize("columns", [1, 5, 16, 40])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("slope", [1.0, 0.2, 0.0])
@pytest.mark.parametrize("products", [PATCHES, NativeProducts()])
def test_the_way_back_through_the_end_is_autograd_s(products, slope, masked, scaled, columns):
    sums, dy = (weights(3, 2, 7, columns).detach().float() for _ in "ab")
    bias = weights(columns).detach().float().requires_grad_()
    scale = weights(columns).detach().float() if scaled else None
    mask = (weights(*sums.shape).detach() > 0).float() * 1.25 if masked else None
    epilogue = Epilogue(scale, bias, slope, mask)
    leaf = sums.requires_grad_()
    due = torch.autograd.grad((epilogue(leaf * 1) * dy).sum(), (leaf, bias))
    made = products.epilogue_back(dy, epilogue(sums).detach(), epilogue, of_bias=True)
    for ours, theirs in zip(made, due, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert products.epilogue_back(dy, epilogue(sums).detach(), epilogue, of_bias=False)[1] is None


@pytest.mark.parametrize("geometry", [*GEOMETRIES, PatchGeometry((64, 1), (4, 4), 2)])
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 5), (16, 40)])
def test_scores_in_c_are_those_of_patches_and_an_image_s_own(geometry, inputs, outputs):
    size = geometry.kernel[0] * geometry.kernel[1] * inputs
    shapes = ((5, *geometry.size, inputs), (size, outputs), (5, *geometry.steps, outputs))
    x, weight, dy = (weights(*shape).detach().float() for shape in shapes)
    turned, ours = weight.T.contiguous(), NativeProducts()
    to = Epilogue(weights(outputs).detach().float(), torch.ones(outputs), 0.2)
    back = Epilogue(None, weights(inputs).detach().float(), 0.0)
    for made, due, alone in (
        (
            ours.scored(x, weight, to, geometry),
            PATCHES.scored(x, weight, to, geometry),
            ours.scored(x[3:4], weight, to, geometry),
        ),
        (
            ours.scored_back(dy, turned, back, geometry, inputs),
            PATCHES.scored_back(dy, turned, back, geometry, inputs),
            ours.scored_back(dy[3:4], turned, back, geometry, inputs),
        ),
    ):
        torch.testing.assert_close(made, due, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(made[3:4], alone, rtol=0, atol=0)


def test_the_same_memory_may_hold_a_weight_and_its_transpose():
    geometry, products = PatchGeometry((5, 4), (5, 5), 2), NativeProducts()
    x, weight, dy = (
        weights(*shape).detach().float() for shape in ((2, 5, 4, 3), (75, 1), (2, 3, 2, 1))
    )
    turned = weight.T.contiguous()
    assert turned.data_ptr() == weight.data_ptr()  # of one column they are alike
    to, back = Epilogue(None, torch.ones(1)), Epilogue(None, torch.ones(3))
    close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-4)
    close(*(one.scored(x, weight, to, geometry) for one in (products, PATCHES)))
    close(*(one.scored_back(dy, turned, back, geometry, 3) for one in (products, PATCHES)))


def test_a_column_of_patches_is_written_whole_in_bfloat16():
    geometry = PatchGeometry((64, 1), (5, 5), 2)
    x, weight = weights(8, 64, 1, 32).detach().float(), weights(800, 64).detach().float()
    for size in (64, 512, 4096, 16384, 131072):  # whatever was not written would be this
        torch.full((size,), torch.nan, dtype=torch.bfloat16)
    made = ChannelsLast(PATCHES).forward(x, weight, None, geometry)
    due = PATCHES.forward(x, weight, None, geometry)
    assert (made - due).norm() <= 2**-7 * due.norm()


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 5), (16, 32)])
@pytest.mark.parametrize(
    ("dtype", "error"), [(torch.bfloat16, 2**-7), (torch.float32, 1e-6)], ids=str
)
def test_products_by_the_library_are_nearly_those_of_patches(
    geometry, inputs, outputs, dtype, error
):
    x, weight, to, dy = operands(geometry, inputs, outputs)
    ours = ChannelsLast(PATCHES, dtype)

    def close(made: torch.Tensor, due: torch.Tensor) -> None:
        assert made.dtype == torch.float32
        assert made.shape == due.shape
        assert made.is_contiguous()
        assert (made - due).norm() <= error * due.norm()

    close(ours.forward(x, weight, to, geometry), PATCHES.forward(x, weight, to, geometry))
    close(ours.forward(x, weight, None, geometry), PATCHES.forward(x, weight, None, geometry))
    close(*(one.to_input(dy, weight, geometry, inputs) for one in (ours, PATCHES)))
    close(ours.to_weight(x, dy, geometry), PATCHES.to_weight(x, dy, geometry))


def test_off_the_cpu_images_are_trained_by_the_library_in_float32():
    products = training_products("auto", torch.empty(0, device="meta"))
    assert products.engine == "channels-last"
    assert training_products("torch", torch.empty(0, device="meta")) is PATCHES


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_trains_as_a_cpu_does():
    pixels = torch.from_numpy(np.random.default_rng(0).random((24, 32, 32, 3), np.float32))
    losses = []
    for device in ("cpu", "cuda"):
        rows = pixels.to(device)
        step = GameStep(rows, *played(rows), Optimiser(1e-3, 8), seed=0, members=[0])
        step.products = training_products("auto", step.like)
        losses.append(torch.stack([step(number) for number in range(3)]).cpu())
    torch.testing.assert_close(*losses, rtol=1e-2, atol=1e-2)  # the GPU may round to TF32


@pytest.mark.parametrize("share_batch", [False, True])
def test_a_step_with_products_in_c_has_the_same_losses_and_gradients(share_batch):
    pixels = torch.from_numpy(np.random.default_rng(0).random((24, 12, 9, 3), np.float32))
    how = {"seed": 0, "members": [0, 1]}
    steps = [GameStep(pixels, *played(pixels), Optimiser(1e-3, 8), **how) for _ in "ab"]
    steps[0].products = NativeProducts()
    for one in steps:
        one.share_batch = share_batch
    torch.testing.assert_close(steps[0](0), steps[1](0), rtol=1e-5, atol=1e-5)
    for group in SIDES:
        ours, due = (one.by_group[group].moment for one in steps)  # half of the gradient
        torch.testing.assert_close(ours, due, rtol=1e-2, atol=1e-4 * float(due.abs().max()))


def test_one_batch_for_both_sides_is_the_same_game():
    """With discriminators that do not move, E and G get the gradient of `play` on that batch."""
    one = step([0])
    one.share_batch = True
    one.discriminator.optimiser = replace(one.discriminator.optimiser, learning_rate=0.0)
    noise = one._noise(0)
    x, z = one._rows(0, 0), noise.normal(one.batch, one.networks.latent)
    context = one._context(one.generator.leaves | one.discriminator.views, noise, track=False)
    first = {name: array.clone() for name, array in one.arrays().items()}
    given = Drawn({"x": x, "z": z})
    _, logits = play(one.networks, context, one.game, given, constants=False)
    loss = generator_encoder_loss(logits)
    one.buffers.copy_(first["buffers"])
    torch.testing.assert_close(one(0)[0, 1], loss[0].detach(), rtol=0.1, atol=0.0)
    assert (one.generator.weights != first["generator.weights"]).any()
    assert (one.discriminator.average == first["discriminator.average"]).all()


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("geometry", [*GEOMETRIES, PatchGeometry((40, 40), (4, 4), 2)])
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 5), (16, 40)])
def test_products_in_c_are_the_same_bits_on_any_number_of_threads(
    geometry, inputs, outputs, threads
):
    x, weight, to, dy = operands(geometry, inputs, outputs)
    ours, turned, back = NativeProducts(), weight.T.contiguous(), Epilogue(None, torch.ones(inputs))

    def made() -> list[torch.Tensor]:
        y = ours.forward(x, weight, to, geometry)
        sums, bias = ours.epilogue_back(dy, y, to, of_bias=True)
        scored = ours.scored(x, weight, to, geometry)
        again = ours.scored_back(dy, turned, back, geometry, inputs)
        gradients = ours.to_input(dy, weight, geometry, inputs), ours.to_weight(x, dy, geometry)
        return [y, sums, bias, scored, again, *gradients]

    threads(1)
    due = made()
    for count in (2, 3, 7):
        threads(count)
        for own, alone in zip(made(), due, strict=True):
            if not geometry.whole:  # training leaves those to PyTorch, which adds up otherwise
                assert torch.equal(own, alone)
            torch.testing.assert_close(own, alone, rtol=1e-4, atol=1e-4)


def test_kernels_of_more_rows_than_c_holds_are_left_to_patches():
    geometry = PatchGeometry((70, 9), (66, 3), 2)
    x, weight, to, dy = operands(geometry, 2, 4)
    ours, close = NativeProducts(), partial(torch.testing.assert_close, rtol=1e-3, atol=1e-3)
    close(ours.forward(x, weight, to, geometry), PATCHES.forward(x, weight, to, geometry))
    close(*(one.to_input(dy, weight, geometry, 2) for one in (ours, PATCHES)))
    close(*(one.to_weight(x, dy, geometry) for one in (ours, PATCHES)))
    plain = replace(to, mask=None)
    close(*(one.scored(x, weight, plain, geometry) for one in (ours, PATCHES)))
    turned, back = weight.T.contiguous(), Epilogue(None, torch.ones(2))
    close(*(one.scored_back(dy, turned, back, geometry, 2) for one in (ours, PATCHES)))


def test_a_pickled_detector_scores_where_there_is_no_compiler(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    detector = alad.ALAD(max_steps=1, batch_size=8, random_state=0).fit(pixels)
    due, stored = detector.anomaly_score(pixels), pickle.dumps(detector)

    def nothing() -> None:
        raise build.BuildError("no compiler at all")

    monkeypatch.setattr("alad.networks.native_convolution.library", nothing)
    loaded = pickle.loads(stored)
    with pytest.warns(UserWarning, match="no compiler at all"):
        scores = loaded.anomaly_score(pixels)
    np.testing.assert_allclose(scores, due, rtol=1e-4)


def test_engines_of_images(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    for engine in ("auto", "native", "torch", "bfloat16"):
        detector = alad.ALAD(engine=engine, max_steps=1, batch_size=8).fit(pixels)
        assert detector.training_["engine"] == ("native" if engine == "auto" else engine)
        assert detector.training_["scoring_engine"] == ("torch" if engine == "torch" else "native")

    def nothing() -> None:
        raise build.BuildError("no C compiler")

    monkeypatch.setattr("alad.networks.native_convolution.library", nothing)
    monkeypatch.setattr(build, "tell", functools.cache(build.tell.__wrapped__))
    with pytest.warns(UserWarning, match="slower ones do their work: no C compiler"):
        assert alad.ALAD(max_steps=1, batch_size=8).fit(pixels).training_["engine"] == "torch"
    with pytest.raises(InputError, match="not available"):
        alad.ALAD(engine="native", max_steps=1, batch_size=8).fit(pixels)


@pytest.mark.parametrize("shape", [(28, 28, 1), (45, 60, 3), (256, 64, 1), (8, 8, 3)])
@pytest.mark.parametrize("stacking", ["height", "channels"])
def test_networks_for_any_size(shape, stacking):
    architecture = ImageArchitecture(width=16, xx=(16,), stacking=stacking)
    networks = game_networks(shape, architecture, FAMILY["bigan"])
    flat = initial_weights(weight_layout(networks.layers), [stream(0, 0, Purpose.WEIGHTS)])
    views = weight_layout(networks.layers).views(flat)
    buffers = {
        name: torch.ones(1, *size)
        for layer in networks.layers
        for name, size in layer.buffer_shapes().items()
    }
    code = networks.encoder(Context(views, buffers), torch.zeros(1, 2, *shape))
    assert code.shape == (1, 2, 100)
    assert networks.generator(Context(views, buffers), code).shape == (1, 2, *shape)


def test_sizes_that_no_network_takes():
    assert halvings((28, 28)) == [(28, 28), (14, 14), (7, 7), (4, 4)]
    with pytest.raises(InputError, match="sides from 8"):
        halvings((7, 100))


def images(n: int = 24, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(stream(seed, 0, Purpose.SPLIT).standard_normal((n, 9, 8, 1)))


def step(members: list[int], game: str = "alad") -> GameStep:
    return GameStep(images(), *played(images(), game), Optimiser(1e-3, 8), seed=3, members=members)


def test_a_member_among_others_is_the_member_alone():
    together, alone = step([0, 1, 2]), step([2])
    for number in range(4):
        together(number), alone(number)
    for name, array in alone.arrays().items():
        torch.testing.assert_close(together.arrays()[name][2:], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("game", list(FAMILY))
def test_a_gradient_reaches_every_weight_and_statistics_follow(game):
    moved = step([0], game)
    before = {name: array.clone() for name, array in moved.arrays().items()}
    moved(0)
    for group, part in moved.by_group.items():
        change = part.layout.views((part.weights - before[f"{group}.weights"]).abs())
        assert all(view.max() > 0 for view in change.values())
    assert (moved.buffers != before["buffers"]).any()


def test_each_batch_is_normalised_by_itself_and_followed():
    geometry = PatchGeometry((1, 1), (1, 1))
    layer = Convolution("a", 1, 1, geometry, batch_norm=True)
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    held = {"a.weight": one, "a.bias": 0 * one, "a.gamma": one, "a.beta": 0 * one}
    buffers = {"a.mean": 0 * one, "a.variance": one.clone()}
    context = Context(held, buffers, training=True, track_statistics={"a"}, batches=2)
    x = torch.tensor([1.0, 3.0, 10.0, 14.0], dtype=torch.float64).reshape(1, 4, 1, 1, 1)
    y = layer(context, x).flatten()
    # means 2 and 12, biased variances 1 and 4
    due = torch.tensor([-1 / 1.001**0.5, 1 / 1.001**0.5, -2 / 4.001**0.5, 2 / 4.001**0.5])
    torch.testing.assert_close(y, due.double(), rtol=1e-6, atol=1e-6)
    assert buffers["a.mean"].item() == pytest.approx(0.99 * 0.01 * 2 + 0.01 * 12)
    assert buffers["a.variance"].item() == pytest.approx(0.99 * (0.99 + 0.01) + 0.01 * 4)


# --- as detectors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [alad.ALAD, alad.ALICE, alad.BiGAN])
def test_a_score_is_a_pure_function_of_image_and_model(kind, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (70, 12, 9, 3), np.uint8)
    detector = kind(max_steps=3, batch_size=8, check_every=2, random_state=0).fit(pixels)
    scores = detector.anomaly_score(pixels)
    places = [0, 1, 7, 31, 32, 63, 64, 69]
    alone = [detector.anomaly_score(pixels[[place]])[0] for place in places]
    np.testing.assert_array_equal(scores[places], alone)
    order = np.random.default_rng(1).permutation(70)
    np.testing.assert_array_equal(detector.anomaly_score(pixels[order]), scores[order])
    detector.save(tmp_path / "model")
    np.testing.assert_array_equal(alad.load(tmp_path / "model").anomaly_score(pixels), scores)
    assert detector.reconstruct(pixels).shape == pixels.shape


@pytest.mark.parametrize("steps", [0, 3])
def test_batch_norm_scores_with_statistics_of_the_training_images(steps):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 12, 9, 3), np.uint8)
    how = {"patience": None, "calibration_fraction": 0.0}
    detector = alad.ALAD(max_steps=steps, batch_size=8, random_state=0, **how).fit(pixels)
    context = detector.model_.scorer.context
    weights, buffers = context.weights, context.buffers
    x = torch.from_numpy(pixels.astype(np.float32) / 127.5 - 1)
    y = (
        library(x, weights["E.0.weight"][0], PatchGeometry((12, 9), (4, 4), 2))
        + weights["E.0.bias"]
    )
    variance, mean = torch.var_mean(y.flatten(0, 2), dim=0, correction=0)
    torch.testing.assert_close(buffers["E.0.mean"][0, 0], mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(buffers["E.0.variance"][0, 0], variance, rtol=1e-4, atol=1e-6)


def test_the_authors_stopping_rule_keeps_the_lowest_mean_score():
    pixels = np.random.default_rng(0).random((60, 8, 8))
    detector = alad.ALAD(
        stopping_rule="mean-score", max_steps=6, check_every=2, batch_size=8, random_state=0
    ).fit(pixels)
    values = [entry["monitor"][0] for entry in detector.training_["history"]]
    assert detector.training_["best_step"] == [2 * (1 + int(np.argmin(values)))]


def test_what_is_not_for_images_says_so():
    pixels = np.zeros((20, 8, 8))
    with pytest.raises(InputError, match="score_function is 'whitened'"):
        alad.ALAD(score_function="whitened", max_steps=1).fit(pixels)


def test_without_a_signal_the_last_weights_are_kept():
    pixels = np.random.default_rng(0).random((60, 8, 8))
    detector = alad.ALAD(max_steps=6, check_every=2, patience=1, batch_size=8, random_state=0)
    assert detector.fit(pixels).training_["best_step"] == [6]
    assert all("monitor" not in entry for entry in detector.training_["history"])


def test_a_training_does_not_go_on_in_bfloat16(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8)
    how = {"max_steps": 2, "batch_size": 8, "random_state": 0, "checkpoint": str(tmp_path / "c")}
    how |= {"checkpoint_seconds": 0.0}
    alad.ALAD(**how).fit(pixels)
    alad.ALAD(**how, engine="torch", resume=True).fit(pixels)  # no more than another rounding
    with pytest.raises(InputError, match="other data or settings"):
        alad.ALAD(**how, engine="bfloat16", resume=True).fit(pixels)
