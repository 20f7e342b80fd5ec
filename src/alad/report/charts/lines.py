"""Charts over two axes: lines and areas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from alad.report.charts.axes import Axis
from alad.report.charts.canvas import Chart, Key, Plot, legend, plot_area
from alad.report.markup import Markup, joined, tag

HEIGHT = 300
MOST_POINTS = 400  # of one line: more cannot be told apart


@dataclass(frozen=True)
class Series:
    """One line, or the area below it: y over x, both [n]."""

    name: str  # "" leaves it out of the legend
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    tone: int = 1  # which colour, 1 to TONES
    shape: Literal["line", "area"] = "line"
    dashed: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Rule:
    """A straight line across the chart, at one value of the x axis."""

    name: str
    at: float
    tone: int = 0  # 0 = the colour of text


def plot(
    title: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    rules: Sequence[Rule] = (),
    *,
    description: str = "",
    height: float = HEIGHT,
) -> Chart:
    """Draw all series over one pair of axes; without a description one is written."""
    keys = [
        Key(line.name, line.tone, line.shape + (" dashed" if line.dashed else ""))
        for line in series
        if line.name
    ]
    keys += [Key(rule.name, rule.tone, "rule") for rule in rules if rule.name]
    entries, rows = legend(keys)
    area = plot_area(x, y, height, rows)
    marks = [_mark(area, line) for line in series]
    for rule in rules:
        if x.low <= rule.at <= x.high:
            d = f"M{float(area.across(rule.at)):.1f} {area.top:.1f}v{area.height:.1f}"
            marks.append(tag("g", tag("path", class_="rule", d=d), class_=f"t{rule.tone}"))
    body = joined([entries, area.frame(), *marks])
    return Chart(title, description or _in_words(x, y, series, rules), height, body)


def _mark(area: Plot, line: Series) -> Markup:
    """Draw a line, and the area below it."""
    x, y = np.asarray(line.x, dtype=np.float64), np.asarray(line.y, dtype=np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    places = thinned(area.places(x[finite], y[finite]))
    tone = f"t{line.tone}" + (" faint" if line.faint else "")
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places.tolist()) if len(places) else ""
    drawn = tag("path", class_="line dashed" if line.dashed else "line", d=path)
    if line.shape == "line" or not path:
        return tag("g", drawn, class_=tone)
    closed = f"{path}V{area.top + area.height:.1f}H{places[0, 0]:.1f}Z"
    return tag("g", tag("path", class_="area", d=closed), drawn, class_=tone)


def thinned(places: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Keep at most so many points [n, 2] of a line, evenly along it, with both ends."""
    if len(places) <= most:
        return places
    way = np.concatenate([[0.0], np.abs(np.diff(places, axis=0)).sum(axis=1).cumsum()])
    chosen = np.searchsorted(way, np.linspace(0, way[-1], most))
    return places[np.unique(np.concatenate([[0], chosen, [len(places) - 1]]))]


def steps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make the corners of a step function, y [n] between edges x [n + 1]; -> x, y, [2n] each."""
    return np.repeat(x, 2)[1:-1], np.repeat(y, 2)


def _in_words(x: Axis, y: Axis, series: Sequence[Series], rules: Sequence[Rule]) -> str:
    """Describe each line by its ends and extremes."""
    parts = [f"{y.label} over {x.label}."]
    for line in series:
        values = np.asarray(line.y, dtype=np.float64)
        values = values[np.isfinite(values)]
        if line.name and len(values):
            low, high = y.written(float(values.min())), y.written(float(values.max()))
            begin, end = y.written(float(values[0])), y.written(float(values[-1]))
            parts.append(f"{line.name}: from {begin} to {end}, between {low} and {high}.")
    return " ".join([*parts, *(f"{rule.name}: {x.written(rule.at)}." for rule in rules)])
