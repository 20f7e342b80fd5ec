"""One contract for every detector of the catalogue."""

import math
import random
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from every_detector import QUICK, every_detector, frame, quick, rows
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from alad import catalogue, storage
from alad.detector.contract import Detector
from alad.detector.model import score_in_blocks, storable, written
from alad.detector.saving import MODEL
from alad.errors import InputError

# scikit-learn's check -> why it cannot hold, for each detector
EXCEPTIONS: dict[str, dict[str, str]] = {}
DRAWS_NOTHING = {"pca"}  # learns from all rows at once: its seed has no effect


@lru_cache
def fitted(name: str) -> Detector:
    """One that tests may score with, and must not change."""
    return quick(name).fit(rows(200))


@lru_cache
def fitted_on_frame(name: str) -> Detector:
    return quick(name).fit(frame())


def global_states() -> list[Any]:
    kind, keys, *rest = np.random.get_state()
    return [kind, keys.tolist(), rest, torch.get_rng_state().tolist(), random.getstate()]


# --- scikit-learn's contract ----------------------------------------------------------------------


def reasons(estimator: Detector) -> dict[str, str]:
    return EXCEPTIONS.get(estimator.name, {})


# They count flagged rows among those learnt from; `offset_` counts held-out ones where it can
COUNT_LEARNT_ROWS = {"check_outliers_train", "check_outliers_fit_predict"}


@parametrize_with_checks(
    [catalogue.make(name, **QUICK[name]) for name in QUICK], expected_failed_checks=reasons
)
def test_scikit_learn(estimator: Detector, check: Callable[[Detector], None]):
    name = getattr(check, "func", check).__name__
    check(estimator.set_params(calibration_fraction=0) if name in COUNT_LEARNT_ROWS else estimator)


@every_detector
def test_the_sign_flips_once(name: str):
    detector, X = fitted(name), rows(60, seed=3)
    scores, samples = detector.anomaly_score(X), detector.score_samples(X)
    assert scores.dtype == np.float64 and scores.shape == (60,)
    np.testing.assert_array_equal(samples, -scores)
    decision = detector.decision_function(X)
    np.testing.assert_array_equal(decision, samples - detector.offset_)
    np.testing.assert_array_equal(detector.predict(X), np.where(decision < 0, -1, 1))


@every_detector
def test_fit_predict_is_fit_then_predict(name: str):
    X = rows(80)
    np.testing.assert_array_equal(quick(name).fit_predict(X), quick(name).fit(X).predict(X))


@every_detector
def test_members_are_rows_of_scores(name: str):
    scores = fitted(name).member_scores(rows(9, seed=3))
    assert scores.shape == (1, 9) and scores.dtype == np.float64


@every_detector
def test_clone_has_the_parameters_and_nothing_learnt(name: str):
    copy = clone(fitted(name))
    assert copy.get_params() == fitted(name).get_params()
    assert not any(key.endswith("_") for key in vars(copy))
    with pytest.raises(NotFittedError):
        copy.predict(rows(3))


@every_detector
def test_in_a_pipeline(name: str):
    X = rows(100)
    pipeline = make_pipeline(StandardScaler(), quick(name)).fit(X)
    alone = quick(name).fit(StandardScaler().fit_transform(X))
    scaled = pipeline[0].transform(X)
    np.testing.assert_array_equal(pipeline.score_samples(X), alone.score_samples(scaled))
    assert set(pipeline.predict(X)) <= {-1, 1}


# --- a score is a pure function of the row and the model ------------------------------------------


@every_detector
def test_alone_in_a_batch_and_in_any_order(name: str):
    """Bit by bit, over the borders of blocks and at every kind of place within them."""
    detector, X = fitted(name), rows(1200, seed=2)
    together = detector.anomaly_score(X)
    places = [0, 1, 2, 7, 100, 255, 256, 383, 510, 511, 512, 513, 1023, 1024, 1198, 1199]
    alone = [detector.anomaly_score(X[[place]])[0] for place in places]
    np.testing.assert_array_equal(together[places], alone)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(detector.anomaly_score(X[order]), together[order])
    np.testing.assert_array_equal(detector.anomaly_score(X[300:317]), together[300:317])


@every_detector
@pytest.mark.parametrize("width", [1, 33])
def test_in_any_order_for_awkward_widths(name: str, width: int):
    detector = quick(name).fit(rows(60, columns=width))
    X = rows(513, seed=2, columns=width)
    together, order = detector.anomaly_score(X), np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(detector.anomaly_score(X[order]), together[order])


