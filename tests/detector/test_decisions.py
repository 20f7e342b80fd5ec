"""Decisions whose errors are known, through every detector: held out, calibrated, stored."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from every_detector import every_detector, quick, rows

from alad import ALAD, KNN, catalogue, storage
from alad.benchmark.cells import cells
from alad.benchmark.data.protocols import PROTOCOLS
from alad.benchmark.results_file import ResultsFile
from alad.detector import decisions
from alad.detector import rows as fit_rows
from alad.detector.calibration import Calibration
from alad.detector.contract import Detector
from alad.detector.fitted import Fitted
from alad.detector.rows import LEAST_HELD_OUT, held_out_rows
from alad.encoding import TableEncoder
from alad.errors import InputError
from alad.parameters import held_out

HELD_OUT = 30


@lru_cache
def fitted(name: str) -> Detector:
    """One that tests may score with, and must not change."""
    return quick(name, calibration_fraction=0.1).fit(rows(10 * HELD_OUT))


def calibration_of(detector: Detector | Fitted) -> Calibration:
    found = detector.calibration_
    assert found is not None
    return found


# --- held out at fit ------------------------------------------------------------------------------


@every_detector
def test_a_tenth_of_the_rows_is_held_out_by_default(name: str):
    assert catalogue.make(name).get_params()["calibration_fraction"] == 0.1
    detector = fitted(name)
    found = calibration_of(detector)
    assert (len(found), found.origin, found.seen) == (HELD_OUT, "held out at fit", 0)
    scores = detector.anomaly_score(rows(10 * HELD_OUT))
    assert np.isin(found.scores, scores).all() and (np.diff(found.scores) >= 0).all()


@every_detector
def test_nothing_is_learnt_from_held_out_rows(name: str):
    """Changed beyond recognition, they change neither the networks nor any score."""
    X = rows(10 * HELD_OUT)
    held_out = held_out_rows(fitted(name), X, TableEncoder)
    assert held_out.sum() == HELD_OUT
    other = X.copy()
    other[held_out] *= 1000
    changed, new = quick(name, calibration_fraction=0.1).fit(other), rows(20, seed=5)
    np.testing.assert_array_equal(changed.anomaly_score(new), fitted(name).anomaly_score(new))
    assert calibration_of(changed).scores[-1] > calibration_of(fitted(name)).scores[-1]
    assert changed.offset_ < fitted(name).offset_


@every_detector
def test_too_few_rows_are_all_learnt_from(name: str):
    least = 10 * LEAST_HELD_OUT
    detector = quick(name, calibration_fraction=0.1).fit(rows(least - 1))
    assert detector.calibration_ is None
    same = quick(name, calibration_fraction=0).fit(rows(least - 1))
    new = rows(5, seed=5)
    np.testing.assert_array_equal(detector.anomaly_score(new), same.anomaly_score(new))
    with pytest.raises(InputError, match=r"not calibrated; .*detector\.calibrate"):
        detector.p_value(new)
    assert len(calibration_of(quick(name, calibration_fraction=0.1).fit(rows(least)))) == 19


def coarse(n: int, generator: np.random.Generator) -> np.ndarray:
    """Rows [n, 3] of two counters and a mode, nearly all of which repeat."""
    counters = np.clip(np.round(generator.normal(5, 1, (n, 2))), 0, 9)
    return np.column_stack([counters, generator.choice(3, n, p=[0.7, 0.25, 0.05])])


@pytest.mark.parametrize("name", ["knn", "isolation-forest"])
def test_held_out_rows_that_equal_learnt_ones_calibrate(name: str):
    """New rows repeat as well: the rate holds, and anomalies are found."""
    rates, power = [], []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        detector = quick(name, random_state=seed).fit(coarse(1500, generator))
        assert len(calibration_of(detector)) == 150 and calibration_of(detector).seen == 0
        odd = generator.integers(0, 10, (300, 3)) * [1, 1, 0]
        flagged = [
            detector.predict(X, false_alarm_rate=0.1) < 0 for X in (coarse(1500, generator), odd)
        ]
        rates.append(flagged[0].mean())
        power.append(flagged[1].mean())
    assert np.mean(rates) < 0.1 + 3 * np.std(rates) / np.sqrt(len(rates))
    assert np.mean(rates) > 0.03 and np.mean(power) > 0.5


def test_rows_given_later_calibrate_though_they_repeat_and_learnt_ones_do_not():
    generator = np.random.default_rng(0)

    def drawn(n: int) -> np.ndarray:
        return np.round(generator.normal(size=(n, 2)), 1)

    X = drawn(2000)
    detector = KNN(random_state=0).fit(X)
    assert 0.4 < detector.training_["repeats"] < 0.8
    new = drawn(1000)
    found = calibration_of(detector.calibrate(new))
    assert (len(found), found.seen) == (1000, 0)
    usual = detector.threshold(0.1)
    for mixed in (X, np.concatenate([new, X])):
        with pytest.warns(UserWarning, match=r"equal ones that this model has learnt from, where "):
            detector.calibrate(mixed)
        assert detector.threshold(0.1) >= usual
    with pytest.raises(InputError, match="has learnt from all of these 1800 rows"):
        detector.calibrate(X[~held_out_rows(detector, range(2000), TableEncoder)])


def test_calibrated_on_the_training_table_it_is_as_after_fit():
    X = rows(300)
    detector = KNN(random_state=0).fit(X)
    before = calibration_of(detector)
    after = calibration_of(detector.calibrate(X[::-1]))
    np.testing.assert_array_equal(after.scores, before.scores)
    assert (after.seen, after.origin) == (270, "given")
    learnt = X[~held_out_rows(detector, range(300), TableEncoder)]
    with pytest.raises(InputError, match="has learnt from all of these 270 rows"):
        detector.calibrate(learnt)
    assert calibration_of(detector) is after


def test_a_training_table_is_noticed_where_few_of_its_rows_are_kept(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(decisions, "MOST_REMEMBERED", 60)  # of 270
    X = rows(300)
    detector = KNN(random_state=0).fit(X)
    before = detector.fitted_
    with pytest.raises(InputError, match=r"has learnt from about 2[0-4]. more of these rows"):
        detector.calibrate(X)
    assert detector.fitted_ is before
    detector.calibrate(np.concatenate([rows(900, seed=1), X[:10]]))  # a warning would be an error


def test_part_of_a_large_training_table_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fit_rows, "MOST_KEPT", 20)  # rows to explain with are another matter
    X = rows(300)
    detector = KNN(random_state=0).fit(X)
    learnt = int((~held_out_rows(detector, range(300), TableEncoder)[:100]).sum())
    found = calibration_of(detector.calibrate(np.concatenate([rows(50, seed=1), X[:100]])))
    assert (found.seen, len(found)) == (learnt, 150 - learnt)


def test_shares_are_those_that_were_meant():
    """0.29 * 100 is 28.999999999999996."""
    assert KNN(calibration_fraction=0.29).fit(rows(100)).training_["held_out"] == 29
    every = [(percent, n) for percent in range(51) for n in (1, 7, 50, 100, 300, 1000)]
    counts = [held_out("share", percent / 100, n) for percent, n in every]
    assert counts == [percent * n // 100 for percent, n in every]


def test_rows_that_repeat_training_rows_are_no_drift(tmp_path: Path):
    """A batch drawn like the training table is full of them, and so are the held-out rows."""
    generator = np.random.default_rng(0)

    def drawn(count: int) -> np.ndarray:
        return np.minimum(generator.zipf(1.6, size=(count, 4)), 50).astype(float)

    knn, new = KNN(random_state=0).fit(drawn(2000)), drawn(500)
    assert 0.25 < knn.training_["repeats"] < 0.75
    knn.save(tmp_path / "model")
    for detector in (knn, catalogue.load(tmp_path / "model")):
        for trim in (0.0, 0.1):
            assert not detector.drift(new, trim=trim).drifted
            assert detector.drift(new + 1, trim=trim).drifted
        assert detector.watch().update(detector.anomaly_score(new)).max() < 2
        assert (detector.p_value(new) <= 0.1).mean() < 0.15


def test_a_level_that_only_held_out_rows_have_is_unseen():
    """Kinds are decided by all rows, levels and scales by the others: a fit cannot fail by it."""
    knn = KNN(random_state=0, n_neighbors=1)
    held_out = held_out_rows(knn, range(300), TableEncoder)
    table = pd.DataFrame({"code": np.arange(300) % 7 + 100.0, "kind": "a", "rare": np.nan})
    table["code"] = table["code"].astype(int).astype(str)
    table.loc[np.flatnonzero(held_out), ["code", "kind"]] = "X9"
    table.loc[np.flatnonzero(held_out), "rare"] = 3.0
    knn.fit(table)
    assert "kind=a" in knn.encoder_.output_names_
    assert not [name for name in knn.encoder_.output_names_ if "X9" in name]
    assert (calibration_of(knn).scores > 0).all()


@every_detector
@pytest.mark.parametrize("wrong", [-0.1, 1, 1.5, "0.1", None, True, float("nan")])
def test_calibration_fraction_is_checked_at_fit(name: str, wrong):
    with pytest.raises(InputError, match="calibration_fraction is"):
        quick(name, calibration_fraction=wrong).fit(rows(20))


def test_more_may_not_be_held_out_than_is_learnt_from():
    for most in (0.51, 0.999):
        with pytest.raises(InputError, match=rf"calibration_fraction is {most}: of 1000, \d+"):
            KNN(calibration_fraction=most).fit(rows(1000))
    assert KNN(calibration_fraction=0.5).fit(rows(1000)).training_["held_out"] == 500


def test_the_stopping_rule_may_not_take_more_than_is_learnt_from():
    how = {"form": "published", "calibration_fraction": 0, "max_steps": 1}
    detector = ALAD(validation_fraction=0.999, **how)
    with pytest.raises(InputError, match=r"validation_fraction is 0.999: of 1000, 1 would be"):
        detector.fit(rows(1000))
    detector.set_params(validation_fraction=0.5, random_state=0)
    assert detector.fit(rows(100)).training_["rows"] == 50


# --- decisions ------------------------------------------------------------------------------------


@every_detector
def test_p_values_flags_and_thresholds_agree(name: str):
    detector, X = fitted(name), np.vstack([rows(50, seed=3), rows(5, seed=4) * 9])
    p, scores = detector.p_value(X), detector.anomaly_score(X)
    np.testing.assert_array_equal(p, calibration_of(detector).p_values(scores))
    for rate in (0.05, 0.2, 0.5):
        flagged = detector.predict(X, false_alarm_rate=rate) == -1
        np.testing.assert_array_equal(flagged, p <= rate)
        np.testing.assert_array_equal(flagged, scores > detector.threshold(rate))
    assert detector.threshold(0.2, confidence=0.9) >= detector.threshold(0.2)
    sure = detector.predict(X, false_alarm_rate=0.2, confidence=0.9) == -1
    np.testing.assert_array_equal(sure, scores > detector.threshold(0.2, 0.9))
    for adaptive in (False, True):
        found = detector.select(X, 0.2, adaptive=adaptive)
        due = calibration_of(detector).select(scores, 0.2, adaptive=adaptive)
        np.testing.assert_array_equal(found, due)


def test_a_confidence_without_a_rate_is_refused():
    with pytest.raises(InputError, match="false_alarm_rate, too"):
        fitted("knn").predict(rows(3), confidence=0.9)


@every_detector
def test_a_rate_too_small_for_the_calibration_rows_is_refused(name: str):
    for ask in (
        lambda: fitted(name).predict(rows(3), false_alarm_rate=0.03),
        lambda: fitted(name).threshold(0.03),
        lambda: fitted(name).select(rows(3), 0.03),
    ):
        with pytest.raises(InputError, match=r"30 calibration scores are too few .*it takes 33"):
            ask()


@every_detector
def test_calibrated_anew_without_a_fit(name: str):
    detector, new = quick(name).fit(rows(60)), rows(25, seed=3)
    before = detector.anomaly_score(new)
    assert detector.calibrate(new) is detector
    np.testing.assert_array_equal(detector.anomaly_score(new), before)
    found = calibration_of(detector)
    np.testing.assert_array_equal(found.scores, np.sort(before))
    assert (found.origin, found.source) == ("given", "") and found.made
    found = calibration_of(detector.calibrate(new, source="new.csv"))
    assert found.told.startswith("given from new.csv at 20")
    with pytest.raises(InputError, match="0 sample"):
        detector.calibrate(rows(0))
    with pytest.raises(InputError, match="7 features"):
        detector.calibrate(rows(5, columns=3))
    assert calibration_of(detector) is found


@every_detector
def test_drift_of_a_batch_and_of_a_stream(name: str):
    detector = quick(name).fit(rows(100)).calibrate(rows(200, seed=3))
    usual, other = rows(150, seed=4), rows(150, seed=5) * 3
    assert not detector.drift(usual).drifted
    assert detector.drift(other).drifted
    watch = detector.watch()
    calm = watch.update(detector.anomaly_score(usual)).max()
    assert calm < 2 < watch.update(detector.anomaly_score(other)).max()


# --- stored ---------------------------------------------------------------------------------------


@every_detector
def test_saved_and_loaded(name: str, tmp_path: Path):
    fitted(name).save(tmp_path / "model")
    loaded = catalogue.load(tmp_path / "model")
    due, found = calibration_of(fitted(name)), calibration_of(loaded)
    np.testing.assert_array_equal(found.scores, due.scores)
    assert (found.origin, found.seen, found.told) == (due.origin, due.seen, "held out at fit")
    np.testing.assert_array_equal(loaded.learnt_, fitted(name).fitted_.learnt_)
    np.testing.assert_array_equal(found.repeated, due.repeated)
    X = rows(20, seed=3)
    np.testing.assert_array_equal(loaded.p_value(X), fitted(name).p_value(X))
    anew = loaded.calibrate(rows(30, seed=4), source="a.csv")
    assert calibration_of(loaded) is found  # a value: what is calibrated anew is another
    anew.save(tmp_path / "model")
    told = calibration_of(anew).told
    assert told.startswith("given from a.csv at 20")
    assert calibration_of(catalogue.load(tmp_path / "model")).told == told


@every_detector
def test_a_model_of_before_there_was_calibration_is_loaded(name: str, tmp_path: Path):
    quick(name, calibration_fraction=0).fit(rows(60)).save(tmp_path / "model")
    content, arrays = storage.read(tmp_path / "model", "model")
    del content["calibration"], content["params"]["calibration_fraction"]
    storage.write(tmp_path / "model", "model", content, arrays)
    old = catalogue.load(tmp_path / "model")
    assert np.isfinite(old.anomaly_score(rows(3))).all()
    with pytest.raises(InputError, match="not calibrated"):
        old.threshold(0.1)
    assert len(calibration_of(old.calibrate(rows(30, seed=3)))) == 30


@pytest.mark.parametrize("damage", ["scores", "facts", "array"])
def test_a_damaged_calibration_is_refused(damage: str, tmp_path: Path):
    fitted("knn").save(tmp_path / "model")
    content, arrays = storage.read(tmp_path / "model", "model")
    if damage == "scores":
        arrays["calibration/scores"][3] = np.nan
    elif damage == "facts":
        del content["calibration"]["origin"]
    else:
        del arrays["calibration/scores"]
    storage.write(tmp_path / "model", "model", content, arrays)
    with pytest.raises(InputError, match=r"model.*(calibration|save it anew)"):
        catalogue.load(tmp_path / "model")


# --- benchmarks are as they were ------------------------------------------------------------------


@pytest.mark.parametrize("benchmark", PROTOCOLS)
def test_benchmarks_learn_from_all_rows(benchmark: str):
    for cell in {cell.row.name: cell for cell in cells(benchmark)}.values():
        assert cell.detector().calibration_fraction == 0
        assert "calibration_fraction" not in cell.config(cell.detector())


def test_finished_cells_are_still_finished():
    """The committed results of isolation forest on KDD99 are those of today's cells."""
    due = {c.key(c.config(c.detector())) for c in cells("kdd99", detectors=["isolation-forest"])}
    ledger = ResultsFile(Path(__file__).parents[2] / "results" / "kdd99.jsonl")
    lines = [line for line in ledger.lines() if line["detector"] == "isolation-forest"]
    assert len(lines) >= 20
    assert {line["cell"] for line in lines} == due
