"""Histograms of unequal groups, from their values or from quantiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alad.report.charts.axes import Axis, number
from alad.report.charts.canvas import Chart
from alad.report.charts.lines import Rule, Series, plot, steps

BINS = 16, 48  # at least and at most


@dataclass(frozen=True)
class Quantiles:
    """The quantiles of many values, at equal steps from 0 to 1."""

    values: np.ndarray  # ascending
    count: int  # of the values themselves


Sample = np.ndarray | Quantiles


def histogram(
    title: str, label: str, groups: Mapping[str, Sample], rules: Sequence[Rule] = ()
) -> Chart:
    """Draw for each group the shares of its own rows over common bins.

    groups: name -> values [n], or their quantiles. The axis is logarithmic if tails are long.
    """
    shown = {name: group for name, group in groups.items() if count_of(group)}
    values = [group.values if isinstance(group, Quantiles) else group for group in shown.values()]
    counts = [count_of(group) for group in shown.values()]
    x = Axis.suited(label, *values, [rule.at for rule in rules])
    # more bins where there are more rows (Rice's rule), so that few do not look like a comb
    edges = x.edges(int(np.clip(2 * np.cbrt(min(counts, default=0)), *BINS)))
    shares = [shares_between(edges, group) for group in shown.values()]
    y = Axis("share of the group", 0.0, max(map(np.max, shares), default=1.0), percent=True)
    series = [
        Series(f"{name} ({count:,})", *steps(edges, share), tone=tone, shape="area")
        for tone, (name, count, share) in enumerate(zip(shown, counts, shares, strict=True), 1)
    ]
    described = [f"Histogram of {label}."]
    for name, count, group in zip(shown, counts, values, strict=True):
        middle, high = number(float(np.median(group))), number(float(np.max(group)))
        described.append(f"{name}: {count:,}, median {middle}, highest {high}.")
    described += [f"{rule.name}: {number(rule.at)}." for rule in rules]
    return plot(title, x, y.rounded(), series, rules, description=" ".join(described))


def count_of(group: Sample) -> int:
    """Count the values of a group."""
    return group.count if isinstance(group, Quantiles) else len(group)


def shares_between(edges: np.ndarray, group: Sample) -> np.ndarray:
    """Measure the share of the group in each bin; -> [bins], summing to 1 if all lie within."""
    if isinstance(group, Quantiles):
        return np.diff(_share_up_to(edges, group.values))
    return np.histogram(group, edges)[0] / max(len(group), 1)


def _share_up_to(edges: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Interpolate the share of values up to each edge [bins + 1]; tied quantiles are a jump."""
    heights = np.linspace(0.0, 1.0, len(quantiles))
    distinct, counts = np.unique(quantiles, return_counts=True)
    upper = heights[np.cumsum(counts) - 1]  # the highest of tied quantiles
    inside = np.interp(edges, distinct, upper)
    inside[0] = 0.0
    return np.where(edges >= distinct[-1], 1.0, np.where(edges < distinct[0], 0.0, inside))
