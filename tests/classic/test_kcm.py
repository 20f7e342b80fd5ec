"""KCM: the kernel mean by hand, its limits, and the choice of the bandwidth."""

from dataclasses import replace

import numpy as np
import pytest
from classic_rows import RAW, far, line, rows

from alad.classic.kcm import KCM, left_out_errors
from alad.classic.kernel import Gaussian
from alad.errors import InputError


def test_score_by_hand():
    """Rows 0 and 2, h = 1: at 3 the kernels are e^-4.5 and e^-0.5, the mean is 2 / (1 + e^-4)."""
    fitted = KCM(bandwidth=1.0, **RAW).fit([[0.0], [2.0]])
    expected = [3 - 2 / (1 + np.exp(-4)), 0.0]  # at 1 both weigh the same
    np.testing.assert_allclose(fitted.anomaly_score([[3.0], [1.0]]), expected, atol=1e-12)


def test_score_is_the_naive_formula():
    X, new = rows(200), far()
    fitted = KCM(bandwidth=0.8, **RAW).fit(X)
    kernel = np.exp(-((new[:, np.newaxis] - X) ** 2).sum(axis=2) / (2 * 0.8**2))
    mean = kernel @ X / kernel.sum(axis=1, keepdims=True)
    close = kernel.sum(axis=1) > 1e-200
    assert close.sum() > 90
    expected = np.linalg.norm(new - mean, axis=1)
    np.testing.assert_allclose(fitted.anomaly_score(new)[close], expected[close], rtol=1e-9)


def test_between_the_nearest_row_and_the_mean_of_all():
    """A narrow kernel gives the distance to the nearest row, a wide one that to the centre."""
    X, new = rows(100), far()
    narrow, wide = (KCM(bandwidth=h, **RAW).fit(X).anomaly_score(new) for h in (1e-3, 1e6))
    nearest = np.sqrt(((new[:, np.newaxis] - X) ** 2).sum(axis=2)).min(axis=1)
    np.testing.assert_allclose(narrow, nearest, rtol=1e-6)
    np.testing.assert_allclose(wide, np.linalg.norm(new - X.mean(axis=0), axis=1), rtol=1e-6)


def test_errors_of_left_out_rows_by_hand():
    """Rows 0, 1, 3 by the mean of the other two, weighted evenly: 2, 1.5, 0.5 are predicted."""
    X = np.array([[0.0], [1.0], [3.0]])
    squared = Gaussian(X.astype(np.float32), 1.0).squared_distances(X)
    narrow, wide = left_out_errors(X, squared, np.array([1e-3, 1e6]))
    assert wide == pytest.approx((4 + 0.25 + 6.25) / 3, rel=1e-6)
    assert narrow == pytest.approx((1 + 1 + 4) / 3, rel=1e-6)  # by the nearest other row
    assert (np.diagonal(squared) == 0).all()  # they are left as they were


def test_the_bandwidth_follows_the_unit_of_the_rows():
    """The grid moves with the root of the unit, so of a unit of 100 by one of its decades."""
    X = line(300)
    one, hundred = (KCM(**RAW).fit(f * X).training_["bandwidth"] for f in (10, 1_000))
    assert one * 100 == pytest.approx(hundred, rel=1e-4)


def test_the_bandwidth_is_that_of_least_error():
    X = rows(150)
    fitted = KCM(**RAW).fit(X)
    h = fitted.training_["bandwidth"]
    squared = Gaussian(X.astype(np.float32), 1.0).squared_distances(X)
    steps = h * 10 ** (np.array([-2, -1, 0, 1, 2]) / 10)
    assert np.argmin(left_out_errors(X, squared, steps)) == 2


@pytest.mark.filterwarnings("ignore:of .* rows? some hold what no learnt one did")
def test_equal_rows():
    fitted = KCM(**RAW).fit(np.ones((20, 2)))
    np.testing.assert_allclose(fitted.anomaly_score([[1.0, 1.0], [4.0, 5.0]]), [0, 5], atol=1e-12)


def test_a_sample_of_the_stated_size():
    fitted = KCM(max_rows=50, random_state=0, **RAW).fit(rows(300))
    assert fitted.training_ == fitted.training_ | {"rows": 300, "rows_used": 50, "seed": 0}


@pytest.mark.parametrize("wrong", [0, -1.0, float("inf"), "wide"])
def test_bandwidth_is_checked(wrong):
    with pytest.raises(InputError, match=r"bandwidth is .*above 0"):
        KCM(bandwidth=wrong).fit(rows(20))


def test_one_row_is_too_few():
    with pytest.raises(InputError, match="kcm learns from at least 2 rows"):
        KCM().fit(rows(1))


def test_a_stored_bandwidth_of_0_is_refused():
    with pytest.raises(InputError, match="bandwidth is 0"):
        replace(KCM(random_state=0).fit(rows(50)).model_, bandwidth=0)
