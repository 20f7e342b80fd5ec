"""A picture of scores as a PNG, drawn by matplotlib."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alad.data.writing import replacing
from alad.detector.attribution import Explanation
from alad.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_ROWS = 12  # most anomalous rows in a picture
SHOWN_COLUMNS = 12  # columns in a picture, those that raise scores most


def can_draw() -> bool:
    """Tell whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def draw(
    path: str | Path,
    scores: dict[str, np.ndarray],
    threshold: float,
    explanation: Explanation,
    title: str,
) -> None:
    """Draw a PNG: score histograms of the named groups, and what raised the scores explained.

    scores: name of a group -> scores [n], large = anomalous; threshold: flagged from there on.
    Raises InputError if matplotlib is not installed or the file cannot be written.
    """
    if not can_draw():
        raise InputError("no picture without matplotlib; pip install 'alad[report]'")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    _histograms(left, scores, threshold)
    _heat_map(right, explanation)
    figure.suptitle(title)
    try:
        with replacing(Path(path)) as file:
            figure.savefig(file, format="png", dpi=120)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _histograms(axes: "Axes", scores: dict[str, np.ndarray], threshold: float) -> None:
    together = np.concatenate(list(scores.values()))
    bins = _bins(together)
    for name, values in scores.items():
        axes.hist(values, bins=list(bins), alpha=0.6, label=f"{name} ({len(values)} rows)")
    if (together > 0).all():
        axes.set_xscale("log")
    axes.axvline(threshold, color="black", linestyle="--", label="flagged from here on")
    axes.set(xlabel="anomaly score", ylabel="rows", title="Scores of rows never trained on")
    axes.legend()


def _bins(scores: np.ndarray, count: int = 40) -> np.ndarray:
    """Edges over all scores: equal ratios if all are positive (long tails), else equal steps."""
    low, high = float(scores.min()), float(scores.max())
    if low == high:
        return np.array([low - 0.5, high + 0.5])
    return np.geomspace(low, high, count) if low > 0 else np.linspace(low, high, count)


def _heat_map(axes: "Axes", explanation: Explanation) -> None:
    count = min(SHOWN_ROWS, len(explanation.score))
    rows = 100 * np.array([explanation.raising(at) for at in range(count)])
    chosen = np.argsort(-rows.mean(axis=0), kind="stable")[:SHOWN_COLUMNS]
    image = axes.imshow(rows[:, chosen], aspect="auto", cmap="magma_r", vmin=0)
    names = [explanation.columns[at] for at in chosen]
    axes.set_xticks(range(len(chosen)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(rows)), [str(at + 1) for at in range(len(rows))])
    axes.set(ylabel="most anomalous rows", title="Columns that raise the score")
    figure = axes.get_figure()
    if figure is not None:
        figure.colorbar(image, ax=axes, label="part of what raises the score, %")
