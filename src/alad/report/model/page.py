"""A model's page: what it learnt, how it decides, and what it flags among new rows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alad.data.opening import source_of
from alad.detector.contract import Detector
from alad.detector.fitted import Fitted
from alad.detector.loading import understood
from alad.report.charts.axes import number
from alad.report.document import Page, write_text
from alad.report.model.anomalous_images import anomalous_images_section
from alad.report.model.anomalous_rows import anomalous_rows_section
from alad.report.model.decisions import calibration_section, scores_section
from alad.report.model.evaluation import evaluation_section
from alad.report.model.reconstructions import generated_section, reconstructions_section
from alad.report.model.training import learnt_section, of_tables, training_section, unit
from alad.report.page_parts import Facts, Section
from alad.version import __version__

Labels = np.ndarray | Callable[[], np.ndarray | None] | None
TOP = 200  # most anomalous rows shown
FOOT = f"Written by alad {__version__}. This file is complete: it loads nothing from elsewhere."


def model_page(
    detector: Detector | Fitted,
    rows: Any = None,
    anomalous: Labels = None,
    *,
    source: str = "the table",
    false_alarm_rate: float | None = None,
    top: int = TOP,
    about: Mapping[str, str] | None = None,
) -> Page:
    """Lay out the page of a fitted detector, and of new rows if there are any.

    rows: a table or images as the detector takes them, called `source` on the page. anomalous: bool
    [rows] by their labels, which no decision reads, or what gives it once all rows are scored.
    false_alarm_rate: where to flag; None = as `predict` does. top: most anomalous rows shown.
    about: more facts about the model. Raises InputError if the rows do not fit the model, or if it
    cannot keep the rate.
    """
    fitted = detector if isinstance(detector, Fitted) else detector.checked()
    if rows is not None and of_tables(fitted):
        rows = source_of(rows).table()
    rate = false_alarm_rate
    threshold = -fitted.offset_ if rate is None else fitted.threshold(rate)
    scores = None if rows is None else fitted.anomaly_score(rows)
    lead = "What the model learnt, and how it decides."
    with understood(fitted.name, "the stored model"):  # nobody has read its history before
        sections: list[Section | None] = [scores_section(fitted, threshold, rate, scores)]
        about_the_model = [learnt_section(fitted, about or {}), training_section(fitted)]
    # all about the new rows, what matters most to a reader first
    if scores is None:
        sections.append(generated_section(fitted))
    else:
        what = f"{len(scores):,} {unit(fitted)} of {source}"
        lead = f"{what}, scored by what the model learnt to be normal."
        flagged = scores > threshold
        anomalous = anomalous() if callable(anomalous) else anomalous
        sections.insert(0, _summary(unit(fitted), scores, threshold, flagged, rate))
        sections += _most_anomalous(fitted, rows, scores, flagged, anomalous, top)
        if fitted.calibration_ is not None:
            normal = None if anomalous is None else ~anomalous
            sections.append(calibration_section(fitted, scores, normal))
        if anomalous is not None:
            sections.append(evaluation_section(fitted.name, scores, flagged, anomalous))
    # then all about the model
    sections += about_the_model
    return Page(f"Anomaly report: {fitted.name}", lead, list(filter(None, sections)), FOOT)


def _most_anomalous(
    detector: Fitted,
    rows: Any,
    scores: np.ndarray,
    flagged: np.ndarray,
    anomalous: np.ndarray | None,
    top: int,
) -> list[Section | None]:
    """Show the `top` rows or images by score; of images also what the model makes of them."""
    shown = (detector, rows, scores, flagged)
    if of_tables(detector):
        labels = None if anomalous is None else np.where(anomalous, "anomalous", "normal").tolist()
        return [anomalous_rows_section(*shown, labels, top=top)]
    images = anomalous_images_section(*shown, top=top)
    return [images, reconstructions_section(*shown), generated_section(detector)]


def _summary(
    what: str, scores: np.ndarray, threshold: float, flagged: np.ndarray, rate: float | None
) -> Section:
    """Show in large numbers how many rows were scored, how many flagged, and from where on."""
    share = f" ({number(100 * float(flagged.mean()))}\u00a0%)" if len(scores) else ""
    headline = {
        f"{what} scored": f"{len(scores):,}",
        "flagged": f"{int(flagged.sum()):,}{share}",
        "flagged above": number(threshold),
        "highest score": number(float(scores.max())) if len(scores) else "–",
    }
    if rate is not None:
        headline["false-alarm rate asked for"] = f"{number(100 * rate)} %"
    return Section("At a glance", [Facts(headline, large=True)])


def write_model_page(path: str | Path, page: Page) -> None:
    """Write the page as HTML. Raises InputError if the file cannot be written."""
    write_text(Path(path), page.html())
