"""The scores against independently computed numbers, and identities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numeric_cases import case, close
from toy import context, networks

from alad.adversarial.game import FAMILY
from alad.adversarial.scores import SCORES, compress, fit_whitened
from alad.adversarial.torch_cycle import Cycle
from alad.errors import InputError
from alad.networks.layers import Chain
from alad.neural.score import l1, mahalanobis, minus_log_sigmoid, principal, total, whitening

CASE = case("scores")
GIVEN, EXPECTED, TOLERANCE = CASE["given"], CASE["expected"], CASE["tolerance"]["values"]
X = np.array(GIVEN["x"])
EVERYTHING = ("code", "reconstruction", "real", "fake", "gap", "logit")


def cycle() -> Cycle:
    return Cycle(networks(FAMILY["alice"]), replace(context(GIVEN), training=False))


def results(engine: Cycle, x: np.ndarray = X) -> dict[str, np.ndarray]:
    return {"x": x, **engine(x, EVERYTHING)}


@pytest.mark.parametrize("name", ["features", "logits", "l1", "l2"])
def test_published_scores(name: str):
    close(SCORES[name].value(results(cycle()), {})[0], EXPECTED[f"score_{name}"], TOLERANCE)


def test_features_are_those_before_the_logit():
    found = results(cycle())
    close(found["real"][0], EXPECTED["features(x,x)"], TOLERANCE)
    close(found["fake"][0], EXPECTED["features(x,G(E(x)))"], TOLERANCE)


def test_features_score_is_exactly_zero_where_the_reconstruction_is_the_row():
    used = cycle()
    identity = Chain()
    passing = replace(used.networks, encoder=identity, generator=identity)
    found = results(replace(used, networks=passing))
    for name in ("features", "l1", "l2"):
        np.testing.assert_array_equal(SCORES[name].value(found, {}), np.zeros((1, len(X))))


@pytest.mark.parametrize("name", ["joint", "features-row"])
def test_joint_is_the_mahalanobis_length_of_all_parts_side_by_side(name: str):
    known, found = results(cycle(), np.array(GIVEN["train"])), results(cycle())

    def side_by_side(made: dict[str, np.ndarray]) -> list[np.ndarray]:
        parts = [made["real"][0], made["code"][0]] if name == "joint" else [made["x"]]
        return [(made["real"] - made["fake"])[0], *parts]

    # what it learns from has an axis of members, what it scores has none
    learnt = SCORES[name].learn({**known, "x": known["x"][np.newaxis]})  # pyright: ignore
    units = [np.sqrt(part.var(axis=0).mean()) for part in side_by_side(known)]
    close(learnt["units"][0], units, TOLERANCE)
    train, x = (
        np.hstack([part / unit for part, unit in zip(side_by_side(made), units, strict=True)])
        for made in (known, found)
    )
    covariance = np.cov(train.T, bias=True)
    covariance += 0.01 * np.diagonal(covariance).mean() * np.eye(len(covariance))
    away = x - train.mean(axis=0)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", away, np.linalg.inv(covariance), away))
    close(SCORES[name].value(found, learnt)[0], expected, 1e-6)


def test_joint_does_not_ask_in_which_units_a_part_is():
    known, found = results(cycle(), np.array(GIVEN["train"])), results(cycle())
    score = SCORES["joint"]
    plain = score.value(found, score.learn(known))  # pyright: ignore[reportOptionalCall]
    for made in (known, found):
        made["code"] = 8 * made["code"]
    scaled = score.value(found, score.learn(known))  # pyright: ignore[reportOptionalCall]
    np.testing.assert_allclose(scaled, plain, rtol=1e-9)


def test_whitening_is_the_mahalanobis_length():
    known = results(cycle(), np.array(GIVEN["train"]))
    learnt = whitening(known["real"] - known["fake"])
    close(learnt["mean"][0, 0], EXPECTED["whitening_mean"], TOLERANCE)
    found = results(cycle())
    got = mahalanobis(found["real"] - found["fake"], learnt)
    close(got[0], EXPECTED["score_whitened_divisor_n"], TOLERANCE)


def test_logits_do_not_saturate():
    for shift in (-600.0, 600.0):
        score = minus_log_sigmoid(results(cycle())["logit"] + shift)[0]
        assert np.isfinite(score).all() and len(set(score)) == len(X)


def test_compression_is_odd_and_logarithmic():
    gap = np.array([-3.0, 0.0, 3.0, 1.0])
    close(compress(gap, np.array(1.0)), [-np.log(4), 0.0, np.log(4), np.log(2)], 1e-6)


def test_whitened_survives_features_that_never_differ():
    gaps = np.zeros((1, 20, 3), np.float32)
    gaps[0, :, 0] = np.linspace(-1, 1, 20)
    learnt = fit_whitened(gaps)
    score = mahalanobis(compress(np.ones((1, 2, 3), np.float32), learnt["scale"]), learnt)
    assert np.isfinite(score).all()


def test_the_scale_is_the_lower_median_or_the_mean_of_what_is_mostly_zero():
    gaps = np.array([[[1.0, 0.0], [-2.0, 0.0], [3.0, 0.0], [-40.0, 8.0]]], np.float32)
    np.testing.assert_array_equal(fit_whitened(gaps)["scale"], [[[2.0, 2.0]]])


def test_bigan_scores_with_the_features_of_its_only_discriminator():
    used = replace(context(case("game")["given"]), training=False)
    found = results(Cycle(networks(FAMILY["bigan"]), used))
    gap = found["real"] - found["fake"]
    missed = X - found["reconstruction"]
    expected = 0.9 * np.abs(missed).sum(2) + 0.1 * np.abs(gap).sum(2)
    close(SCORES["egbad"].value(found, {}), expected, 1e-12)


@pytest.mark.parametrize("numbers", [1, 2, 7, 16, 33, 128, 1_025])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_sums_do_not_look_at_other_rows(numbers: int, kind: type):
    values = np.random.default_rng(0).normal(size=(2, 70, numbers)).astype(kind)
    together = total(values)
    np.testing.assert_allclose(together, values.sum(axis=2), rtol=1e-4, atol=1e-5)
    for start, end in [(0, 1), (1, 2), (3, 20), (69, 70), (5, 5)]:
        np.testing.assert_array_equal(total(values[:, start:end]), together[:, start:end])
        alone = total(values[:1, start:end].copy())
        np.testing.assert_array_equal(alone, together[:1, start:end])


def test_l1_of_images_counts_every_pixel():
    x = np.random.default_rng(0).random((3, 4, 5, 2))
    results = {"x": x, "reconstruction": np.stack([x + 1, x - 2])}
    np.testing.assert_allclose(l1(results, {}), [[40.0] * 3, [80.0] * 3])


def test_principal_directions_are_those_of_the_largest_spread():
    drawn = np.random.default_rng(0)
    along = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0]])
    values = 5 + drawn.normal(size=(1, 400, 2)) * [9.0, 2.0] @ along  # nothing along the third axis
    found = principal(values, 2)
    assert found.shape == (1, 3, 2)
    close(np.abs(along @ found[0]), np.eye(2), 0.02)


def test_principal_directions_of_few_rows_are_those_of_many():
    values = np.random.default_rng(1).normal(size=(2, 30, 29)) * np.arange(1.0, 30.0) ** 2
    more_columns = np.concatenate([values, np.zeros((2, 30, 11))], axis=2)  # now fewer rows
    for member in range(2):
        same = principal(values, 4)[member].T @ principal(more_columns, 4)[member, :29]
        close(np.abs(same), np.eye(4), 1e-5)


def test_projected_is_the_mahalanobis_length_along_the_directions_and_of_the_code():
    known, found = results(cycle(), np.array(GIVEN["train"])), results(cycle())
    learnt = SCORES["projected"].learn(known)  # pyright: ignore[reportOptionalCall]

    def side_by_side(made: dict[str, np.ndarray]) -> np.ndarray:
        gap = (made["real"] - made["fake"])[0] @ learnt["directions"][0]
        return np.concatenate(
            [gap / learnt["units"][0, 0], made["code"][0] / learnt["units"][0, 1]], 1
        )

    usual = side_by_side(known)
    spread = np.cov(usual.T, bias=True)
    spread += 0.01 * np.diagonal(spread).mean() * np.eye(len(spread))
    away = side_by_side(found) - usual.mean(axis=0)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", away, np.linalg.inv(spread), away))
    close(SCORES["projected"].value(found, learnt)[0], expected, 1e-5)


def along_directions(made: dict[str, np.ndarray], learnt: dict[str, np.ndarray]) -> np.ndarray:
    """What `joint-projected` reads, [n, numbers], side by side in its units."""
    difference = (made["real"] - made["fake"])[0] @ learnt["gap"][0]
    read = (difference, made["real"][0] @ learnt["real"][0], made["code"][0])
    return np.hstack([part / unit for part, unit in zip(read, learnt["units"][0], strict=True)])


def length_of(away: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Mahalanobis length, with the ridge of the scores."""
    spread = np.cov(usual.T, bias=True)
    spread += 0.01 * np.diagonal(spread).mean() * np.eye(len(spread))
    away = away - usual.mean(axis=0)
    return np.sqrt(np.einsum("ij,jk,ik->i", away, np.linalg.inv(spread), away))


