"""A chart's frame: plot area, axes, grid and legend, with a description in words.

Charts are SVG whose colours are CSS variables, so that a page's light and dark themes colour them.
They are drawn narrow (WIDTH units), so that their text can be read on a phone.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from alad.report.charts.axes import Axis
from alad.report.markup import Markup, joined, tag

WIDTH = 480  # units of the drawing; about as many pixels on a desk, fewer on a phone
LETTER = 7.1  # mean width of a letter of the charts' text (12 units), in a wide typeface
LINE = 18  # from one line of text to the next
TONES = 6  # colours that `charts.css` tells apart


@dataclass(frozen=True)
class Chart:
    """A drawing, and its description for readers who do not see it."""

    title: str
    description: str
    height: float
    body: Markup
    width: float = WIDTH

    def svg(self) -> Markup:
        """Write the `<svg>` for a page, whose style sheet colours it."""
        key = f"c{zlib.crc32(f'{self.title}{self.description}{self.body}'.encode()):08x}"
        return tag(
            "svg",
            tag("title", self.title, id=f"{key}t"),
            tag("desc", self.description, id=f"{key}d"),
            self.body,
            class_="chart",
            viewBox=f"0 0 {self.width:.0f} {self.height:.0f}",
            role="img",
            aria_labelledby=f"{key}t {key}d",
            xmlns="http://www.w3.org/2000/svg",
        )

    def file(self) -> str:
        """Write the text of an .svg file, which follows light and dark by itself."""
        style = tag("style", joined(map(stylesheet, ("colours.css", "charts.css"))))
        ground = tag("rect", class_="ground", width=self.width, height=self.height)
        svg = self.svg()
        begin = svg.index(">") + 1
        return f"{svg[:begin]}{style}{ground}{svg[begin:]}\n"


@lru_cache(maxsize=8)
def stylesheet(name: str) -> Markup:
    """Read a style sheet or script of `report/`."""
    return Markup(files("alad.report").joinpath(name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Plot:
    """The area inside the axes, in units of the drawing."""

    x: Axis
    y: Axis
    left: float
    top: float
    width: float
    height: float

    def across(self, values: Sequence[float] | np.ndarray | float) -> np.ndarray:
        """Place values [n] of the x axis."""
        return self.left + self.width * self.x.share(values)

    def down(self, values: Sequence[float] | np.ndarray | float) -> np.ndarray:
        """Place values [n] of the y axis."""
        return self.top + self.height * (1 - self.y.share(values))

    def places(
        self, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray
    ) -> np.ndarray:
        """Place points; -> [n, 2]."""
        return np.stack([self.across(x), self.down(y)], axis=1)

    def frame(self) -> Markup:
        """Draw grid lines, ticks and the axes' names."""
        bottom, right = self.top + self.height, self.left + self.width
        xs = [(float(self.across(value)), text) for value, text in self.x.ticks()]
        ys = [(float(self.down(value)), text) for value, text in self.y.ticks()]
        grid = "".join(f"M{self.left:.1f} {at:.1f}h{self.width:.1f}" for at, _ in ys)
        return joined(
            [
                tag("path", class_="grid", d=grid),
                tag("path", class_="axis", d=f"M{self.left:.1f} {bottom:.1f}H{right:.1f}"),
                *(tag("path", class_="axis", d=f"M{at:.1f} {bottom:.1f}v4") for at, _ in xs),
                *(words(text, at, bottom + LINE, "middle") for at, text in spaced(xs, right)),
                *(words(text, self.left - 6, at + 4, "end") for at, text in ys),
                words(self.y.label, 2, self.top - 10, "start", "name"),
                words(self.x.label, right, bottom + 2 * LINE, "end", "name"),
            ]
        )


def plot_area(x: Axis, y: Axis, height: float, legend_rows: int) -> Plot:
    """Make the area that the y axis' numbers and the legend leave in a chart of that height."""
    left = 14 + LETTER * max((len(text) for _, text in y.ticks()), default=1)
    top = 28 + LINE * legend_rows
    return Plot(x, y, left, top, WIDTH - left - 16, height - top - 2 * LINE - 8)


def words(
    text: str, x: float, y: float, anchor: str = "start", class_: str | None = None
) -> Markup:
    """Draw a text whose start, middle or end is at (x, y)."""
    anchored = None if anchor == "start" else anchor
    return tag("text", text, x=x, y=y, text_anchor=anchored, class_=class_)


def spaced(ticks: list[tuple[float, str]], right: float) -> list[tuple[float, str]]:
    """Keep the ticks, (place, text), whose texts do not run into the one before."""
    kept: list[tuple[float, str]] = []
    for at, text in ticks:
        half = LETTER * len(text) / 2
        at = min(at, right + 14 - half)
        if not kept or at - half > kept[-1][0] + LETTER * len(kept[-1][1]) / 2 + 4:
            kept.append((at, text))
    return kept


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    name: str
    tone: int
    shape: str  # class of its sample: line, line dashed, area, dot, dot hollow, bar, …, rule


def legend(keys: Sequence[Key]) -> tuple[Markup, int]:
    """Draw the entries side by side; -> the drawing, and the number of rows that it takes."""
    parts, x, row = [], 2.0, 0
    for key in keys:
        width = 30 + LETTER * len(key.name)
        if x > 2 and x + width > WIDTH:
            x, row = 2.0, row + 1
        y = 14.0 + LINE * row
        if key.shape.startswith(("line", "rule")):
            sample = tag("path", class_=key.shape, d=f"M{x:.1f} {y - 4:.1f}h16")
        elif key.shape.startswith("dot"):
            sample = tag("circle", class_=key.shape, cx=x + 8, cy=y - 4, r=4.0)
        else:
            sample = tag("rect", class_=key.shape, x=x, y=y - 10, width=16.0, height=11.0)
        parts.append(tag("g", sample, words(key.name, x + 21, y), class_=f"t{key.tone}"))
        x += width
    return joined(parts), row + 1 if keys else 0
