"""Images as such in the methods beside ALAD's family: contract, gradients, what training does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from network_steps import networks_of, step_of
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional

import alad
from alad import catalogue, row_kinds
from alad.anogan.architectures import ImageGanArchitecture
from alad.anogan.fixed_layers import fixed_weights
from alad.anogan.networks import gan_networks
from alad.anogan.search import Descent, LatentSearch
from alad.anogan.settings import SearchSettings
from alad.autoencoders.architectures import ImageEnergyArchitecture
from alad.autoencoders.networks import energy_network
from alad.benchmark import reference_anogan
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.layers import Convolution
from alad.networks.patches import PatchGeometry
from alad.networks.weights import buffer_layout, initial_buffers, initial_weights, weight_layout
from alad.presets import presets_of
from alad.randomness import Purpose, stream

SMALL: dict[str, dict[str, Any]] = {
    "anogan": {"width": 16, "latent": 5},
    "autoencoder": {"width": 16, "latent": 4},
    "robust-autoencoder": {"width": 16, "latent": 4},
    "vae": {"width": 16, "latent": 4},
    "dagmm": {"width": 16, "latent": 3},
    "dsebm-r": {"channels": (16,), "dense": (32,)},
    "dsebm-e": {"channels": (16,), "dense": (32,)},
}
every_method = pytest.mark.parametrize("name", SMALL)


def quick(name: str, **changes: Any):
    settings = {"architecture": SMALL[name], "max_steps": 3, "batch_size": 8, "check_every": 2}
    if name == "anogan":
        settings |= {"search_steps": 5}
    return catalogue.make(name, random_state=0, **settings | changes)


def noise(n: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


def stripes(n: int, seed: int = 0) -> np.ndarray:
    """Waves from top to bottom, 8 × 8, grey; their transposes have the same pixels."""
    generator = np.random.default_rng(seed)
    phase, height = generator.uniform(size=(2, n, 1, 1))
    waves = np.sin(2 * np.pi * (np.arange(8)[:, None] / 5 + phase)) * (0.5 + 0.5 * height)
    pixels = np.clip(waves + generator.normal(0, 0.1, (n, 8, 8)), -1, 1)
    return (127.5 * (1 + pixels)).astype(np.uint8)


# --- the contract ---------------------------------------------------------------------------------


@every_method
@pytest.mark.parametrize("shape", [(12, 9, 3), (11, 8)])
def test_a_score_is_a_pure_function_of_image_and_model(name, shape, tmp_path):
    pixels = noise(70, *shape)
    detector = quick(name, members=2).fit(pixels)
    scores = detector.anomaly_score(pixels)
    assert np.isfinite(scores).all() and len(set(scores)) == 70
    places = [0, 1, 7, 31, 32, 63, 64, 69]
    alone = [detector.anomaly_score(pixels[[place]])[0] for place in places]
    np.testing.assert_array_equal(scores[places], alone)
    order = np.random.default_rng(1).permutation(70)
    np.testing.assert_array_equal(detector.anomaly_score(pixels[order]), scores[order])
    detector.save(tmp_path / "model")
    loaded = alad.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.anomaly_score(pixels), scores)
    for score in detector.score_names():
        np.testing.assert_array_equal(
            loaded.score_as(pixels[:9], score), detector.score_as(pixels, score)[:9]
        )
    assert detector.reconstruct(pixels).reshape(pixels.shape).shape == pixels.shape


QUICK = ("autoencoder", "dagmm", "dsebm-r", "dsebm-e")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in ("alad", "alice", "bigan", *SMALL)
    ],
)
def test_so_it_is_of_large_images_of_odd_sides(name):
    """17 images are scored in two blocks of 15."""
    pixels = noise(17, 91, 91, 3)
    how = {"max_steps": 0, "calibration_fraction": 0.0, "random_state": 0}
    how |= {"search_steps": 2, "threshold_rows": 2} if name == "anogan" else {}
    detector = catalogue.make(name, architecture=SMALL.get(name, "narrow"), **how).fit(pixels)
    for score in detector.score_names():
        together = detector.score_as(pixels, score)
        assert np.isfinite(together).all() and len(set(together)) == 17
        np.testing.assert_array_equal(detector.score_as(pixels[::-1], score), together[::-1])
        alone = [detector.score_as(pixels[[place]], score)[0] for place in (0, 14, 16)]
        np.testing.assert_array_equal(alone, together[[0, 14, 16]])


@every_method
def test_all_scores_of_the_method_are_for_images(name):
    detector = quick(name).fit(noise(30, 8, 8))
    assert set(detector.score_names()) == set(detector.model.offers)


@every_method
def test_a_member_among_others_is_the_member_alone(name):
    X = torch.from_numpy(stream(0, 0, Purpose.SPLIT).standard_normal((24, 9, 8, 1)))
    together, alone = (step_of(quick(name, members=which), X, 3) for which in ([0, 1, 2], [2]))
    for number in range(4):
        together(number), alone(number)
    for array, own in alone.arrays().items():
        torch.testing.assert_close(together.arrays()[array][2:], own, rtol=1e-5, atol=1e-6)


@every_method
def test_a_gradient_reaches_every_weight(name):
    X = torch.from_numpy(stripes(32).astype(np.float32)[..., None] / 127.5 - 1)
    step = step_of(quick(name, learning_rate=1e-2), X, 0)
    before = {group: part.weights.clone() for group, part in step.by_group.items()}
    for number in range(3):
        step(number)
    for group, part in step.by_group.items():
        for layer, moved in part.layout.views((part.weights - before[group]).abs()).items():
            assert moved.max() > 0, layer


@every_method
def test_presets_and_named_architectures_are_complete(name):
    images = [preset for preset in presets_of(name) if preset in ("images", "cifar10-paper")]
    assert "images" in images
    for preset in images:
        alad_class = catalogue.detector_class(name)
        detector = alad_class.from_preset(preset)
        assert detector.batch_size in (32, 128)
        detector.set_params(**quick(name).get_params())
        assert np.isfinite(detector.fit(noise(30, 8, 8)).offset_)
    published = networks_of(quick(name, architecture="cifar10"), (32, 32, 3))
    assert sum(np.prod(s) for layer in published.layers for s in layer.shapes().values()) > 1e6


@every_method
def test_what_is_no_architecture_of_images_is_named(name):
    with pytest.raises(
        InputError, match=r"for images; there are: (cifar10-paper, )?cifar10, svhn.*leave out"
    ):
        quick(name, architecture="kdd99").fit(noise(30, 8, 8))
    with pytest.raises(InputError, match="architecture: no widths; there are "):
        quick(name, architecture={"widths": 3}).fit(noise(30, 8, 8))


# --- training helps -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "floor", "settings"),
    [
        ("autoencoder", 0.9, {}),
        ("robust-autoencoder", 0.9, {}),
        ("vae", 0.9, {}),
        ("dsebm-r", 0.9, {}),
        ("dsebm-e", 0.9, {}),
        ("dagmm", 0.8, {"score_function": "l2", "max_steps": 150}),
        (
            "anogan",
            0.7,
            {"search_steps": 30, "search_learning_rate": 0.1, "threshold_rows": 20},
        ),
    ],
)
def test_trained_beats_untrained_over_seeds(name, floor, settings):
    """Stripes the one way are normal; the other way each pixel is as probable as before."""
    how = {"batch_size": 32, "learning_rate": 3e-3, "ema_decay": 0.98, "patience": None}
    how |= {"members": 2, "max_steps": 100, **settings}
    new = np.concatenate([stripes(60, seed=1), np.swapaxes(stripes(60, seed=2), 1, 2)])

    def aurocs(**steps: int) -> np.ndarray:
        detector = quick(name, **how | steps).fit(stripes(200))
        scores = detector.member_scores(new)
        return np.array([roc_auc_score(np.repeat([0, 1], 60), own) for own in scores])

    untrained, trained = aurocs(max_steps=0), aurocs()
    assert (trained > floor).all(), (untrained, trained)
    assert (trained - untrained > 0.1).all(), (untrained, trained)


# --- AnoGAN ---------------------------------------------------------------------------------------


def gan(shape=(8, 9, 2)):
    """Networks, and their weights and batch norm's statistics at random, in float64."""
    networks = gan_networks(shape, ImageGanArchitecture(latent=3, width=5, deviation=0.3))
    generators = [np.random.default_rng(member) for member in range(2)]
    layout = weight_layout(networks.layers)
    weights = layout.views(initial_weights(layout, generators).double())
    flat = initial_buffers(networks.layers, weights, generators).double()
    buffers = buffer_layout(networks.layers).views(flat)
    for name, array in (weights | buffers).items():
        if not name.endswith(".weight"):
            array.copy_(torch.rand(array.shape, generator=torch.Generator().manual_seed(0)) + 0.5)
    return networks, Context(weights, buffers)


