"""Calibration: independently computed numbers, ties included, and what it promises."""

from hashlib import shake_256

import numpy as np
import pytest
from numeric_cases import case, close

from alad.detector import calibration as calibrating
from alad.detector.calibration import (
    Calibration,
    benjamini_hochberg,
    conditional_rank,
    digests,
    marginal_rank,
    null_share,
    rows_needed,
    storey,
)
from alad.detector.drift import Martingale, _Pair, drift, ruled_out, uniformity
from alad.errors import InputError

CASE = case("conformal")
GIVEN, EXPECTED = CASE["given"], CASE["expected"]
TOLERANCE = CASE["tolerance"]["values"]

sizes = pytest.mark.parametrize("size", ["19", "99"])


def calibration(size: str) -> Calibration:
    return Calibration.of(GIVEN["calibration"][size])


def normal(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


# --- numeric cases --------------------------------------------------------------------------------


@sizes
def test_p_values(size):
    close(calibration(size).p_values(GIVEN["test"][size]), EXPECTED["p_values"][size], TOLERANCE)


@sizes
def test_marginal_thresholds(size):
    for row in EXPECTED["marginal_threshold"][size]:
        assert marginal_rank(int(size), row["alpha"]) == row["order_statistic_ascending"]
        if row["attainable"]:
            assert calibration(size).threshold(row["alpha"]) == row["threshold"]


@sizes
def test_above_the_threshold_is_at_most_alpha(size):
    found, alpha = calibration(size), GIVEN["alpha"]
    scores = np.array(GIVEN["test"][size])
    flagged = np.flatnonzero(scores > found.threshold(alpha))
    assert flagged.tolist() == EXPECTED["flagged_at_alpha"][size]
    assert flagged.tolist() == np.flatnonzero(found.p_values(scores) <= alpha).tolist()


def test_too_few_rows_say_so():
    few, due = Calibration.of(GIVEN["few_calibration"]), EXPECTED["too_few"]
    assert few.smallest_rate == pytest.approx(due["smallest_p_value"], abs=TOLERANCE)
    assert rows_needed(due["alpha"]) == due["smallest_n_for_alpha_0.05"]
    with pytest.raises(InputError, match=r"^5 calibration scores are too few .* 0\.05: .* 19;"):
        few.threshold(due["alpha"])
    with pytest.raises(InputError, match=r"false-discovery rate of 0\.05"):
        few.select([9.0], 0.05)


@pytest.mark.parametrize("row", EXPECTED["conditional_threshold"], ids=lambda row: str(row["n"]))
def test_conditional_ranks(row):
    rank = conditional_rank(row["n"], GIVEN["alpha"], 1 - GIVEN["delta"])
    assert rank == row["order_statistic_ascending"]
    if "threshold" in row:
        found = calibration("99").threshold(GIVEN["alpha"], 1 - GIVEN["delta"])
        assert found == row["threshold"]


def test_rows_needed_for_a_confidence_are_the_fewest():
    for rate in (0.1, 0.05, 0.01):
        least = rows_needed(rate, 0.95)
        assert conditional_rank(least, rate, 0.95) == least
        assert conditional_rank(least - 1, rate, 0.95) is None
    with pytest.raises(InputError, match=r"with confidence 0\.95: it takes 299"):
        calibration("99").threshold(0.01, 0.95)


def test_false_discoveries():
    p = EXPECTED["p_values"]["99"]
    for chosen, due in ((benjamini_hochberg, "bh_selected"), (storey, "storey_selected")):
        assert np.flatnonzero(chosen(p, GIVEN["fdr"])).tolist() == EXPECTED[due]
    assert null_share(p) == pytest.approx(EXPECTED["storey_null_share"], abs=TOLERANCE)
    scores = GIVEN["test"]["99"]
    for adaptive, due in ((False, "bh_selected"), (True, "storey_selected")):
        found = calibration("99").select(scores, GIVEN["fdr"], adaptive=adaptive)
        assert np.flatnonzero(found).tolist() == EXPECTED[due]


def test_a_null_share_above_1_is_not_cut():
    p, due = GIVEN["p_values_null_share_above_1"], EXPECTED["null_share_above_1"]
    assert null_share(p) == pytest.approx(due["null_share"], abs=TOLERANCE)
    assert np.flatnonzero(storey(p, GIVEN["fdr"])).tolist() == due["selected_uncapped"]
    assert np.flatnonzero(benjamini_hochberg(p, GIVEN["fdr"])).tolist() == due["bh_selected"]


@pytest.mark.parametrize("name", ["uniform", "skewed", "test_p_values_99"])
def test_uniformity(name):
    p = EXPECTED["p_values"]["99"] if name.startswith("test") else GIVEN[f"p_values_{name}"]
    statistic, p_value = uniformity(p)
    due = EXPECTED["ks"][name]
    close(statistic, due["statistic"], TOLERANCE)
    close(p_value, due["p_value_exact"], CASE["tolerance"]["ks_p_value"])


# --- edges ----------------------------------------------------------------------------------------


def test_equality_survives_rounding():
    """p_(k) = q k / n exactly, where p_(k) n / k is just above q in float64."""
    n = 999
    for k in range(1, n):
        p = np.ones(n)
        p[:k] = k / n / 10
        assert benjamini_hochberg(p, 0.1).sum() == k


def test_the_smallest_rate_can_be_asked_for():
    for n in (*range(1, 200), 999, 12_345):
        calibration = Calibration.of(np.arange(n))
        assert calibration.threshold(calibration.smallest_rate) == n - 1
        assert rows_needed(calibration.smallest_rate) == n


def test_fewest_selectable_is_where_a_selection_begins():
    usual = Calibration.of(np.arange(99.0))
    least = usual.fewest_selectable(500, 0.1)
    assert least == 50
    for anomalies in (least - 1, least):
        scores = np.r_[np.full(anomalies, 1e3), np.full(500 - anomalies, -1.0)]
        assert usual.select(scores, 0.1).sum() == (anomalies if anomalies == least else 0)


def test_nothing_is_selected_from_nothing():
    assert calibration("99").select([], 0.1).tolist() == []
    assert calibration("99").select([], 0.1, adaptive=True).tolist() == []


@pytest.mark.parametrize("wrong", [0, 1, -0.1, 2, float("nan"), None, "0.1", True])
def test_rates_are_numbers_between_0_and_1(wrong):
    found = calibration("99")
    with pytest.raises(InputError, match=r"false_alarm_rate is .* between 0 and 1"):
        found.threshold(wrong)
    with pytest.raises(InputError, match=r"fdr is .* between 0 and 1"):
        found.select([1.0], wrong)
    if wrong is not None:
        with pytest.raises(InputError, match=r"confidence is .* between 0 and 1"):
            found.threshold(0.1, wrong)


@pytest.mark.parametrize("wrong", [[], [1.0, np.nan], [np.inf]])
def test_calibration_needs_scores(wrong):
    with pytest.raises(InputError, match="calibration score"):
        Calibration.of(wrong)


@pytest.mark.parametrize("wrong", [[np.nan], [[1.0, 2.0]], ["a"], 3.0])
def test_what_is_no_row_of_scores_has_no_rank(wrong):
    calibration = Calibration.of([1, 2, 3])
    for ask in (calibration.p_values, Martingale(calibration).update, Calibration.of):
        with pytest.raises(InputError, match="score"):
            ask(wrong)
    assert calibration.p_values([np.inf, -np.inf]).tolist() == [0.25, 1]


def test_a_share_to_trim_is_called_so():
    with pytest.raises(InputError, match=r"trim is 1\.5"):
        drift([1.0], Calibration.of(range(30)), trim=1.5)


def test_anomalies_among_the_calibration_rows_make_fewer_flags():
    clean, new = normal(500), normal(2000, seed=1)
    mixed = np.r_[clean, np.full(25, 50.0)]
    for rate in (0.1, 0.05):
        limits = [Calibration.of(scores).threshold(rate) for scores in (clean, mixed)]
        flags = [(new > limit).sum() for limit in limits]
        assert limits[1] > limits[0] and flags[1] < flags[0]


def test_equal_rows_have_equal_digests_and_others_have_not(monkeypatch: pytest.MonkeyPatch):
    training = np.array([[0.0, 1.0], [2.0, 3.0]], np.float32)
    rows = np.array([[2, 3], [2, 4], [-0.0, 1], [3, 2]], np.float32)
    assert np.isin(digests(rows), digests(training)).tolist() == [True, False, True, False]
    assert digests(rows[:0]).tolist() == []
    every = np.stack(np.meshgrid(*[np.arange(10, dtype=np.float32)] * 5), -1).reshape(-1, 5)
    found = digests(every)
    assert len(np.unique(found)) == len(every) == 10**5
    monkeypatch.setattr(calibrating, "DIGESTED_AT_ONCE", 12)  # two rows at a time
    np.testing.assert_array_equal(digests(every[:7]), found[:7])
    np.testing.assert_array_equal(digests(every[:7, :4].reshape(7, 2, 2)), digests(every[:7, :4]))


def test_digests_are_the_same_in_every_version():
    """They are stored with models: 1.0 is 0x3f800000, times the weight of its column."""
    content = shake_256(b"alad").digest(16)
    weights = [int.from_bytes(part, "little") for part in (content[:8], content[8:])]
    due = [weights[0] * 0x3F800000, weights[1] * 0x3F800000, sum(weights) * 0x3F800000]
    ones = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    assert digests(ones).tolist() == [each % 2**64 for each in due]


# --- promises, over many calibration sets ---------------------------------------------------------


def test_false_alarm_rates_hold_on_average_and_with_confidence():
    """Exact for continuous scores: rates above a threshold are a Beta variable with known mean."""
    generator, splits, n, alpha, delta = np.random.default_rng(0), 2000, 99, 0.1, 0.05
    rates: dict[float | None, list[float]] = {None: [], 1 - delta: []}
    for _ in range(splits):
        usual = Calibration.of(generator.random(n))
        for confidence, found in rates.items():
            found.append(1 - usual.threshold(alpha, confidence))  # true rate of uniform scores
    error = np.sqrt(alpha * (1 - alpha) / (n + 2) / splits)
    assert abs(np.mean(rates[None]) - alpha) < 4 * error
    failed = np.mean(np.array(rates[1 - delta]) > alpha)
    assert failed <= delta
    assert failed > delta / 4  # not by flagging next to nothing
    assert np.mean(np.array(rates[None]) > alpha) > 0.3  # what the marginal form does not promise


@pytest.mark.parametrize("adaptive", [False, True])
def test_false_discoveries_are_as_rare_as_asked(adaptive):
    generator, rows, anomalies, fdr = np.random.default_rng(1), 200, 40, 0.2
    shares, found = [], []
    for _ in range(500):
        usual = Calibration.of(generator.normal(size=300))
        scores = generator.normal(size=rows)
        scores[:anomalies] += 3.5
        selected = usual.select(scores, fdr, adaptive=adaptive)
        shares.append(selected[anomalies:].sum() / max(1, selected.sum()))
        found.append(selected[:anomalies].mean())
    assert np.mean(shares) <= fdr + 3 * np.std(shares) / np.sqrt(500)
    assert np.mean(shares) > fdr / 2
    assert np.mean(found) > 0.8


# --- drift ----------------------------------------------------------------------------------------


def test_drift_is_seldom_seen_where_there_is_none():
    seen = [
        drift(normal(300, seed), Calibration.of(normal(100, seed + 1000)), level=0.05).drifted
        for seed in range(400)
    ]
    assert np.mean(seen) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize(("usual", "trim"), [(2, 0.34), (9, 0.1), (100, 0.1), (100, 0.5)])
def test_drift_of_trimmed_batches_is_seldom_seen_where_there_is_none(usual, trim):
    seen = [
        drift(normal(40, s), Calibration.of(normal(usual, s + 1000)), trim=trim, level=0.05).drifted
        for s in range(400)
    ]
    assert np.mean(seen) < 0.07 + 3 * np.sqrt(0.07 * 0.93 / 400)  # two looks, the second rarely


@pytest.mark.parametrize(("shift", "words"), [(0.7, "higher"), (-0.7, "lower")])
def test_drift_is_seen_with_its_direction(shift, words):
    found = drift(normal(300) + shift, Calibration.of(normal(300, seed=1)))
    assert found.drifted and words in str(found)


def test_anomalies_are_no_drift_if_trimmed():
    usual, new = Calibration.of(normal(1000)), np.r_[normal(1000, seed=1), np.full(250, 9.0)]
    assert drift(new, usual).drifted
    trimmed = drift(new, usual, trim=0.1)
    assert not trimmed.drifted
    assert trimmed.outside == pytest.approx(0.28, abs=0.02)
    assert drift(new + 0.5, usual, trim=0.1).drifted


def test_a_batch_beyond_calibration_has_drifted_however_it_is_trimmed():
    usual = Calibration.of(normal(100))
    found = drift(np.full(50, 9.0), usual, trim=0.1)
    assert found.drifted and "100% score higher" in str(found)
    assert not drift([9.0], usual, trim=0.1).drifted  # one row is an anomaly
    with pytest.raises(InputError, match="no score to look for drift"):
        drift([], usual)


def test_drift_is_ruled_out_only_where_there_is_none():
    # of two new scores below two others: both or neither come first in 2 of 6 orders
    assert _Pair.of([1.0, 2.0], Calibration.of([3.0, 4.0]), 0.0).chance_of_gap_there() == (
        pytest.approx(1 / 3)
    )
    out = []
    for seed in range(60):
        usual = Calibration.of(np.round(normal(100 + seed, seed), seed % 3 + 1))
        new, trim = normal(40 + 5 * seed, seed + 100) + 0.01 * (seed % 60), 0.1 * (seed % 2)
        found = drift(new, usual, trim=trim)
        assert _Pair.of(new, usual, trim).chance_of_gap_there() <= found.p_value * (1 + 1e-6)
        out.append(ruled_out(new, usual, trim=trim))
        assert not (out[-1] and found.drifted)
    assert 20 < sum(out) < 60


def test_a_martingale_seldom_grows_without_drift():
    reached = [
        Martingale(Calibration.of(normal(50, seed)), seed).update(normal(400, seed + 500)).max()
        for seed in range(200)
    ]
    assert np.mean(np.array(reached) >= 1) < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 200)  # Ville


@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_a_martingale_grows_with_drift(shift):
    watch = Martingale(Calibration.of(normal(500)))
    before = watch.update(normal(300, seed=1))
    after = watch.update(normal(300, seed=2) + shift)
    assert before.max() < 2 < after.max()
    assert after[-1] == watch.log10_capital


def test_a_martingale_of_equal_scores_does_not_grow():
    watch = Martingale(Calibration.of(np.zeros(20)))
    assert watch.update(np.zeros(500)).max() < 2
