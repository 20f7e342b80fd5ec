"""Curves of ranking: ROC, and precision over recall, each over what chance would reach."""

from collections.abc import Mapping

from alad.metrics import Curve
from alad.report.charts.axes import Axis
from alad.report.charts.canvas import TONES, Chart
from alad.report.charts.lines import Series, plot

HEIGHT = 380
RECALL = "recall: share of anomalies flagged"
FALSE_ALARMS = "false-alarm rate: share of normal rows flagged"
FEWEST_FALSE_ALARMS = 1e-3  # where a logarithmic axis of rates begins
CHANCE_POINTS = 40  # of its line, which is curved there


def roc_chart(title: str, curves: Mapping[str, Curve], *, corner: bool = False) -> Chart:
    """Draw ROC curves by name, as `metrics.roc` makes them.

    corner: a logarithmic axis of false alarms, for curves that a linear one squeezes to its left.
    """
    x = Axis(FALSE_ALARMS, 0.0, 1.0, percent=True)
    if corner:
        x = Axis(f"{FALSE_ALARMS}, logarithmic", FEWEST_FALSE_ALARMS, 1.0, "log", percent=True)
    y = Axis(RECALL, 0.0, 1.0, percent=True)
    diagonal = x.edges(CHANCE_POINTS)
    chance = Series("chance", diagonal, diagonal, tone=0, dashed=True, faint=True)
    return plot(title, x, y, [*_lines(curves), chance], height=HEIGHT)


def precision_recall_chart(
    title: str, curves: Mapping[str, Curve], anomalous_share: float
) -> Chart:
    """Draw precision over recall by name, as `metrics.precision_recall` makes them."""
    x = Axis(RECALL, 0.0, 1.0, percent=True)
    y = Axis("precision: share of anomalies among those flagged", 0.0, 1.0, percent=True)
    level = (anomalous_share, anomalous_share)
    chance = Series("chance", (0.0, 1.0), level, tone=0, dashed=True, faint=True)
    return plot(title, x, y, [*_lines(curves), chance], height=HEIGHT)


def _lines(curves: Mapping[str, Curve]) -> list[Series]:
    return [
        Series(name, curve.x, curve.y, tone=at % TONES + 1)
        for at, (name, curve) in enumerate(curves.items())
    ]