@every_detector
def test_scored_twice_and_by_many_threads(name: str):
    detector, X = fitted(name), rows(100, seed=2)
    first = detector.anomaly_score(X)
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(detector.anomaly_score, [X] * 8):
            np.testing.assert_array_equal(first, again)


@every_detector
def test_one_seed_one_result(name: str):
    one, two = quick(name).fit(rows(200)), quick(name).fit(rows(200))
    (values, arrays), (same_values, same) = (
        written(detector.model_, storable) for detector in (one, two)
    )
    assert values == same_values
    assert arrays.keys() == same.keys() and arrays
    for key in arrays:
        np.testing.assert_array_equal(arrays[key], same[key])
    assert one.offset_ == two.offset_


@every_detector
def test_another_seed_another_result(name: str):
    """With all rows learnt from: which ones are held out depends on the seed for every detector."""
    X, both = (
        rows(20, seed=2),
        [quick(name, random_state=s, calibration_fraction=0) for s in (0, 1)],
    )
    one, other = (detector.fit(rows(200)).anomaly_score(X) for detector in both)
    differs = (one != other).any()
    assert differs == (name not in DRAWS_NOTHING)


@every_detector
@pytest.mark.parametrize("seed", [None, 0])
def test_global_generators_are_untouched(name: str, seed: int | None):
    before = global_states()
    quick(name, random_state=seed).fit(rows(60)).predict(rows(5))
    assert global_states() == before


@every_detector
def test_a_random_state_may_be_handed_down(name: str):
    one, two = (quick(name, random_state=np.random.RandomState(5)).fit(rows(200)) for _ in "ab")
    X = rows(20, seed=2)
    np.testing.assert_array_equal(one.anomaly_score(X), two.anomaly_score(X))


# --- saved and loaded -----------------------------------------------------------------------------


@every_detector
def test_saved_and_loaded(name: str, tmp_path: Path):
    detector, table = fitted_on_frame(name), frame()
    detector.save(tmp_path / "model")
    loaded = catalogue.load(tmp_path / "model")
    assert loaded.name == name and loaded.params == detector.fitted_.params
    assert type(loaded.model_) is type(detector.model_)
    again = catalogue.estimator(loaded)
    assert type(again) is type(detector)
    kept = {key: value for key, value in detector.get_params().items() if key in loaded.params}
    assert again.get_params() == again.__class__().get_params() | kept
    assert again.fitted_ is loaded
    np.testing.assert_array_equal(loaded.anomaly_score(table), detector.anomaly_score(table))
    np.testing.assert_array_equal(loaded.predict(table), detector.predict(table))
    assert loaded.offset_ == detector.offset_
    assert loaded.training_ == detector.training_
    assert loaded.feature_names_in_.tolist() == table.columns.tolist()
    assert loaded.n_features_in_ == 4


@every_detector
def test_saved_by_the_loaded_one_is_the_same(name: str, tmp_path: Path):
    fitted(name).save(tmp_path / "one")
    catalogue.load(tmp_path / "one").save(tmp_path / "two")
    (content, arrays), (same, copies) = (
        storage.read(tmp_path / n, "model") for n in ("one", "two")
    )
    assert content == same
    assert arrays.keys() == copies.keys()
    assert all(arrays[key].tobytes() == copies[key].tobytes() for key in arrays)


@every_detector
@pytest.mark.parametrize("damage", ["array", "model"])
def test_a_model_that_does_not_fit_together_is_refused(name: str, tmp_path: Path, damage: str):
    """Whole and unaltered by its checksums, and wrong all the same."""
    fitted(name).save(tmp_path / "model")
    content, arrays = storage.read(tmp_path / "model", "model")
    if damage == "array":
        arrays.pop(next(key for key in sorted(arrays) if key.startswith(MODEL)))
    else:
        del content["model"]
    storage.write(tmp_path / "model", "model", content, arrays)
    with pytest.raises(InputError) as caught:
        catalogue.load(tmp_path / "model")
    assert "\n" not in str(caught.value)


@every_detector
def test_only_what_is_fitted_can_be_saved(name: str, tmp_path: Path):
    with pytest.raises(NotFittedError):
        quick(name).save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@every_detector
