"""A model's page: what it learnt, how it decides, and what it finds in new rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alad.detector.contract import Detector
from alad.detector.fitted import Fitted
from alad.report.charts.axes import number
from alad.report.document import Page, write_text
from alad.report.model.anomalous_images import anomalous_images_section
from alad.report.model.anomalous_rows import anomalous_rows_section
from alad.report.model.decisions import Decision, calibration_section, scores_section
from alad.report.model.evaluation import evaluation_section
from alad.report.model.reconstructions import generated_section, reconstructions_section
from alad.report.model.training import learnt_section, of_tables, training_section, unit
from alad.report.page_parts import Facts, Section
from alad.version import __version__

TOP = 200  # most anomalous rows shown
FOOT = f"Written by alad {__version__}. This file is complete: it loads nothing from elsewhere."


def model_page(
    detector: Detector | Fitted,
    rows: Any = None,
    anomalous: np.ndarray | None = None,
    *,
    source: str = "the table",
    false_alarm_rate: float | None = None,
    top: int = TOP,
    about: Mapping[str, str] | None = None,
) -> Page:
    """Lay out the page of a fitted detector, and of new rows if there are any.

    rows: a table or images as the detector takes them, called `source` on the page. anomalous: bool
    [rows], the answer, which is only held against decisions already made. false_alarm_rate: where
    to flag; None = as `predict` does. Raises InputError if the rows do not fit the model, or the
    rate cannot be asked for.
    """
    if not isinstance(detector, Fitted):
        detector = detector.checked()
    decision = Decision.of(detector, false_alarm_rate)
    lead = "What the model learnt, and how it decides."
    sections: list[Section | None]
    if rows is None:
        sections = [scores_section(detector, decision, None), generated_section(detector)]
    else:
        scores = detector.anomaly_score(rows)
        lead = (
            f"{len(scores):,} {unit(detector)} of {source}, scored by what the model learnt to be "
            "normal."
        )
        sections = _new_rows(detector, decision, rows, scores, anomalous, top)
    sections += [learnt_section(detector, about or {}), training_section(detector)]
    kept = [section for section in sections if section]
    return Page(f"Anomaly report: {detector.name}", lead, kept, FOOT)


def write_model_page(path: str | Path, page: Page) -> None:
    """Write the page as HTML. Raises InputError if the file cannot be written."""
    write_text(Path(path), page.html())


def _new_rows(
    detector: Any,
    decision: Decision,
    rows: Any,
    scores: np.ndarray,
    anomalous: np.ndarray | None,
    top: int,
) -> list[Section | None]:
    """Show everything about the new rows, what matters most to a reader first."""
    flagged = decision.flagged(scores)
    shown = (rows, scores, flagged)
    sections: list[Section | None] = [
        _summary(detector, decision, scores),
        scores_section(detector, decision, scores),
    ]
    if of_tables(detector):
        labels = None if anomalous is None else np.where(anomalous, "anomalous", "normal").tolist()
        sections.append(anomalous_rows_section(detector, *shown, labels, top=top))
    else:
        sections += [
            anomalous_images_section(detector, *shown, top=top),
            reconstructions_section(detector, *shown),
            generated_section(detector),
        ]
    if detector.calibration_ is not None:
        normal = None if anomalous is None else ~anomalous
        sections.append(calibration_section(detector, scores, normal))
    if anomalous is not None:
        sections.append(evaluation_section(detector.name, scores, flagged, anomalous))
    return sections


def _summary(detector: Any, decision: Decision, scores: np.ndarray) -> Section:
    flagged = decision.flagged(scores)
    share = f" ({number(100 * float(flagged.mean()))}\u00a0%)" if len(scores) else ""
    headline = {
        f"{unit(detector)} scored": f"{len(scores):,}",
        "flagged": f"{int(flagged.sum()):,}{share}",
        "flagged above": number(decision.threshold),
        "highest score": number(float(scores.max())) if len(scores) else "–",
    }
    if decision.rate is not None:
        headline["false-alarm rate asked for"] = f"{number(100 * decision.rate)} %"
    return Section("At a glance", [Facts(headline, large=True)])
