"""Networks by name: what they make of images, whose weights they are, and what refuses them."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import alad
from alad.backbone import efficientnet
from alad.backbone.backbone import Backbone, backbone_of
from alad.backbone.efficientnet import LITE0, Convolution, EfficientNetLite0
from alad.backbone.networks import POOLED, Use, as_colour, enlarged, side_by_side
from alad.benchmark.data import embedded as embedded_module
from alad.benchmark.data.embedded import embedded

installed = pytest.mark.skipif(
    find_spec(efficientnet.PACKAGE) is None, reason=f"no weights here: {efficientnet.REMEDY}"
)


def images(n: int, side: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3)).astype(np.uint8)


def with_weights(name: str) -> Backbone:
    backbone = backbone_of(name)
    assert backbone is not None
    return backbone


# --- by hand --------------------------------------------------------------------------------------


def test_a_convolution_lays_zeros_as_tensorflow_does():
    ones = Convolution(torch.ones(1, 1, 3, 3), torch.zeros(1), stride=2, activates=False)
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    # sides of 4 need one zero more, which lies below and on the right
    assert ones(x).tolist() == [[[[45.0, 39.0], [66.0, 50.0]]]]
    five = torch.ones(1, 1, 5, 5)  # an odd side: one zero on each side
    assert ones(five).tolist() == [[[[4.0, 6.0, 4.0], [6.0, 9.0, 6.0], [4.0, 6.0, 4.0]]]]


def test_a_convolution_cuts_at_6():
    double = Convolution(torch.full((1, 1, 1, 1), 2.0), torch.ones(1))
    x = torch.tensor([-3.0, 1.0, 9.0]).reshape(1, 1, 1, 3)
    assert double(x).flatten().tolist() == [0.0, 3.0, 6.0]


def test_batch_norm_is_taken_into_the_weights():
    state = random_state()
    network = EfficientNetLite0.of(state)
    x = torch.randn(2, 3, 8, 8)
    made = network.stem.weight[:, :, :, :]
    plain = torch.nn.functional.conv2d(x, state["_conv_stem.weight"])
    normed = torch.nn.functional.batch_norm(
        plain,
        state["_bn0.running_mean"],
        state["_bn0.running_var"],
        state["_bn0.weight"],
        state["_bn0.bias"],
        eps=1e-3,
    )
    own = torch.nn.functional.conv2d(x, made, network.stem.bias)
    assert torch.allclose(own, normed, atol=1e-4)


def test_stages_halve_the_image_as_published():
    stages = EfficientNetLite0.of(random_state())(torch.rand(1, 3, 64, 96))
    assert [tuple(stage.shape[1:]) for stage in stages] == [
        (16, 32, 48),
        (24, 16, 24),
        (40, 8, 12),
        (80, 4, 6),
        (112, 4, 6),
        (192, 2, 3),
        (320, 2, 3),
        (1280, 2, 3),
    ]
    assert len(EfficientNetLite0.of(random_state())(torch.rand(1, 3, 64, 96), 5)) == 5


def test_grey_is_three_equal_channels_and_alpha_is_left_out():
    grey = torch.rand(2, 4, 4, 1)
    assert torch.equal(as_colour(grey), grey.permute(0, 3, 1, 2).repeat(1, 3, 1, 1))
    colour = torch.rand(2, 4, 4, 4)
    assert torch.equal(as_colour(colour), colour[..., :3].permute(0, 3, 1, 2))


def test_small_images_are_enlarged_and_large_ones_stay():
    small = torch.rand(1, 3, 16, 24)
    assert tuple(enlarged(small, 48).shape) == (1, 3, 32, 48)
    assert torch.equal(enlarged(small, 24), small)
    assert torch.equal(enlarged(small, 8), small)


def test_maps_lie_side_by_side_at_the_size_of_the_finest():
    fine = torch.zeros(1, 1, 4, 4)
    fine[0, 0, 0, 0] = 4.0
    coarse = torch.full((1, 2, 2, 2), 3.0)
    both = side_by_side([fine, coarse])
    assert tuple(both.shape) == (1, 3, 4, 4)
    assert torch.equal(both[0, 1:], torch.full((2, 4, 4), 3.0))
    # the mean of what lies within the map: 4 places at a corner, 6 at an edge, 9 inside
    near = [round(float(both[0, 0, at, at]), 4) for at in range(3)]
    assert near == [1.0, 0.4444, 0.0]


def random_state() -> dict[str, torch.Tensor]:
    """Weights of the right names and shapes, drawn at random."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def convolution(name: str, norm: str, out: int, into: int, kernel: int) -> None:
        state[f"{name}.weight"] = torch.randn(out, into, kernel, kernel, generator=generator)
        for part in ("weight", "bias", "running_mean"):
            state[f"{norm}.{part}"] = torch.randn(out, generator=generator)
        state[f"{norm}.running_var"] = torch.rand(out, generator=generator)

    convolution("_conv_stem", "_bn0", 32, 3, 3)
    width, number = 32, 0
    kernels = (3, 3, 5, 3, 5, 5, 3)
    from alad.backbone.efficientnet import STAGES, WIDTHS

    for (blocks, _), out, kernel in zip(STAGES, WIDTHS, kernels, strict=True):
        for _ in range(blocks):
            block = f"_blocks.{number}."
            wide = width if number == 0 else 6 * width
            if number:
                convolution(f"{block}_expand_conv", f"{block}_bn0", wide, width, 1)
            convolution(f"{block}_depthwise_conv", f"{block}_bn1", wide, 1, kernel)
            convolution(f"{block}_project_conv", f"{block}_bn2", out, wide, 1)
            width, number = out, number + 1
    convolution("_conv_head", "_bn1", 1280, 320, 1)
    return state


