"""The scores against independently computed numbers, and identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numeric_cases import case, close
from toy import context, networks, tensor

from alad.adversarial.game import FAMILY
from alad.adversarial.scores import SCORES, Cycle, compress, fit_whitened, mahalanobis, whitening
from alad.networks.layers import Chain

CASE = case("scores")
GIVEN, EXPECTED, TOLERANCE = CASE["given"], CASE["expected"], CASE["tolerance"]["values"]
X = tensor(GIVEN["x"])[0]


def cycle() -> Cycle:
    return Cycle(networks(FAMILY["alice"]), replace(context(GIVEN), training=False))


@pytest.mark.parametrize("name", ["features", "logits", "l1", "l2"])
def test_published_scores(name: str):
    with torch.no_grad():
        close(SCORES[name].value(cycle(), X, {})[0], EXPECTED[f"score_{name}"], TOLERANCE)


def test_features_are_those_before_the_logit():
    with torch.no_grad():
        real, fake = cycle().features(X)
    close(real[0], EXPECTED["features(x,x)"], TOLERANCE)
    close(fake[0], EXPECTED["features(x,G(E(x)))"], TOLERANCE)


def test_features_score_is_exactly_zero_where_the_reconstruction_is_the_row():
    used = cycle()
    identity = Chain()
    used = replace(used, networks=replace(used.networks, encoder=identity, generator=identity))
    for name in ("features", "l1", "l2"):
        score = SCORES[name].value(used, X, {})
        assert torch.equal(score, torch.zeros(1, len(X), dtype=torch.float64))


def test_whitening_is_the_mahalanobis_length():
    with torch.no_grad():
        used = cycle()
        fitted = whitening(used.gap(tensor(GIVEN["train"])[0]))
        close(fitted["mean"][0, 0], EXPECTED["whitening_mean"], TOLERANCE)
        got = mahalanobis(used.gap(X), fitted)
    close(got[0], EXPECTED["score_whitened_divisor_n"], TOLERANCE)


def test_logits_do_not_saturate():
    used = cycle()
    with torch.no_grad():
        for shift in (-600.0, 600.0):
            weights = dict(used.context.weights)
            weights["Dxx.logit.bias"] = weights["Dxx.logit.bias"].detach() + shift
            moved = Cycle(used.networks, replace(used.context, weights=weights))
            score = SCORES["logits"].value(moved, X, {})[0].numpy()
            assert np.isfinite(score).all() and len(set(score)) == len(X)


def test_compression_is_odd_and_logarithmic():
    gap = torch.tensor([-3.0, 0.0, 3.0, 1.0])
    close(compress(gap, torch.tensor(1.0)), [-np.log(4), 0.0, np.log(4), np.log(2)], 1e-6)


def test_whitened_survives_features_that_never_differ():
    gaps = torch.zeros(1, 20, 3)
    gaps[0, :, 0] = torch.linspace(-1, 1, 20)
    fitted = fit_whitened(gaps)
    score = mahalanobis(compress(torch.ones(1, 2, 3), fitted["scale"]), fitted)
    assert torch.isfinite(score).all()


def test_bigan_scores_with_the_features_of_its_only_discriminator():
    given = case("game")["given"]
    used = Cycle(networks(FAMILY["bigan"]), replace(context(given), training=False))
    with torch.no_grad():
        x, code, reconstruction = used.reconstruct(X)
        xz = used.networks.discriminators["xz"]
        real = xz.features(used.context, x, code)
        gap = real - xz.features(used.context, reconstruction, code)
        expected = 0.9 * (x - reconstruction).abs().sum(2) + 0.1 * gap.abs().sum(2)
        close(SCORES["egbad"].value(used, X, {}), expected, 1e-12)