def test_the_published_gan():
    networks = gan_networks((32, 32, 3), ImageGanArchitecture())
    hidden = networks.discriminator.joint.layers
    assert [layer.shape for layer in hidden] == [(16, 16, 128), (8, 8, 256), (4, 4, 512)]
    assert [layer.batch_norm for layer in hidden] == [False, True, True]
    assert not any(
        layer.spectral or layer.dropout for layer in (*hidden, networks.discriminator.logit)
    )
    assert networks.discriminator.logit.inputs == 8192
    assert [layer.activation for layer in networks.generator.layers] == [*["relu"] * 3, "tanh"]


def test_the_search_goes_down_the_loss_of_the_networks():
    """With batch norm worked in: loss and gradient are those of the networks as they are."""
    networks, context = gan()
    search = LatentSearch(
        networks,
        fixed_weights(networks, context),
        context.buffers["search.start"],
        SearchSettings(steps=0, learning_rate=0.1, discrimination_weight=0.3),
    )
    x = torch.rand(4, 8, 9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = search(x)
    z = context.buffers["search.start"].repeat(1, 4, 1).requires_grad_()
    every = x.expand(2, *x.shape)
    generated = networks.generator(context, z)
    residual = (every - generated).abs().flatten(2).sum(2)
    features = (networks.discriminator.features(context, t) for t in (every, generated))
    first, second = features
    loss = 0.7 * residual + 0.3 * (first - second).abs().sum(2)
    torch.testing.assert_close(found.generated, generated.detach())
    torch.testing.assert_close(found.loss, loss.detach())
    descent = Descent(search, x)
    with torch.no_grad():
        ours = descent.gradient()
    torch.testing.assert_close(ours, torch.autograd.grad(loss.sum(), z)[0])


def test_searching_longer_comes_nearer():
    pixels = stripes(60)
    few, many = (
        quick("anogan", search_steps=steps, threshold_rows=20).fit(pixels).anomaly_score(pixels)
        for steps in (1, 40)
    )
    assert (many < few).mean() > 0.9


def test_a_threshold_takes_a_sample_of_the_images(monkeypatch):
    monkeypatch.setattr(row_kinds, "IMAGE", replace(row_kinds.IMAGE, thresholded=15))
    detector = quick("anogan", calibration_fraction=0.0).fit(noise(40, 8, 8))
    assert detector.training_["scores"]["rows"] == 15


def test_the_native_search_is_not_for_images():
    with pytest.raises(InputError, match="not for images"):
        quick("anogan", engine="native").fit(noise(30, 8, 8))


# --- DSEBM ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("transposed_columns", [(2, 4), (3, 3)])
def test_the_way_back_through_a_convolution_is_its_adjoint(transposed_columns):
    """<x * W, g> = <x, back(g)>, in training and, with columns filled up, at evaluation."""
    channels, kernel = transposed_columns
    layer = Convolution("a", channels, 4, PatchGeometry((7, 8), (kernel, kernel), 2))
    drawn = np.random.default_rng(0).standard_normal
    weight = torch.from_numpy(drawn((2, *layer.shapes()["a.weight"])))
    bias = torch.zeros(2, 1, 4, dtype=torch.float64)
    x = torch.from_numpy(drawn((2, 3, 7, 8, channels)))
    for training in (True, False):
        context = Context({"a.weight": weight, "a.bias": bias}, training=training)
        y = layer(context, x)
        g = torch.from_numpy(drawn(y.shape))
        torch.testing.assert_close((y * g).sum(), (x * layer.back(context, g)).sum())
        flat = layer.back(context, g.flatten(2))
        torch.testing.assert_close(flat, layer.back(context, g))


MIRRORED = ImageEnergyArchitecture((6,), dense=(5,), kernel=3, mirrored=True)


def energy_of(shape: tuple[int, ...], chosen: ImageEnergyArchitecture) -> tuple[Any, Any, Tensor]:
    """An energy, weights of two members, and images of both."""
    network = energy_network(shape, chosen)
    layout = weight_layout(network.layers)
    flat = initial_weights(layout, [np.random.default_rng(0), np.random.default_rng(1)]).double()
    x = torch.from_numpy(np.random.default_rng(2).standard_normal((2, 3, *shape)))
    return network, layout.views(flat + 0.1), x


def test_a_mirrored_energy_is_that_of_an_autoencoder():
    """The same formula from PyTorch's own layers; 8 needs a zero at the end alone, as in TF."""
    network, weights, x = energy_of((8, 12, 3), MIRRORED)
    found = network.energy(Context(weights), x)
    for member in (0, 1):
        kernel = weights["H.0.weight"][member].reshape(3, 3, 3, 6).permute(3, 2, 0, 1)
        dense, images = weights["H.1.weight"][member], x[member].permute(0, 3, 1, 2)
        padded = functional.pad(images, (0, 1, 0, 1))
        h = functional.conv2d(padded, kernel, weights["H.0.bias"][member, 0], stride=2)
        h = functional.max_pool2d(functional.softplus(h), 2)
        size = h.shape
        h = h.permute(0, 2, 3, 1).flatten(1) @ dense + weights["H.1.bias"][member]
        h = functional.softplus(functional.softplus(h) @ dense.T + weights["X.up"][member])
        wide = torch.zeros(size[0], 6, 2 * size[2], 2 * size[3], dtype=x.dtype)
        wide[:, :, ::2, ::2] = h.reshape(size[0], size[2], size[3], 6).permute(0, 3, 1, 2)
        g = functional.softplus(functional.conv_transpose2d(wide, kernel, stride=2)[..., :8, :12])
        away = x[member] - weights["X.bias"][member]
        expected = 0.5 * away.square().flatten(1).sum(dim=1) - g.flatten(1).sum(dim=1)
        torch.testing.assert_close(found[member], expected)


def test_a_mirrored_energy_asks_for_sides_that_can_be_pooled():
    with pytest.raises(InputError, match=r"whose halves have even sides; .* images 10 × 8"):
        energy_network((10, 8, 3), MIRRORED)


def test_the_published_preset_of_dsebm_is_mirrored():
    preset = alad.DSEBMr.from_preset("cifar10-paper", epochs=None, max_steps=3, random_state=0)
    detector = preset.fit(noise(40, 8, 8))
    assert "X.up" in detector.model_.weights
    scores = detector.anomaly_score(noise(9, 8, 8))
    assert np.array_equal(scores[:1], detector.anomaly_score(noise(9, 8, 8)[:1]))


@pytest.mark.parametrize(
    ("shape", "chosen"),
    [((8, 10, 3), ImageEnergyArchitecture((6, 8), dense=(5,))), ((8, 12, 3), MIRRORED)],
)
def test_the_gradient_written_out_is_the_derivative_of_the_energy(
    shape: tuple[int, ...], chosen: ImageEnergyArchitecture
):
    network, weights, x = energy_of(shape, chosen)
    x = x.requires_grad_()
    context = Context(weights, training=True)
    (automatic,) = torch.autograd.grad(network.energy(context, x).sum(), x)
    torch.testing.assert_close(network.gradient(context, x).detach(), automatic)
    scored = network.gradient(Context(weights), x.detach())
    torch.testing.assert_close(scored, automatic)


def test_the_bias_belongs_to_the_model():
    detector = quick("dsebm-r").fit(noise(30, 8, 8))
    assert detector.model_.weights["X.bias"].shape == (1, 1, 8, 8, 1)


# --- others ---------------------------------------------------------------------------------------


def test_a_log_variance_does_not_end_in_tanh():
    networks = networks_of(quick("vae"), (8, 8, 3))
    last = networks.decoder.layers[-1]
    assert (last.activation, last.shape) == ("linear", (8, 8, 6))
    own = networks_of(quick("autoencoder"), (8, 8, 3)).decoder.layers[-1]
    assert (own.activation, own.shape) == ("tanh", (8, 8, 3))


def test_batch_norm_scores_with_statistics_of_training_images():
    """Measured: after three steps, those that followed would still hold most of their first."""
    detector = quick("autoencoder", calibration_fraction=0.0, patience=None).fit(stripes(60))
    model, x = detector.model_.scorer, torch.from_numpy(detector.encoder_.transform(stripes(60)))
    first = replace(model.networks.encoder.layers[0], batch_norm=False, activation="linear")
    with torch.no_grad():
        sums = first(model.context, model.for_members(x)).flatten(1, 3)
    mean, variance = (model.context.buffers[f"E.0.{key}"] for key in ("mean", "variance"))
    torch.testing.assert_close(mean, sums.mean(dim=1, keepdim=True))
    torch.testing.assert_close(variance, sums.var(dim=1, keepdim=True, correction=0))


def test_the_plain_program_finds_the_same():
    """PyTorch's own modules, autograd and Adam: the yardstick of times is the same search."""
    detector = quick("anogan", search_steps=20).fit(noise(40, 16, 8, 3))
    rows = detector.encoder_.transform(noise(6, 16, 8, 3))
    np.testing.assert_allclose(
        reference_anogan.search(detector, rows), detector.fitted_.score_encoded(rows), 1e-4
    )
