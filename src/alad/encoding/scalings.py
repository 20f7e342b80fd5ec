"""Ways to bring number columns of any size and tail to one scale, as rows of one table."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from alad.indexing import entries

RATIO_LIMIT = 1e300  # a ratio beyond would be infinite, and its logarithm with it
STEEPEST = 700.0  # the exponential of more is not finite
SAME = 1e-6  # relative difference that float32 storage explains, on a column constant at fit
FLOOR = 0.5  # least deviation divided by after a warp: rare values must not become huge ones
KNOTS = 1000  # most points of a column's distribution function
QUARTER_OF_NORMAL = 0.6744897501960817  # upper quartile of the standard normal distribution

Parameters = dict[str, Any]  # of one column, JSON-able: floats and lists of floats


class Warp(NamedTuple):
    """A monotone map of one column; its parameters are what `fit` returns.

    `undo` is its inverse. `together`: whether both map many columns at once, given an array for
    each of the parameters.
    """

    fit: Callable[[np.ndarray], Parameters]
    apply: Callable[..., np.ndarray]
    undo: Callable[..., np.ndarray]
    together: bool = True


class Scaling(NamedTuple):
    """t = warp(x), then (t - shift) / unit, with (shift, unit) = spread(t of training rows)."""

    summary: str
    warp: Warp
    spread: Callable[[np.ndarray], tuple[float, float]]
    constants: bool = False  # whether columns that are constant at fit are kept as they are


def ratio(x: np.ndarray, scale: float | np.ndarray) -> np.ndarray:
    """Compute x / scale, finite even if scale is tiny."""
    with np.errstate(over="ignore"):
        return limited(x / scale, RATIO_LIMIT)


def limited(x: np.ndarray, limit: float) -> np.ndarray:
    """Clip x to [-limit, limit]."""
    return np.clip(x, -limit, limit)


def _middle(x: np.ndarray) -> Parameters:
    """Find the median, and the width of the narrower quarter beside it, as a deviation.

    The narrower, because a long tail widens its own side: values that span nine decades would
    almost coincide below it. If both are 0, the median distance of the other values.
    """
    low, center, high = np.quantile(x, [0.25, 0.5, 0.75])
    widths = [width for width in (center - low, high - center) if width > 0]
    away = np.abs(x - center)
    scale = min(widths) / QUARTER_OF_NORMAL if widths else np.median(away[away > 0])
    return {"center": float(center), "scale": float(scale)}


def _compressed(x: np.ndarray, center: float, scale: float) -> np.ndarray:
    """Compute arcsinh((x - center) / scale): linear near the center, logarithmic far from it."""
    return np.arcsinh(ratio(x - center, scale))


def _stretched(t: np.ndarray, center: float, scale: float) -> np.ndarray:
    """Undo `_compressed`."""
    return center + scale * _sinh(t)


def _sinh(t: np.ndarray) -> np.ndarray:
    """Compute sinh, finite wherever t is."""
    return np.sinh(limited(t, STEEPEST))


def _logarithm(x: np.ndarray) -> np.ndarray:
    return np.copysign(np.log1p(np.abs(x)), x)


def _exponential(t: np.ndarray) -> np.ndarray:
    """Undo `_logarithm`."""
    return np.copysign(np.expm1(np.abs(limited(t, STEEPEST))), t)


def _distribution(x: np.ndarray) -> Parameters:
    """Find points (x, normal score of its mid-rank) of the distribution function, rising."""
    from scipy.special import ndtri  # for fits alone

    met, counts = np.unique(x, return_counts=True)
    share = (np.cumsum(counts) - counts / 2) / len(x)
    kept = np.unique(np.linspace(0, len(met) - 1, min(len(met), KNOTS)).astype(int))
    return {"knots": met[kept].tolist(), "scores": ndtri(share[kept]).tolist()}


def _normal_score(x: np.ndarray, knots: list[float], scores: list[float]) -> np.ndarray:
    """Interpolate linearly between the knots, and extrapolate by the logarithm."""
    at, to = np.asarray(knots), np.asarray(scores)
    left = np.clip(np.searchsorted(at, x, side="right") - 1, 0, len(at) - 2)
    inside = np.clip(x, at[0], at[-1])
    low, start = entries(at, left), entries(to, left)
    rise = (entries(to, left + 1) - start) * ((inside - low) / (entries(at, left + 1) - low))
    return start + rise + np.arcsinh(ratio(x - inside, at[-1] - at[0]))


def _value_of_score(t: np.ndarray, knots: list[float], scores: list[float]) -> np.ndarray:
    """Undo `_normal_score`."""
    at, to = np.asarray(knots), np.asarray(scores)
    inside = np.clip(t, to[0], to[-1])
    return np.interp(inside, to, at) + (at[-1] - at[0]) * _sinh(t - inside)


def _keep(t: np.ndarray) -> tuple[float, float]:
    return 0.0, 1.0


def _span(t: np.ndarray) -> tuple[float, float]:
    """Give shift and unit that bring the training rows to [-1, 1]."""
    low, high = float(t.min()), float(t.max())
    return (low + high) / 2, (high - low) / 2


def _deviation(t: np.ndarray) -> tuple[float, float]:
    return float(t.mean()), float(t.std())


def _floored_deviation(t: np.ndarray) -> tuple[float, float]:
    return float(t.mean()), max(float(t.std()), FLOOR)


IDENTITY = Warp(lambda x: {}, lambda x: x, lambda t: t)
TAILS = Warp(_middle, _compressed, _stretched)
LOGARITHM = Warp(lambda x: {}, _logarithm, _exponential)
RANKS = Warp(_distribution, _normal_score, _value_of_score, together=False)

SCALINGS = {
    "none": Scaling("as it is (the ALAD authors' input)", IDENTITY, _keep, constants=True),
    "minmax": Scaling("to [-1, 1]", IDENTITY, _span),
    "standard": Scaling("mean 0, deviation 1", IDENTITY, _deviation),
    "robust": Scaling(
        "tails compressed around the median, then standard", TAILS, _floored_deviation
    ),
    "robust-minmax": Scaling("tails compressed around the median, to [-1, 1]", TAILS, _span),
    "log": Scaling("sign * log(1 + |x|), then standard", LOGARITHM, _deviation),
    "log-minmax": Scaling("sign * log(1 + |x|), to [-1, 1]", LOGARITHM, _span),
    "quantile": Scaling("ranks as normal scores", RANKS, _keep),
}


def is_constant(x: np.ndarray) -> bool:
    """Tell whether the values differ by no more than rounding explains."""
    low, high = x.min(), x.max()
    return bool(high - low <= 8 * np.finfo(float).eps * max(abs(low), abs(high)))


def novelty(x: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Encode a column once constant: 0 at the constant, else signed, 1 plus a logarithm."""
    away = x - constant
    size = np.where(constant == 0, 1.0, np.abs(constant))
    seen = np.abs(away) <= SAME * np.abs(constant)
    return np.where(seen, 0.0, np.sign(away) * (1 + np.log1p(ratio(np.abs(away), size))))
