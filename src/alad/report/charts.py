"""Charts from numbers: lines, areas and dots over two axes; histograms; bars with spreads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from alad.report.axes import Axis, number
from alad.report.canvas import (
    LETTER,
    LINE,
    TONES,
    WIDTH,
    Chart,
    Key,
    Plot,
    legend,
    plot_area,
    spaced,
    words,
)
from alad.report.markup import Markup, joined, tag

HEIGHT = 300
BINS = 16, 48  # of a histogram, at least and at most
MOST_POINTS = 400  # of one line: more cannot be told apart
THICK, APART = 14, 10  # a bar, and the space between two groups of them


@dataclass(frozen=True)
class Series:
    """One line (or cloud of dots) of a chart: y over x, both [n]."""

    name: str  # "" leaves it out of the legend
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    tone: int = 1  # which colour, 1 to TONES
    shape: Literal["line", "area", "dot"] = "line"
    dashed: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Rule:
    """A straight line across the chart, at one value of the x axis."""

    name: str
    at: float
    tone: int = 0  # 0 = the colour of text


# --- over two axes --------------------------------------------------------------------------------


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
    """All series over one pair of axes; what they show in words, if no description is given."""
    keys = [_key(one) for one in series if one.name]
    keys += [Key(rule.name, rule.tone, "rule") for rule in rules if rule.name]
    entries, rows = legend(keys)
    area = plot_area(x, y, height, rows)
    marks = [_mark(area, one) for one in series]
    lines = [_rule(area, rule) for rule in rules if x.low <= rule.at <= x.high]
    body = joined([entries, area.frame(), *marks, *lines])
    return Chart(title, description or _told(x, y, series, rules), height, body)


def _key(one: Series) -> Key:
    return Key(one.name, one.tone, one.shape + (" dashed" if one.dashed else ""))


def _mark(area: Plot, one: Series) -> Markup:
    x, y = np.asarray(one.x, dtype=np.float64), np.asarray(one.y, dtype=np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    places = area.places(x[finite], y[finite])
    tone = f"t{one.tone}" + (" faint" if one.faint else "")
    if one.shape == "dot":
        dots = [tag("circle", class_="dot", cx=cx, cy=cy, r=2.5) for cx, cy in places.tolist()]
        return tag("g", *dots, class_=tone)
    places = thinned(places)
    line = tag("path", class_="line dashed" if one.dashed else "line", d=_path(places))
    if one.shape == "line" or not len(places):
        return tag("g", line, class_=tone)
    floor = area.top + area.height
    closed = f"{_path(places)}V{floor:.1f}H{places[0, 0]:.1f}Z"
    return tag("g", tag("path", class_="area", d=closed), line, class_=tone)


def _path(places: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places.tolist()) if len(places) else ""


def _rule(area: Plot, rule: Rule) -> Markup:
    d = f"M{float(area.across(rule.at)):.1f} {area.top:.1f}v{area.height:.1f}"
    return tag("g", tag("path", class_="rule", d=d), class_=f"t{rule.tone}")


def thinned(places: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """At most so many of the points [n, 2] of a line, evenly along its way, both ends kept."""
    if len(places) <= most:
        return places
    way = np.concatenate([[0.0], np.abs(np.diff(places, axis=0)).sum(axis=1).cumsum()])
    chosen = np.searchsorted(way, np.linspace(0, way[-1], most))
    return places[np.unique(np.concatenate([[0], chosen, [len(places) - 1]]))]


def steps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a line that keeps y[i] from x[i] to x[i + 1]: y [n], x [n + 1] -> [2n] each."""
    return np.repeat(x, 2)[1:-1], np.repeat(y, 2)


