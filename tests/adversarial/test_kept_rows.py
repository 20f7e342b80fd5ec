"""The score with neighbours among kept rows: what it is, what it keeps, and where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import alad
from alad.errors import InputError

NAME = "joint-neighbours"


def rows(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 4)) @ np.diag([1.0, 2.0, 3.0, 0.1])


def fitted(n: int = 120, **how: Any) -> alad.ALAD:
    settings = {"random_state": 0, "max_steps": 30, "score_function": NAME} | how
    return alad.ALAD(**settings).fit(rows(n))


def kept_by(detector: alad.ALAD) -> np.ndarray:
    """The kept rows, [1, kept, columns]."""
    model: Any = detector.model_
    return model.learnt[f"{NAME}/rows"]


def distances(x: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.sqrt(((x[:, None].astype(float) - kept[None].astype(float)) ** 2).sum(axis=2))


def test_it_is_joint_times_the_ratio_of_distances():
    detector = fitted(calibration_fraction=0.0)
    model, kept = detector.model_, kept_by(detector)[0]
    x = rows(9, seed=1).astype(np.float32)
    assert len(kept) == 120
    own = np.sort(distances(kept, kept), axis=1)[:, 1:6].mean(axis=1)  # the first is itself
    order = np.argsort(distances(x, kept), axis=1)[:, :5]
    near = np.take_along_axis(distances(x, kept), order, axis=1).mean(axis=1)
    ratio = near / np.sqrt(own[order].mean(axis=1))
    expected = model.member_scores(x, "joint") * ratio
    np.testing.assert_allclose(model.member_scores(x, NAME), expected, rtol=1e-5)


@pytest.mark.parametrize(("asked", "kept"), [(50, 50), (3_000, 270)])
def test_a_bounded_number_of_training_rows_is_kept(asked: int, kept: int):
    """Of 300 rows 30 are held out to calibrate; what is kept was learnt, each row once."""
    detector = fitted(300, kept_rows=asked)
    stored = kept_by(detector)
    assert stored.shape == (1, kept, 4)
    every = detector.encoder_.transform(rows(300))
    assert len(np.unique(stored[0], axis=0)) == kept
    assert {row.tobytes() for row in stored[0]} <= {row.tobytes() for row in every}


def test_other_scores_keep_no_row():
    detector = fitted(score_function=None)
    assert detector.model_.own == "joint" and NAME not in detector.score_names()
    model: Any = detector.model_
    assert not [name for name in model.learnt if name.endswith("/rows")]
    with pytest.raises(InputError, match="choose one of"):
        detector.score_as(rows(3), NAME)


def test_it_is_pure_stored_and_the_same_by_numpy(tmp_path: Path):
    detector, X = fitted(members=2), rows(40, seed=2)
    scores = detector.anomaly_score(X)
    alone = [float(detector.anomaly_score(row[np.newaxis])[0]) for row in X]
    assert scores.tolist() == alone
    detector.save(tmp_path / "model")
    assert alad.load(tmp_path / "model").anomaly_score(X).tobytes() == scores.tobytes()
    by_numpy = alad.load(tmp_path / "model", engine="numpy").anomaly_score(X)
    np.testing.assert_allclose(by_numpy, scores, rtol=1e-4, atol=1e-5)


def test_the_same_seed_keeps_the_same_rows():
    one, other, third = (kept_by(fitted(kept_rows=40, random_state=seed)) for seed in (0, 0, 1))
    assert one.tobytes() == other.tobytes() != third.tobytes()


def test_a_row_between_two_dense_clusters_is_told_from_a_row_within():
    clusters = np.concatenate([rows(150) * 0.05 - 4, rows(150, seed=1) * 0.05 + 4])
    how = {"random_state": 0, "max_steps": 200, "score_function": NAME}
    detector = alad.ALAD(**how).fit(clusters)
    new = np.concatenate([[[0.0] * 4], rows(50, seed=2) * 0.05 + 4])
    scores = detector.anomaly_score(new)
    assert scores[0] > 10 * np.median(scores[1:])


def test_too_few_rows_are_refused():
    with pytest.raises(InputError, match="keeps 4 rows; give at least 6"):
        fitted(n=4, calibration_fraction=0.0)
    with pytest.raises(InputError, match="kept_rows is 5; give a whole number of at least 6"):
        fitted(kept_rows=5)


def test_kept_rows_of_a_score_that_keeps_none_are_refused():
    with pytest.raises(InputError, match="kept_rows is 40, and only score_function='joint-neigh"):
        fitted(kept_rows=40, score_function="joint")
    fitted(kept_rows=3_000, score_function="joint")  # the default