# --- the weights of the package -------------------------------------------------------------------


@installed
def test_the_weights_are_those_that_were_published():
    network = with_weights(LITE0).network
    assert network is not None
    # the registry's file names the beginning of its own SHA-256
    assert network.digest.startswith("57934424")


@installed
def test_features_are_the_same_in_any_company_and_on_any_number_of_threads():
    backbone = with_weights(LITE0 + POOLED)
    scaled = images(11).astype(np.float32) / 255
    alone, together = backbone.features(scaled[[9]]), backbone.features(scaled)
    assert together.shape == (11, 320)
    assert np.array_equal(alone[0], together[9])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert np.array_equal(backbone.features(scaled), together)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@installed
def test_a_trained_network_tells_textures_apart_better_than_a_random_one():
    """Stripes of another direction, at random phases: pooled pixels know nothing of them."""
    generator = np.random.default_rng(0)

    def stripes(n: int, across: bool) -> np.ndarray:
        waves = np.sin(np.arange(32)[None, :] / 2 + generator.uniform(0, 6, n)[:, None])
        flat = np.repeat(waves[:, None, :, None], 32, axis=1)
        flat = flat if across else flat.swapaxes(1, 2)
        noisy = 127 + 60 * flat + generator.normal(0, 20, flat.shape)
        return np.clip(noisy, 0, 255).astype(np.uint8)

    detector = alad.KNN(backbone=LITE0 + POOLED, random_state=0).fit(stripes(40, True))
    same, other = (detector.anomaly_score(stripes(10, across)) for across in (True, False))
    assert same.max() < other.min()


@installed
def test_a_stored_model_has_name_and_digest_but_no_weights(tmp_path: Path):
    detector = alad.PCA(backbone=LITE0 + POOLED, random_state=0).fit(images(20))
    detector.save(tmp_path / "model")
    scores = alad.load(tmp_path / "model").anomaly_score(images(3, seed=1))
    assert np.array_equal(scores, detector.anomaly_score(images(3, seed=1)))
    stored = json.loads((tmp_path / "model" / "manifest.json").read_text("utf-8"))
    kept = stored["content"]["encoder"]["backbone"]
    assert kept["name"] == LITE0 + POOLED and kept["sha256"].startswith("57934424")
    assert sum(file.stat().st_size for file in (tmp_path / "model").iterdir()) < 2_000_000


@installed
def test_a_stored_model_keeps_how_it_uses_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    detector = alad.PCA(backbone=LITE0 + POOLED, random_state=0).fit(images(20))
    detector.save(tmp_path / "model")
    monkeypatch.setitem(efficientnet.USES, LITE0 + POOLED, Use(32, (3,), pooled=True))
    again = alad.load(tmp_path / "model").anomaly_score(images(3, seed=1))
    assert np.array_equal(again, detector.anomaly_score(images(3, seed=1)))


@installed
def test_other_or_missing_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    alad.PCA(backbone=LITE0 + POOLED, random_state=0).fit(images(20)).save(tmp_path / "model")
    with monkeypatch.context() as changed:
        changed.setattr(efficientnet, "digest_of", lambda path: "0" * 64)
        with pytest.raises(alad.InputError, match=r"weights of .* are not those that this model"):
            alad.load(tmp_path / "model")
    with monkeypatch.context() as changed:
        changed.setattr(efficientnet, "PACKAGE", "alad_no_such_package")
        with pytest.raises(alad.InputError, match=r"not installed: pip install 'alad\[backbone\]'"):
            alad.load(tmp_path / "model")
    with pytest.raises(alad.InputError, match="leave backbone out"):
        alad.load(tmp_path / "model", backbone=lambda pixels: pixels)


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path):
    path = tmp_path / "weights.pth"
    torch.save({"_conv_stem.weight": torch.zeros(1)}, path)
    with pytest.raises(alad.InputError, match="holds no weights of efficientnet-lite0"):
        efficientnet.network_of(path)


@installed
def test_a_spoilt_corner_is_hottest():
    calm = np.clip(100 + np.random.default_rng(0).normal(0, 8, (24, 64, 64, 3)), 0, 255)
    calm = calm.astype(np.uint8)
    spoilt = calm[:2].copy()
    spoilt[:, 40:56, 8:24] = 255 - spoilt[:, 40:56, 8:24]
    detector = alad.PCA(backbone=LITE0, distance="mahalanobis", random_state=0).fit(calm[4:])
    maps = detector.explain(spoilt)
    inside = maps.heat[:, 40:56, 8:24].mean(axis=(1, 2))
    assert (inside > np.quantile(maps.heat, 0.9, axis=(1, 2))).all()
    assert (detector.anomaly_score(spoilt) > detector.anomaly_score(calm[2:4]).max()).all()


# --- the features of a benchmark ------------------------------------------------------------------


@installed
def test_features_of_a_benchmark_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    pixels = images(12)
    pixels[7] = pixels[3]
    first = embedded(pixels, LITE0 + POOLED)
    expected = with_weights(LITE0 + POOLED).features(
        (alad.encoding.ImageScaler().fit_transform(pixels).__array__() + 1) / np.float32(2)
    )
    assert np.array_equal(first, expected)
    monkeypatch.setattr(embedded_module, "_computed", None)  # would fail if it were called
    assert np.array_equal(embedded(pixels[[5, 7, 0]], LITE0 + POOLED), expected[[5, 3, 0]])