def _told(x: Axis, y: Axis, series: Sequence[Series], rules: Sequence[Rule]) -> str:
    parts = [f"{y.label} over {x.label}."]
    for one in series:
        values = np.asarray(one.y, dtype=np.float64)
        values = values[np.isfinite(values)]
        if one.name and len(values):
            low, high = y.written(float(values.min())), y.written(float(values.max()))
            begin, end = y.written(float(values[0])), y.written(float(values[-1]))
            parts.append(f"{one.name}: from {begin} to {end}, between {low} and {high}.")
    return " ".join([*parts, *(f"{rule.name}: {x.written(rule.at)}." for rule in rules)])


# --- histograms -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quantiles:
    """What is known of many values: their quantiles at equal steps from 0 to 1."""

    values: np.ndarray  # ascending
    count: int  # of the values themselves


Group = np.ndarray | Quantiles


def histogram(
    title: str, label: str, groups: Mapping[str, Group], rules: Sequence[Rule] = ()
) -> Chart:
    """Shares of each group's own rows over common bins, so that unequal groups compare.

    groups: name -> values [n], or their quantiles. Where tails are long the axis is logarithmic.
    """
    known = {name: group for name, group in groups.items() if count_of(group)}
    values = [group.values if isinstance(group, Quantiles) else group for group in known.values()]
    x = Axis.suited(label, *values, [rule.at for rule in rules])
    edges = x.edges(_bins(min(map(count_of, known.values()), default=0)))
    shares = [shares_between(edges, group) for group in known.values()]
    y = Axis("share of the group's rows", 0.0, max(map(np.max, shares), default=1.0), percent=True)
    series = [
        Series(f"{name} ({count_of(group):,})", *steps(edges, share), tone=tone, shape="area")
        for tone, ((name, group), share) in enumerate(zip(known.items(), shares, strict=True), 1)
    ]
    described = " ".join([f"Histogram of {label}.", *_groups_told(known, rules)])
    return plot(title, x, y.rounded(), series, rules, description=described)


def _bins(rows: int) -> int:
    """More where there are more rows (Rice's rule), so that few do not look like a comb."""
    least, most = BINS
    return int(np.clip(2 * np.cbrt(rows), least, most))


def count_of(group: Group) -> int:
    return group.count if isinstance(group, Quantiles) else len(group)


def shares_between(edges: np.ndarray, group: Group) -> np.ndarray:
    """Share of the group's values in each bin; [bins], summing to 1 if all lie within."""
    if isinstance(group, Quantiles):
        return np.diff(_share_up_to(edges, group.values))
    return np.histogram(group, edges)[0] / max(len(group), 1)