def test_a_parameter_that_json_cannot_hold_is_named_before_the_training(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    detector = quick(name, drop=(object(),))
    monkeypatch.setattr(type(detector), "_learn", lambda self, X, fit: pytest.fail("trained"))
    with pytest.raises(InputError, match=r"drop is .*; give names or numbers of columns"):
        detector.fit(frame())
    with pytest.raises(NotFittedError):
        detector.predict(frame())


@pytest.mark.parametrize("kind", [pd.Index, pd.Series, pl.Series, np.array, set, list, tuple])
def test_columns_to_leave_out_are_stored_whatever_names_them(kind: Any, tmp_path: Path):
    table = frame()
    detector = quick("knn", drop=kind(["holes", "colour"])).fit(table)
    detector.save(tmp_path / "model")
    loaded = catalogue.load(tmp_path / "model")
    assert sorted(loaded.params["drop"]) == ["colour", "holes"]
    np.testing.assert_array_equal(loaded.anomaly_score(table), detector.anomaly_score(table))
    assert isinstance(catalogue.estimator(loaded).drop, tuple)


@every_detector
@pytest.mark.parametrize("seed", [np.int64(3), np.random.RandomState(0), None])
def test_what_a_seed_was_drawn_from_does_not_keep_a_model_from_being_saved(
    name: str, seed: Any, tmp_path: Path
):
    detector = quick(name, random_state=seed).fit(rows(60))
    detector.save(tmp_path / "model")
    loaded = catalogue.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.anomaly_score(rows(9)), detector.anomaly_score(rows(9)))
    assert "random_state" not in loaded.params
    assert catalogue.estimator(loaded).random_state is None


# --- contamination --------------------------------------------------------------------------------


@every_detector
@pytest.mark.parametrize("contamination", [0.01, 0.1, 0.25, 0.5])
def test_contamination_flags_the_right_count(name: str, contamination: float):
    X = rows(150)
    detector = quick(name, contamination=contamination).fit(X)
    scores = np.sort(detector.anomaly_score(X))[::-1]
    due = math.ceil(contamination * 149)
    ties = int(scores[due - 1] == scores[due]) and int((scores[:due] == scores[due]).sum())
    assert (detector.predict(X) == -1).sum() == due - ties


@every_detector
@pytest.mark.parametrize("wrong", [0, -0.1, 0.51, 1, "auto", None, float("nan"), True])
def test_contamination_is_checked_at_fit(name: str, wrong: Any):
    with pytest.raises(InputError, match=r"contamination is .* at most 0.5"):
        quick(name, contamination=wrong).fit(rows(20))


@every_detector
@pytest.mark.parametrize("wrong", [-1, 2**32, 1.5, "seed"])
def test_random_state_is_checked_at_fit(name: str, wrong: Any):
    with pytest.raises(InputError, match="random_state is"):
        quick(name, random_state=wrong).fit(rows(20))


@every_detector
def test_unknown_scaling_is_refused(name: str):
    with pytest.raises(InputError, match=r"scaling is 'best'; choose one of.*robust"):
        quick(name, scaling="best").fit(rows(20))


# --- rows as they come ----------------------------------------------------------------------------


@every_detector
def test_one_row_is_learnt_or_refused(name: str):
    detector, X = quick(name), rows(1)
    try:
        detector.fit(X)
    except InputError as error:
        assert "n_samples=1;" in str(error)
    else:
        with pytest.warns(UserWarning, match="column 'x0' was .* in all learnt rows"):
            assert np.isfinite(detector.anomaly_score(rows(3, seed=2))).all()
        assert detector.predict(X) == [1]


@every_detector
def test_fewer_rows_than_a_batch(name: str):
    detector = quick(name).fit(rows(12))
    assert np.isfinite(detector.anomaly_score(rows(3, seed=2))).all()
    assert (detector.predict(rows(12)) == -1).sum() == 1


@every_detector
def test_no_rows_are_refused(name: str):
    for empty in (np.empty((0, 3)), frame().iloc[:0]):
        with pytest.raises(InputError, match="0 sample"):
            quick(name).fit(empty)


@every_detector
def test_a_constant_column(name: str):
    X = rows(100)
    X[:, 2] = 5.0
    detector = quick(name).fit(X)
    other = X.copy()
    other[:, 2] = 1e9
    usual = detector.anomaly_score(X)
    with pytest.warns(UserWarning, match="'x2' was 5 in all learnt rows and is not in any"):
        new = detector.anomaly_score(other)
    assert np.isfinite(usual).all() and np.isfinite(new).all() and new.min() >= usual.max()
    assert detector.set_params(novelty=False).fit(X).fitted_.novelty_ is None


