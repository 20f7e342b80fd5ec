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
    y = Axis("share of the group", 0.0, max(map(np.max, shares), default=1.0), percent=True)
    series = [
        Series(f"{name} ({count_of(group):,})", *steps(edges, share), tone=tone, shape="area")
        for tone, ((name, group), share) in enumerate(zip(known.items(), shares, strict=True), 1)
    ]
    described = " ".join([f"Histogram of {label}.", *_in_words(known, rules)])
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


def _in_words(groups: Mapping[str, Group], rules: Sequence[Rule]) -> list[str]:
    told = []
    for name, group in groups.items():
        values = group.values if isinstance(group, Quantiles) else group
        middle, high = number(float(np.median(values))), number(float(np.max(values)))
        told.append(f"{name}: {count_of(group):,}, median {middle}, highest {high}.")
    return told + [f"{rule.name}: {number(rule.at)}." for rule in rules]
