"""Autoencoder and robust deep autoencoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from network_steps import step_of
from one_player import aurocs, sheet, unmoved

import alad
from alad.autoencoders.robust_autoencoder import shrink_entries, shrink_rows
from alad.errors import InputError

KINDS = [alad.Autoencoder, alad.RobustAutoencoder]


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_distances_to_the_reconstruction(kind):
    X = sheet(100)
    detector = kind(random_state=0, max_steps=20).fit(X)
    gap = detector.encoder_.transform(X) - detector.reconstruct(X)
    np.testing.assert_allclose(detector.anomaly_score(X), np.linalg.norm(gap, axis=1), rtol=1e-5)
    np.testing.assert_allclose(detector.score_as(X, "l1"), np.abs(gap).sum(axis=1), rtol=1e-5)


def test_the_loss_is_the_mean_squared_distance():
    X, whole = sheet(64).astype(np.float32), {"patience": None, "calibration_fraction": 0.0}
    detector = alad.Autoencoder(random_state=0, max_steps=1, batch_size=64, **whole).fit(X)
    untrained = alad.Autoencoder(random_state=0, max_steps=0, **whole).fit(X)
    gap = untrained.encoder_.transform(X) - untrained.reconstruct(X)
    (first,) = detector.training_["history"]
    assert first["loss"][0][0] == pytest.approx((gap**2).sum(axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_reaches_every_weight(kind):
    # of ReLU units some may sleep for a few batches
    shape = {"latent": 4, "encoder": (8,), "decoder": (8,), "activation": "tanh"}
    assert unmoved(kind, architecture=shape) == []


@pytest.mark.parametrize("kind", KINDS)
def test_trained_beats_untrained_over_seeds(kind):
    untrained, trained = (aurocs(kind, max_steps=n, learning_rate=3e-3) for n in (0, 300))
    assert (untrained < 0.6).all() and (trained > 0.75).all(), (untrained, trained)
    assert (trained - untrained > 0.2).all(), (untrained, trained)


# --- the robust one -------------------------------------------------------------------------------


def test_proximal_maps():
    residual = torch.tensor([[[3.0, -4.0], [0.5, -0.2], [0.0, 0.0]]])
    expected = torch.tensor([[[2.0, -3.0], [0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(shrink_entries(residual, 1.0), expected)
    # (3, -4) has length 5, of which 1 is taken away
    expected = torch.tensor([[[2.4, -3.2], [0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(shrink_rows(residual, 1.0), expected)
    images = residual.reshape(1, 3, 1, 2, 1)
    torch.testing.assert_close(shrink_rows(images, 1.0), expected.reshape(images.shape))


@pytest.mark.parametrize(
    ("penalty", "shrink"), [("rows", shrink_rows), ("entries", shrink_entries)]
)
def test_a_proximal_map_minimises_its_objective(penalty: str, shrink):
    """0.5 norm(s - r)^2 + threshold norm(s): no nearby s does better."""
    generator = torch.Generator().manual_seed(0)
    residual = torch.randn(1, 6, 3, generator=generator, dtype=torch.float64)

    def objective(s: torch.Tensor) -> float:
        size = s.abs().sum() if penalty == "entries" else torch.linalg.vector_norm(s, dim=2).sum()
        return (0.5 * (s - residual).square().sum() + 0.7 * size).item()

    best = shrink(residual, 0.7)
    for _ in range(50):
        nearby = torch.randn(1, 6, 3, generator=generator, dtype=torch.float64)
        assert objective(best) < objective(best + 1e-3 * nearby)


def test_what_is_set_aside_is_the_rest_that_is_too_large():
    """With one batch of all rows, S is the proximal map of X - D(E(X - S of the turn before))."""
    X = torch.from_numpy(sheet(32).astype(np.float32))
    X[3] = 30.0
    detector = alad.RobustAutoencoder(random_state=0, batch_size=32, penalty_weight=1.0)
    step = step_of(detector, X, 0)
    for number in range(3):
        before = step.arrays()["sparse"].clone()
        step(number)
    context = step._context(step.weights.views, step._noise(0), track=False)
    again = step.networks(context, X - before)
    expected = shrink_rows(X - again, 8**0.5)
    torch.testing.assert_close(step.arrays()["sparse"], expected, rtol=1e-4, atol=1e-5)
    lengths = torch.linalg.vector_norm(step.arrays()["sparse"][0], dim=1)
    assert lengths.argmax() == 3 and (lengths == 0).sum() > 10


def spoilt(penalty: str) -> np.ndarray:
    """Training rows with what the penalty is for: wild rows, or wild cells."""
    generator, normal = np.random.default_rng(0), sheet(360)
    if penalty == "rows":
        return np.concatenate([normal, 5 * generator.standard_normal((60, 8))])
    wild = generator.random(normal.shape) < 0.05
    return normal + 8 * wild * generator.choice([-1, 1], normal.shape)


@pytest.mark.parametrize("penalty", ["rows", "entries"])
def test_clean_rows_are_learnt_better_among_spoilt_ones(penalty: str):
    settings = {
        **{"random_state": 0, "members": 3, "patience": None, "max_steps": 400},
        **{"learning_rate": 3e-3, "scaling": "robust", "latent_dim": 4},
        "calibration_fraction": 0.0,
    }
    clean, missed = sheet(300, seed=1), []
    plain, robust = (
        alad.Autoencoder(**settings),
        alad.RobustAutoencoder(penalty=penalty, **settings),
    )
    for detector in (plain, robust):
        detector.fit(spoilt(penalty))
        missed.append(np.median(detector.member_scores(clean), axis=1).mean())
    assert missed[1] < 0.95 * missed[0], missed


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("penalty", "l21", "penalty is 'l21'; choose one of: rows, entries"),
        ("penalty_weight", 0.0, "penalty_weight is 0.0; give a number above 0"),
        ("latent_dim", 0, "latent_dim is 0"),
    ],
)
def test_bad_parameters_are_named(parameter: str, value: object, said: str):
    with pytest.raises(InputError, match=said):
        alad.RobustAutoencoder(**{parameter: value}).fit(sheet(20))


def test_training_without_second_visits_says_that_nothing_is_set_aside():
    whole = {"patience": None, "calibration_fraction": 0.0, "batch_size": 16}
    told = r"in 7 steps each of 64 rows is visited 1.8 times; give max_steps=20 or more"
    with pytest.warns(UserWarning, match=told):
        alad.RobustAutoencoder(max_steps=7, **whole).fit(sheet(64))