@every_detector
def test_duplicated_rows(name: str):
    """Nothing to flag, and what is far off does not look more normal."""
    X = np.repeat(rows(1), 60, axis=0)
    detector = quick(name).fit(X)
    same = detector.anomaly_score(X)
    with pytest.warns(UserWarning, match="column 'x0' was .* in all learnt rows and is not in any"):
        far = detector.anomaly_score(X + 100)
    assert len(set(same)) == 1 and (far >= same).all() and np.isfinite(far).all()
    assert (detector.predict(X) == 1).all()


@every_detector
@pytest.mark.parametrize("huge", [1e30, 1e300, -1.7e308])
def test_huge_numbers(name: str, huge: float):
    """They may be learnt or scored; the rows beside them keep finite scores that differ."""
    X = rows(100)
    assert np.isfinite(fitted(name).anomaly_score(np.full((3, 7), huge))).all()
    X[3, 1] = huge
    scores = quick(name).fit(X).anomaly_score(X)
    assert np.isfinite(scores).all()
    assert len(set(scores)) > 50


@every_detector
@pytest.mark.parametrize("scaling", ["none", "minmax", "standard"])
def test_huge_numbers_unscaled_are_scored_or_refused(name: str, scaling: str):
    detector = quick(name, scaling=scaling).fit(rows(60))
    try:
        assert np.isfinite(detector.anomaly_score(np.full((3, 7), 1e300))).all()
    except InputError as error:
        assert f"scaling={scaling!r}" in str(error)


@every_detector
def test_missing_numbers_are_learnt_and_scored(name: str):
    X = rows(100)
    X[::7, 3] = np.nan
    detector = quick(name).fit(X)
    assert np.isfinite(detector.anomaly_score(X)).all()
    holes = np.full((2, 7), np.nan)
    for each in (detector, fitted(name)):
        with pytest.warns(UserWarning, match="column 'x1' is missing in 2, it never was at fit"):
            assert (each.predict(holes) == -1).all()


@every_detector
def test_a_table_of_nothing_is_refused(name: str):
    with pytest.raises(InputError, match="missing"):
        quick(name).fit(np.full((20, 3), np.nan))


@every_detector
@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_infinity_is_refused_by_column(name: str, infinite: float):
    table = frame()
    table.loc[4, "amount"] = infinite
    with pytest.raises(InputError, match=r"amount.*inf|inf.*amount"):
        quick(name).fit(table)
    with pytest.raises(InputError, match=r"amount.*inf|inf.*amount"):
        fitted_on_frame(name).anomaly_score(table)


# --- tables as people have them -------------------------------------------------------------------


@every_detector
def test_frames_of_all_kinds_are_one_table(name: str):
    table = frame()
    kinds = [table, pl.from_pandas(table), pa.Table.from_pandas(table)]
    first, *others = (quick(name).fit(kind).anomaly_score(kind) for kind in kinds)
    for scores in others:
        np.testing.assert_array_equal(first, scores)
    assert len(set(first)) > 50


@every_detector
def test_columns_are_found_by_name(name: str):
    detector, table = fitted_on_frame(name), frame()
    assert detector.feature_names_in_.tolist() == ["amount", "holes", "colour", "open"]
    np.testing.assert_array_equal(
        detector.anomaly_score(table[["open", "colour", "amount", "holes"]]),
        detector.anomaly_score(table),
    )
    with pytest.raises(InputError, match="missing: 'colour'"):
        detector.anomaly_score(table.drop(columns="colour"))
    with pytest.warns(UserWarning, match="left unused: 'more'"):
        wider = detector.anomaly_score(table.assign(more=1))
    np.testing.assert_array_equal(wider, detector.anomaly_score(table))


@every_detector
def test_columns_to_leave_out(name: str):
    table = frame()
    detector = quick(name, drop=("colour", "open")).fit(table)
    numbers = quick(name).fit(table[["amount", "holes"]])
    np.testing.assert_array_equal(
        detector.anomaly_score(table), numbers.anomaly_score(table[["amount", "holes"]])
    )


@every_detector
def test_another_width_is_refused_in_the_words_of_scikit_learn(name: str):
    words = f"X has 3 features, but {type(fitted(name)).__name__} is expecting 7 features as input"
    with pytest.raises(InputError, match=words):
        fitted(name).predict(rows(4, columns=3))
    assert not hasattr(fitted(name), "feature_names_in_")


