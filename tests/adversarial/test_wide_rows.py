"""The score of wide rows that a backbone gives: it sees the row itself, and is learnt alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import alad
from alad import metrics
from alad.errors import InputError

NAME, WIDTH, FACTORS = "features-row", 160, 40


def images(n: int, seed: int = 0, away: float = 0.0) -> np.ndarray:
    """Images of 40 factors; away: how far they lie from the plane of these, in all directions."""
    generator = np.random.default_rng(seed)
    mixed = np.random.default_rng(9).normal(size=(FACTORS, WIDTH))
    rows = generator.normal(size=(n, FACTORS)) @ mixed / FACTORS**0.5
    rows += (0.1 + away) * generator.normal(size=rows.shape)
    return np.clip(32 * rows + 128, 0, 255).astype(np.uint8).reshape(n, 10, 16, 1)


def pixels(given: np.ndarray) -> np.ndarray:
    """A row an image: its pixels."""
    return given.reshape(len(given), WIDTH)


def fitted(n: int = 600, **how: Any) -> alad.ALAD:
    settings = {"backbone": pixels, "random_state": 0, "max_steps": 30, "novelty": False} | how
    return alad.ALAD(**settings).fit(images(n))


def test_it_tells_what_e_and_d_xx_see_less_of():
    new = np.concatenate([images(200, seed=1), images(200, seed=2, away=0.1)])
    odd = np.arange(400) >= 200
    found = {
        name: metrics.auroc(fitted(max_steps=200, score_function=name).anomaly_score(new), odd)
        for name in (None, "joint")
    }
    assert found[None] > found["joint"] + 0.05 and found[None] > 0.8, found


def test_it_is_learnt_only_where_it_is_the_detectors_own():
    model: Any = fitted().model_
    assert model.own == NAME and f"{NAME}/unmix" in model.learnt
    other = fitted(score_function="joint")
    assert NAME not in other.score_names()
    with pytest.raises(InputError, match="choose one of"):
        other.score_as(images(3), NAME)
    table = alad.ALAD(random_state=0, max_steps=2, score_function=NAME).fit(pixels(images(60)))
    assert table.model_.own == NAME  # of a table if it is asked for


def test_it_is_pure_stored_and_the_same_by_numpy(tmp_path: Path):
    detector, X = fitted(members=2), images(12, seed=1)
    scores = detector.anomaly_score(X)
    assert scores.tolist() == [float(detector.anomaly_score(x[np.newaxis])[0]) for x in X]
    detector.save(tmp_path / "model")
    loaded = alad.load(tmp_path / "model", backbone=pixels)
    assert loaded.anomaly_score(X).tobytes() == scores.tobytes()
    by_numpy = alad.load(tmp_path / "model", backbone=pixels, engine="numpy")
    np.testing.assert_allclose(by_numpy.anomaly_score(X), scores, rtol=1e-4)