def test_joint_projected_is_the_mahalanobis_length_along_both_parts_directions():
    known, found = results(cycle(), np.array(GIVEN["train"])), results(cycle())
    learnt = SCORES["joint-projected"].learn(known)  # pyright: ignore[reportOptionalCall]
    usual, new = along_directions(known, learnt), along_directions(found, learnt)
    close(SCORES["joint-projected"].value(found, learnt)[0], length_of(new, usual), 1e-5)
    # so few features have no more directions, so it is `joint`
    joint = SCORES["joint"]
    same = joint.value(found, joint.learn(known))  # pyright: ignore[reportOptionalCall]
    close(SCORES["joint-projected"].value(found, learnt)[0], same[0], 1e-2)


def test_neighbours_of_images_are_looked_for_in_what_the_score_reads():
    known, found = results(cycle(), np.array(GIVEN["train"])), results(cycle())
    score, places = SCORES["joint-projected-neighbours"], np.arange(0, len(GIVEN["train"]), 2)
    learnt = score.learn(known, places)  # pyright: ignore[reportOptionalCall]
    usual, new = along_directions(known, learnt), along_directions(found, learnt)
    kept = usual[places]
    own = np.linalg.norm(kept[:, None] - kept, axis=2)
    own = np.sort(own, axis=1)[:, 1:6].mean(axis=1)
    away = np.linalg.norm(new[:, None] - kept, axis=2)
    near = np.argsort(away, axis=1)[:, :5]
    ratio = np.take_along_axis(away, near, 1).mean(axis=1) / np.sqrt(own[near].mean(axis=1))
    ready = score.made_ready(learnt)  # pyright: ignore[reportOptionalCall]
    close(score.value(found, ready)[0], length_of(new, usual) * ratio, 1e-4)
    with pytest.raises(InputError, match="keeps 5 rows; give at least 6"):
        score.learn(known, np.arange(5))  # pyright: ignore[reportOptionalCall]
