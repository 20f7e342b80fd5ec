"""The label-free stopping signal."""

from __future__ import annotations

import numpy as np

from alad.randomness import Purpose, stream
from alad.training.monitor import SwappedColumns, swap_columns


def generator() -> np.random.Generator:
    return stream(0, 0, Purpose.SPLIT)


def test_twins_keep_columns_and_swap_groups_as_a_whole():
    X = (np.arange(200.0)[:, None] + [0, 1000, 2000]).astype(np.float32)
    twins = swap_columns(X, np.array([0, 1, 1]), generator())
    for column in range(3):
        assert set(twins[:, column]) <= set(X[:, column])
    assert (twins[:, 2] - twins[:, 1] == 1000).all()  # one source column, one decision
    assert 0.35 < (twins[:, 0] != X[:, 0]).mean() < 0.65


def test_a_score_that_sees_broken_relations_scores_well_and_a_blind_one_half():
    a = generator().standard_normal(500).astype(np.float32)
    X = np.stack([a, a], axis=1)

    def both(rows: np.ndarray) -> np.ndarray:
        return np.stack([np.abs(rows[:, 0] - rows[:, 1]), np.zeros(len(rows))])

    values = SwappedColumns(both, X, np.array([0, 1]), generator())()
    assert values[0] == 0.0 and values[1] == 0.5


def test_rows_that_cannot_be_broken_are_left_out():
    X = np.ones((10, 3), np.float32)
    monitor = SwappedColumns(lambda rows: np.zeros((1, len(rows))), X, np.arange(3), generator())
    assert not monitor.informative