@every_detector
def test_an_unseen_category_is_scored(name: str):
    table = frame().assign(colour="violet")
    with pytest.warns(UserWarning, match="'colour' holds no value that it had at fit"):
        scores = fitted_on_frame(name).anomaly_score(table)
    assert (scores >= fitted_on_frame(name).anomaly_score(frame()).max()).all()
    with pytest.warns(UserWarning, match="'colour' holds a value that it never had at fit in 1"):
        assert fitted_on_frame(name).anomaly_score(table[:1])[0] == scores[0]


# --- blocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 9])
def test_blocks_have_one_size_and_lose_no_row(count: int):
    X, sizes = np.arange(2.0 * count).reshape(count, 2), []

    def score(block: np.ndarray) -> np.ndarray:
        sizes.append(len(block))
        return np.stack([block.sum(axis=1), -block[:, 0]])

    scores = score_in_blocks(score, X, rows=4)
    np.testing.assert_array_equal(scores, [X.sum(axis=1), -X[:, 0]])
    assert set(sizes) == {4}


def test_blocks_are_not_filled_for_who_scores_row_by_row():
    X, sizes = np.ones((9, 2)), []
    score_in_blocks(lambda block: sizes.append(len(block)) or block[:, 0], X, rows=4, fill=0)
    assert sizes == [4, 4, 1]


# --- the catalogue --------------------------------------------------------------------------------


@every_detector
def test_the_catalogue_knows_it(name: str):
    assert catalogue.detector_class(name).name == name
    assert catalogue.detector_class(name).summary


@every_detector
def test_its_docstring_names_a_paper_a_formula_and_the_orientation(name: str):
    about = (catalogue.detector_class(name).__doc__ or "").partition("Parameters")[0]
    assert re.search(r"\b(19|20)\d\d\b", about), "a paper's year"
    assert re.search(r"\beq\. \d|\bdef\. \d|\balgorithm \d|\|.+\||\^k|\) = ", about), "a formula"
    assert "large =" in about or "as in `DSEBM`" in about or "above 0" in about


def test_unknown_names_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"no detector 'svm'; choose one of: alad, .*oc-svm"):
        catalogue.make("svm")
    with pytest.raises(InputError, match=r"knn has no parameter neighbours; it has: .*n_neighbors"):
        catalogue.make("knn", neighbours=3)
    fitted("knn").save(tmp_path / "model")
    content, arrays = storage.read(tmp_path / "model", "model")
    for damaged in ({"detector": "crystal-ball"}, content | {"detector": "crystal-ball"}):
        storage.write(tmp_path / "model", "model", damaged, arrays)
        with pytest.raises(InputError, match="no detector 'crystal-ball'"):
            catalogue.load(tmp_path / "model")
    storage.write(tmp_path / "model", "model", content | {"detector": "dagmm"}, arrays)
    with pytest.raises(InputError, match="dagmm has no model of the kind 'neighbours'"):
        catalogue.estimator(catalogue.load(tmp_path / "model"))


# --- parameters after fit -------------------------------------------------------------------------


@every_detector
def test_a_fitted_detector_whose_parameters_were_changed_neither_scores_nor_is_saved(
    name: str, tmp_path: Path
):
    X = rows(60)
    fitted(name).save(tmp_path / "model")
    loaded = catalogue.estimator(catalogue.load(tmp_path / "model"))
    for detector in (quick(name).fit(X), loaded):
        before = detector.anomaly_score(X)
        detector.set_params(random_state=7)  # says how a fit is run
        assert np.array_equal(detector.anomaly_score(X), before)
        for changed, value in (("scaling", "robust"), ("contamination", 0.2)):
            usual = detector.get_params()[changed]
            detector.set_params(**{changed: value})
            told = f"{changed} was {usual!r} at fit and is {value!r} now; fit again, or set it back"
            for ask in (detector.anomaly_score, detector.predict, detector.calibrate):
                with pytest.raises(InputError, match=re.escape(told)):
                    ask(X)
            with pytest.raises(InputError, match="fit again, or set it back"):
                detector.save(tmp_path / "other")
            assert not (tmp_path / "other").exists()
            detector.set_params(**{changed: usual})
            assert np.array_equal(detector.anomaly_score(X), before)
