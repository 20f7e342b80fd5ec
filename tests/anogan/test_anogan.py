"""AnoGAN as a detector, beyond the contract of all detectors; its game and its training step."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import torch
from ring_rows import broken, ring
from sklearn.metrics import roc_auc_score
from torch.nn.functional import softplus

import alad
from alad.adversarial.play import Drawn, discriminator_loss, generator_encoder_loss, play
from alad.anogan.architectures import GAN_ARCHITECTURES, GanArchitecture
from alad.anogan.model import distinct_rows
from alad.anogan.networks import GAN, gan_networks
from alad.anogan.scores import SCORES
from alad.anogan.search import LatentSearch
from alad.anogan.step import GanStep
from alad.detector.fitted import Fitted
from alad.errors import InputError
from alad.networks.context import Context
from alad.networks.weights import initial_weights, weight_layout
from alad.presets import ANOGAN_PRESETS
from alad.training.optimizer import Optimiser

SMALL = GanArchitecture(3, (6,), (7, 5), (0.2, 0.5))
QUICK = {"random_state": 0, "search_steps": 10}


# --- the game -------------------------------------------------------------------------------------


def game():
    """Networks, their weights as leaves, and a batch x, z."""
    networks = gan_networks((4,), SMALL)
    layout = weight_layout(networks.layers)
    weights = layout.views(initial_weights(layout, [np.random.default_rng(0)]).double())
    leaves = {name: value.clone().requires_grad_() for name, value in weights.items()}
    generator = np.random.default_rng(1)
    x, z = (torch.from_numpy(generator.normal(size=(1, 6, width))) for width in (4, 3))
    return networks, Context(leaves, training=True), x, z


def test_real_rows_are_the_data_and_fake_ones_what_the_generator_makes():
    networks, context, x, z = game()
    pair = play(networks, context, GAN, Drawn({"x": x, "z": z}))[1]["x"]
    assert pair.real is not None
    torch.testing.assert_close(pair.real, networks.discriminator(context, x))
    fake = networks.discriminator(context, networks.generator(context, z))
    torch.testing.assert_close(pair.fake, fake)


def test_losses_are_those_of_the_plain_game():
    """-[log D(x) + log(1 - D(G(z)))] for D, -log D(G(z)) for G (Goodfellow et al. 2014)."""
    networks, context, x, z = game()
    real, fake = (
        torch.sigmoid(networks.discriminator(context, rows))
        for rows in (x, networks.generator(context, z))
    )
    given = Drawn({"x": x, "z": z})
    judged = discriminator_loss(play(networks, context, GAN, given)[1])
    torch.testing.assert_close(judged, -(real.log() + (1 - fake).log()).mean(dim=1))
    _, logits = play(networks, context, GAN, given, constants=False)
    fooled = generator_encoder_loss(logits)
    torch.testing.assert_close(fooled, -fake.log().mean(dim=1))


def test_the_papers_networks():
    for width, name in ((121, "kdd99"), (274, "arrhythmia")):
        networks = gan_networks((width,), GAN_ARCHITECTURES[name])
        layers = networks.discriminator.layers
        sizes = [(layer.inputs, layer.outputs, layer.dropout) for layer in layers]
        expected = {
            "kdd99": [(121, 256, 0.2), (256, 128, 0.2), (128, 128, 0.2), (128, 1, 0.0)],
            "arrhythmia": [(274, 256, 0.2), (256, 128, 0.5), (128, 1, 0.0)],
        }
        assert sizes == expected[name]
        assert [layer.activation for layer in networks.generator.layers] == [
            "relu",
            "relu",
            "linear",
        ]


def step(members: list[int], rows: int = 40) -> GanStep:
    # in float64, so that members may be compared
    X = torch.from_numpy(np.random.default_rng(2).normal(size=(rows, 4)))
    return GanStep(X, gan_networks((4,), SMALL), Optimiser(1e-2, 8), seed=3, members=members)


def test_a_gradient_reaches_every_weight():
    trained = step([0])
    before = {side: side.weights.clone() for side in trained.by_group.values()}
    for number in range(3):
        trained(number)
    for side, weights in before.items():
        for name, moved in side.layout.views((side.weights - weights).abs()).items():
            assert moved.max() > 0, name


def test_a_member_among_others_is_the_member_alone():
    together, alone = step([0, 1, 2]), step([2])
    for number in range(20):
        together(number)
        alone(number)
    for name, array in alone.arrays().items():
        torch.testing.assert_close(together.arrays()[name][2:], array, rtol=1e-5, atol=1e-6)


def test_the_start_of_the_search_is_drawn_once_and_not_trained():
    trained = step([0, 1])
    start = trained.buffers.clone()
    trained(0)
    assert torch.equal(trained.buffers, start)
    assert start.shape == (2, 3) and not torch.equal(start[0], start[1])


# --- the detector ---------------------------------------------------------------------------------


MODEST = {"latent": 4, "generator": [32, 32], "discriminator": [64, 32], "dropout": [0.2, 0.2]}


@lru_cache
def aurocs(max_steps: int, search_steps: int = 200) -> dict[str, np.ndarray]:
    """Of every member, by each score."""
    settings = {"max_steps": max_steps, "search_steps": search_steps, "architecture": MODEST}
    detector = alad.AnoGAN(random_state=0, members=3, **settings).fit(ring(600))
    normal = ring(200, seed=1)
    rows = detector.encoder_.transform(np.concatenate([normal, broken(normal)]))
    scores = {name: detector.model_.member_scores(rows, name) for name in SCORES}
    return {
        name: np.array([roc_auc_score(np.repeat([0, 1], 200), one) for one in own])
        for name, own in scores.items()
    }


@pytest.mark.parametrize(("score", "floor"), [("anogan", 0.8), ("residual", 0.8)])
def test_trained_beats_untrained_over_seeds(score: str, floor: float):
    untrained, trained = (aurocs(max_steps)[score] for max_steps in (0, 500))
    assert (untrained < 0.6).all() and (trained > floor).all(), (untrained, trained)
    assert (trained - untrained > 0.25).all(), (untrained, trained)


def test_the_search_makes_the_difference():
    with_search, without = (aurocs(500, steps)["anogan"] for steps in (200, 0))
    assert (with_search - without > 0.25).all(), (with_search, without)


def test_equal_rows_are_searched_for_once(monkeypatch: pytest.MonkeyPatch):
    detector = alad.AnoGAN(max_steps=2, engine="torch", **QUICK).fit(ring(50))
    counts = []
    monkeypatch.setattr(
        LatentSearch, "__call__", lambda self, x: counts.append(len(x)) or FOUND(self, x)
    )
    X = np.repeat(ring(7), 5, axis=0)
    scores = detector.anomaly_score(X)
    assert counts == [7]
    np.testing.assert_array_equal(scores, np.repeat(scores[::5], 5))


FOUND = LatentSearch.__call__


def test_distinct_rows_and_where_they_stand():
    X = np.array([[1, 2], [3, 4], [1, 2], [-0.0, 0], [0, 0]], np.float32)
    distinct, places = distinct_rows(X)
    np.testing.assert_array_equal(distinct[places], X)
    assert len(distinct) == 4  # -0 and 0 are searched for apart: no harm done


@pytest.mark.parametrize("score", list(SCORES))
@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_every_score_is_finite_pure_and_saved(score: str, engine: str, tmp_path):
    X = ring(60)
    settings = {**QUICK, "max_steps": 20, "members": 2, "engine": engine}
    detector = alad.AnoGAN(score_function=score, **settings).fit(X)
    scores = detector.anomaly_score(X)
    assert np.isfinite(scores).all() and len(set(scores)) == 60
    assert detector.anomaly_score(X[17:18])[0] == scores[17]
    detector.save(tmp_path / "model")
    np.testing.assert_array_equal(alad.load(tmp_path / "model").anomaly_score(X), scores)


def test_the_scores_are_the_terms_of_one_loss():
    X = ring(40)
    detector = alad.AnoGAN(max_steps=20, discrimination_weight=0.25, **QUICK).fit(X)
    residual, discrimination = (detector.score_as(X, s) for s in ("residual", "discrimination"))
    expected = 0.75 * residual + 0.25 * discrimination
    np.testing.assert_allclose(detector.anomaly_score(X), expected, rtol=1e-12)
    gap = np.abs(detector.encoder_.transform(X) - detector.reconstruct(X)).sum(axis=1)
    np.testing.assert_allclose(residual, gap, rtol=1e-5)


def test_logits_are_the_discriminators_own_opinion():
    X = ring(40)
    detector = alad.AnoGAN(max_steps=20, score_function="logits", **QUICK).fit(X)
    logits = detector.model_.scorer(detector.encoder_.transform(X), ("logit",))["logit"]
    expected = softplus(-torch.from_numpy(logits).double())[0].numpy()
    np.testing.assert_allclose(detector.anomaly_score(X), expected, rtol=1e-5)


def test_the_stopping_rule_does_not_search(monkeypatch: pytest.MonkeyPatch):
    searched = []
    for kind in ("search.LatentSearch.__call__", "native_search.NativeSearch._search"):
        monkeypatch.setattr(f"alad.anogan.{kind}", lambda *_: searched.append(1))
    detector = alad.AnoGAN(max_steps=60, patience=1, check_every=10, **QUICK)
    monkeypatch.setattr(Fitted, "score_encoded", lambda self, X: np.zeros(len(X)))
    detector.fit(ring(300))
    assert not searched and "monitor" in detector.training_["history"][0]


@pytest.mark.parametrize("name", [n for n in ANOGAN_PRESETS if n != "cifar10-paper"])
def test_presets_are_complete_settings(name: str):
    detector = alad.AnoGAN.from_preset(name, max_steps=1, epochs=None, **QUICK)
    assert np.isfinite(detector.fit(ring(80)).anomaly_score(ring(5))).all()
    if name.endswith("paper"):
        assert detector.search_learning_rate == 1e-3
        assert alad.AnoGAN.from_preset(name).search_steps == 500


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("search_steps", -1, "search_steps is -1"),
        ("search_learning_rate", 0.0, "search_learning_rate is 0.0"),
        ("discrimination_weight", 1.1, "discrimination_weight is 1.1"),
        ("engine", "fast", "engine is 'fast'"),
        ("latent_dim", 0, "latent_dim is 0"),
        ("score_function", "features", "anogan, residual, discrimination, logits"),
        ("architecture", {"latent": 3}, "architecture"),
        (
            "architecture",
            {"latent": 3, "generator": [4], "discriminator": [4, 4], "dropout": [0.1]},
            "one rate for each",
        ),
    ],
)
def test_bad_parameters_are_named(parameter: str, value: object, said: str):
    with pytest.raises(InputError, match=said):
        alad.AnoGAN(**{parameter: value}).fit(ring(30))


def test_threshold_is_told_by_a_sample_of_the_rows():
    """With more rows than `threshold_rows`: a share `contamination` of that sample is flagged.

    None are held out: those would tell the threshold.
    """
    X = ring(400)
    how = {"max_steps": 20, "contamination": 0.25, "calibration_fraction": 0, **QUICK}
    few, all_of_them = (alad.AnoGAN(threshold_rows=n, **how).fit(X) for n in (80, 400))
    assert (few.anomaly_score(X) == all_of_them.anomaly_score(X)).all()
    assert [one.training_["scores"]["rows"] for one in (few, all_of_them)] == [80, 400]
    assert (all_of_them.predict(X) == -1).sum() == 100
    assert 60 < (few.predict(X) == -1).sum() < 140