def _share_up_to(edges: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Share of values up to each edge, between quantiles in proportion; ties jump."""
    heights = np.linspace(0.0, 1.0, len(quantiles))
    distinct, last = np.unique(quantiles, return_index=False, return_counts=True)
    upper = heights[np.cumsum(last) - 1]  # the highest of tied quantiles
    inside = np.interp(edges, distinct, upper)
    inside[0] = 0.0
    return np.where(edges >= distinct[-1], 1.0, np.where(edges < distinct[0], 0.0, inside))


def _groups_told(groups: Mapping[str, Group], rules: Sequence[Rule]) -> list[str]:
    told = []
    for name, group in groups.items():
        values = group.values if isinstance(group, Quantiles) else group
        middle, high = number(float(np.median(values))), number(float(np.max(values)))
        told.append(f"{name}: {count_of(group):,} rows, median {middle}, highest {high}.")
    return told + [f"{rule.name}: {number(rule.at)}." for rule in rules]


# --- bars and dots with spreads -------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A value, and how far it spreads (None: not known)."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def around(cls, mean: float, sd: float | None) -> "Estimate":
        return cls(mean) if sd is None else cls(mean, mean - sd, mean + sd)


@dataclass(frozen=True)
class Compared:
    """One line of a bar chart: an estimate for every series, None where there is none."""

    label: str
    values: Sequence[Estimate | None]


def bars(
    title: str,
    x: Axis,
    series: Sequence[str],
    rows: Sequence[Compared],
    *,
    as_dots: bool = False,
    decimals: int | None = 3,
) -> Chart:
    """Horizontal bars from the axis's low end, one colour a series, spreads as whiskers.

    Dots instead of bars for axes that do not begin at 0. The second series is drawn hollow.
    """
    entries, legend_rows = legend([_bar_key(at, name, as_dots) for at, name in enumerate(series)])
    pitch = THICK * len(series) + APART
    left = min(LETTER * max((len(row.label) for row in rows), default=0) + 10, WIDTH * 0.42)
    top = 12 + LINE * legend_rows
    area = Plot(x, x, left, top, WIDTH - left - 62, pitch * len(rows))
    lines = [
        _compared(area, row, top + pitch * at, as_dots, decimals) for at, row in enumerate(rows)
    ]
    body = joined([entries, _upright_frame(area), *lines])
    described = _compared_told(x.label, series, rows, decimals)
    return Chart(title, described, top + area.height + 2 * LINE + 12, body)


def _bar_key(at: int, name: str, as_dots: bool) -> Key:
    return Key(name, at % TONES + 1, _class("dot" if as_dots else "bar", at))


def _class(shape: str, at: int) -> str:
    return f"{shape} hollow" if at == 1 else shape


def _upright_frame(area: Plot) -> Markup:
    bottom = area.top + area.height
    ticks = [(float(area.across(value)), text) for value, text in area.x.ticks()]
    grid = "".join(f"M{at:.1f} {area.top:.1f}V{bottom:.1f}" for at, _ in ticks)
    right = area.left + area.width
    numbers = [words(text, at, bottom + LINE, "middle") for at, text in spaced(ticks, right)]
    name = words(area.x.label, right, bottom + 2 * LINE, "end", "name")
    return joined([tag("path", class_="grid", d=grid), *numbers, name])


def _compared(area: Plot, row: Compared, top: float, as_dots: bool, decimals: int | None) -> Markup:
    middle = top + (THICK * len(row.values) + APART) / 2
    room = int((area.left - 10) / LETTER)
    label = row.label if len(row.label) <= room else row.label[: room - 1] + "…"
    parts = [tag("g", tag("title", row.label), words(label, area.left - 8, middle + 4, "end"))]
    for at, estimate in enumerate(row.values):
        y = top + APART / 2 + THICK * at
        if estimate is not None:
            drawn = _estimate(area, estimate, y, at, as_dots)
            text = words(number(estimate.value, decimals), WIDTH - 4, y + THICK - 3, "end", "value")
            parts.append(tag("g", drawn, text, class_=f"t{at % TONES + 1}"))
    return joined(parts)


def _estimate(area: Plot, estimate: Estimate, y: float, at: int, as_dots: bool) -> Markup:
    end, centre = float(area.across(estimate.value)), y + THICK / 2
    if as_dots:
        mark = tag("circle", class_=_class("dot", at), cx=end, cy=centre, r=4.5)
    else:
        size = {"width": max(end - area.left, 0.5), "height": THICK - 3.0}
        mark = tag("rect", class_=_class("bar", at), x=area.left, y=y + 1.5, **size)
    if estimate.low is None or estimate.high is None:
        return mark
    low, high = (float(area.across(value)) for value in (estimate.low, estimate.high))
    ends = f"M{low:.1f} {centre - 3:.1f}v6M{high:.1f} {centre - 3:.1f}v6"
    return joined(
        [tag("path", class_="whisker", d=f"M{low:.1f} {centre:.1f}H{high:.1f}{ends}"), mark]
    )


def _compared_told(
    label: str, series: Sequence[str], rows: Sequence[Compared], decimals: int | None
) -> str:
    told = [f"{label}."]
    for row in rows:
        pairs = zip(series, row.values, strict=True)
        known = [f"{name} {number(e.value, decimals)}" for name, e in pairs if e is not None]
        told.append(f"{row.label}: {', '.join(known) or 'nothing'}.")
    return " ".join(told)
