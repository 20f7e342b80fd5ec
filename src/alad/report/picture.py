"""A PNG of scores and of what raised them, drawn by matplotlib."""

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
BINS = 40  # edges of the histograms
SHOWN_COLUMNS = 12  # columns in a picture, those that raise scores most


def can_draw() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(
    path: str | Path,
    scores: dict[str, np.ndarray],
    threshold: float,
    explanation: Explanation,
    title: str,
) -> None:
    """Draw a PNG: histograms of the groups' scores, and the columns that raised those explained.

    scores: name of a group -> scores [n], large = anomalous. threshold: rows above it are flagged.
    Raises InputError if matplotlib is not installed or the file cannot be written.
    """
    if not can_draw():
        raise InputError("no picture without matplotlib; pip install 'alad[report]'")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    _histograms(left, scores, threshold)
    # what raised the scores of the most anomalous rows, columns that raise them most first
    count = min(SHOWN_ROWS, len(explanation.score))
    rows = 100 * np.array([explanation.raising(at) for at in range(count)])
    chosen = np.argsort(-rows.mean(axis=0), kind="stable")[:SHOWN_COLUMNS]
    image = right.imshow(rows[:, chosen], aspect="auto", cmap="magma_r", vmin=0)
    names = [explanation.columns[at] for at in chosen]
    right.set_xticks(range(len(chosen)), names, rotation=40, ha="right")
    right.set_yticks(range(count), [str(at + 1) for at in range(count)])
    right.set(ylabel="most anomalous rows", title="Columns that raise the score")
    figure.colorbar(image, ax=right, label="part of what raises the score, %")
    figure.suptitle(title)
    try:
        with replacing(Path(path)) as file:
            figure.savefig(file, format="png", dpi=120)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _histograms(axes: "Axes", scores: dict[str, np.ndarray], threshold: float) -> None:
    """Draw histograms of scores, over a logarithmic axis if all are positive."""
    together = np.concatenate(list(scores.values()))
    low, high = float(together.min()), float(together.max())
    if low == high:
        bins = np.array([low - 0.5, high + 0.5])
    else:
        bins = (np.geomspace if low > 0 else np.linspace)(low, high, BINS)
    for name, values in scores.items():
        axes.hist(values, bins=list(bins), alpha=0.6, label=f"{name} ({len(values)} rows)")
    if low > 0:
        axes.set_xscale("log")
    axes.axvline(threshold, color="black", linestyle="--", label="flagged from here on")
    axes.set(xlabel="anomaly score", ylabel="rows", title="Scores of rows never trained on")
    axes.legend()
