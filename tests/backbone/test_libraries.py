"""Networks of timm and torchvision: which stages, whose weights, and what refuses them.

Stand-ins take the libraries' place, so that neither has to be installed; the last tests take the
libraries themselves, where they are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import alad
from alad.backbone import libraries
from alad.backbone.backbone import Backbone, backbone_of
from alad.backbone.libraries import LibraryName
from alad.backbone.networks import Use
from alad.backbone.timm_networks import _chosen

CENTRE, SPREAD = (0.5, 0.25, 0.125), (0.5, 0.25, 0.25)
SIDE = 64


def images(n: int, side: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3)).astype(np.uint8)


class Small(nn.Module):
    """Five stages, each half as large as the one before, and a classifier; 2, 4, 6, 8, 10 wide."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 2, 4, 6, 8, 10)
        for at in range(5):
            pair = nn.Sequential(nn.Conv2d(widths[at], widths[at + 1], 3, 2, 1), nn.ReLU())
            self.add_module(f"layer{at}", pair)
        self.head = nn.Linear(10, 7)

    def stages(self, x: Tensor) -> list[Tensor]:
        made = []
        for at in range(5):
            x = self.get_submodule(f"layer{at}")(x)
            made.append(x)
        return made

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(x)[-1].mean(dim=(2, 3)))


class OfTimm(Small):
    """What alad asks of a network of timm."""

    def __init__(self) -> None:
        super().__init__()
        self.feature_info = [{"reduction": 2 ** (at + 1)} for at in range(5)]
        self.pretrained_cfg: dict[str, Any] = {"fixed_input_size": False}

    def prune_intermediate_layers(self, indices: list[int], **how: bool) -> None:
        for at in range(max(indices) + 1, 5):
            self.set_submodule(f"layer{at}", nn.Identity())
        self.head = nn.Identity()

    def forward_intermediates(self, x: Tensor, indices: list[int], **how: bool) -> list[Tensor]:
        return [self.stages(x)[at] for at in indices]


class Extracted(nn.Module):
    """What `create_feature_extractor` makes: the network without its head."""

    def __init__(self, network: Small, names: list[str]) -> None:
        super().__init__()
        self.names = names
        last = max(int(name[-1]) for name in names)
        for at in range(last + 1):
            self.add_module(f"layer{at}", network.get_submodule(f"layer{at}"))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        made = {}
        for name, layer in self.named_children():
            x = made[name] = layer(x)
        return {name: made[name] for name in self.names}


def module(name: str, **content: Any) -> ModuleType:
    made = ModuleType(name)
    made.__dict__.update(content)
    return made


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Both libraries by stand-ins that know `small`; -> the folder of downloaded weights."""
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def created(name: str, pretrained: bool) -> OfTimm:
        assert not pretrained  # nothing may be downloaded
        if name != "small":
            raise RuntimeError(f"Unknown model ({name})")
        return OfTimm()

    origin = SimpleNamespace(hf_hub_id="timm/small", hf_hub_filename=None, url="x://y/small.pth")
    scale = {"input_size": (3, SIDE, SIDE), "mean": CENTRE, "std": SPREAD}
    data = module("timm.data", resolve_model_data_config=lambda network: scale)
    timm = module(
        "timm",
        create_model=created,
        get_pretrained_cfg=lambda name, allow_unregistered: origin,
        data=data,
    )
    hub = module("huggingface_hub", try_to_load_from_cache=lambda origin, file: None)
    transforms = SimpleNamespace(crop_size=[SIDE], mean=CENTRE, std=SPREAD)
    entry = SimpleNamespace(url="x://y/small-1234.pth", transforms=lambda: transforms)

    class Known(dict):
        DEFAULT = entry

    def weights_of(name: str) -> Known:
        if name != "small":
            raise ValueError(f"Unknown model {name}")
        return Known(V1=entry)

    def got(name: str, weights: None) -> Small:
        return Small()

    models = module("torchvision.models", get_model=got, get_model_weights=weights_of)
    extraction = module("torchvision.models.feature_extraction", create_feature_extractor=Extracted)
    torchvision = module("torchvision", models=models)
    for one in (timm, data, hub, torchvision, models, extraction):
        monkeypatch.setitem(sys.modules, one.__name__, one)
    libraries._built.cache_clear()
    yield folder
    libraries._built.cache_clear()


def weights(path: Path, seed: int = 0) -> Path:
    """Write weights of a network of that seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.save(Small().state_dict(), path)
    return path


