"""Bars, or dots, with spreads: a line for each row that is compared."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from alad.report.charts.axes import Axis, number
from alad.report.charts.canvas import (
    LETTER,
    LINE,
    TONES,
    WIDTH,
    Chart,
    Key,
    Plot,
    legend,
    spaced,
    words,
)
from alad.report.markup import Markup, joined, tag

THICK, APART = 14, 10  # a bar, and the space between two groups of them


@dataclass(frozen=True)
class Estimate:
    """A value, the ends of its spread (None: not known), and the values that it is the mean of."""

    value: float
    low: float | None = None
    high: float | None = None
    points: Sequence[float] = ()

    @classmethod
    def around(cls, mean: float, sd: float | None) -> "Estimate":
        """Make the estimate whose spread is one deviation to either side."""
        return cls(mean) if sd is None else cls(mean, mean - sd, mean + sd)


@dataclass(frozen=True)
class Compared:
    """One line of a bar chart: an estimate for every series, None where there is none."""

    label: str
    values: Sequence[Estimate | None]


def dots(
    title: str, label: str, series: Sequence[str], rows: Sequence[Compared], x: Axis | None = None
) -> Chart:
    """Draw estimates as dots; without `x` on an axis that they fill."""
    return bars(title, x or axis_over(label, rows), series, rows, as_dots=True)


def axis_over(label: str, rows: Sequence[Compared]) -> Axis:
    """Make an axis that the rows' estimates fill, with their spreads and points."""
    estimates = [estimate for row in rows for estimate in row.values if estimate]
    ends = [end for at in estimates for end in (at.low, at.value, at.high, *at.points)]
    return Axis.over(label, [end for end in ends if end is not None]).rounded()


def bars(
    title: str,
    x: Axis,
    series: Sequence[str],
    rows: Sequence[Compared],
    *,
    as_dots: bool = False,
    decimals: int | None = 3,
) -> Chart:
    """Draw horizontal bars from the axis's low end, one colour a series, spreads as whiskers.

    as_dots: dots instead, for axes that do not begin at 0. The second series is drawn hollow; the
    last ones are left out where no row has an estimate of them.
    """
    while len(series) > 1 and not any(row.values[len(series) - 1] for row in rows):
        series = series[:-1]
    shapes = [_class("dot" if as_dots else "bar", at) for at in range(len(series))]
    keys = [Key(name, at % TONES + 1, shapes[at]) for at, name in enumerate(series)]
    entries, legend_rows = legend(keys)
    left = min(LETTER * max((len(row.label) for row in rows), default=0) + 10, WIDTH * 0.46)
    top = 12 + LINE * legend_rows
    *tops, height = itertools.accumulate(map(_height, rows), initial=0)
    area = Plot(x, x, left, top, WIDTH - left - 62, height)
    bottom, right = top + height, left + area.width
    # upright grid lines, their numbers, and the axis's name
    ticks = [(float(area.across(value)), text) for value, text in x.ticks()]
    grid = "".join(f"M{at:.1f} {top:.1f}V{bottom:.1f}" for at, _ in ticks)
    numbers = [words(text, at, bottom + LINE, "middle") for at, text in spaced(ticks, right)]
    name = words(x.label, right, bottom + 2 * LINE, "end", "name")
    frame = joined([tag("path", class_="grid", d=grid), *numbers, name])
    lines = [
        _line(area, row, top + at, as_dots, decimals) for at, row in zip(tops, rows, strict=True)
    ]
    described = [f"{x.label}."]
    for row in rows:
        drawn = [(name, at) for name, at in zip(series, row.values, strict=False) if at is not None]
        values = ", ".join(f"{name} {number(at.value, decimals)}" for name, at in drawn)
        described.append(f"{row.label}: {values or 'nothing'}.")
    body = joined([entries, frame, *lines])
    return Chart(title, " ".join(described), bottom + 2 * LINE + 12, body)


def _height(row: Compared) -> int:
    """Measure one line of the chart: as high as its marks, at least as its label."""
    return THICK * max(1, sum(estimate is not None for estimate in row.values)) + APART


def _class(shape: str, at: int) -> str:
    return f"{shape} hollow" if at == 1 else shape


def _line(area: Plot, row: Compared, top: float, as_dots: bool, decimals: int | None) -> Markup:
    """Draw a label and its estimates, each with its number at the right."""
    middle = top + _height(row) / 2
    room = int((area.left - 10) / LETTER)
    label = row.label if len(row.label) <= room else row.label[: room - 1] + "…"
    parts = [tag("g", tag("title", row.label), words(label, area.left - 8, middle + 4, "end"))]
    estimates = [(at, estimate) for at, estimate in enumerate(row.values) if estimate is not None]
    y = middle - THICK * len(estimates) / 2
    for at, estimate in estimates:
        drawn = _estimate(area, estimate, y, at, as_dots)
        text = words(number(estimate.value, decimals), WIDTH - 4, y + THICK - 3, "end", "value")
        parts.append(tag("g", drawn, text, class_=f"t{at % TONES + 1}"))
        y += THICK
    return joined(parts)


def _estimate(area: Plot, estimate: Estimate, y: float, at: int, as_dots: bool) -> Markup:
    """Draw an estimate: its points, its spread, and on top the value itself."""
    end, centre = float(area.across(estimate.value)), y + THICK / 2
    if as_dots:
        mark = tag("circle", class_=_class("dot", at), cx=end, cy=centre, r=4.5)
    else:
        size = {"width": max(end - area.left, 0.5), "height": THICK - 3.0}
        mark = tag("rect", class_=_class("bar", at), x=area.left, y=y + 1.5, **size)
    places = map(float, map(area.across, estimate.points))
    points = [tag("circle", class_="point", cx=at, cy=centre, r=2.5) for at in places]
    mark = joined([*points, mark])
    if estimate.low is None or estimate.high is None:
        return mark
    low, high = (float(area.across(value)) for value in (estimate.low, estimate.high))
    ends = f"M{low:.1f} {centre - 3:.1f}v6M{high:.1f} {centre - 3:.1f}v6"
    whisker = f"M{low:.1f} {centre:.1f}H{high:.1f}{ends}"
    return joined([tag("path", class_="whisker", d=whisker), mark])
