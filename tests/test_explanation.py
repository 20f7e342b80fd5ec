"""Which columns a reconstruction misses, counted by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from alad.explanation import misses


class Halving:
    """Reconstructs every encoded number as its half. Column b gives two encoded columns."""

    feature_names_in_ = np.array(["a", "skipped", "b"], dtype=object)
    encoder_ = SimpleNamespace(
        source_=np.array([0, 2, 2]), transform=lambda X: np.asarray(X, dtype=np.float32)
    )

    def reconstruct(self, X):
        return self.encoder_.transform(X) / 2


def test_errors_are_summed_by_column_and_divided_by_the_usual_ones():
    normal = [[2, 1, 1], [4, 3, 1]]  # errors a: 1, 2; b: 1, 2 -> usual 1.5, 1.5
    found = misses(Halving(), [[6, 0, 0], [0, -12, 3]], normal)
    assert found.columns == ("a", "b")
    np.testing.assert_allclose(found.times, [[2, 0], [0, 5]])


def test_worst_columns_come_first():
    found = misses(Halving(), [[6, 24, 6]], [[2, 1, 1], [4, 3, 1]])
    assert found.worst(0) == [("b", 10.0), ("a", 2.0)]
    assert found.worst(0, count=1) == [("b", 10.0)]


def test_column_that_is_never_missed_on_normal_rows_does_not_divide_by_zero():
    found = misses(Halving(), [[2, 2, 0]], [[4, 0, 0]])  # usual a: 2, b: 0 -> at least 1 % of 1
    np.testing.assert_allclose(found.times, [[0.5, 1 / 0.01]])


def test_unnamed_columns_are_numbered():
    unnamed = Halving()
    unnamed.feature_names_in_ = None
    assert misses(unnamed, [[1, 1, 1]], [[1, 1, 1]]).columns == ("x0", "x2")


@pytest.mark.parametrize("usual", [0.0, 1e-30])
def test_perfect_reconstruction_is_finite(usual):
    assert np.isfinite(misses(Halving(), [[1, 1, 1]], [[usual] * 3]).times).all()