def made(name: str) -> Backbone:
    backbone = backbone_of(name)
    assert backbone is not None
    return backbone


def by_hand(path: Path, shown: np.ndarray, stages: tuple[int, ...]) -> list[Tensor]:
    """The stages of the network in a file, of images that are enlarged twice."""
    network = Small()
    network.load_state_dict(torch.load(path, weights_only=True))
    x = torch.from_numpy(shown).permute(0, 3, 1, 2)
    x = nn.functional.interpolate(x, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    x = (x - torch.tensor(CENTRE).reshape(3, 1, 1)) / torch.tensor(SPREAD).reshape(3, 1, 1)
    with torch.inference_mode():
        return [network.stages(x)[at] for at in stages]


# --- what they make -------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_maps_are_the_stages_of_an_eighth_and_a_sixteenth(library: str, cache: Path):
    path = weights(cache / "mine.pth")
    shown = images(3).astype(np.float32) / 255
    backbone = made(f"{library}:small@{path}")
    maps = backbone.features(shown)
    assert maps.shape == (3, 8, 8, 14)  # 6 and 8 channels, the coarse map enlarged to the fine
    eighth, _ = by_hand(path, shown, (2, 3))
    near = nn.functional.avg_pool2d(eighth, 3, 1, 1, count_include_pad=False)
    assert np.allclose(maps[..., :6], near.permute(0, 2, 3, 1), atol=1e-6)
    assert backbone.side == SIDE
    # a picture alone has the same features as in any company
    assert np.array_equal(backbone.features(shown[1:2])[0], maps[1])


@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_pooled_is_the_mean_of_the_last_stage(library: str, cache: Path):
    path = weights(cache / "mine.pth")
    shown = images(2).astype(np.float32) / 255
    rows = made(f"{library}:small-pooled@{path}").features(shown)
    (last,) = by_hand(path, shown, (4,))
    assert rows.shape == (2, 10)
    assert np.allclose(rows, last.mean(dim=(2, 3)), atol=1e-6)


def test_of_a_transformer_the_blocks_at_a_half_and_three_quarters_are_taken():
    assert _chosen([16] * 12, pooled=False) == (5, 8)
    assert _chosen([16] * 12, pooled=True) == (11,)
    assert _chosen([4, 8, 16, 32], pooled=False) == (1, 2)
    assert _chosen([2, 4, 8, 16, 16, 32], pooled=False) == (2, 4)
    assert _chosen([4, 32], pooled=False) == (1,)


def test_a_network_of_fixed_size_has_its_images_squared(
    cache: Path, monkeypatch: pytest.MonkeyPatch
):
    path = weights(cache / "mine.pth")
    oblong = np.random.default_rng(0).random((1, 16, 32, 3)).astype(np.float32)
    assert made(f"timm:small@{path}").features(oblong).shape[1:3] == (4, 8)
    usual = OfTimm.__init__

    def fixed(network: OfTimm) -> None:
        usual(network)
        network.pretrained_cfg = {"fixed_input_size": True}

    monkeypatch.setattr(OfTimm, "__init__", fixed)
    assert made(f"timm:small@{path}").features(oblong).shape[1:3] == (8, 8)


def test_the_global_generator_is_untouched(cache: Path):
    path = weights(cache / "mine.pth")
    before = torch.random.get_rng_state()
    made(f"timm:small@{path}").features(images(1).astype(np.float32))
    assert torch.equal(torch.random.get_rng_state(), before)


# --- whose weights --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file"), [("timm:small", "small.pth"), ("torchvision:small.V1", "small-1234.pth")]
)
def test_weights_of_the_cache_are_taken_and_none_are_downloaded(name: str, file: str, cache: Path):
    with pytest.raises(
        alad.InputError, match=r"not in .*'s cache, and nothing is downloaded"
    ) as it:
        backbone_of(name)
    assert ("get_model('small', weights='V1')" in str(it.value)) == ("vision" in name)
    assert ("create_model('small', pretrained=True)" in str(it.value)) == ("timm" in name)
    assert f"{name}@FILE" in str(it.value)
    path = weights(cache / file)
    network = made(name).network
    assert network is not None and network.path == path


