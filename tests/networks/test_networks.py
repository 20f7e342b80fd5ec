"""Layers against independently computed numbers; members against themselves alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numeric_cases import case, close

from alad.adversarial.architectures import ARCHITECTURES, architecture_for
from alad.adversarial.game import FAMILY, Game
from alad.adversarial.networks import game_networks
from alad.networks.context import Context
from alad.networks.dense import batch_norm, spectral_norm
from alad.networks.layers import Dense
from alad.networks.weights import Layout, initial_weights, weight_layout
from alad.randomness import Purpose, stream

NORM = case("batchnorm_ema")
FULL = Game(FAMILY["alad"].terms)
SPECTRAL = case("spectral")


def norm_context(batches: int = 1) -> Context:
    given = NORM["given"]
    weights = {
        f"n.{name}": torch.tensor([[given[name]]], dtype=torch.float64)
        for name in ("gamma", "beta")
    }
    start = {"mean": "running_mean_start", "variance": "running_var_start"}
    buffers = {
        f"n.{name}": torch.tensor([[given[key]]], dtype=torch.float64)
        for name, key in start.items()
    }
    return Context(weights, buffers, training=True, track_statistics=True, batches=batches)


def test_batch_norm_in_training_and_at_evaluation():
    context, expected, tolerance = norm_context(), NORM["expected"], NORM["tolerance"]["values"]
    for i, batch in enumerate(NORM["given"]["batches"]):
        out = batch_norm("n", context, torch.tensor([batch], dtype=torch.float64))
        mean, variance = context.buffers["n.mean"][0, 0], context.buffers["n.variance"][0, 0]
        close(out[0], expected["train_output"][i], tolerance)
        close(mean, expected["running_mean"][i], tolerance)
        close(variance, expected["running_var_from_biased"][i], tolerance)
    context.training = False
    rows = torch.tensor([NORM["given"]["new_rows"]], dtype=torch.float64)
    close(batch_norm("n", context, rows)[0], expected["eval_output_biased"], tolerance)


def test_batch_norm_gradient_goes_through_mean_and_variance():
    given = NORM["given"]
    x = torch.tensor([given["batches"][0]], dtype=torch.float64, requires_grad=True)
    upstream = torch.tensor([given["upstream_gradient_first_batch"]], dtype=torch.float64)
    (batch_norm("n", norm_context(), x) * upstream).sum().backward()
    assert x.grad is not None
    close(x.grad[0], NORM["expected"]["input_gradient_first_batch"], NORM["tolerance"]["gradients"])


def test_stacked_batches_are_normalised_apart():
    first, second = (
        torch.tensor([batch], dtype=torch.float64) for batch in NORM["given"]["batches"][:2]
    )
    together = batch_norm("n", norm_context(batches=2), torch.cat([first, second], dim=1))
    context = norm_context()
    apart = torch.cat([batch_norm("n", context, first), batch_norm("n", context, second)], dim=1)
    torch.testing.assert_close(together, apart)


@pytest.mark.parametrize("iterations", [1, 5, 50])
def test_spectral_norm_of_a_matrix(iterations: int):
    weight = torch.tensor([SPECTRAL["given"]["dense"]], dtype=torch.float64)
    u = torch.tensor([[SPECTRAL["given"]["dense_u"]]], dtype=torch.float64)
    sigma = torch.empty(())
    for _ in range(iterations):
        sigma = spectral_norm(weight, u)
    expected = SPECTRAL["expected"]["dense"]["after_power_iterations"][str(iterations)]
    close(sigma.item(), expected["sigma"], SPECTRAL["tolerance"]["values"])
    close(u[0, 0], expected["u"], SPECTRAL["tolerance"]["values"])


@pytest.mark.parametrize("name", ["kdd99", "arrhythmia"])
def test_published_widths(name: str):
    width, units = {"kdd99": (121, 32), "arrhythmia": (274, 64)}[name]
    networks = game_networks((width,), ARCHITECTURES[name], FULL)
    assert networks.encoder.layers[0].inputs == networks.generator.layers[-1].outputs == width
    assert networks.encoder.layers[-1].outputs == networks.generator.layers[0].inputs == units
    xz, xx, zz = networks.discriminators.values()
    assert xx.joint.layers[0].inputs == 2 * width and xx.logit.inputs == 128
    assert zz.joint.layers[0].inputs == 2 * units
    assert [layer.dropout for layer in xz.layers] == [0.0, 0.5, 0.5, 0.0]


@pytest.mark.parametrize("width", [1, 2, 7, 100, 5000])
def test_the_rule_gives_networks_for_any_width(width: int):
    shape = architecture_for(width)
    networks = game_networks((width,), shape, FULL)
    flat = initial_weights(weight_layout(networks.layers), [stream(0, 0, Purpose.WEIGHTS)])
    context = Context(weight_layout(networks.layers).views(flat))
    code = networks.encoder(context, torch.zeros(1, 3, width))
    assert code.shape == (1, 3, shape.latent)
    assert networks.generator(context, code).shape == (1, 3, width)


def test_only_hidden_layers_of_encoder_and_discriminators_are_spectrally_normalised():
    networks = game_networks((5,), architecture_for(5), FAMILY["alad"])
    plain = {layer.name for layer in networks.layers if not layer.spectral}
    linear = {"Dxz.logit", "Dxx.logit", "Dzz.logit", networks.encoder.layers[-1].name}
    assert plain == linear | {layer.name for layer in networks.generator.layers}


def test_a_layout_is_a_view_both_ways():
    layout = Layout({"a": (2, 3), "b": (1, 4)})
    flat = torch.zeros(2, layout.size)
    views = layout.views(flat)
    views["b"][1] = 5.0
    assert flat[1, 6:].tolist() == [5.0] * 4 and flat[0].sum() == 0
    assert views["a"].shape == (2, 2, 3)


def test_initial_weights_of_a_member_do_not_depend_on_its_neighbours():
    layout = weight_layout(game_networks((4,), architecture_for(4), FULL).layers)
    three = initial_weights(layout, [stream(7, member, Purpose.WEIGHTS) for member in range(3)])
    alone = initial_weights(layout, [stream(7, 2, Purpose.WEIGHTS)])
    assert torch.equal(three[2:], alone) and not torch.equal(three[0], three[1])


def test_glorot_uniform_bounds():
    layer = Dense("a", 30, 50)
    flat = initial_weights(weight_layout([layer]), [stream(0, 0, Purpose.WEIGHTS)])
    weight = weight_layout([layer]).views(flat)["a.weight"]
    bound = np.sqrt(6 / 80)
    assert weight.abs().max() <= bound and weight.abs().max() > 0.98 * bound
    assert weight.std().item() == pytest.approx(bound / np.sqrt(3), rel=0.05)
