"""Charts: marks stand where the numbers say, any numbers can be drawn, words say the same."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from alad.benchmark.games import game_chart
from alad.report.charts.axes import Axis
from alad.report.charts.bars import Compared, Estimate, bars
from alad.report.charts.canvas import WIDTH, Chart
from alad.report.charts.histograms import Quantiles, histogram, shares_between
from alad.report.charts.lines import Rule, Series, plot, steps, thinned

SVG = "{http://www.w3.org/2000/svg}"
UNIT = Axis("x", 0.0, 1.0)


def drawn(chart: Chart) -> ElementTree.Element:
    """The chart as XML, which is stricter than HTML; nothing may stand outside it."""
    root = ElementTree.fromstring(chart.file())
    for circle in root.iter(f"{SVG}circle"):
        assert 0 <= float(circle.get("cx", "nan")) <= chart.width
        assert 0 <= float(circle.get("cy", "nan")) <= chart.height
    return root


def of_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [each for each in root.iter() if name in (each.get("class") or "").split()]


def test_a_line_goes_where_its_numbers_say():
    root = drawn(plot("t", UNIT, UNIT, [Series("a", [0.0, 0.5, 1.0], [0.0, 1.0, 0.0])]))
    line = of_class(root, "line")[-1].get("d") or ""
    places = np.array([float(n) for n in re.findall(r"[\d.]+", line)]).reshape(-1, 2)
    assert places[1, 0] == pytest.approx((places[0, 0] + places[2, 0]) / 2, abs=0.1)
    assert places[0, 1] == places[2, 1] > places[1, 1]  # downwards is larger


def test_a_bar_is_as_long_as_its_value():
    lines = [Compared("one", (Estimate(0.5), Estimate(0.25))), Compared("two", (None, None))]
    root = drawn(bars("t", UNIT, ("ours", "theirs"), lines))
    widths = [float(bar.get("width", "nan")) for bar in of_class(root, "bar")][-2:]
    assert widths[0] == pytest.approx(2 * widths[1], rel=0.01)
    assert "0.500" in "".join(root.itertext()) and "two" in "".join(root.itertext())


def test_a_line_is_as_high_as_it_has_marks_and_names_are_whole():
    name = "robust-autoencoder-untrained"
    pair = Compared(name, (Estimate(0.5), Estimate(0.4)))
    single = Compared(name, (Estimate(0.5), None))
    high, low = (bars("t", UNIT, ("ours", "theirs"), [one] * 3) for one in (pair, single))
    assert high.height > low.height
    assert "".join(drawn(low).itertext()).count(name) == 9  # title, label, words


def test_spreads_are_whiskers():
    lines = [Compared("one", (Estimate.around(0.5, 0.1),)), Compared("two", (Estimate(0.5),))]
    for as_dots in (False, True):
        root = drawn(bars("t", UNIT, ("ours",), lines, as_dots=as_dots))
        assert len(of_class(root, "whisker")) == 1


def test_what_a_mean_is_of_is_drawn_on_its_line():
    line = Compared("a", (Estimate(0.5, points=(0.25, 0.75)), None))
    root = drawn(bars("t", UNIT, ("ours", "theirs"), [line], as_dots=True))
    points, (mark,) = of_class(root, "point"), of_class(root, "dot")[1:]
    places = [float(each.get("cx", "nan")) for each in points]
    assert sum(places) / 2 == pytest.approx(float(mark.get("cx", "nan")), abs=0.02)
    assert {each.get("cy") for each in points} == {mark.get("cy")}


def test_title_and_description_are_tied_to_the_drawing():
    chart = plot("A <title>", UNIT, UNIT, [Series("loss", [0.0, 1.0], [0.25, 0.75])])
    root = drawn(chart)
    names = (root.get("aria-labelledby") or "").split()
    texts = {each.get("id"): each.text for each in root if each.get("id")}
    assert root.get("role") == "img" and [texts[name] for name in names] == [
        "A <title>",
        "x over x. loss: from 0.25 to 0.75, between 0.25 and 0.75.",
    ]


def test_histogram_shares_sum_to_one_and_quantiles_give_the_same_as_values():
    values = np.random.default_rng(0).normal(size=4001)
    edges = np.linspace(values.min(), values.max(), 30)
    known = Quantiles(np.quantile(values, np.linspace(0, 1, 401)), len(values))
    ours, theirs = shares_between(edges, values), shares_between(edges, known)
    assert ours.sum() == pytest.approx(1) and theirs.sum() == pytest.approx(1)
    assert np.abs(ours - theirs).max() < 0.005


def test_tied_quantiles_are_one_jump():
    known = Quantiles(np.array([1.0, 1.0, 1.0, 2.0, 3.0]), 5)
    shares = shares_between(np.array([0.0, 0.5, 1.5, 3.0]), known)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == 0 and 0.5 <= shares[1] <= 0.75


@pytest.mark.parametrize(
    "groups",
    [
        {"long tail": np.array([0.1, 0.2]), "b": np.array([3.0, 1e6])},
        {"negative": np.array([-1.0, 0.0]), "b": np.array([2.0])},
        {"alike": np.zeros(3)},
        {"none": np.zeros(0), "one": np.ones(1)},
        {"nothing at all": np.zeros(0)},
        {"huge": np.array([-1e300, 1e300, 0.0])},
    ],
    ids=lambda groups: next(iter(groups)),
)
def test_any_scores_can_be_drawn(groups):
    chart = histogram("Scores", "score", groups, [Rule("threshold", 0.5)])
    root = drawn(chart)
    assert "nan" not in chart.file() and "inf" not in chart.file().replace("information", "")
    shown = [name for name, values in groups.items() if len(values)]
    assert all(name in "".join(root.itertext()) for name in shown)


def test_names_from_outside_are_text():
    bad = "</svg><script>alert(1)</script>"
    root = drawn(plot(bad, UNIT, UNIT, [Series(bad, [0.0], [0.0])], [Rule(bad, 0.5)]))
    assert not list(root.iter(f"{SVG}script")) and bad in "".join(root.itertext())


def test_thinned_keeps_both_ends_and_the_shape():
    x = np.linspace(0, 1, 5000)
    places = np.stack([x, np.where(x < 0.5, 0.0, 1.0)], axis=1)
    few = thinned(places, 100)
    assert len(few) <= 102
    assert few[0].tolist() == [0.0, 0.0] and few[-1].tolist() == [1.0, 1.0]
    assert set(few[:, 1]) == {0.0, 1.0}


def test_steps_have_corners():
    x, y = steps(np.array([0.0, 1.0, 2.0]), np.array([5.0, 7.0]))
    assert x.tolist() == [0, 1, 1, 2] and y.tolist() == [5, 5, 7, 7]


def test_the_games_are_those_of_the_paper():
    chart = game_chart()
    drawn(chart)
    told = chart.description
    assert "D_xz tells (x, E(x)), real, from (G(z), z), fake: BiGAN, ALICE, ALAD." in told
    assert "D_xx tells (x, x), real, from (x, G(E(x))), fake: ALICE, ALAD." in told
    assert "D_zz tells (z, z), real, from (z, E(G(z))), fake: ALAD." in told
    assert chart.width == WIDTH