def test_weights_of_timms_hub_are_taken(cache: Path, monkeypatch: pytest.MonkeyPatch):
    path = weights(cache / "elsewhere.bin")
    there = {("timm/small", "pytorch_model.bin"): str(path)}
    hub = sys.modules["huggingface_hub"]
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *asked: there.get(asked))
    network = made("timm:small").network
    assert network is not None and network.path == path


def test_a_file_of_safetensors_is_read(cache: Path):
    from safetensors.torch import save_file

    path = weights(cache / "mine.pth")
    save_file(torch.load(path, weights_only=True), cache / "mine.safetensors")
    shown = images(1).astype(np.float32) / 255
    same = [made(f"timm:small@{one}").features(shown) for one in (path, cache / "mine.safetensors")]
    assert np.array_equal(*same)


def test_a_classifier_of_other_classes_makes_no_difference(cache: Path):
    path = weights(cache / "mine.pth")
    state = torch.load(path, weights_only=True)
    torch.save({"state_dict": state | {"head.weight": torch.zeros(2, 10)}}, cache / "two.pth")
    shown = images(1).astype(np.float32) / 255
    for library in libraries.LIBRARIES:
        names = [f"{library}:small@{cache / file}" for file in ("mine.pth", "two.pth")]
        assert np.array_equal(*(made(name).features(shown) for name in names))


