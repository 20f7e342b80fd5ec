"""Axes of a chart: where a value stands, which ticks to draw, and how to write a number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np

Kind = Literal["linear", "log", "asinh"]

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # of linear ticks, times a power of ten
LONG_TAIL = 30  # times the middle half's width: beyond that a linear axis shows only the tail
SMALLEST, LARGEST = -3, 5  # powers of ten between which numbers are written out
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """Places values along its length, and chooses its ticks.

    An asinh axis is linear within `unit` of `middle`, and logarithmic beyond.
    """

    label: str
    low: float
    high: float
    kind: Kind = "linear"
    percent: bool = False
    unit: float = 1.0
    middle: float = 0.0

    @classmethod
    def over(cls, label: str, *values: Sequence[float] | np.ndarray, percent: bool = False) -> Self:
        """Make a linear axis over all finite values, never of length 0."""
        low, high = _span(_finite(values))
        return cls(label, low, high, percent=percent)

    @classmethod
    def suited(cls, label: str, *values: Sequence[float] | np.ndarray) -> Self:
        """Make an axis as `over`; logarithmic, or asinh with values below 0, if tails are long.

        Tails are measured in widths of the middle half of the narrowest group of values.
        """
        low, high = _span(_finite(values))
        groups = filter(len, (_finite((group,)) for group in values))
        halves = [np.quantile(group, (0.25, 0.5, 0.75)) for group in groups]
        narrow = min((half for half in halves if half[2] > half[0]), key=_width, default=None)
        if narrow is None or high - low <= LONG_TAIL * _width(narrow):
            return cls(label, low, high)
        if low > 0:
            return cls(label, low, high, "log")
        return cls(label, low, high, "asinh", unit=_width(narrow), middle=float(narrow[1]))

    def rounded(self) -> Self:
        """Extend a linear axis at both ends to a tick."""
        if self.kind != "linear":
            return self
        step = _step(self.high - self.low)
        low, high = math.floor(self.low / step) * step, math.ceil(self.high / step) * step
        return replace(self, low=low, high=high)

    def share(self, values: Sequence[float] | np.ndarray | float) -> np.ndarray:
        """Place values: 0 = at `low`, 1 = at `high`; those outside stand at the ends."""
        low, high = self._warp(np.array([self.low, self.high]))
        place = (self._warp(np.asarray(values, dtype=np.float64)) - low) / (high - low)
        return np.clip(place, 0.0, 1.0)

    def edges(self, count: int) -> np.ndarray:
        """Divide the axis into `count` equal lengths; -> edges [count + 1], `low` first."""
        low, high = self._warp(np.array([self.low, self.high]))
        edges = self._unwarp(np.linspace(low, high, count + 1))
        edges[0], edges[-1] = self.low, self.high
        return edges

    def _warp(self, x: np.ndarray) -> np.ndarray:
        if self.kind == "log":
            return np.log10(np.maximum(x, np.finfo(np.float64).tiny))
        return x if self.kind == "linear" else np.arcsinh((x - self.middle) / self.unit)

    def _unwarp(self, x: np.ndarray) -> np.ndarray:
        if self.kind == "log":
            return 10.0**x
        return x if self.kind == "linear" else np.sinh(x) * self.unit + self.middle

    def ticks(self, count: int = 5) -> list[tuple[float, str]]:
        """Choose about `count` ticks; -> (value, its text), from low to high."""
        if self.kind == "log":
            values = _log_ticks(self.low, self.high, count)
        elif self.kind == "asinh":
            values = self._spread_ticks(count)
        else:
            values = _linear_ticks(self.low, self.high, count)
        return [(value, self.written(value, values)) for value in values]

    def written(self, value: float, beside: Sequence[float] = ()) -> str:
        """Write a tick's number, with the decimals that tell it from those `beside` it."""
        scale = 100.0 if self.percent else 1.0
        gaps = np.diff(np.asarray(beside) * scale)
        decimals = _decimals(float(gaps.min())) if len(gaps) and self.kind == "linear" else None
        return number(value * scale, decimals) + (" %" if self.percent else "")

    def _spread_ticks(self, count: int) -> list[float]:
        """Choose of 0 and 1, 5 and 2 times powers of ten those that stand clear of each other."""
        powers = [m * 10.0**power for m in (1, 5, 2) for power in range(15, -13, -1)]
        wanted = [0.0, *(sign * power for power in powers for sign in (1, -1))]
        kept: list[float] = []
        for value in wanted:
            inside = self.low <= value <= self.high
            near = any(abs(self.share(value) - self.share(other)) < 0.8 / count for other in kept)
            if inside and not near:
                kept.append(value)
        return sorted(kept) or [self.low, self.high]


def number(value: float, decimals: int | None = None) -> str:
    """Write a number: "12,500", "0.05", "2×10⁻⁷"; 3 significant digits without `decimals`."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "-∞").replace("-", "−")
    if value == 0:
        return "0" if not decimals else f"{0:.{decimals}f}"
    power = math.floor(math.log10(abs(value)))
    if not SMALLEST <= power <= LARGEST and (decimals is None or abs(decimals) > -SMALLEST):
        digits, exponent = f"{value:.2e}".split("e")
        digits = digits.rstrip("0").rstrip(".")
        times = "" if digits == "1" else "−" if digits == "-1" else f"{digits}×"
        text = f"{times}10{str(int(exponent)).translate(SUPERSCRIPT)}"
    elif decimals is None:
        text = f"{value:,.{max(0, 2 - power)}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{value:,.{max(decimals, 0)}f}"
    return text.replace("-", "−")


def _finite(values: tuple[Sequence[float] | np.ndarray, ...]) -> np.ndarray:
    together = np.concatenate([np.asarray(v, dtype=np.float64).ravel() for v in values])
    return together[np.isfinite(together)]


def _width(quartiles: np.ndarray) -> float:
    return float(quartiles[2] - quartiles[0])


def _span(finite: np.ndarray) -> tuple[float, float]:
    """Find the lowest and the highest value; two ends even where there is no or one value."""
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    room = abs(low) / 2 or 0.5
    return low - room, high + room


def _step(span: float, count: int = 5) -> float:
    """Choose the distance between ticks that makes about `count` of them."""
    power = 10.0 ** math.floor(math.log10(span / count))
    return next(step * power for step in STEPS if step * power >= span / count * 0.999)


def _linear_ticks(low: float, high: float, count: int) -> list[float]:
    step = _step(high - low, count)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [at * step for at in range(first, last + 1)]


def _decimals(gap: float) -> int:
    """Count the decimals that tell two ticks apart: 0.25 -> 2, 0.5 -> 1, 20 -> 0."""
    for decimals in range(12):
        if abs(round(gap, decimals) - gap) < gap * 1e-3:
            return decimals
    return 12


def _log_ticks(low: float, high: float, count: int) -> list[float]:
    """List powers of ten, or 1, 2 and 5 times them where these are few."""
    first, last = math.log10(low), math.log10(high)
    if last - first < 1.0:  # within a decade, ticks at equal distances serve best
        return _linear_ticks(low, high, count)
    powers = range(math.ceil(first - 1e-9), math.floor(last + 1e-9) + 1)
    if len(powers) <= 2:
        around = range(powers[0] - 1, powers[-1] + 1)
        fine = [10.0**power * m for power in around for m in (1, 2, 5)]
        return [value for value in fine if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]
    step = math.ceil(len(powers) / (count + 1))
    return [10.0**power for power in powers if power % step == 0]
