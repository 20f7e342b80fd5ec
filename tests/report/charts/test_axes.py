"""Where values stand, which ticks are drawn, how numbers are written."""

import numpy as np
import pytest

from alad.report.charts.axes import Axis, number


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.94, 0.96, ["0.940", "0.945", "0.950", "0.955", "0.960"]),
        (-3.0, 7.0, ["−2", "0", "2", "4", "6"]),
        (0.0, 123_456.0, ["0", "25,000", "50,000", "75,000", "100,000"]),
    ],
)
def test_linear_ticks_are_round_and_told_apart(low, high, wanted):
    assert [text for _, text in Axis("x", low, high).ticks()] == wanted


def test_logarithmic_ticks_are_powers_of_ten():
    values = [value for value, _ in Axis("x", 0.5, 2e6, "log").ticks()]
    assert len(values) >= 3 and np.allclose(np.log10(values), np.round(np.log10(values)))


def test_percent_ticks():
    assert [text for _, text in Axis("x", 0.0, 0.04, percent=True).ticks()][:2] == ["0 %", "1 %"]


@pytest.mark.parametrize("kind", ["linear", "log", "asinh"])
def test_share_runs_from_end_to_end_and_edges_undo_it(kind):
    axis = Axis("x", 0.1, 1e4, kind, unit=2.0, middle=1.0)
    assert axis.share([0.1, 1e4]).tolist() == [0.0, 1.0]
    assert axis.share([-5.0, 1e9]).tolist() == [0.0, 1.0]
    edges = axis.edges(10)
    assert (edges[0], edges[-1]) == (0.1, 1e4)
    assert axis.share(edges) == pytest.approx(np.linspace(0, 1, 11), abs=1e-9)


def test_long_tails_make_an_axis_logarithmic():
    near, far = np.linspace(1, 2, 100), np.array([1e4])
    assert Axis.suited("x", near).kind == "linear"
    assert Axis.suited("x", near, far).kind == "log"
    assert Axis.suited("x", near - 1.5, far).kind == "asinh"


@pytest.mark.parametrize("values", [[], [3.0, 3.0], [0.0], [np.nan, np.inf], [-1e300, 1e300]])
def test_any_values_make_an_axis_with_a_length_and_ticks(values):
    for axis in (Axis.over("x", values), Axis.suited("x", values)):
        assert axis.low < axis.high and axis.ticks()
        assert np.isfinite(axis.share([axis.low, axis.high])).all()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0"), (1.0, "1"), (0.05, "0.05"), (12_500.0, "12,500"), (-3.14159, "−3.14")),
        *((2e-7, "2×10⁻⁷"), (1e9, "10⁹"), (-1e-9, "−10⁻⁹"), (0.9501, "0.95"), (np.nan, "–")),
        *((np.inf, "∞"), (-np.inf, "−∞")),
    ],
)
def test_numbers_for_people(value, text):
    assert number(value) == text


def test_numbers_with_given_decimals():
    assert (number(0.95, 3), number(0.0, 3), number(-0.5, 1)) == ("0.950", "0.000", "−0.5")