class Odd:
    """Not an array: reading it would run code."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"layer0.0.weight": torch.zeros(2, 3, 3, 3)}, "arrays are missing or of another shape"),
        ({"layer0.0.weight": "a"}, "holds more than arrays by name"),
        (Odd(), "cannot be read as weights"),
    ],
)
def test_files_that_hold_no_weights_are_refused(content: Any, message: str, cache: Path):
    torch.save(content, cache / "odd.pth")
    with pytest.raises(alad.InputError, match=message):
        made(f"timm:small@{cache / 'odd.pth'}").features(images(1).astype(np.float32))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:small@/no/such/file.pth", "no such file of weights; name another: timm:small@FILE"),
        ("timm:huge", "timm makes no network huge"),
        ("torchvision:huge", "torchvision makes no network huge"),
        ("torchvision:small.V7", "torchvision makes no network small.V7"),
        ("keras:small", "there is no backbone 'keras:small'; give one of: texture"),
        ("timm:hub/small", "there is no backbone 'timm:hub/small'"),
    ],
)
def test_what_there_is_not_is_refused(name: str, message: str, cache: Path):
    if name == "timm:huge":
        sys.modules["timm"].__dict__["get_pretrained_cfg"] = lambda name, **how: 1 / 0
    with pytest.raises(alad.InputError, match=message):
        backbone_of(name)


def test_a_library_that_is_not_there_or_does_not_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "timm", None)  # as if it were not installed
    with pytest.raises(alad.InputError, match="timm is not installed: pip install timm"):
        backbone_of("timm:small")
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator does not exist')")
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(alad.InputError, match=r"torchvision does not import \(RuntimeError: op"):
        backbone_of("torchvision:small")


def test_a_size_that_does_not_fit_is_told_in_a_line(cache: Path, monkeypatch: pytest.MonkeyPatch):
    def refuses(network: OfTimm, x: Tensor, **how: Any) -> list[Tensor]:
        raise RuntimeError("The size of tensor a (50) must match")

    monkeypatch.setattr(OfTimm, "forward_intermediates", refuses)
    path = weights(cache / "mine.pth")
    with pytest.raises(alad.InputError, match="takes no images of 64 × 64 pixels"):
        made(f"timm:small@{path}").features(images(1).astype(np.float32))


# --- a stored model -------------------------------------------------------------------------------


def test_a_stored_model_names_the_network_and_refuses_other_weights(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(weights(cache / "mine.pth").parent)
    detector = alad.PCA(backbone="timm:small@mine.pth", random_state=0).fit(images(30))
    detector.save(tmp_path / "model")
    new = images(3, seed=1)
    scores = detector.anomaly_score(new)
    kept = json.loads((tmp_path / "model" / "manifest.json").read_text("utf-8"))["content"]
    assert kept["encoder"]["backbone"]["name"] == f"timm:small@{cache / 'mine.pth'}"
    # found from any folder, and as estimator
    monkeypatch.chdir(tmp_path)
    assert np.array_equal(alad.load(tmp_path / "model").anomaly_score(new), scores)
    estimator = alad.estimator(alad.load(tmp_path / "model"))
    assert np.array_equal(estimator.anomaly_score(new), scores)
    # the same weights in another file
    (cache / "mine.pth").rename(cache / "moved.pth")
    with pytest.raises(alad.InputError, match=r"put them back, or name their file: alad.load"):
        alad.load(tmp_path / "model")
    moved = alad.load(tmp_path / "model", backbone=f"timm:small@{cache / 'moved.pth'}")
    assert np.array_equal(moved.anomaly_score(new), scores)
    # others, and another network
    weights(cache / "mine.pth", seed=1)
    with pytest.raises(alad.InputError, match="are not those that this model was fitted with"):
        alad.load(tmp_path / "model")
    with pytest.raises(alad.InputError, match="leave backbone out"):
        alad.load(tmp_path / "model", backbone=f"timm:small-pooled@{cache / 'moved.pth'}")


def test_how_a_stored_network_is_used_comes_back():
    use = Use(224, ("layer2", 3), True, CENTRE, SPREAD, square=True)
    stored = json.loads(json.dumps(use.state()))
    assert Use.of(stored) == use
    for wrong in (
        {"side": 0},
        {"stages": []},
        {"stages": [-1]},
        {"centre": [0.5]},
        {"spread": [0.0] * 3},
    ):
        with pytest.raises(alad.InputError, match="how the stored backbone is used"):
            Use.of(stored | wrong)


def test_names_are_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    name = LibraryName.of("torchvision:resnet50.IMAGENET1K_V1-pooled@a@b.pth")
    assert name == LibraryName("torchvision", "resnet50.IMAGENET1K_V1", True, tmp_path / "a@b.pth")
    assert str(name) == f"{name.short}@{tmp_path / 'a@b.pth'}"
    assert LibraryName.of("efficientnet-lite0") is None


# --- the libraries themselves ---------------------------------------------------------------------


def real(name: str) -> Any:
    try:
        return import_module(name)
    except Exception as error:
        pytest.skip(f"{name} does not import here: {error}")


@pytest.mark.parametrize("pooled", ["", "-pooled"])
@pytest.mark.parametrize("library", ["timm", "torchvision"])
def test_a_real_resnet_finds_a_spoilt_corner(library: str, pooled: str, tmp_path: Path):
    """Weights drawn at random: early features of any network tell an odd texture from others."""
    module = real(library)
    path = tmp_path / "weights.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        resnet = (
            module.create_model("resnet18", pretrained=False)
            if library == "timm"
            else module.models.get_model("resnet18", weights=None)
        )
    torch.save(resnet.state_dict(), path)
    calm = np.clip(100 + np.random.default_rng(0).normal(0, 8, (24, 64, 64, 3)), 0, 255)
    calm = calm.astype(np.uint8)
    spoilt = calm[:2].copy()
    spoilt[:, 40:56, 8:24] = 255 - spoilt[:, 40:56, 8:24]
    name = f"{library}:resnet18{pooled}@{path}"
    detector = alad.KNN(backbone=name, random_state=0, calibration_fraction=0.0).fit(calm[4:])
    scores = detector.anomaly_score(np.concatenate([spoilt, calm[2:4]]))
    assert scores[:2].min() > scores[2:].max()
    detector.save(tmp_path / "model")
    loaded = alad.load(tmp_path / "model")
    assert np.array_equal(loaded.anomaly_score(spoilt), scores[:2])
    if not pooled:
        rows, columns = zip(*map(loaded.explain(spoilt).hottest, range(2)), strict=True)
        assert all(32 <= row < 64 for row in rows) and all(column < 32 for column in columns)
