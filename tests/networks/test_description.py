"""Networks as JSON and back: those of every method, for tables and for images."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field, replace

import pytest
from network_steps import networks_of

from alad import catalogue
from alad.adversarial.architectures import architecture_for
from alad.adversarial.game import FAMILY, Noise
from alad.adversarial.networks import game_networks
from alad.errors import InputError
from alad.networks.description import LATER, described, description, from_description
from alad.networks.layers import Chain, Dense

WITH_NETWORKS = ("alad", "alice", "bigan", "anogan", "autoencoder", "robust-autoencoder", "vae")
WITH_NETWORKS += ("dagmm", "dsebm-r", "dsebm-e", "denoising-autoencoder")
SHAPES = [(7,), (12, 9, 3)]
every_method = pytest.mark.parametrize("name", WITH_NETWORKS)


def through_json(networks):
    return from_description(json.loads(json.dumps(description(networks))))


@every_method
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_networks_come_back_as_they_were(name, shape):
    networks = networks_of(catalogue.make(name), shape)
    again = through_json(networks)
    assert again == networks and type(again) is type(networks)
    for layers, due in zip(again.groups.values(), networks.groups.values(), strict=True):
        assert [layer.shapes() for layer in layers] == [layer.shapes() for layer in due]


def test_networks_that_read_a_noise_level_come_back():
    game = replace(FAMILY["alad"], noise=Noise())
    networks = game_networks((7,), architecture_for(7), game)
    assert through_json(networks) == networks


@every_method
def test_they_are_read_without_pytorch(name):
    told = json.dumps([description(networks_of(catalogue.make(name), shape)) for shape in SHAPES])
    code = (
        "import json, sys; from alad.networks.description import from_description;"
        "made = from_description(json.load(sys.stdin));"
        "print(len(made), [sum(len(m.shapes()) for m in one.layers) > 0 for one in made],"
        "'torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], input=told, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "2 [True, True] False"


@described("layer-of-a-test")
@dataclass(frozen=True)
class Newer:
    name: str
    size: int
    added: float = field(default=0.5, metadata={LATER: True})  # since the file was written


def test_a_field_that_came_later_has_its_default():
    assert from_description({"is": "layer-of-a-test", "name": "a", "size": 3}) == Newer("a", 3)
    assert through_json(Chain((Newer("a", 1), Newer("b", 2, 0.1)))).layers[1].added == 0.1


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"is": "os.system"}, "unknown here, 'os.system'"),
        ({"is": "benchmark.row"}, "unknown here"),
        ({"is": ["dense"]}, "unknown here"),
        ({"is": "layer-of-a-test", "name": "a"}, r"does not fit this version \(size\)"),
        ({"is": "layer-of-a-test", "name": "a", "size": 1, "more": 2}, r"\(more\)"),
    ],
)
def test_what_is_no_description_is_refused_in_one_line(told, message):
    with pytest.raises(InputError, match=message) as refusal:
        from_description({"layers": [told]})
    assert "\n" not in str(refusal.value)


def test_a_field_that_was_always_written_must_be_there():
    stored = description(Dense("a", 2, 3, "relu"))
    del stored["activation"]
    with pytest.raises(InputError, match=r"dense does not fit this version \(activation\)"):
        from_description(stored)


def test_what_is_written_are_plain_values():
    assert description(Dense("a", 2, 3)) == {
        "is": "dense",
        "name": "a",
        "inputs": 2,
        "outputs": 3,
        "activation": "linear",
        "dropout": 0.0,
        "batch_norm": False,
        "spectral": False,
    }
